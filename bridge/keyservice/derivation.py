"""Seeds of key pairs: link key and system randomness, mixed under a label."""

from __future__ import annotations

import os

from bridge.crypto.kdf import derive
from bridge.crypto.parameters import ML_KEM_1024, signature_parameters
from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm
from bridge.keyservice.pool import LinkKey

LABEL = "astralink/signing-seed/v1"
KEM_LABEL = "astralink/kem-seed/v1"
MINIMUM_LINK_BYTES = 32


def seed_bytes(algorithm: Algorithm) -> int:
    """How long a seed is: xi of FIPS 204, the three seeds of FIPS 205, d || z of FIPS 203."""
    if algorithm is Algorithm.ML_KEM_1024:
        return ML_KEM_1024.seed_bytes
    return signature_parameters(algorithm).seed_bytes


def link_bits(algorithm: Algorithm) -> int:
    """How many link bits a seed takes: as many as it is long, and no fewer than 256."""
    return 8 * max(MINIMUM_LINK_BYTES, seed_bytes(algorithm))


def derive_seed(algorithm: Algorithm, key_id: str, link_key: LinkKey) -> bytes:
    """The seed of a key pair.

    HKDF-SHA-512 over the link key and as many bytes from the operating system, under a label that
    names purpose, algorithm and key. The link is simulated, so the system's bytes alone make the
    seed unguessable; a link key cannot weaken it. Raises ``InputError`` for a link key that is
    shorter than `link_bits` asks.
    """
    wanted = link_bits(algorithm) // 8
    if len(link_key.key) < wanted:
        raise InputError(
            f"seed for {algorithm}: expected {wanted} bytes from the link, got {len(link_key.key)}"
        )
    return mix(algorithm, key_id, link_key.key, os.urandom(len(link_key.key)))


def mix(algorithm: Algorithm, key_id: str, link_bytes: bytes, system_bytes: bytes) -> bytes:
    """The derivation itself, a function of its inputs and nothing else."""
    label = KEM_LABEL if algorithm is Algorithm.ML_KEM_1024 else LABEL
    return derive(
        f"{label}/{algorithm}/{key_id}", link_bytes, system_bytes, length=seed_bytes(algorithm)
    )
