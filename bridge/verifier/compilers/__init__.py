"""Compilers of any released version, installed on demand and run apart, within limits."""
