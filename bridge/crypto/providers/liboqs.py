"""liboqs through liboqs-python: whichever of the three algorithms the library was built with.

liboqs takes a signature's seed, and the randomness of a signature, only as what its random source
gives. So both go in through ``random_source``, which counts what is drawn:

- key generation draws xi (32 bytes) for ML-DSA and SK.seed || SK.prf || PK.seed for SLH-DSA;
- a deterministic ML-DSA signature draws rnd = 0^32 (FIPS 204, Algorithm 2);
- a deterministic SLH-DSA signature draws opt_rand = PK.seed (FIPS 205, section 10.2.1).

For SLH-DSA the expanded key shows whether the seed went in where it should; that is checked.

The AVX2 code that liboqs 0.13.0 took from pq-crystals/dilithium verifies ML-DSA without the norm
check of FIPS 204, Algorithm 8, line 13 (their issue 113). So the check is made here, whichever
code the library runs.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final

from bridge.crypto.fips204 import z_is_short
from bridge.crypto.kem import CheckedKem
from bridge.crypto.keys import SecretKey
from bridge.crypto.parameters import SLH_DSA_SHA2_128S_STRUCTURE
from bridge.crypto.provider import Capabilities, Capability
from bridge.crypto.providers import liboqs_library
from bridge.crypto.signatures import CheckedSignatures
from bridge.domain.errors import CryptoError
from bridge.domain.keys import Algorithm

NAME: Final = "liboqs"
_SIGNATURE_NAMES = {
    Algorithm.ML_DSA_87: "ML-DSA-87",
    # Not SPHINCS+-SHA2-128s-simple, which is the submission before FIPS 205.
    Algorithm.SLH_DSA_SHA2_128S: "SLH_DSA_PURE_SHA2_128S",
}
_KEM_NAME = "ML-KEM-1024"
_N = SLH_DSA_SHA2_128S_STRUCTURE.n
_RND_BYTES = 32


class LiboqsSignatures(CheckedSignatures):
    """ML-DSA-87 and SLH-DSA-SHA2-128s of liboqs, as far as they are enabled in it."""

    name = NAME

    def __init__(self) -> None:
        self._oqs = liboqs_library.load()
        enabled = self._oqs.get_enabled_sig_mechanisms()
        self._capabilities: Capabilities = {
            algorithm: frozenset(Capability)
            for algorithm, mechanism in _SIGNATURE_NAMES.items()
            if mechanism in enabled
        }

    def version(self) -> str:
        """The versions of the library and of liboqs-python."""
        return liboqs_library.version()

    def capabilities(self) -> Capabilities:
        """What the library says is enabled."""
        return self._capabilities

    def _expand(self, algorithm: Algorithm, seed: bytes) -> tuple[bytes, bytes | None]:
        with self._oqs.Signature(_SIGNATURE_NAMES[algorithm]) as mechanism:
            with liboqs_library.random_source(seed):
                public_key: bytes = mechanism.generate_keypair()
            expanded: bytes = mechanism.export_secret_key()
        if algorithm is Algorithm.SLH_DSA_SHA2_128S and (
            expanded[: 3 * _N] != seed or expanded[2 * _N :] != public_key
        ):
            raise CryptoError(f"liboqs did not make its {algorithm} key from the seed")
        return public_key, expanded

    def _sign(self, secret: SecretKey, message: bytes, ctx: bytes, deterministic: bool) -> bytes:
        assert secret.expanded is not None
        source = (
            liboqs_library.random_source(_deterministic_randomness(secret))
            if deterministic
            else nullcontext()
        )
        mechanism_name = _SIGNATURE_NAMES[secret.algorithm]
        with (
            liboqs_library.random_lock,
            self._oqs.Signature(mechanism_name, secret.expanded) as mechanism,
            source,
        ):
            try:
                signature: bytes = mechanism.sign_with_ctx_str(message, ctx)
            except RuntimeError as error:
                raise CryptoError(
                    f"liboqs did not sign with {secret.algorithm}: {error}"
                ) from error
        return signature

    def _verify(
        self, algorithm: Algorithm, public_key: bytes, message: bytes, signature: bytes, ctx: bytes
    ) -> bool:
        if algorithm is Algorithm.ML_DSA_87 and not z_is_short(signature):
            return False
        with self._oqs.Signature(_SIGNATURE_NAMES[algorithm]) as mechanism:
            return bool(mechanism.verify_with_ctx_str(message, signature, ctx, public_key))


class LiboqsKem(CheckedKem):
    """ML-KEM-1024 of liboqs, where it is enabled."""

    name = NAME

    def __init__(self) -> None:
        self._oqs = liboqs_library.load()
        enabled = _KEM_NAME in self._oqs.get_enabled_kem_mechanisms()
        self._capabilities: Capabilities = (
            {self.algorithm: frozenset({Capability.SEEDED_KEYS, Capability.EXPANDED_KEYS})}
            if enabled
            else {}
        )

    def version(self) -> str:
        """The versions of the library and of liboqs-python."""
        return liboqs_library.version()

    def capabilities(self) -> Capabilities:
        """What the library says is enabled."""
        return self._capabilities

    def _expand(self, seed: bytes) -> tuple[bytes, bytes | None]:
        with self._oqs.KeyEncapsulation(_KEM_NAME) as mechanism:
            ek: bytes = mechanism.generate_keypair_seed(seed)
            dk: bytes = mechanism.export_secret_key()
        return ek, dk

    def _encapsulate(self, ek: bytes) -> tuple[bytes, bytes]:
        with liboqs_library.random_lock, self._oqs.KeyEncapsulation(_KEM_NAME) as mechanism:
            try:
                ciphertext, shared_secret = mechanism.encap_secret(ek)
            except RuntimeError as error:
                raise CryptoError(f"liboqs did not encapsulate: {error}") from error
        return ciphertext, shared_secret

    def _decapsulate(self, secret: SecretKey, ciphertext: bytes) -> bytes:
        with self._oqs.KeyEncapsulation(_KEM_NAME, secret.expanded) as mechanism:
            try:
                shared_secret: bytes = mechanism.decap_secret(ciphertext)
            except RuntimeError as error:
                raise CryptoError(f"liboqs did not decapsulate: {error}") from error
        return shared_secret


def _deterministic_randomness(secret: SecretKey) -> bytes:
    if secret.algorithm is Algorithm.ML_DSA_87:
        return bytes(_RND_BYTES)
    assert secret.expanded is not None
    return secret.expanded[2 * _N : 3 * _N]
