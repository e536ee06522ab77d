"""Sizes of the three parameter sets, each with the expression that gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm

MAX_CTX_BYTES: Final = 255
"""Longest context string: its length is one byte (FIPS 204, Algorithm 2)."""


@dataclass(frozen=True, slots=True)
class SignatureParameters:
    """Sizes in bytes of one signature parameter set.

    ``secret_key_bytes`` is the expanded form; keys travel as their seed.
    """

    algorithm: Algorithm
    seed_bytes: int
    public_key_bytes: int
    secret_key_bytes: int
    signature_bytes: int


@dataclass(frozen=True, slots=True)
class KemParameters:
    """Sizes in bytes of one key encapsulation parameter set; ``seed_bytes`` is ``d || z``."""

    algorithm: Algorithm
    seed_bytes: int
    ek_bytes: int
    dk_bytes: int
    ciphertext_bytes: int
    shared_secret_bytes: int
    k: int
    q: int


@dataclass(frozen=True, slots=True)
class SlhDsaStructure:
    """FIPS 205, Table 2: the numbers that the sizes of SLH-DSA come from."""

    n: int
    h: int
    d: int
    hp: int
    a: int
    k: int
    lg_w: int
    m: int


SLH_DSA_SHA2_128S_STRUCTURE: Final = SlhDsaStructure(
    n=16, h=63, d=7, hp=9, a=12, k=14, lg_w=4, m=30
)

# FIPS 204, Table 2. The seed is xi, 32 bytes.
ML_DSA_87: Final = SignatureParameters(
    algorithm=Algorithm.ML_DSA_87,
    seed_bytes=32,
    public_key_bytes=2592,  # 32 + 8 * 32 * 10
    secret_key_bytes=4896,  # 32 + 32 + 64 + 32 * ((7 + 8) * 3 + 13 * 8)
    signature_bytes=4627,  # 64 + 7 * 32 * 20 + 75 + 8
)

# FIPS 205, Table 2. The seed is SK.seed || SK.prf || PK.seed.
SLH_DSA_SHA2_128S: Final = SignatureParameters(
    algorithm=Algorithm.SLH_DSA_SHA2_128S,
    seed_bytes=48,  # 3 * n
    public_key_bytes=32,  # 2 * n
    secret_key_bytes=64,  # 4 * n
    signature_bytes=7856,  # (1 + k * (1 + a) + h + d * len) * n, len = 35
)

# FIPS 203, Tables 2 and 3. The seed is d || z.
ML_KEM_1024: Final = KemParameters(
    algorithm=Algorithm.ML_KEM_1024,
    seed_bytes=64,
    ek_bytes=1568,  # 384 * 4 + 32
    dk_bytes=3168,  # 768 * 4 + 96
    ciphertext_bytes=1568,  # 32 * (11 * 4 + 5)
    shared_secret_bytes=32,
    k=4,
    q=3329,
)

SIGNATURES: Final = {p.algorithm: p for p in (ML_DSA_87, SLH_DSA_SHA2_128S)}


def signature_parameters(algorithm: Algorithm) -> SignatureParameters:
    """The sizes of a signature algorithm; ``InputError`` for one that does not sign.

    >>> signature_parameters(Algorithm.ML_DSA_87).signature_bytes
    4627
    """
    try:
        return SIGNATURES[algorithm]
    except KeyError:
        known = ", ".join(SIGNATURES)
        raise InputError(f"algorithm: expected one of {known}, got {algorithm}") from None
