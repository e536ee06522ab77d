"""The link's randomness: AES-256 in counter mode, keyed by the operating system."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bridge.domain.errors import InputError

Bits: TypeAlias = npt.NDArray[np.uint8]
"""One bit in each byte, 0 or 1."""

Words: TypeAlias = npt.NDArray[np.uint64]
"""Packed bits: bit i is bit i % 64 of word i // 64."""

KEY_BYTES = 32
_ZEROS = bytes(1 << 18)


class Stream(Protocol):
    """What secret bytes are drawn from."""

    def fill(self, words: Words) -> None:
        """Overwrite a contiguous vector with the next words."""
        ...

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        ...


class Keystream:
    """The key stream of AES-256-CTR (NIST SP 800-38A): bytes that its key alone determines.

    Two streams of one key with different ``number`` do not overlap before 2^64 blocks.
    """

    __slots__ = ("_encryptor",)

    def __init__(self, key: bytes, number: int = 0) -> None:
        if len(key) != KEY_BYTES:
            raise InputError(f"key stream: expected a key of {KEY_BYTES} bytes, got {len(key)}")
        if not 0 <= number < 1 << 64:
            raise InputError(f"key stream: expected a number below 2^64, got {number}")
        counter = number.to_bytes(8, "big") + bytes(8)
        self._encryptor = Cipher(algorithms.AES256(key), modes.CTR(counter)).encryptor()

    def fill(self, words: Words) -> None:
        """Overwrite a contiguous vector with the next words of the stream."""
        view = words.data.cast("B")
        for start in range(0, len(view), len(_ZEROS)):
            part = view[start : start + len(_ZEROS)]
            self._encryptor.update_into(_ZEROS[: len(part)], part)

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        return self._encryptor.update(bytes(count))


class Randomness:
    """Secret bytes, and a generator for what nature does.

    Key bits, bases, samples and hash seeds come from ``stream``: a key stream keyed by the
    operating system, or that system itself behind health tests (`bridge.quantum.entropy.source`).
    ``noise`` is a numpy generator, seeded from the same stream, for loss and clicks, which no
    security rests on. A ``reproducible`` one repeats: `require_secret` refuses it.
    """

    __slots__ = ("_stream", "noise", "reproducible")

    def __init__(self, stream: Stream, reproducible: bool) -> None:
        self._stream = stream
        self.reproducible = reproducible
        self.noise = np.random.default_rng(int.from_bytes(self._stream.read(32), "big"))

    @classmethod
    def system(cls) -> Randomness:
        """A stream of its own under a fresh key from ``os.urandom``."""
        return cls(Keystream(os.urandom(KEY_BYTES)), reproducible=False)

    @classmethod
    def seeded(cls, seed: int) -> Randomness:
        """All from one seed, so that a study can be repeated. Never for keys."""
        digest = hashlib.sha256(f"astralink reproducible randomness {seed}".encode()).digest()
        return cls(Keystream(digest), reproducible=True)

    def require_secret(self, purpose: str) -> None:
        """Raise ``InputError`` when this repeats from a seed: nothing is secret in it."""
        if self.reproducible:
            raise InputError(
                f"{purpose}: expected randomness from the operating system, got a seeded one"
            )

    def secret_bytes(self, count: int) -> bytes:
        """``count`` secret bytes."""
        return self._stream.read(count)

    def fill(self, words: Words) -> None:
        """Overwrite a contiguous vector with secret words."""
        self._stream.fill(words)

    def words(self, count: int) -> Words:
        """``count`` uniform secret words."""
        result = np.empty(count, dtype=np.uint64)
        self._stream.fill(result)
        return result

    def bits(self, count: int) -> Bits:
        """``count`` uniform secret bits."""
        packed = np.frombuffer(self._stream.read(-(-count // 8)), dtype=np.uint8)
        return np.unpackbits(packed, count=count)

    def below(self, bound: int) -> int:
        """A uniform secret integer in ``[0, bound)``, by rejection."""
        if bound < 1:
            raise InputError(f"bound: expected at least 1, got {bound}")
        width_bits = bound.bit_length()
        length = -(-width_bits // 8)
        while True:
            value = int.from_bytes(self._stream.read(length), "big") >> (8 * length - width_bits)
            if value < bound:
                return value

    def permutation(self, count: int) -> npt.NDArray[np.intp]:
        """A secret permutation of ``range(count)``: the order of 64-bit secret sort keys.

        Two equal sort keys, which would bias it, appear with probability below count^2 / 2^65.
        """
        return np.argsort(self.words(count))
