"""SHA-512 on the EVM against hashlib: lengths about each border, dirty memory, both lanes."""

import hashlib

import pyrevm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.kernels.asm import Asm
from scripts.kernels.sha512 import BLOCK, BOTH, IV, MASK, Absorber, Compression, K, program
from scripts.kernels.solidity import creation_prefix

GAS_OF_A_BLOCK = 20_100
ME = "0x" + "11" * 20


class Program:
    """A program on a bare EVM."""

    def __init__(self, code: bytes) -> None:
        self.evm = pyrevm.EVM(gas_limit=1 << 40, spec_id="PRAGUE")
        self.evm.set_balance(ME, 10**24)
        self.address = self.evm.deploy(ME, creation_prefix(code) + code)

    def __call__(self, data: bytes) -> bytes:
        return bytes(self.evm.message_call(ME, self.address, calldata=data))

    def gas(self, data: bytes) -> int:
        """The execution of a call, without base cost and calldata."""
        self(data)
        return self.evm.result.gas_used - 21_000 - sum(16 if byte else 4 for byte in data)


@pytest.fixture(scope="module")
def sha512() -> Program:
    return Program(program())


def data(length: int) -> bytes:
    return hashlib.shake_256(length.to_bytes(4)).digest(length)


def padded(message: bytes) -> bytes:
    """FIPS 180-4, section 5.1.2."""
    zeros = -(len(message) + 17) % BLOCK
    return message + b"\x80" + bytes(zeros) + (8 * len(message)).to_bytes(16)


def dirty(asm: Asm, end: int) -> None:
    """Write 0xff into all of memory up to ``end``."""
    asm.push((1 << 256) - 1)
    asm.mstore(0)
    filled = 32
    while filled < end:
        asm.push(filled)
        asm.push(0)
        asm.push(filled)
        asm.op("MCOPY")
        filled *= 2


def test_the_constants_are_those_of_fips_180_4() -> None:
    assert K[0] == 0x428A2F98D728AE22
    assert K[79] == 0x6C44198C4A475817
    assert IV[0] == 0x6A09E667F3BCC908
    assert IV[7] == 0x5BE0CD19137E2179


def test_each_length_to_300(sha512: Program) -> None:
    for length in range(301):
        message = data(length)
        assert sha512(message) == hashlib.sha512(message).digest(), length


@pytest.mark.parametrize("length", [1000, 8192, 29_792])
def test_long_messages(sha512: Program, length: int) -> None:
    assert sha512(data(length)) == hashlib.sha512(data(length)).digest()


@pytest.mark.parametrize("byte", [0x00, 0x7F, 0x80, 0xFF])
def test_words_at_their_bounds(sha512: Program, byte: int) -> None:
    message = bytes([byte]) * 240
    assert sha512(message) == hashlib.sha512(message).digest()


def test_another_message_has_another_hash(sha512: Program) -> None:
    assert sha512(b"a") != sha512(b"b")
    assert sha512(b"") != sha512(b"\0")


def test_gas_of_a_block_stays_below_the_limit(sha512: Program) -> None:
    spent = (sha512.gas(data(2000)) - sha512.gas(data(720))) // 10
    print(f"SHA-512: {spent:,} gas a block, {sha512.gas(b''):,} for the empty message")
    assert spent <= GAS_OF_A_BLOCK


def absorber_in_dirty_memory() -> bytes:
    """SHA-512's first half of the padded message in the calldata, computed twice in a row."""
    absorber = Absorber(start=0x40, chain=0x160, schedule=0x290)
    asm = Asm()
    dirty(asm, 0x2000)
    absorber.store_iv(asm)
    asm.op("CALLDATASIZE")
    asm.push(0)
    asm.push(0x1000)
    asm.op("CALLDATACOPY")
    asm.op("CALLDATASIZE")
    asm.push(0x1000)
    asm.op("ADD", "end")
    asm.push(0x1000, "begin")
    asm.call(absorber.label, ["hash"])
    asm.mstore(0)
    asm.call(absorber.label, ["hash"])
    asm.mstore(32)
    asm.push(64)
    asm.push(0)
    asm.op("RETURN")
    absorber.emit(asm)
    return asm.assemble()


@settings(max_examples=30, deadline=None)
@given(message=st.binary(max_size=400))
def test_the_absorber_does_not_read_what_was_there(message: bytes) -> None:
    assert DIRTY_ABSORBER(padded(message))[:32] == hashlib.sha512(message).digest()[:32]
    assert DIRTY_ABSORBER(padded(message))[32:] == hashlib.sha512(message).digest()[:32]


def two_lanes() -> bytes:
    """Two blocks in the calldata to two chaining values from the initial one, in dirty memory."""
    compression = Compression(two=True, start=0x20, state=0x140, schedule=0x260)
    asm = Asm()
    dirty(asm, compression.end + 64)
    compression.store_iv(asm)
    for t in range(16):
        for lane, shift in enumerate((128, 0)):
            asm.push(BLOCK * lane + 8 * t)
            asm.op("CALLDATALOAD")
            asm.shr(192)
            asm.shl(shift)
        asm.op("OR")
        asm.mstore(0x260 + 32 * t)
    compression.emit(asm)
    asm.push(256)
    asm.push(0x140)
    asm.op("RETURN")
    return asm.assemble()


DIRTY_ABSORBER = Program(absorber_in_dirty_memory())
TWO_LANES = Program(two_lanes())


@settings(max_examples=50, deadline=None)
@given(first=st.binary(max_size=111), second=st.binary(max_size=111))
def test_two_lanes_are_two_messages(first: bytes, second: bytes) -> None:
    output = TWO_LANES(padded(first) + padded(second))
    words = [int.from_bytes(output[i : i + 32]) for i in range(0, 256, 32)]
    assert all(word & ~(MASK * BOTH) == 0 for word in words)
    upper = b"".join((word >> 128).to_bytes(8) for word in words)
    lower = b"".join((word & MASK).to_bytes(8) for word in words)
    assert upper == hashlib.sha512(first).digest()
    assert lower == hashlib.sha512(second).digest()


@pytest.mark.parametrize("bits", [0, MASK])
def test_two_lanes_do_not_leak_into_each_other(bits: int) -> None:
    """All ones or zeros beside a message: no carry crosses the border."""
    message = padded(b"message")
    beside = bits.to_bytes(8) * 16
    for blocks, shift in ((message + beside, 128), (beside + message, 0)):
        output = TWO_LANES(blocks)
        words = [int.from_bytes(output[i : i + 32]) >> shift & MASK for i in range(0, 256, 32)]
        hashed = b"".join(word.to_bytes(8) for word in words)
        assert hashed == hashlib.sha512(b"message").digest()
