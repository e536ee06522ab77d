"""The key encapsulation facade: ML-KEM-1024 of FIPS 203.

The input checks of FIPS 203, sections 7.2 and 7.3, are made here, before the library is called
and whether or not it makes them too.
"""

from __future__ import annotations

import hashlib
import hmac
from abc import abstractmethod
from typing import ClassVar, Protocol

from bridge.crypto.keys import Encapsulation, KemKeyPair, SecretKey
from bridge.crypto.parameters import ML_KEM_1024
from bridge.crypto.provider import (
    Capabilities,
    Capability,
    Provider,
    check_length,
    check_output,
)
from bridge.domain.errors import InputError, InvalidKey
from bridge.domain.keys import Algorithm

_T_BYTES = 384 * ML_KEM_1024.k
"""Bytes of the encoded vector t in ek, and of s in dk: 12 bits for each of 256 * k coefficients."""


class KemProvider(Protocol):
    """What encapsulates and decapsulates with ML-KEM-1024.

    >>> from bridge.crypto.providers import select
    >>> kem = select("default").kem
    >>> pair = kem.key_pair(bytes(64))
    >>> sent = kem.encapsulate(pair.ek)
    >>> kem.decapsulate(pair.secret, sent.ciphertext) == sent.shared_secret
    True
    """

    @property
    def name(self) -> str:
        """The name of the library."""
        ...

    def version(self) -> str:
        """The version of the library."""
        ...

    def capabilities(self) -> Capabilities:
        """ML-KEM-1024 where it is there, with what can be done with it."""
        ...

    def mechanisms(self) -> frozenset[Algorithm]:
        """The algorithms that are there."""
        ...

    def key_pair(self, seed: bytes) -> KemKeyPair:
        """The key pair of the seed ``d || z``, 64 bytes (FIPS 203, Algorithm 16).

        Raises ``InvalidKey`` for another length, ``MechanismMissing`` when the library cannot.
        """
        ...

    def encapsulate(self, ek: bytes) -> Encapsulation:
        """A fresh shared secret of 32 bytes and its ciphertext (FIPS 203, Algorithm 20).

        Raises ``InvalidKey`` when ``ek`` fails the type or the modulus check of section 7.2.
        """
        ...

    def decapsulate(self, secret: SecretKey, ciphertext: bytes) -> bytes:
        """The shared secret of 32 bytes (FIPS 203, Algorithm 21).

        A ciphertext of the right length that was made for another key or was changed gives a
        secret that nobody else has (implicit rejection), not an error. Raises ``InputError`` for a
        ciphertext of another length, ``InvalidKey`` when the secret fails the checks of section
        7.3.
        """
        ...


def check_ek(ek: bytes) -> None:
    """Pass when ``ek`` has the length and reduced coefficients (FIPS 203, section 7.2).

    Raises ``InvalidKey``, which names the first coefficient that is not below q.
    """
    check_length("ML-KEM-1024 ek", ek, ML_KEM_1024.ek_bytes)
    for position in range(0, _T_BYTES, 3):
        low, middle, high = ek[position : position + 3]
        pair = (low | (middle & 0xF) << 8, middle >> 4 | high << 4)
        for offset, coefficient in enumerate(pair):
            if coefficient >= ML_KEM_1024.q:
                raise InvalidKey(
                    f"ML-KEM-1024 ek: expected coefficients below {ML_KEM_1024.q}, "
                    f"got {coefficient} at {position // 3 * 2 + offset}"
                )


def check_dk(dk: bytes) -> None:
    """Pass when an expanded ``dk`` has the length and the hash of its ek (FIPS 203, section 7.3).

    Raises ``InvalidKey``.
    """
    check_length("ML-KEM-1024 dk", dk, ML_KEM_1024.dk_bytes)
    hash_at = _T_BYTES + ML_KEM_1024.ek_bytes
    expected = hashlib.sha3_256(dk[_T_BYTES:hash_at]).digest()
    if not hmac.compare_digest(expected, dk[hash_at : hash_at + 32]):
        raise InvalidKey("ML-KEM-1024 dk: expected the hash of its own ek, got another")


class CheckedKem(Provider):
    """A library with every input and output checked. Subclasses give the three last methods."""

    algorithm: ClassVar[Algorithm] = Algorithm.ML_KEM_1024

    def key_pair(self, seed: bytes) -> KemKeyPair:
        """See ``KemProvider.key_pair``."""
        self.require(self.algorithm, Capability.SEEDED_KEYS)
        check_length(f"{self.algorithm} seed", seed, ML_KEM_1024.seed_bytes)
        ek, dk = self._expand(seed)
        check_output(self.name, f"{self.algorithm} ek", ek, ML_KEM_1024.ek_bytes)
        if dk is not None:
            check_output(self.name, f"{self.algorithm} dk", dk, ML_KEM_1024.dk_bytes)
        return KemKeyPair(ek, SecretKey(self.algorithm, seed, dk))

    def encapsulate(self, ek: bytes) -> Encapsulation:
        """See ``KemProvider.encapsulate``."""
        self.require(self.algorithm)
        check_ek(ek)
        ciphertext, shared_secret = self._encapsulate(ek)
        check_output(
            self.name, f"{self.algorithm} ciphertext", ciphertext, ML_KEM_1024.ciphertext_bytes
        )
        self._check_shared_secret(shared_secret)
        return Encapsulation(ciphertext, shared_secret)

    def decapsulate(self, secret: SecretKey, ciphertext: bytes) -> bytes:
        """See ``KemProvider.decapsulate``."""
        self.require(self.algorithm)
        if len(ciphertext) != ML_KEM_1024.ciphertext_bytes:
            raise InputError(
                f"{self.algorithm} ciphertext: expected {ML_KEM_1024.ciphertext_bytes} bytes, "
                f"got {len(ciphertext)}"
            )
        self._check_secret_form(
            secret.algorithm, self.algorithm, secret.seed is not None, secret.expanded is not None
        )
        if secret.seed is not None:
            check_length(f"{self.algorithm} seed", secret.seed, ML_KEM_1024.seed_bytes)
        if secret.expanded is not None:
            check_dk(secret.expanded)
        elif Capability.EXPANDED_KEYS in self.capabilities()[self.algorithm]:
            assert secret.seed is not None
            secret = self.key_pair(secret.seed).secret
        return self._check_shared_secret(self._decapsulate(secret, ciphertext))

    def _check_shared_secret(self, value: bytes) -> bytes:
        return check_output(
            self.name, f"{self.algorithm} shared secret", value, ML_KEM_1024.shared_secret_bytes
        )

    @abstractmethod
    def _expand(self, seed: bytes) -> tuple[bytes, bytes | None]:
        """The ek of a seed and, where the library decapsulates with it, the expanded dk."""

    @abstractmethod
    def _encapsulate(self, ek: bytes) -> tuple[bytes, bytes]:
        """The library's ciphertext and shared secret, in this order; ``ek`` is checked before."""

    @abstractmethod
    def _decapsulate(self, secret: SecretKey, ciphertext: bytes) -> bytes:
        """The library's shared secret; ``secret.expanded`` is filled in where it takes that."""
