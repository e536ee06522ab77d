"""The two hashes of the bridge: Keccak-256 as the EVM has it, and SHA-256."""

from __future__ import annotations

import hashlib

from eth_hash.auto import keccak


def keccak256(data: bytes) -> bytes:
    """Keccak-256 of ``data``, 32 bytes: the EVM's hash, with the padding that came before FIPS 202.

    >>> keccak256(b"").hex()[:16]
    'c5d2460186f7233c'
    """
    return keccak(data)


def sha256(data: bytes) -> bytes:
    """SHA-256 of ``data``, 32 bytes (FIPS 180-4).

    >>> sha256(b"abc").hex()[:16]
    'ba7816bf8f01cfea'
    """
    return hashlib.sha256(data).digest()
