"""``cryptography`` (pyca, over OpenSSL): ML-DSA-87 and ML-KEM-1024, keys as seeds only.

It gives no expanded secret keys and takes none, and signs hedged only.
"""

from __future__ import annotations

from typing import Final

import cryptography
from cryptography.exceptions import InvalidSignature as LibraryInvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA87PrivateKey, MLDSA87PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM1024PrivateKey, MLKEM1024PublicKey

from bridge.crypto.kem import CheckedKem
from bridge.crypto.keys import SecretKey
from bridge.crypto.parameters import ML_DSA_87, ML_KEM_1024
from bridge.crypto.provider import Capabilities, Capability
from bridge.crypto.signatures import CheckedSignatures
from bridge.domain.errors import InvalidKey
from bridge.domain.keys import Algorithm

NAME: Final = "cryptography"
_SEEDED = frozenset({Capability.SEEDED_KEYS})


class PycaSignatures(CheckedSignatures):
    """ML-DSA-87 of ``cryptography``."""

    name = NAME

    def __init__(self) -> None:
        self._capabilities: Capabilities = {Algorithm.ML_DSA_87: _SEEDED} if _has_ml_dsa() else {}

    def version(self) -> str:
        """The version of the distribution."""
        return cryptography.__version__

    def capabilities(self) -> Capabilities:
        """ML-DSA-87 where the OpenSSL behind has it."""
        return self._capabilities

    def _expand(self, algorithm: Algorithm, seed: bytes) -> tuple[bytes, bytes | None]:
        return MLDSA87PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw(), None

    def _sign(self, secret: SecretKey, message: bytes, ctx: bytes, deterministic: bool) -> bytes:
        assert secret.seed is not None
        return MLDSA87PrivateKey.from_seed_bytes(secret.seed).sign(message, ctx)

    def _verify(
        self, algorithm: Algorithm, public_key: bytes, message: bytes, signature: bytes, ctx: bytes
    ) -> bool:
        try:
            MLDSA87PublicKey.from_public_bytes(public_key).verify(signature, message, ctx)
        except LibraryInvalidSignature:
            return False
        return True


class PycaKem(CheckedKem):
    """ML-KEM-1024 of ``cryptography``."""

    name = NAME

    def __init__(self) -> None:
        self._capabilities: Capabilities = {Algorithm.ML_KEM_1024: _SEEDED} if _has_ml_kem() else {}

    def version(self) -> str:
        """The version of the distribution."""
        return cryptography.__version__

    def capabilities(self) -> Capabilities:
        """ML-KEM-1024 where the OpenSSL behind has it."""
        return self._capabilities

    def _expand(self, seed: bytes) -> tuple[bytes, bytes | None]:
        return MLKEM1024PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw(), None

    def _encapsulate(self, ek: bytes) -> tuple[bytes, bytes]:
        try:
            public_key = MLKEM1024PublicKey.from_public_bytes(ek)
        except ValueError as error:
            raise InvalidKey(f"{self.algorithm} ek: {error}") from error
        shared_secret, ciphertext = public_key.encapsulate()
        return ciphertext, shared_secret

    def _decapsulate(self, secret: SecretKey, ciphertext: bytes) -> bytes:
        assert secret.seed is not None
        return MLKEM1024PrivateKey.from_seed_bytes(secret.seed).decapsulate(ciphertext)


def _has_ml_dsa() -> bool:
    try:
        MLDSA87PrivateKey.from_seed_bytes(bytes(ML_DSA_87.seed_bytes))
    except UnsupportedAlgorithm:
        return False
    return True


def _has_ml_kem() -> bool:
    try:
        MLKEM1024PrivateKey.from_seed_bytes(bytes(ML_KEM_1024.seed_bytes))
    except UnsupportedAlgorithm:
        return False
    return True
