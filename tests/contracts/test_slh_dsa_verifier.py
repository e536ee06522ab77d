"""SlhDsaSha2128sVerifier: FIPS 205 to the letter, by NIST's vectors and by what must not pass."""

from __future__ import annotations

import hashlib
from statistics import mean

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.crypto.providers import select
from bridge.domain.errors import InvalidSignature
from bridge.testing.machine import OWNER, Deployed, Machine, Reverted
from scripts.kernels.slh_dsa_reference import SHA2_128S, Verifier
from tests.contracts.conftest import SLH, key_pair, sign
from tests.vectors import nist_sign_cases, verify_cases

MEAN_GAS_LIMIT = 545_000
FIXED_GAS, GAS_OF_F = 93_300, 233
MAGIC = bytes.fromhex("024ad318")  # ERC-7913
INVALID = bytes.fromhex("ffffffff")

VERIFY = verify_cases(SLH)
SIGN = nist_sign_cases(SLH)


@pytest.fixture(scope="module")
def verifier() -> Deployed:
    return Machine().deploy("SlhDsaSha2128sVerifier")


def verdict(verifier: Deployed, key: bytes, message: bytes, ctx: bytes, signature: bytes) -> bool:
    answer = verifier.call("verifyWithContext", key, message, ctx, signature)
    assert isinstance(answer, bool)
    return answer


def test_there_are_vectors_of_both_kinds() -> None:
    assert {case.valid for case in VERIFY} == {True, False}
    assert len(VERIFY) >= 14
    assert len(SIGN) >= 7


@pytest.mark.parametrize("case", VERIFY, ids=lambda case: f"{case.source} {case.tc_id}")
def test_nist_sigver(verifier: Deployed, case) -> None:
    got = verdict(verifier, case.public_key, case.message, case.ctx, case.signature)
    assert got is case.valid


@pytest.mark.parametrize("case", SIGN, ids=lambda case: f"{case.source} {case.tc_id}")
def test_nist_siggen(verifier: Deployed, case) -> None:
    key = case.expanded[32:]  # sk ends with the public key (FIPS 205, figure 15)
    assert verdict(verifier, key, case.message, case.ctx, case.signature)
    assert not verdict(verifier, key, case.message + b"\0", case.ctx, case.signature)


def test_erc_7913(verifier: Deployed) -> None:
    digest = hashlib.sha256(b"anything").digest()
    signature = sign(1, digest, b"")
    key = key_pair(1).public_key
    assert verifier.call("verify", key, digest, signature) == MAGIC
    assert verifier.call("verify", key, bytes(32), signature) == INVALID
    assert verifier.call("verify", key_pair(2).public_key, digest, signature) == INVALID
    assert verifier.call("verify", b"", digest, signature) == INVALID
    assert verifier.call("verify", key, digest, b"") == INVALID


def test_erc_7913_has_the_empty_context(verifier: Deployed) -> None:
    digest = bytes(32)
    with_context = sign(1, digest, b"astralink/checkpoint/v1")
    assert verifier.call("verify", key_pair(1).public_key, digest, with_context) == INVALID


@pytest.mark.parametrize("length", [0, 1, 255])
def test_a_context_counts(verifier: Deployed, length: int) -> None:
    key, ctx = key_pair(1).public_key, b"c" * length
    signature = sign(1, b"message", ctx)
    assert verdict(verifier, key, b"message", ctx, signature)
    assert not verdict(verifier, key, b"message", ctx + b"c", signature)
    # The border between context and message cannot be moved: the length is signed.
    if ctx:
        assert not verdict(verifier, key, b"c" + b"message", ctx[1:], signature)


def test_a_context_of_256_bytes_is_never_valid(verifier: Deployed) -> None:
    signature = sign(1, b"message", b"")
    # 256 would be written as the length 0.
    assert not verdict(verifier, key_pair(1).public_key, b"message", b"c" * 256, signature)


def test_the_internal_interface_is_not_spoken(verifier: Deployed) -> None:
    """A signature over 0 || 0 || M of the internal interface is one over M of the external."""
    signature = sign(1, b"\0\0message", b"")
    assert not verdict(verifier, key_pair(1).public_key, b"message", b"", signature)


@pytest.mark.parametrize("length", [0, 1, 54, 55, 56, 64, 1000, 8192])
def test_messages_of_any_length(verifier: Deployed, length: int) -> None:
    message = bytes(length)
    signature = sign(1, message, b"")
    assert verdict(verifier, key_pair(1).public_key, message, b"", signature)
    assert not verdict(verifier, key_pair(1).public_key, message + b"\0", b"", signature)


@pytest.mark.parametrize("length", [0, 1, 7855, 7857, 2 * 7856])
def test_a_signature_of_another_length_is_invalid_and_no_revert(
    verifier: Deployed, length: int
) -> None:
    signature = (sign(1, b"message", b"") * 2)[:length]
    assert not verdict(verifier, key_pair(1).public_key, b"message", b"", signature)


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(32), bytes(33)])
def test_a_key_that_is_none_is_invalid_and_no_revert(verifier: Deployed, key: bytes) -> None:
    assert not verdict(verifier, key, b"message", b"", sign(1, b"message", b""))


# R, then FORS: 14 trees of 13 values, then 7 layers of 35 + 9 values, 16 bytes each.
PARTS = {
    "R": 0,
    "FORS secret of the first tree": 16,
    "FORS path of the last tree": 16 + 16 * (14 * 13 - 1),
    "WOTS chain of layer 0": 16 + 2912,
    "XMSS path of layer 0": 16 + 2912 + 16 * 35,
    "WOTS checksum chain of layer 6": 16 + 2912 + 6 * 704 + 16 * 34,
    "XMSS path of layer 6, its top": 7856 - 16,
}


@pytest.mark.parametrize("part", PARTS)
def test_a_flipped_bit_in_each_part_is_seen(verifier: Deployed, part: str) -> None:
    signature = bytearray(sign(1, b"message", b"ctx"))
    assert verdict(verifier, key_pair(1).public_key, b"message", b"ctx", bytes(signature))
    for offset in (0, 15):
        changed = bytearray(signature)
        changed[PARTS[part] + offset] ^= 0x01
        assert not verdict(verifier, key_pair(1).public_key, b"message", b"ctx", bytes(changed))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(position=st.integers(0, 7855), bit=st.integers(0, 7))
def test_any_flipped_bit_is_seen_as_the_provider_sees_it(
    verifier: Deployed, position: int, bit: int
) -> None:
    signature = bytearray(sign(2, b"message", b"ctx"))
    signature[position] ^= 1 << bit
    key = key_pair(2).public_key
    with pytest.raises(InvalidSignature):
        select("default").signatures.verify(SLH, key, b"message", bytes(signature), b"ctx")
    assert not verdict(verifier, key, b"message", b"ctx", bytes(signature))


def test_gas_stays_below_the_limit(verifier: Deployed) -> None:
    """Execution of the call, its base cost and calldata aside.

    The number of F calls, 1,885 on average, follows from the digest like a throw of dice, with a
    deviation of 69. So the mean of 40 runs has a limit, and each run one by the hashes it does.
    """
    ctx, key = b"astralink/checkpoint/v1", key_pair(3).public_key
    spent = []
    for number in range(40):
        message = bytes([number]) * 32
        signature = sign(3, message, ctx)
        sent = verifier.send("verifyWithContext", key, message, ctx, signature)
        assert int.from_bytes(sent.output) == 1
        spent.append(sent.execution_gas)
        reference = Verifier(SHA2_128S, key[:16])
        digest = reference.digest(signature[:16], key[16:], bytes([0, len(ctx)]) + ctx + message)
        assert reference.root(digest, signature[16:]) == key[16:]
        assert sent.execution_gas <= FIXED_GAS + GAS_OF_F * reference.counts["F"]
    print(
        f"SLH-DSA-SHA2-128s: {min(spent):,} to {max(spent):,} gas, "
        f"mean {mean(spent):,.0f}, in {len(spent)} runs"
    )
    assert mean(spent) <= MEAN_GAS_LIMIT


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.binary(min_size=16, max_size=16), number=st.integers(0, 1 << 64))
def test_the_kernel_finds_the_root_of_any_signature(
    verifier: Deployed, seed: bytes, number: int
) -> None:
    """A signature of any bytes, valid or not, leads to a root: the one of the reference."""
    stream = hashlib.shake_256(number.to_bytes(9)).digest(32 + 7840)
    digest, signature = stream[:32], stream[32:]
    kernel = verifier.call("kernel")
    output = verifier.machine.raw_call(
        kernel, seed + bytes(16) + digest + signature, OWNER, static=True
    )
    assert output[:16] == Verifier(SHA2_128S, seed).root(digest, signature)


def test_too_little_gas_never_accepts(verifier: Deployed) -> None:
    """Out of gas is a revert of the whole call: no amount makes a bad signature pass."""
    data = verifier.artifact.call_data(
        "verifyWithContext",
        key_pair(1).public_key,
        b"message",
        b"",
        bytes(7856),
    )
    stopped = 0
    for gas in range(160_000, 860_000, 20_011):
        try:
            output = verifier.machine.raw_call(verifier.address, data, OWNER, True, gas=gas)
        except (Reverted, RuntimeError):
            stopped += 1
            continue
        assert int.from_bytes(output) == 0
    assert 0 < stopped < 35  # some amounts suffice


def test_it_names_its_parameter_set_and_knows_its_keys(verifier: Deployed) -> None:
    assert verifier.call("algorithm") == "SLH-DSA-SHA2-128s"
    assert verifier.call("isKeyWellFormed", key_pair(1).public_key) is True
    for key in (b"", bytes(32), b"\1" * 31, b"\1" * 33):
        assert verifier.call("isKeyWellFormed", key) is False
