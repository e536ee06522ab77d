"""SlhDsaSha2256sVerifier: FIPS 205 to the letter, by NIST's vectors and by what must not pass."""

from __future__ import annotations

import hashlib
from statistics import mean

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slhdsa import KeyPair, sha2_256s

from bridge.testing.machine import OWNER, Deployed, Machine, Reverted
from scripts.kernels.slh_dsa_reference import SHA2_256S, Verifier
from tests.vectors import slh_dsa_cases

LENGTH = 29_792
MEAN_GAS_LIMIT = 9_400_000
FIXED_GAS, GAS_OF_F, GAS_OF_BLOCK = 8_480_000, 233, 20_100
MOST_F = 22 + 8 * (15 * 64 + 12 + 3 + 15)  # all digits zero; then the checksum is 0x3c0
TRANSACTION_CAP = 1 << 24  # EIP-7825
MAGIC = bytes.fromhex("024ad318")  # ERC-7913
INVALID = bytes.fromhex("ffffffff")

CASES = slh_dsa_cases("SLH-DSA-SHA2-256s")
VALID = [case for case in CASES if case.valid]
ONE = VALID[0]


@pytest.fixture(scope="module")
def verifier() -> Deployed:
    return Machine().deploy("SlhDsaSha2256sVerifier")


@pytest.fixture(scope="module")
def signed() -> tuple[bytes, bytes, bytes]:
    """Key, digest and signature with the empty context; the only one that is made here."""
    pair = KeyPair.gen(sha2_256s)
    digest = hashlib.sha256(b"anything").digest()
    return pair.pub.digest(), digest, pair.sign_pure(digest)


def verdict(verifier: Deployed, key: bytes, message: bytes, ctx: bytes, signature: bytes) -> bool:
    answer = verifier.call("verifyWithContext", key, message, ctx, signature)
    assert isinstance(answer, bool)
    return answer


def test_there_are_vectors_of_both_kinds() -> None:
    assert {case.valid for case in CASES} == {True, False}
    assert len(CASES) == 28
    assert len(VALID) >= 16
    assert len({len(case.message) for case in CASES}) > 5


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source} {case.tc_id}")
def test_nist(verifier: Deployed, case) -> None:
    key, message, ctx, signature = case.public_key, case.message, case.ctx, case.signature
    assert verdict(verifier, key, message, ctx, signature) is case.valid
    assert not verdict(verifier, key, message + b"\0", ctx, signature)


def test_erc_7913(verifier: Deployed, signed: tuple[bytes, bytes, bytes]) -> None:
    key, digest, signature = signed
    assert verifier.call("verify", key, digest, signature) == MAGIC
    assert verdict(verifier, key, digest, b"", signature)
    assert verifier.call("verify", key, bytes(32), signature) == INVALID
    assert verifier.call("verify", ONE.public_key, digest, signature) == INVALID
    assert verifier.call("verify", b"", digest, signature) == INVALID
    assert verifier.call("verify", key, digest, b"") == INVALID


def test_a_context_counts(verifier: Deployed) -> None:
    case = next(case for case in VALID if 0 < len(case.ctx) < 255)
    key, message, ctx, signature = case.public_key, case.message, case.ctx, case.signature
    assert verdict(verifier, key, message, ctx, signature)
    assert not verdict(verifier, key, message, b"", signature)
    assert not verdict(verifier, key, message, ctx + b"c", signature)
    # The border between context and message cannot be moved: the length is signed.
    assert not verdict(verifier, key, ctx[:1] + message, ctx[1:], signature)
    assert not verdict(verifier, key, message[1:], ctx + message[:1], signature)


def test_a_context_of_256_bytes_is_never_valid(
    verifier: Deployed, signed: tuple[bytes, bytes, bytes]
) -> None:
    key, digest, signature = signed
    assert not verdict(verifier, key, digest, b"c" * 256, signature)  # not the length 0
    assert not verdict(verifier, key, b"", b"c" * 224 + digest, signature)


@pytest.mark.parametrize("length", [0, 1, 7856, LENGTH - 1, LENGTH + 1, 2 * LENGTH])
def test_a_signature_of_another_length_is_invalid_and_no_revert(
    verifier: Deployed, length: int
) -> None:
    signature = (ONE.signature * 2)[:length]
    assert not verdict(verifier, ONE.public_key, ONE.message, ONE.ctx, signature)


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_key_of_another_length_is_invalid_and_no_revert(verifier: Deployed, length: int) -> None:
    key = (ONE.public_key * 2)[:length]
    assert not verdict(verifier, key, ONE.message, ONE.ctx, ONE.signature)


def test_both_halves_of_the_key_count(verifier: Deployed) -> None:
    for offset in (0, 31, 32, 63):
        key = bytearray(ONE.public_key)
        key[offset] ^= 0x80
        assert not verdict(verifier, bytes(key), ONE.message, ONE.ctx, ONE.signature)


def parts() -> dict[str, int]:
    """The first byte of each kind of part: R, FORS (22 trees of 15), 8 layers of 67 + 8 values."""
    found = {"R": 0}
    for tree in (0, 1, 20, 21):  # both lanes of the first and of the last pair
        begin = 32 + 32 * 15 * tree
        found |= {f"secret of tree {tree}": begin, f"top of tree {tree}": begin + 32 * 14}
    for layer in range(8):
        begin = 32 + 10_560 + layer * 32 * 75
        found |= {
            f"first chain of layer {layer}": begin,
            f"checksum chain of layer {layer}": begin + 32 * 66,
            f"path of layer {layer}": begin + 32 * 67,
            f"top of layer {layer}": begin + 32 * 74,
        }
    return found


PARTS = parts()


@pytest.mark.parametrize("part", PARTS)
def test_a_flipped_bit_in_each_part_is_seen(verifier: Deployed, part: str) -> None:
    assert verdict(verifier, ONE.public_key, ONE.message, ONE.ctx, ONE.signature)
    for offset in (0, 31):
        changed = bytearray(ONE.signature)
        changed[PARTS[part] + offset] ^= 0x01
        assert not verdict(verifier, ONE.public_key, ONE.message, ONE.ctx, bytes(changed))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(position=st.integers(0, LENGTH - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_seen(verifier: Deployed, position: int, bit: int) -> None:
    signature = bytearray(VALID[-1].signature)
    signature[position] ^= 1 << bit
    case = VALID[-1]
    assert not verdict(verifier, case.public_key, case.message, case.ctx, bytes(signature))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 1 << 64))
def test_the_kernels_find_the_root_of_any_signature(verifier: Deployed, number: int) -> None:
    """A signature of any bytes, valid or not, leads to a root: the one of the reference."""
    stream = hashlib.shake_256(number.to_bytes(9)).digest(32 + 64 + LENGTH - 32)
    seed, digest, signature = stream[:32], stream[32:96], stream[96:]

    def ask(kernel: str, data: bytes) -> bytes:
        address = verifier.call(kernel)
        return verifier.machine.raw_call(address, data, OWNER, static=True)

    roots = ask("forsKernel", seed + digest + signature[:10_560])
    root = ask("hypertreeKernel", seed + digest + roots + signature[10_560:])
    assert root == Verifier(SHA2_256S, seed).root(digest, signature)


def test_gas_stays_below_the_limit(verifier: Deployed) -> None:
    """Execution of the call, its base cost and calldata aside, over all valid vectors of NIST.

    The number of F calls, about 4,000, follows from the digest like a throw of dice, so each run
    has a limit by the hashes it does. Long messages count as if they had one block.
    """
    spent = []
    for case in VALID:
        key, message, ctx, signature = case.public_key, case.message, case.ctx, case.signature
        sent = verifier.send("verifyWithContext", key, message, ctx, signature)
        assert int.from_bytes(sent.output) == 1
        spent.append(sent.execution_gas - GAS_OF_BLOCK * (len(message) // 128))
        reference = Verifier(SHA2_256S, key[:32])
        prefixed = bytes([0, len(ctx)]) + ctx + message
        digest = reference.digest(signature[:32], key[32:], prefixed)
        assert reference.root(digest, signature[32:]) == key[32:]
        assert spent[-1] <= FIXED_GAS + GAS_OF_F * reference.counts["F"]
    print(
        f"SLH-DSA-SHA2-256s: {min(spent):,} to {max(spent):,} gas, mean {mean(spent):,.0f}, "
        f"in {len(spent)} runs"
    )
    assert mean(spent) <= MEAN_GAS_LIMIT


def test_a_verification_fits_into_a_transaction(
    verifier: Deployed, signed: tuple[bytes, bytes, bytes]
) -> None:
    """Base cost and calldata too, and the dearest signature that there can be as well."""
    key, digest, signature = signed
    sent = verifier.send("verify", key, digest, signature)
    assert sent.output[:4] == MAGIC
    print(f"SLH-DSA-SHA2-256s: a transaction of {sent.gas:,} gas")
    calldata = 16 * len(verifier.artifact.call_data("verify", key, digest, signature))
    assert FIXED_GAS + GAS_OF_F * MOST_F + 21_000 + calldata <= TRANSACTION_CAP


def test_too_little_gas_never_accepts(verifier: Deployed) -> None:
    """Out of gas is a revert of the whole call: no amount makes a bad signature pass."""
    data = verifier.artifact.call_data(
        "verifyWithContext", ONE.public_key, b"another message", ONE.ctx, ONE.signature
    )
    stopped = answered = 0
    for gas in range(600_000, 11_000_000, 400_037):
        try:
            output = verifier.machine.raw_call(verifier.address, data, OWNER, True, gas=gas)
        except (Reverted, RuntimeError):
            stopped += 1
            continue
        assert int.from_bytes(output) == 0
        answered += 1
    assert stopped > 20
    assert answered > 0


def test_it_can_be_created_in_a_transaction(verifier: Deployed) -> None:
    code = verifier.artifact.deployment()
    assert len(code) <= 2 * 24_576  # EIP-3860
    machine = Machine()
    machine.deploy_code(code)
    assert machine.evm.result.gas_used <= TRANSACTION_CAP


def test_it_names_its_parameter_set_and_knows_its_keys(verifier: Deployed) -> None:
    assert verifier.call("algorithm") == "SLH-DSA-SHA2-256s"
    assert verifier.call("isKeyWellFormed", ONE.public_key) is True
    assert verifier.call("isKeyWellFormed", bytes(63) + b"\1") is True
    for key in (b"", bytes(64), b"\1" * 32, b"\1" * 63, b"\1" * 65):
        assert verifier.call("isKeyWellFormed", key) is False
