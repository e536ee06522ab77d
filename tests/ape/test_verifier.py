"""SLH-DSA-SHA2-128s on ape's chain: a signature of the default provider, and all that is none."""

from __future__ import annotations

import pytest
from conftest import Bridge, key_pair, sign

MESSAGE, CTX = b"a message", b"a context"
IS_VALID = bytes.fromhex("024ad318")  # ERC-7913
IS_NOT = b"\xff" * 4


def test_a_real_signature_verifies(bridge: Bridge) -> None:
    signature = sign(1, MESSAGE, CTX)
    key = key_pair(1).public_key
    assert bridge.verifier.verifyWithContext(key, MESSAGE, CTX, signature)
    assert bridge.verifier.algorithm() == "SLH-DSA-SHA2-128s"


@pytest.mark.parametrize("change", ["key", "message", "context", "signature", "length", "empty"])
def test_any_change_makes_it_invalid(bridge: Bridge, change: str) -> None:
    key, message, ctx, signature = key_pair(1).public_key, MESSAGE, CTX, sign(1, MESSAGE, CTX)
    if change == "key":
        key = key_pair(2).public_key
    elif change == "message":
        message += b"!"
    elif change == "context":
        ctx += b"!"
    elif change == "signature":
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    elif change == "length":
        signature += b"\0"
    else:
        signature = b""
    assert bridge.verifier.verifyWithContext(key, message, ctx, signature) is False


def test_erc_7913_says_the_same_with_an_empty_context(bridge: Bridge) -> None:
    digest = bytes(range(32))
    key = key_pair(1).public_key
    assert bytes(bridge.verifier.verify(key, digest, sign(1, digest, b""))) == IS_VALID
    assert bytes(bridge.verifier.verify(key, digest, sign(1, digest, CTX))) == IS_NOT


def test_a_key_of_another_length_is_not_well_formed(bridge: Bridge) -> None:
    key = key_pair(1).public_key
    assert bridge.verifier.isKeyWellFormed(key)
    assert not bridge.verifier.isKeyWellFormed(key[:-1])
    assert not bridge.verifier.isKeyWellFormed(bytes(32))
