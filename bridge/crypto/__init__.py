"""Signatures, key encapsulation, hashes and trees: one facade, several libraries behind it."""
