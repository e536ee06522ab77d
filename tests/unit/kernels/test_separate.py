"""Streams of four states out of their interleaved words."""

import random

import pyrevm
import pytest

from scripts.kernels.asm import Asm
from scripts.kernels.keccak_lanes import COMPLEMENTED, FULL, LANE, interleave
from scripts.kernels.separate import inversion, separate_x4

ME = "0x" + "11" * 20
SOURCE, TARGET, STRIDE = 0x40, 0x200, 0x60
BELOW = 0xC0FFEE


def run(given: bytes, invert: int, times: int = 1) -> tuple[list[int], int, int]:
    """The words of the four states, the gas, and the subroutine's bytes of code."""
    asm = Asm()
    asm.push(128)
    asm.push(0)
    asm.push(SOURCE)
    asm.op("CALLDATACOPY")
    asm.push(BELOW)
    for _ in range(times):
        asm.push(invert)
        asm.push(TARGET)
        asm.push(SOURCE)
        asm.call("separate")
        asm.stack = asm.stack[:-3]  # the subroutine takes its three arguments
    asm.mstore(0)
    asm.push(TARGET + 4 * STRIDE)
    asm.push(0)
    asm.op("RETURN")
    before = asm.size()
    separate_x4(asm, "separate", STRIDE)
    code = asm.assemble()
    evm = pyrevm.EVM(gas_limit=1 << 40, spec_id="PRAGUE")
    evm.set_balance(ME, 10**24)
    init = bytes.fromhex("61") + len(code).to_bytes(2) + bytes.fromhex("80600a3d393df3") + code
    out = evm.message_call(ME, evm.deploy(ME, init), calldata=given)
    assert int.from_bytes(out[:32]) == BELOW
    found = [int.from_bytes(out[TARGET + STRIDE * s :][:32]) for s in range(4)]
    return found, evm.result.gas_used, len(code) - before


@pytest.mark.parametrize("first", [0, 4, 8, 12, 16, 20])
def test_every_state_gets_its_lanes(first: int) -> None:
    source = random.Random(first)
    lanes = [[source.getrandbits(64) for _ in range(4)] for _ in range(4)]  # [i][s]
    given = b"".join(
        (interleave(row) ^ (FULL if first + i in COMPLEMENTED else 0)).to_bytes(32)
        for i, row in enumerate(lanes)
    )
    found, _, _ = run(given, inversion(first))
    assert found == [sum(lanes[i][s] << 64 * i for i in range(4)) for s in range(4)]
    if inversion(first):
        assert run(given, 0)[0] != found


def test_every_bit_finds_its_place() -> None:
    for i in range(4):
        for at in range(0, 256, 5):
            word = 1 << at
            given = b"".join((word if k == i else 0).to_bytes(32) for k in range(4))
            expected = [0] * 4
            expected[at % 4] = 1 << (64 * i + at // 4)
            assert run(given, 0)[0] == expected


def test_the_lanes_that_are_inverted() -> None:
    assert inversion(0) == LANE << 64 | LANE << 128
    assert inversion(4) == 0
    assert inversion(8) == LANE


def test_gas_and_code() -> None:
    (_, once, size), (_, many, _) = run(bytes(128), 0), run(bytes(128), 0, 11)
    gas, rest = divmod(many - once, 10)
    print(f"four words of four states: {gas} gas, {size} bytes")
    assert rest == 0
    assert gas <= 836
    assert size <= 760
