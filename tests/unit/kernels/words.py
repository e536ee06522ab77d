"""Eight polynomials as the words of the kernels, and back."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.kernels.layout87 import word

REGION = 2 * 256 * 32


def to_words(polys: Sequence[Sequence[int]]) -> bytes:
    """The region at POLYS with polynomial p in lane p % 4 of set p // 4."""
    region = bytearray(REGION)
    for set_ in (0, 1):
        for index in range(256):
            value = sum(polys[4 * set_ + lane][index] << (64 * lane) for lane in range(4))
            region[word(set_, index) : word(set_, index) + 32] = value.to_bytes(32)
    return bytes(region)


def from_words(region: bytes) -> list[list[int]]:
    """The eight polynomials of a region."""
    polys = [[0] * 256 for _ in range(8)]
    for set_ in (0, 1):
        for index in range(256):
            value = int.from_bytes(region[word(set_, index) : word(set_, index) + 32])
            for lane in range(4):
                polys[4 * set_ + lane][index] = value >> (64 * lane) & (1 << 64) - 1
    return polys
