"""Experiments that measure a processor's figures, again and again, and what follows from them."""
