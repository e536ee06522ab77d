"""The digits of a WOTS+ message on the EVM, at their bounds, and the places of a Merkle path."""

import pyrevm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.kernels.asm import Asm
from scripts.kernels.merkle_path import lane, places
from scripts.kernels.solidity import creation_prefix
from scripts.kernels.winternitz import checksum_digits, spread, sum_of_bytes

ME = "0x" + "11" * 20


def run(asm: Asm, value: int) -> int:
    """The top of the stack after a program that begins with ``value`` from the calldata."""
    asm.push(0)
    asm.op("MSTORE")
    asm.push(32)
    asm.push(0)
    asm.op("RETURN")
    code = asm.assemble()
    evm = pyrevm.EVM(gas_limit=1 << 40, spec_id="PRAGUE")
    evm.set_balance(ME, 10**24)
    address = evm.deploy(ME, creation_prefix(code) + code)
    return int.from_bytes(evm.message_call(ME, address, calldata=value.to_bytes(32)))


def taking() -> Asm:
    asm = Asm()
    asm.push(0)
    asm.op("CALLDATALOAD", "value")
    return asm


@settings(max_examples=25, deadline=None)
@given(value=st.sampled_from([0, (1 << 128) - 1]) | st.integers(0, (1 << 128) - 1))
def test_nibbles_are_spread_over_bytes(value: int) -> None:
    asm = taking()
    spread(asm, "digits")
    expected = bytes(nibble for byte in value.to_bytes(16) for nibble in (byte >> 4, byte & 15))
    assert run(asm, value).to_bytes(32) == expected


@pytest.mark.parametrize("byte", [0, 1, 15, 30, 60])
def test_bytes_are_summed_up_to_their_bound(byte: int) -> None:
    asm = taking()
    sum_of_bytes(asm, "sum")
    assert run(asm, int.from_bytes(bytes([byte]) * 32)) == 32 * byte


@pytest.mark.parametrize("checksum", [0, 1, 0xF, 0x10, 0xFF, 0x100, 480, 960, 0xFFF])
def test_a_checksum_has_three_digits(checksum: int) -> None:
    asm = taking()
    checksum_digits(asm)
    digits = (checksum >> 8, checksum >> 4 & 15, checksum & 15)
    assert run(asm, checksum) == int.from_bytes(bytes(1 + digit for digit in digits))


@pytest.mark.parametrize(("levels", "n", "m_1"), [(12, 16, 0x57), (9, 16, 0x57), (8, 32, 0xA6)])
@pytest.mark.parametrize("pick", ["places", "siblings"])
def test_a_path_goes_by_the_bits_of_its_index(levels: int, n: int, m_1: int, pick: str) -> None:
    for index in (0, (1 << levels) - 1, 0b101010101010 % (1 << levels), 1 << (levels - 1)):
        for level in range(levels):
            asm = taking()
            places(asm, levels, n, m_1)
            lane(asm, pick, level)
            right = (index >> level & 1) == (pick == "places")
            assert run(asm, index) == m_1 + n * right
