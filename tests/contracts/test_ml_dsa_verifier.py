"""MlDsa87Verifier: FIPS 204 to the letter, by every official vector and by what must not pass."""

from __future__ import annotations

import hashlib

import pytest

from bridge.testing.machine import OWNER, Reverted
from tests.contracts.ml_dsa import (
    FORMS,
    KEY_BYTES,
    ML_DSA,
    SIGNATURE_BYTES,
    OnChain,
    as_held,
    deploy,
    key_id,
    key_pair,
    sign,
)
from tests.vector_runs import public_key_of
from tests.vectors import (
    SignCase,
    VerifyCase,
    nist_sign_cases,
    nist_verify_cases,
    verify_cases,
    wycheproof_sign_cases,
    wycheproof_verify_cases,
)

MAGIC = bytes.fromhex("024ad318")  # ERC-7913
INVALID = bytes.fromhex("ffffffff")

VERIFY = verify_cases(ML_DSA)
SIGNED = [case for case in nist_sign_cases(ML_DSA) + wycheproof_sign_cases() if case.valid]


def name(case: VerifyCase | SignCase) -> str:
    return f"{case.source} {case.tc_id}"


@pytest.fixture(scope="module")
def chain() -> OnChain:
    return deploy()


def test_all_vectors_are_there() -> None:
    assert len(nist_verify_cases(ML_DSA)) == 15
    assert len(wycheproof_verify_cases()) == 241
    assert {case.valid for case in nist_verify_cases(ML_DSA)} == {True, False}
    assert {case.valid for case in wycheproof_verify_cases()} == {True, False}
    assert any(len(case.public_key) != KEY_BYTES for case in VERIFY)
    assert any(len(case.signature) != SIGNATURE_BYTES for case in VERIFY)
    assert any(len(case.ctx) > 255 for case in VERIFY)
    sources = {case.source for case in SIGNED}
    assert len(sources) == 2


@pytest.mark.parametrize("case", VERIFY, ids=name)
def test_every_verification_vector(chain: OnChain, case: VerifyCase) -> None:
    if len(case.public_key) == KEY_BYTES:
        key = chain.registered(case.public_key)
    else:
        # No such key can be registered, so its id is unknown; itself it is of no form.
        assert not case.valid
        unknown = key_id(case.public_key)
        assert not chain.verdict(unknown, case.message, case.ctx, case.signature)
        key = case.public_key
    assert chain.verdict(key, case.message, case.ctx, case.signature) is case.valid


@pytest.mark.parametrize("form", ["committed", "raw"])
@pytest.mark.parametrize("case", VERIFY[::11], ids=name)
def test_vectors_with_a_key_in_calldata(chain: OnChain, case: VerifyCase, form: str) -> None:
    if len(case.public_key) != KEY_BYTES:
        form = "raw"
    key = chain.key(form, case.public_key)
    assert chain.verdict(key, case.message, case.ctx, case.signature) is case.valid


@pytest.mark.parametrize("case", SIGNED, ids=name)
def test_every_signature_vector_verifies(chain: OnChain, case: SignCase) -> None:
    public_key = case.public_key or public_key_of(case)
    key = chain.registered(public_key)
    assert chain.verdict(key, case.message, case.ctx, case.signature)
    assert not chain.verdict(key, case.message + b"\0", case.ctx, case.signature)


@pytest.mark.parametrize("form", FORMS)
def test_erc_7913(chain: OnChain, form: str) -> None:
    digest = hashlib.sha256(b"anything").digest()
    signature = sign(1, digest)
    key = chain.key(form, key_pair(1).public_key)
    other = chain.key(form, key_pair(2).public_key)

    def verify(key: bytes, digest: bytes, signature: bytes) -> bytes:
        held, behind = as_held(key, signature)
        return chain.verifier.call("verify", held, digest, behind)

    assert verify(key, digest, signature) == MAGIC
    assert verify(key, bytes(32), signature) == INVALID
    assert verify(other, digest, signature) == INVALID
    assert verify(b"", digest, signature) == INVALID
    assert verify(key, digest, b"") == INVALID


def test_erc_7913_has_the_empty_context(chain: OnChain) -> None:
    with_context = sign(1, bytes(32), b"astralink/checkpoint/v1")
    key = chain.registered(key_pair(1).public_key)
    assert chain.verifier.call("verify", key, bytes(32), with_context) == INVALID
    assert chain.verdict(key, bytes(32), b"astralink/checkpoint/v1", with_context)


@pytest.mark.parametrize("length", [0, 1, 68, 69, 70, 254, 255])
def test_a_context_counts(chain: OnChain, length: int) -> None:
    key, ctx = chain.registered(key_pair(1).public_key), b"c" * length
    signature = sign(1, b"message", ctx)
    assert chain.verdict(key, b"message", ctx, signature)
    assert not chain.verdict(key, b"message", ctx + b"c", signature)
    # The border between context and message cannot be moved: the length is signed.
    if ctx:
        assert not chain.verdict(key, b"c" + b"message", ctx[1:], signature)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("length", [256, 257, 511, 512, 65_536])
def test_a_longer_context_is_invalid_and_no_revert(chain: OnChain, form: str, length: int) -> None:
    key = chain.key(form, key_pair(1).public_key)
    # Lengths of 256 and 512 would be written as 0.
    assert not chain.verdict(key, b"message", b"c" * length, sign(1, b"message"))
    assert not chain.verdict(key, b"message", b"c" * length, sign(1, b"c" * length + b"message"))


def test_the_internal_interface_is_not_spoken(chain: OnChain) -> None:
    """A signature over 0 || 0 || M of the internal interface is one over M of the external."""
    key = chain.registered(key_pair(1).public_key)
    assert not chain.verdict(key, b"message", b"", sign(1, b"\0\0message"))


# With tr and two bytes in front, 69 and 70 end just before and at the end of a block of SHAKE256.
@pytest.mark.parametrize("length", [0, 1, 32, 68, 69, 70, 71, 205, 206, 207, 1000, 8192, 65_537])
def test_messages_of_any_length(chain: OnChain, length: int) -> None:
    key, message = chain.registered(key_pair(1).public_key), bytes(length)
    signature = sign(1, message)
    assert chain.verdict(key, message, b"", signature)
    assert not chain.verdict(key, message + b"\0", b"", signature)
    if message:
        assert not chain.verdict(key, message[:-1], b"", signature)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 64, 69, 70, 71, 206, 1000])
@pytest.mark.parametrize("form", ["committed", "raw"])
def test_the_message_ends_where_the_key_in_calldata_begins(
    chain: OnChain, form: str, length: int
) -> None:
    key, message = chain.key(form, key_pair(1).public_key), b"m" * length
    assert chain.verdict(key, message, b"ctx", sign(1, message, b"ctx"))
    assert not chain.verdict(key, message + b"m", b"ctx", sign(1, message, b"ctx"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("length", [0, 1, 64, 4626, 4628, 4627 + 32, 2 * 4627])
def test_a_signature_of_another_length_is_invalid_and_no_revert(
    chain: OnChain, form: str, length: int
) -> None:
    key = chain.key(form, key_pair(1).public_key)
    signature = (sign(1, b"message") * 2)[:length]
    assert not chain.verdict(key, b"message", b"", signature)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 2591, 2592, 2593, 65_631, 65_632, 65_633])
@pytest.mark.parametrize("byte", [0x00, 0x5A, 0xFF])
def test_a_key_that_is_none_is_invalid_and_no_revert(
    chain: OnChain, length: int, byte: int
) -> None:
    assert not chain.verdict(bytes([byte]) * length, b"message", b"", sign(1, b"message"))


@pytest.mark.parametrize("form", FORMS)
def test_a_key_with_a_byte_more_or_less_is_of_no_form(chain: OnChain, form: str) -> None:
    key = chain.key(form, key_pair(1).public_key)
    signature = sign(1, b"message")
    assert chain.verdict(key, b"message", b"", signature)
    held = key[:32] if form == "committed" else key
    assert chain.verifier.call("isKeyWellFormed", held) is True
    for other in (key[:-1], key[1:], key + b"\0", b"\0" + key):
        assert not chain.verdict(other, b"message", b"", signature)
        assert chain.verifier.call("isKeyWellFormed", other) is False


# c_tilde, seven polynomials of z, 75 positions of hints, 8 counts.
PARTS = {
    "c_tilde, first byte": 0,
    "c_tilde, last byte": 63,
    "z, first byte": 64,
    "z, a byte of the fourth polynomial": 64 + 3 * 640 + 321,
    "z, last byte": 64 + 7 * 640 - 1,
    "hint, first position": 4627 - 83,
    "hint, last position, which is padding": 4627 - 9,
    "hint, first count": 4627 - 8,
    "hint, last count": 4627 - 1,
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("form", FORMS)
def test_a_flipped_bit_in_each_part_is_seen(chain: OnChain, form: str, part: str) -> None:
    key, signature = chain.key(form, key_pair(1).public_key), sign(1, b"message", b"ctx")
    assert chain.verdict(key, b"message", b"ctx", signature)
    for bit in (0x01, 0x80):
        changed = bytearray(signature)
        changed[PARTS[part]] ^= bit
        assert not chain.verdict(key, b"message", b"ctx", bytes(changed))


@pytest.mark.parametrize("position", [0, 31, 32, 351, 352, 2591])
def test_a_flipped_bit_in_a_raw_key_is_seen(chain: OnChain, position: int) -> None:
    changed = bytearray(key_pair(1).public_key)
    changed[position] ^= 0x01
    assert not chain.verdict(bytes(changed), b"message", b"", sign(1, b"message"))


def test_the_forms_of_a_key_do_not_open_each_other() -> None:
    """A registered key is not committed, a committed one not registered."""
    chain = deploy()
    signature, other = sign(1, b"message"), sign(2, b"message")
    registered = chain.registered(key_pair(1).public_key)
    expansion = chain.verifier.call("expand", key_pair(1).public_key)
    committed = chain.committed(key_pair(2).public_key)
    assert chain.verdict(registered, b"message", b"", signature)
    assert not chain.verdict(registered + expansion, b"message", b"", signature)
    assert chain.verdict(committed, b"message", b"", other)
    assert not chain.verdict(committed[:32], b"message", b"", other)


@pytest.mark.parametrize("form", FORMS)
def test_a_signature_is_of_one_key(chain: OnChain, form: str) -> None:
    for number, signer in ((1, 1), (1, 2), (2, 1), (2, 2)):
        key = chain.key(form, key_pair(number).public_key)
        right = number == signer
        assert chain.verdict(key, b"message", b"", sign(signer, b"message")) is right


def test_it_names_its_parameter_set(chain: OnChain) -> None:
    assert chain.verifier.call("algorithm") == "ML-DSA-87"


def test_a_raw_key_that_begins_with_zero_is_not_well_formed(chain: OnChain) -> None:
    assert chain.verifier.call("isKeyWellFormed", key_pair(1).public_key) is True
    assert chain.verifier.call("isKeyWellFormed", bytes(KEY_BYTES)) is False


def test_too_little_gas_never_accepts(chain: OnChain) -> None:
    """Out of gas is a revert of the whole call: no amount makes a bad signature pass."""
    key = chain.registered(key_pair(1).public_key)
    bad = bytearray(sign(1, b"message"))
    bad[0] ^= 1
    answered = 0
    for gas in range(100_000, 1_500_000, 20_011):
        for signature in (bytes(bad), bytes(SIGNATURE_BYTES)):
            data = chain.verifier.artifact.call_data(
                "verifyWithContext", key, b"message", b"", signature
            )
            try:
                output = chain.machine.raw_call(chain.verifier.address, data, OWNER, True, gas=gas)
            except (Reverted, RuntimeError):
                continue
            answered += 1
            assert int.from_bytes(output) == 0
    assert answered
