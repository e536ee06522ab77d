"""Hashes against published values; derivation and sealing with what they refuse."""

import hashlib
import hmac

import pytest
from Crypto.Hash import keccak as pycryptodome_keccak
from hypothesis import given
from hypothesis import strategies as st

from bridge.crypto.aead import OVERHEAD_BYTES, seal, unseal
from bridge.crypto.hashing import keccak256, sha256
from bridge.crypto.kdf import MAX_BYTES, derive
from bridge.domain.errors import InputError, InvalidKey, SealBroken

KEY = bytes(range(32))


def test_keccak256_of_nothing_is_the_evms():
    expected = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"").hex() == expected
    assert keccak256(b"") != hashlib.sha3_256(b"").digest()


@given(st.binary(max_size=400))
def test_keccak256_agrees_with_pycryptodome(data):
    assert keccak256(data) == pycryptodome_keccak.new(digest_bits=256, data=data).digest()


def test_sha256_of_abc():
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(b"abc").hex() == expected


def hkdf_sha512(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, section 2, with an empty salt."""
    prk = hmac.digest(bytes(64), key, "sha512")
    block, output, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), "sha512")
        output, counter = output + block, counter + 1
    return output[:length]


@given(st.lists(st.binary(min_size=1, max_size=70), min_size=1, max_size=4), st.integers(1, 200))
def test_derive_is_hkdf_over_length_prefixed_secrets(secrets, length):
    key = b"".join(len(s).to_bytes(8, "big") + s for s in secrets)
    expected = hkdf_sha512(key, b"astralink/kdf/v1\0label", length)
    assert derive("label", *secrets, length=length) == expected


def test_derive_depends_on_label_and_on_the_border_between_secrets():
    made = {
        derive("a", b"xy", b"z"),
        derive("b", b"xy", b"z"),
        derive("a", b"x", b"yz"),
        derive("a", b"xyz"),
        derive("a", b"z", b"xy"),
    }
    assert len(made) == 5


@pytest.mark.parametrize(
    ("label", "secrets", "length", "message"),
    [
        ("", [b"x"], 32, "kdf label"),
        ("a", [], 32, "at least one secret"),
        ("a", [b"x", b""], 32, "kdf secret 1: expected at least one byte"),
        ("a", [b"x"], 0, "expected 1 to 16320 bytes, got 0"),
        ("a", [b"x"], MAX_BYTES + 1, "got 16321"),
    ],
)
def test_derive_refuses(label, secrets, length, message):
    with pytest.raises(InputError, match=message):
        derive(label, *secrets, length=length)


def test_derive_gives_the_longest_output():
    assert len(derive("a", b"x", length=MAX_BYTES)) == MAX_BYTES


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_a_sealed_record_opens(plaintext, associated_data):
    sealed = seal(KEY, plaintext, associated_data)
    assert len(sealed) == len(plaintext) + OVERHEAD_BYTES
    assert unseal(KEY, sealed, associated_data) == plaintext


def test_the_same_plaintext_is_sealed_differently_each_time():
    assert seal(KEY, b"x") != seal(KEY, b"x")


def test_another_key_another_data_or_a_changed_byte_does_not_open():
    sealed = seal(KEY, b"secret", b"id 1")
    with pytest.raises(SealBroken):
        unseal(bytes(32), sealed, b"id 1")
    with pytest.raises(SealBroken):
        unseal(KEY, sealed, b"id 2")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            unseal(KEY, bytes(changed), b"id 1")


def test_wrong_lengths_are_refused():
    with pytest.raises(InvalidKey, match="expected 32 bytes, got 31"):
        seal(KEY[:31], b"x")
    with pytest.raises(InvalidKey, match="expected 32 bytes, got 33"):
        unseal(KEY + b"x", bytes(40))
    with pytest.raises(InputError, match="at least 28 bytes, got 27"):
        unseal(KEY, bytes(27))
