"""Compiled kernels on packed 64-bit words, each with a plain twin that gives the same bits.

Bit i of a packed vector is bit i % 64 of word i // 64. Nothing here is imported by a command that
does not run the link: compiling costs seconds in a fresh clone, and importing the compiler costs a
second always.
"""
