"""Where the link's randomness comes from: secrets from the operating system, noise from numpy."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError

Bits: TypeAlias = npt.NDArray[np.uint8]
"""One bit in each byte, 0 or 1."""


class Randomness:
    """A source of secret bytes, and a generator for what nature does.

    Key bits, bases, samples and hash seeds come from the secret bytes. Loss, noise and clicks,
    which no security rests on, come from ``noise``.
    """

    __slots__ = ("_secret_bytes", "noise")

    def __init__(self, secret_bytes: Callable[[int], bytes], noise: np.random.Generator) -> None:
        self._secret_bytes = secret_bytes
        self.noise = noise

    @classmethod
    def system(cls) -> Randomness:
        """Secrets from ``os.urandom``; the noise generator is seeded from it too."""
        seed = int.from_bytes(os.urandom(32), "big")
        return cls(os.urandom, np.random.default_rng(seed))

    @classmethod
    def seeded(cls, seed: int) -> Randomness:
        """All from one seed, so that a study can be repeated. Never for keys."""
        first, second = np.random.SeedSequence(seed).spawn(2)
        return cls(np.random.default_rng(first).bytes, np.random.default_rng(second))

    def secret_bytes(self, count: int) -> bytes:
        """``count`` secret bytes."""
        return self._secret_bytes(count)

    def bits(self, count: int) -> Bits:
        """``count`` uniform secret bits."""
        packed = np.frombuffer(self._secret_bytes(-(-count // 8)), dtype=np.uint8)
        return np.unpackbits(packed, count=count)

    def below(self, bound: int) -> int:
        """A uniform secret integer in ``[0, bound)``, by rejection."""
        if bound < 1:
            raise InputError(f"bound: expected at least 1, got {bound}")
        width_bits = bound.bit_length()
        length = -(-width_bits // 8)
        while True:
            value = int.from_bytes(self._secret_bytes(length), "big") >> (8 * length - width_bits)
            if value < bound:
                return value

    def permutation(self, count: int) -> npt.NDArray[np.intp]:
        """A secret permutation of ``range(count)``: the order of 64-bit secret sort keys.

        Two equal sort keys, which would bias it, appear with probability below count^2 / 2^65.
        """
        keys = np.frombuffer(self._secret_bytes(8 * count), dtype=np.uint64)
        return np.argsort(keys)
