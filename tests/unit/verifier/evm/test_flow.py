"""Control and value flow on code written by hand."""

from __future__ import annotations

import pytest

from bridge.verifier.evm.finders import CURVES
from bridge.verifier.evm.program import Program
from bridge.verifier.evm.scan import scan_bytecode
from bridge.verifier.finding import Confidence, Guard
from tests.unit.verifier.evm.asm import assemble

# Stack: address. Calls it with what stands in memory, the result at 0.
ASK = "32 0 128 0 0 SWAP5 GAS STATICCALL POP"
SEND = "0 0 0 0 1 CALLER GAS CALL STOP"
CHECK = f"0 MLOAD CALLER EQ @ok JUMPI 0 0 REVERT :ok {SEND}"


def found(text, detector="ecrecover"):
    scan = scan_bytecode(assemble(text), "Hand")
    return [one for one in scan.findings if one.detector == detector]


@pytest.mark.parametrize(
    "address",
    [
        "1",
        "3 2 SWAP1 SUB",  # arithmetic
        "0xffff0001 0xffff AND",  # a mask
        f"raw:7f{'00' * 31}01 0x{'ff' * 20} AND",  # an immutable, as it stands in deployed code
        "1 64 MSTORE 64 MLOAD",  # memory
        "1 0x80 CALLDATASIZE ADD MSTORE 0x80 CALLDATASIZE ADD MLOAD",  # memory at an unknown place
        "1 7 9 DUP3 SWAP3 POP POP POP",  # DUP and SWAP
        "2 1 SHR",
        "1 @back SWAP1 @give JUMP :give SWAP1 JUMP :back",  # through a function
        "CALLVALUE @one JUMPI 1 @go JUMP :one 1 :go",  # the same from two sides
    ],
)
def test_an_address_is_known_however_it_comes(address):
    (one,) = found(f"{address} {ASK} {CHECK}")
    assert one.guards == (Guard.TRANSFER,)
    assert one.confidence is Confidence.HIGH


@pytest.mark.parametrize(
    "address",
    [
        "2", "4", "0x101", "0", "0x10001", "CALLER", "0 CALLDATALOAD", "1 SLOAD",
        "1 64 MSTORE 2 64 MSTORE 64 MLOAD",  # written over
        "1 64 MSTORE 32 0 64 CALLDATACOPY 64 MLOAD",
        "1 64 MSTORE 0 65 MSTORE8 64 MLOAD",
        "1 95 MSTORE 64 MLOAD",  # another word
    ],
)  # fmt: skip
def test_another_address_is_not(address):
    assert found(f"{address} {ASK} {CHECK}") == []


def test_one_of_two_addresses_is_found_with_less_confidence():
    (one,) = found(f"CALLVALUE @one JUMPI 2 @go JUMP :one 1 :go {ASK} {CHECK}")
    assert one.confidence is Confidence.MEDIUM


def test_code_that_is_never_reached_has_no_findings():
    assert found(f"STOP :dead 1 {ASK} {CHECK}") == []
    assert found(f"0 @never JUMPI STOP :never 1 {ASK} {CHECK}") == []
    assert len(found(f"1 @always JUMPI STOP :always 1 {ASK} {CHECK}")) == 1


def test_what_a_push_carries_is_no_call():
    # 600161ffff fa: "PUSH1 1 ... STATICCALL" as data of a PUSH32.
    assert (
        found("raw:7f6001600060006000600060016001fa6001600060006000600060016001fa000000 STOP") == []
    )


def test_a_side_of_a_branch_knows_that_its_flag_is_zero():
    # As solc writes try: one word less where the call failed, told by the flag again.
    text = f"""@home 0 0 0 0 5 SLOAD GAS STATICCALL DUP1 ISZERO @failed JUMPI
        POP 7 1 :failed @went JUMPI JUMP :went POP JUMP :home 1 {ASK} {CHECK}"""
    scan = scan_bytecode(assemble(text), "Hand")
    assert scan.is_complete
    assert [one.detector for one in scan.findings] == ["ecrecover"]


def test_code_behind_an_unknown_jump_is_swept_with_low_confidence():
    text = f"0 CALLDATALOAD JUMP :somewhere 1 {ASK} {CHECK}"
    (one,) = found(text)
    assert one.confidence is Confidence.LOW
    scan = scan_bytecode(assemble(text), "Hand")
    assert scan.unresolved_jumps == (3,)
    assert not scan.is_complete


@pytest.mark.parametrize(
    ("decision", "guards"),
    [
        (f"0 MLOAD CALLER EQ @ok JUMPI 0 0 REVERT :ok {SEND}", {Guard.TRANSFER}),
        (f"0 MLOAD CALLER SUB @bad JUMPI {SEND} :bad INVALID", {Guard.TRANSFER}),
        (f"0 MLOAD CALLER XOR ISZERO @ok JUMPI STOP :ok {SEND}", {Guard.TRANSFER}),
        (f"0 MLOAD CALLER SUB 2 JUMPI {SEND}", {Guard.TRANSFER}),
        # Only whether there is a result.
        (f"0 MLOAD ISZERO @bad JUMPI {SEND} :bad 0 0 REVERT", {Guard.NOTHING_SEEN}),
        (f"0 MLOAD @ok JUMPI 0 0 REVERT :ok {SEND}", {Guard.NOTHING_SEEN}),
        # On both sides of the branch.
        (f"0 MLOAD CALLER EQ @ok JUMPI :ok {SEND}", {Guard.NOTHING_SEEN}),
        # Not looked at.
        (SEND, {Guard.NOTHING_SEEN}),
        ("1 5 SSTORE STOP", {Guard.NOTHING_SEEN}),
        # Where it flows to.
        ("0 MLOAD 5 SSTORE STOP", {Guard.STORAGE}),
        ("7 0 MLOAD SSTORE STOP", {Guard.STORAGE}),
        ("0 0 0 0 0 0 MLOAD GAS CALL STOP", {Guard.NOTHING_SEEN}),  # neither value nor data
        ("0 0 4 0 0 0 MLOAD GAS CALL STOP", {Guard.CALL}),
        ("0 0 4 0 0 MLOAD GAS DELEGATECALL STOP", {Guard.CALL}),
        ("0 MLOAD SELFDESTRUCT", {Guard.TRANSFER}),
        # A constant that stands for the answer.
        (
            "0 MLOAD CALLER EQ @yes JUMPI 0 @on JUMP :yes 1 :on @ok JUMPI 0 0 REVERT :ok "
            + SEND,
            {Guard.TRANSFER},
        ),
        # A constant that says only that there was an answer.
        (
            "0 MLOAD @yes JUMPI 0 @on JUMP :yes 1 :on @ok JUMPI 0 0 REVERT :ok " + SEND,
            {Guard.NOTHING_SEEN},
        ),
        # Hashed and looked up.
        (
            f"0 MLOAD 0 MSTORE 64 0 KECCAK256 SLOAD @ok JUMPI 0 0 REVERT :ok {SEND}",
            {Guard.TRANSFER},
        ),
        # A function that answers, in a loop.
        (
            f"3 :loop 0 MLOAD CALLER EQ ISZERO @bad JUMPI 1 SWAP1 SUB DUP1 @loop JUMPI {SEND} "
            ":bad 0 0 REVERT",
            {Guard.TRANSFER},
        ),
        # EIP-1967's implementation, ERC-20's Approval.
        (
            "0 MLOAD CALLER EQ @ok JUMPI 0 0 REVERT :ok CALLER "
            "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc SSTORE STOP",
            {Guard.UPGRADE},
        ),
        (
            "0 MLOAD CALLER EQ @ok JUMPI 0 0 REVERT :ok CALLER CALLER "
            "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925 32 0 LOG3 STOP",
            {Guard.PERMIT},
        ),
        # Another contract's ERC-20 transfer.
        (
            "0 MLOAD CALLER EQ @ok JUMPI 0 0 REVERT :ok "
            "0xa9059cbb 224 SHL 256 MSTORE 0 0 68 256 0 4 SLOAD GAS CALL STOP",
            {Guard.TRANSFER},
        ),
    ],
)  # fmt: skip
def test_a_result_guards_what_it_decides(decision, guards):
    (one,) = found(f"1 {ASK} {decision}")
    assert set(one.guards) == guards


def test_the_flag_of_success_is_no_answer_of_ecrecover_but_is_of_a_kzg_proof():
    call = "32 0 128 0 0 SWAP5 GAS STATICCALL @ok JUMPI 0 0 REVERT :ok"
    (one,) = found(f"1 {call} {SEND}")
    assert one.guards == (Guard.NOTHING_SEEN,)
    (one,) = found(f"10 {call} {SEND}", "kzg")
    assert one.guards == (Guard.TRANSFER,)


def test_a_result_flows_through_another_precompile():
    # The sum of two points goes into a pairing, whose answer decides.
    text = f"6 64 0 128 0 0 SWAP5 GAS STATICCALL POP 8 64 512 192 0 0 SWAP5 GAS STATICCALL POP \
        512 MLOAD @ok JUMPI 0 0 REVERT :ok {SEND}"
    add, pairing = sorted(found(text, "bn254"), key=lambda one: one.location.offset)
    assert set(pairing.guards) == set(add.guards) == {Guard.TRANSFER}


def test_functions_are_told_apart():
    text = f"""
        0 CALLDATALOAD 224 SHR DUP1 0xd505accf EQ @permit JUMPI DUP1 0x11223344 EQ @other JUMPI
        0 0 REVERT :permit 1 {ASK} 0 MLOAD CALLER EQ @ok JUMPI 0 0 REVERT :ok 1 2 SSTORE STOP
        :other 1 {ASK} 32 0 RETURN"""
    program = Program(assemble(text), "Hand")
    assert list(program.functions) == [0x11223344, 0xD505ACCF]
    one, other = found(text)
    assert set(one.guards) == {Guard.PERMIT, Guard.STORAGE}
    assert "in permit" in one.detail
    assert set(other.guards) == {Guard.NOTHING_SEEN}
    assert "0x11223344" in other.detail


def test_the_owner_by_caller():
    owner = f"CALLER 3 SLOAD EQ @ok JUMPI 0 0 REVERT :ok {SEND}"
    (one,) = found(owner, "eoa-owner")
    assert "slot 0x3" in one.detail
    fixed = f"CALLER 0x{'12' * 20} EQ @ok JUMPI 0 0 REVERT :ok {SEND}"
    (one,) = found(fixed, "eoa-owner")
    assert "12" * 20 in one.detail
    assert found(owner.replace("CALLER 3", "CALLVALUE 3"), "eoa-owner") == []
    assert found(owner.replace("3 SLOAD", "4 CALLDATALOAD"), "eoa-owner") == []


@pytest.mark.parametrize(
    ("address", "detector"),
    [
        (1, "ecrecover"), (3, "weak-hash"), (5, "modexp"), (6, "bn254"), (7, "bn254"), (8, "bn254"),
        (10, "kzg"), (0x100, "p256"), *((one, "bls12-381") for one in range(0x0B, 0x12)),
    ],
)  # fmt: skip
def test_each_precompile_has_its_detector(address, detector):
    scan = scan_bytecode(assemble(f"{address} {ASK} {CHECK}"), "Hand")
    assert {one.detector for one in scan.findings} == {detector}


def test_constants_of_curves_are_those_of_the_curves():
    p = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F
    curves = list(CURVES)
    assert curves[0] == p
    # x of a point: x^3 + 7 is a square.
    assert pow(curves[1] ** 3 + 7, (p - 1) // 2, p) == 1
    for prime in curves:
        if prime != curves[1]:
            assert pow(3, prime - 1, prime) == 1, hex(prime)
    # A curve's order is near its p (Hasse).
    assert abs(curves[3] - curves[2]) < 2 * 2**128
    assert abs(8 * curves[5] - curves[4]) < 2 * 2**128


@pytest.mark.parametrize(("constant", "curve"), [(one, CURVES[one][0]) for one in CURVES])
def test_arithmetic_on_curves_is_told_by_constants_that_are_reached(constant, curve):
    text = f"0x{constant:x} 4 CALLDATALOAD 36 CALLDATALOAD MULMOD 0 MSTORE 32 0 RETURN"
    (one,) = found(text, "curve-arithmetic")
    assert one.algorithm.parameter_set == curve
    assert found(f"STOP :dead {text}", "curve-arithmetic") == []
    assert found(text.replace(f"{constant:x}", f"{constant - 1:x}"), "curve-arithmetic") == []


@pytest.mark.parametrize("address", [2, 4, 9, 0x12, 0xFF, 0x101])
def test_other_precompiles_have_none(address):
    assert scan_bytecode(assemble(f"{address} {ASK} {CHECK}"), "Hand").findings == ()
