"""``SLH-DSA`` (Python, compiled where its wheel is): all of SLH-DSA-SHA2-128s, slowly.

Two uses: it expands seeds for ``pqcrypto``, which has no seeded key generation; and it is a
provider of its own, the one that signs SLH-DSA deterministically.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from slhdsa import PublicKey
from slhdsa import SecretKey as LibrarySecretKey
from slhdsa.exception import SLHDSAKeyException
from slhdsa.lowlevel.addresses import Address
from slhdsa.lowlevel.parameters import sha2_128s
from slhdsa.lowlevel.xmss import XMSS

from bridge.crypto.keys import SecretKey
from bridge.crypto.parameters import SLH_DSA_SHA2_128S_STRUCTURE
from bridge.crypto.provider import Capabilities, Capability
from bridge.crypto.signatures import CheckedSignatures
from bridge.domain.errors import InvalidKey
from bridge.domain.keys import Algorithm

NAME: Final = "slh-dsa"
_N = SLH_DSA_SHA2_128S_STRUCTURE.n


def expand(seed: bytes) -> tuple[bytes, bytes]:
    """The public key (32 bytes) and secret key (64 bytes) of a seed (FIPS 205, Algorithm 18).

    ``seed`` is SK.seed || SK.prf || PK.seed. PK.root is the root of the topmost XMSS tree.
    """
    sk_seed, pk_seed = seed[:_N], seed[2 * _N : 3 * _N]
    top = Address(sha2_128s.d - 1, 0)
    pk_root = bytes(XMSS(sha2_128s).node(sk_seed, 0, sha2_128s.h_m, pk_seed, top))
    return pk_seed + pk_root, seed + pk_root


class SlhDsaSignatures(CheckedSignatures):
    """SLH-DSA-SHA2-128s of the ``SLH-DSA`` package."""

    name = NAME

    def version(self) -> str:
        """The version of the distribution."""
        return version("SLH-DSA")

    def capabilities(self) -> Capabilities:
        """SLH-DSA-SHA2-128s with all that there is."""
        return {Algorithm.SLH_DSA_SHA2_128S: frozenset(Capability)}

    def _expand(self, algorithm: Algorithm, seed: bytes) -> tuple[bytes, bytes | None]:
        return expand(seed)

    def _sign(self, secret: SecretKey, message: bytes, ctx: bytes, deterministic: bool) -> bytes:
        assert secret.expanded is not None
        try:
            key = LibrarySecretKey.from_digest(secret.expanded, sha2_128s)
        except SLHDSAKeyException as error:
            raise InvalidKey(
                f"{Algorithm.SLH_DSA_SHA2_128S} secret key: its PK.root is not that of its seeds"
            ) from error
        return bytes(key.sign_pure(message, randomize=not deterministic, ctx=ctx))

    def _verify(
        self, algorithm: Algorithm, public_key: bytes, message: bytes, signature: bytes, ctx: bytes
    ) -> bool:
        return bool(
            PublicKey.from_digest(public_key, sha2_128s).verify_pure(message, signature, ctx)
        )
