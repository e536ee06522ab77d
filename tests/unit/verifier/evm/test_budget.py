"""Adversarial code ends in a result, which says whether it is whole."""

from __future__ import annotations

import random

import pytest

from bridge.domain.errors import InputError
from bridge.verifier.evm.budget import Budget
from bridge.verifier.evm.scan import scan_bytecode
from bridge.verifier.finding import Confidence
from tests.unit.verifier.evm.asm import assemble

SIZE = 24_576
random_ = random.Random(8)
LABELS = 700

# Every label may be next, and each pushes itself: as many stacks as there are paths.
WEB = assemble(
    "".join(f":l{one} @l{(one * 7 + 1) % LABELS} @l{(one * 11 + 5) % LABELS} "
            "CALLVALUE @l3 JUMPI JUMP " for one in range(LABELS))
)  # fmt: skip

# A loop that leaves a word in memory behind an unknown pointer at each turn.
HEAP = assemble(
    ":loop " + "64 MLOAD DUP1 MLOAD DUP1 32 ADD DUP1 64 MSTORE MSTORE POP " * 900
    + "CALLVALUE @loop JUMPI STOP"
)  # fmt: skip

# The result of ecrecover is asked about again and again.
BRANCHES = assemble(
    "32 0 128 0 1 GAS STATICCALL POP "
    + "".join(f"0 MLOAD CALLER EQ @b{one} JUMPI 1 5 SSTORE :b{one} " for one in range(1200))
    + "STOP"
)

# The same word added to itself: an expression with as many paths as atoms.
DOUBLED = assemble("4 CALLDATALOAD " + "DUP1 ADD " * 9000 + "JUMP")
MASKED = assemble("0 CALLDATALOAD 224 SHR " + "DUP1 AND " * 9000 + "0x11223344 EQ @f JUMPI :f STOP")

CODES = {
    "jumpdests": b"\x5b" * SIZE,
    "zeros": bytes(SIZE),
    "random": random_.randbytes(SIZE),
    "pushes": b"\x7f" * SIZE,
    "dups": b"\x5f" + b"\x80" * SIZE,
    "jumps to the start": b"\x5b\x5f\x56" * (SIZE // 3),
    "web": WEB,
    "heap": HEAP,
    "branches": BRANCHES,
    "doubled": DOUBLED,
    "masked": MASKED,
    "map heads": b"\xa2\x64ipfs" * (SIZE // 6),
    "shifting": b"\x58\x35\x57" * (SIZE // 3),
    "unknown jumps": b"\x5b\x34\x5f\x35\x57" * (SIZE // 5),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", CODES)
def test_adversarial_code_ends(name):
    scan = scan_bytecode(CODES[name], name)
    assert scan.steps <= 2_000_000 + 1
    if name in ("jumpdests", "zeros", "pushes", "dups"):
        assert scan.is_complete
        assert scan.findings == ()


def test_a_budget_that_is_used_up_is_said_and_lowers_confidence():
    code = assemble(
        "32 0 128 0 1 GAS STATICCALL POP 0 MLOAD CALLER EQ @ok JUMPI 0 0 REVERT :ok 1 5 SSTORE "
        + "".join(f"CALLVALUE @x{one} JUMPI 1 5 SSTORE :x{one} " for one in range(200))
    )
    whole = scan_bytecode(code, "Whole")
    assert not whole.budget_used_up
    part = scan_bytecode(code, "Part", budget=Budget(steps=whole.steps - 5))
    assert part.budget_used_up
    assert not part.is_complete
    assert {one.confidence for one in part.findings} <= {Confidence.MEDIUM}


def test_nodes_are_bounded_too():
    scan = scan_bytecode(b"\x5b" * 2000, "Nodes", budget=Budget(nodes=100))
    assert scan.budget_used_up
    assert scan.reached == ((0, 100),)


def test_the_same_budget_gives_the_same_result():
    first, second = (
        scan_bytecode(BRANCHES, "Twice", budget=Budget(steps=50_000)) for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("steps", [0, -1, 1.5, float("nan"), True])
def test_a_budget_is_a_positive_integer(steps):
    with pytest.raises(InputError, match="budget: steps: expected an integer"):
        Budget(steps=steps)
