"""Derivation of keys from one or more secrets under a label: HKDF-SHA-512 (RFC 5869)."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.domain.errors import InputError

MAX_BYTES: Final = 255 * 64
"""Longest output of HKDF with a hash of 64 bytes (RFC 5869, section 2.3)."""

_DOMAIN: Final = b"astralink/kdf/v1\0"


def derive(label: str, *secrets: bytes, length: int = 32) -> bytes:
    """``length`` bytes that depend on the label and on every secret: HKDF-SHA-512 (RFC 5869).

    Each secret goes into the input key with its length before it, so that moving a byte from one
    secret to the next gives another key. As long as one secret is unknown to an attacker, so is
    the result. Raises ``InputError`` for an empty label, no secret, an empty secret, or a length
    outside 1 to 16,320.

    >>> derive("signing seed", bytes(32), b"x" * 32, length=16).hex()
    'fae8692033a0652c76d851ef4334c23a'
    """
    if not label:
        raise InputError("kdf label: expected at least one character, got none")
    if not secrets:
        raise InputError("kdf: expected at least one secret, got none")
    for position, secret in enumerate(secrets):
        if not secret:
            raise InputError(f"kdf secret {position}: expected at least one byte, got none")
    if not 1 <= length <= MAX_BYTES:
        raise InputError(f"kdf length: expected 1 to {MAX_BYTES} bytes, got {length}")
    key = b"".join(len(secret).to_bytes(8, "big") + secret for secret in secrets)
    info = _DOMAIN + label.encode()
    return HKDF(algorithm=SHA512(), length=length, salt=None, info=info).derive(key)
