"""``pqcrypto`` (Rust): SLH-DSA-SHA2-128s, ML-DSA-87 and ML-KEM-1024, from expanded keys.

It generates keys at random only. Seeds of SLH-DSA are expanded by the ``slh_dsa`` provider; for
ML-DSA-87 and ML-KEM-1024 it takes expanded keys and is a second opinion. It signs hedged only.

Its ML-DSA-87 (1.0.0) knows no context string over 253 bytes: it does not sign with one, and calls
a valid signature with one invalid. FIPS 204 allows 255, so this provider refuses to answer there.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

# The library makes its modules while it is imported, so no type checker sees them.
from pqcrypto.kem import ml_kem_1024  # type: ignore[attr-defined]
from pqcrypto.sign import ml_dsa_87, slh_dsa_sha2_128s  # type: ignore[attr-defined]

from bridge.crypto.kem import CheckedKem
from bridge.crypto.keys import SecretKey
from bridge.crypto.provider import Capabilities, Capability
from bridge.crypto.providers import slh_dsa
from bridge.crypto.signatures import CheckedSignatures
from bridge.domain.errors import InvalidKey, MechanismMissing
from bridge.domain.keys import Algorithm

NAME: Final = "pqcrypto"
_ML_DSA_MAX_CTX_BYTES = 253
_EXPANDED = frozenset({Capability.EXPANDED_KEYS})
_MODULES = {
    Algorithm.ML_DSA_87: ml_dsa_87,
    Algorithm.SLH_DSA_SHA2_128S: slh_dsa_sha2_128s,
}


class PqcryptoSignatures(CheckedSignatures):
    """SLH-DSA-SHA2-128s and ML-DSA-87 of ``pqcrypto``."""

    name = NAME

    def version(self) -> str:
        """The version of the distribution."""
        return version("pqcrypto")

    def capabilities(self) -> Capabilities:
        """SLH-DSA-SHA2-128s from seeds and expanded keys, ML-DSA-87 from expanded keys."""
        return {
            Algorithm.SLH_DSA_SHA2_128S: _EXPANDED | {Capability.SEEDED_KEYS},
            Algorithm.ML_DSA_87: _EXPANDED,
        }

    def _expand(self, algorithm: Algorithm, seed: bytes) -> tuple[bytes, bytes | None]:
        return slh_dsa.expand(seed)

    def _sign(self, secret: SecretKey, message: bytes, ctx: bytes, deterministic: bool) -> bytes:
        self._refuse_long_ctx(secret.algorithm, ctx)
        try:
            return bytes(_MODULES[secret.algorithm].sign(secret.expanded, message, ctx))
        except ValueError as error:
            raise InvalidKey(f"{secret.algorithm} secret key: {error}") from error

    def _verify(
        self, algorithm: Algorithm, public_key: bytes, message: bytes, signature: bytes, ctx: bytes
    ) -> bool:
        self._refuse_long_ctx(algorithm, ctx)
        try:
            _MODULES[algorithm].verify(public_key, message, signature, ctx)
        except ValueError:  # its InvalidSignatureError is one
            return False
        return True

    def _refuse_long_ctx(self, algorithm: Algorithm, ctx: bytes) -> None:
        if algorithm is Algorithm.ML_DSA_87 and len(ctx) > _ML_DSA_MAX_CTX_BYTES:
            raise MechanismMissing(
                self.name,
                f"{algorithm} with a ctx of {len(ctx)} bytes",
                [f"a ctx of at most {_ML_DSA_MAX_CTX_BYTES} bytes"],
            )


class PqcryptoKem(CheckedKem):
    """ML-KEM-1024 of ``pqcrypto``."""

    name = NAME

    def version(self) -> str:
        """The version of the distribution."""
        return version("pqcrypto")

    def capabilities(self) -> Capabilities:
        """ML-KEM-1024 from expanded keys."""
        return {Algorithm.ML_KEM_1024: _EXPANDED}

    def _expand(self, seed: bytes) -> tuple[bytes, bytes | None]:
        raise AssertionError("pqcrypto has no seeded keys; the facade refuses before this")

    def _encapsulate(self, ek: bytes) -> tuple[bytes, bytes]:
        try:
            ciphertext, shared_secret = ml_kem_1024.encaps(ek)
        except ValueError as error:
            raise InvalidKey(f"{self.algorithm} ek: {error}") from error
        return bytes(ciphertext), bytes(shared_secret)

    def _decapsulate(self, secret: SecretKey, ciphertext: bytes) -> bytes:
        try:
            return bytes(ml_kem_1024.decaps(secret.expanded, ciphertext))
        except ValueError as error:
            raise InvalidKey(f"{self.algorithm} dk: {error}") from error
