"""Seeds of signing keys: link key and system randomness, mixed under a label."""

from __future__ import annotations

import os

from bridge.crypto.kdf import derive
from bridge.crypto.parameters import signature_parameters
from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm
from bridge.keyservice.pool import LinkKey

LABEL = "astralink/signing-seed/v1"
MINIMUM_LINK_BYTES = 32


def link_bits(algorithm: Algorithm) -> int:
    """How many link bits a seed takes: as many as it is long, and no fewer than 256."""
    return 8 * max(MINIMUM_LINK_BYTES, signature_parameters(algorithm).seed_bytes)


def derive_seed(algorithm: Algorithm, key_id: str, link_key: LinkKey) -> bytes:
    """The seed of a signing key, xi of FIPS 204 or the three seeds of FIPS 205.

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
    return derive(
        f"{LABEL}/{algorithm}/{key_id}",
        link_bytes,
        system_bytes,
        length=signature_parameters(algorithm).seed_bytes,
    )
