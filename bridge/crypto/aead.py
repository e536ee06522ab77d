"""Sealed records: AES-256-GCM (NIST SP 800-38D) with a random nonce."""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.domain.errors import InputError, InvalidKey, SealBroken

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = NONCE_BYTES + TAG_BYTES


def seal(key: bytes, plaintext: bytes, associated_data: bytes = b"") -> bytes:
    """``nonce || ciphertext || tag``, 28 bytes longer than the plaintext.

    The nonce is random: one key may seal 2^32 records (SP 800-38D, section 8.3). Raises
    ``InvalidKey`` for a key that is not 32 bytes.

    >>> unseal(bytes(32), seal(bytes(32), b"seed", b"key 1"), b"key 1")
    b'seed'
    """
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, plaintext, associated_data)


def unseal(key: bytes, sealed: bytes, associated_data: bytes = b"") -> bytes:
    """The plaintext of a sealed record.

    Raises ``SealBroken`` when the key or the associated data is another, or the record was
    changed; ``InputError`` when it is too short to be one; ``InvalidKey`` for a key that is not
    32 bytes.
    """
    cipher = _cipher(key)
    if len(sealed) < OVERHEAD_BYTES:
        raise InputError(
            f"sealed record: expected at least {OVERHEAD_BYTES} bytes, got {len(sealed)}"
        )
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, body, associated_data)
    except InvalidTag:
        raise SealBroken(
            f"sealed record of {len(sealed)} bytes does not open: "
            "another key, another associated data, or changed bytes"
        ) from None


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise InvalidKey(f"AES-256-GCM key: expected {KEY_BYTES} bytes, got {len(key)}")
    return AESGCM(key)
