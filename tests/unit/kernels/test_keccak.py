"""The Keccak kernels, against FIPS 202 written out plainly, and that against hashlib."""

import hashlib
import random
from collections.abc import Callable, Sequence
from functools import cache

import pyrevm
import pytest

from scripts.kernels.asm import Asm
from scripts.kernels.keccak import keccak_f1600, keccak_f1600_x4, keccak_f1600_x4_lanes
from scripts.kernels.keccak_lanes import (
    COMPLEMENTED,
    FULL,
    LANE,
    REPEAT,
    deinterleave,
    interleave,
)

ME = "0x" + "11" * 20
AT = 0x80
BYTES = 25 * 32
BELOW = 0xC0FFEE

State = list[int]
"""25 lanes, lane (x, y) at x + 5y."""


# FIPS 202, section 3, as it is written


def rotl(lane: int, by: int) -> int:
    by %= 64
    return (lane << by | lane >> (64 - by)) & LANE


def rc(t: int) -> int:
    r = [1, 0, 0, 0, 0, 0, 0, 0]
    for _ in range(t % 255):
        r = [0, *r]
        for i in (0, 4, 5, 6):
            r[i] ^= r[8]
        r = r[:8]
    return r[0]


def reference(state: Sequence[int]) -> State:
    a = {(x, y): state[x + 5 * y] for x in range(5) for y in range(5)}
    for round_index in range(24):
        c = [a[x, 0] ^ a[x, 1] ^ a[x, 2] ^ a[x, 3] ^ a[x, 4] for x in range(5)]
        d = [c[(x - 1) % 5] ^ rotl(c[(x + 1) % 5], 1) for x in range(5)]
        a = {(x, y): a[x, y] ^ d[x] for x, y in a}
        rotated = {(0, 0): a[0, 0]}
        x, y = 1, 0
        for t in range(24):
            rotated[x, y] = rotl(a[x, y], (t + 1) * (t + 2) // 2)
            x, y = y, (2 * x + 3 * y) % 5
        a = {(x, y): rotated[(x + 3 * y) % 5, x] for x, y in a}
        a = {(x, y): a[x, y] ^ (~a[(x + 1) % 5, y] & a[(x + 2) % 5, y] & LANE) for x, y in a}
        for j in range(7):
            a[0, 0] ^= rc(j + 7 * round_index) << ((1 << j) - 1)
    return [a[i % 5, i // 5] for i in range(25)]


def shake(
    message: bytes, length: int, rate: int, permute: Callable[[Sequence[int]], State]
) -> bytes:
    padded = bytearray(message + b"\x1f" + bytes(-(len(message) + 1) % rate))
    padded[-1] ^= 0x80
    state = [0] * 25
    for at in range(0, len(padded), rate):
        for i in range(rate // 8):
            state[i] ^= int.from_bytes(padded[at + 8 * i : at + 8 * i + 8], "little")
        state = permute(state)
    out = b""
    while True:
        out += b"".join(lane.to_bytes(8, "little") for lane in state[: rate // 8])
        if len(out) >= length:
            return out[:length]
        state = permute(state)


# The three kernels: how states become memory, and back


def flip(i: int) -> int:
    return FULL if i in COMPLEMENTED else 0


def repeated(states: Sequence[Sequence[int]]) -> bytes:
    (state,) = states
    return b"".join((lane * REPEAT ^ flip(i)).to_bytes(32) for i, lane in enumerate(state))


def from_repeated(memory: bytes) -> list[State]:
    return [[(word ^ flip(i)) >> 192 for i, word in enumerate(words(memory))]]


def interleaved(states: Sequence[Sequence[int]]) -> bytes:
    return b"".join(
        (interleave([state[i] for state in states]) ^ flip(i)).to_bytes(32) for i in range(25)
    )


def from_interleaved(memory: bytes) -> list[State]:
    lanes = [deinterleave(word ^ flip(i)) for i, word in enumerate(words(memory))]
    return [[lane[s] for lane in lanes] for s in range(4)]


def side_by_side(states: Sequence[Sequence[int]]) -> bytes:
    return b"".join(
        (sum(state[i] << 64 * s for s, state in enumerate(states)) ^ flip(i)).to_bytes(32)
        for i in range(25)
    )


def from_side_by_side(memory: bytes) -> list[State]:
    return [
        [(word ^ flip(i)) >> 64 * s & LANE for i, word in enumerate(words(memory))]
        for s in range(4)
    ]


def words(memory: bytes) -> list[int]:
    return [int.from_bytes(memory[i : i + 32]) for i in range(0, BYTES, 32)]


class Kernel:
    """A kernel in a program that copies its state from calldata, permutes and returns it."""

    def __init__(
        self,
        emit: Callable[[Asm, str, int], None],
        states: int,
        encode: Callable[[Sequence[Sequence[int]]], bytes],
        decode: Callable[[bytes], list[State]],
        gas: int,
        size: int,
    ) -> None:
        self.emit, self.states = emit, states
        self.encode, self.decode = encode, decode
        self.gas, self.size = gas, size

    @cache  # noqa: B019 - a handful of kernels that live as long as the tests
    def deployed(self, times: int) -> tuple[pyrevm.EVM, str, int]:
        """An EVM, the program's address, the kernel's bytes of code."""
        asm = Asm()
        asm.push(BYTES)
        asm.push(0)
        asm.push(AT)
        asm.op("CALLDATACOPY")
        asm.push(BELOW)
        for _ in range(times):
            asm.call("keccak")
        asm.mstore(AT + BYTES)
        asm.push(BYTES + 32)
        asm.push(AT)
        asm.op("RETURN")
        before = asm.size()
        self.emit(asm, "keccak", AT)
        code = asm.assemble()
        evm = pyrevm.EVM(gas_limit=1 << 40, spec_id="PRAGUE")
        evm.set_balance(ME, 10**24)
        init = bytes.fromhex("61") + len(code).to_bytes(2) + bytes.fromhex("80600a3d393df3") + code
        return evm, evm.deploy(ME, init), len(code) - before

    def run(self, memory: bytes, times: int = 1) -> tuple[bytes, int]:
        """The memory after some permutations, and the gas of all of it."""
        evm, at, _ = self.deployed(times)
        out = evm.message_call(ME, at, calldata=memory)
        assert int.from_bytes(out[BYTES:]) == BELOW, "the stack below the call was touched"
        return out[:BYTES], evm.result.gas_used

    def permute(self, states: Sequence[Sequence[int]], times: int = 1) -> list[State]:
        return self.decode(self.run(self.encode(states), times)[0])


ONE = Kernel(keccak_f1600, 1, repeated, from_repeated, 29_397, 3_172)
FOUR = Kernel(keccak_f1600_x4, 4, interleaved, from_interleaved, 38_320, 2_131)
LANES = Kernel(keccak_f1600_x4_lanes, 4, side_by_side, from_side_by_side, 46_672, 4_137)

kernels = pytest.mark.parametrize(
    "kernel", [ONE, FOUR, LANES], ids=["one", "four", "four side by side"]
)


def states(kernel: Kernel, seed: int) -> list[State]:
    source = random.Random(seed)
    return [[source.getrandbits(64) for _ in range(25)] for _ in range(kernel.states)]


@pytest.mark.parametrize("length", [0, 1, 135, 136, 137, 167, 168, 169, 1000])
def test_the_reference_is_shake(length: int) -> None:
    message = random.Random(length).randbytes(length)
    assert shake(message, 500, 136, reference) == hashlib.shake_256(message).digest(500)
    assert shake(message, 500, 168, reference) == hashlib.shake_128(message).digest(500)


@kernels
def test_random_states(kernel: Kernel) -> None:
    for seed in range(20):
        given = states(kernel, seed)
        assert kernel.permute(given) == [reference(state) for state in given]


@kernels
@pytest.mark.parametrize("lane", [0, LANE, 1, 1 << 63])
def test_uniform_states(kernel: Kernel, lane: int) -> None:
    given = [[lane] * 25] * kernel.states
    assert kernel.permute(given) == [reference(state) for state in given]


@kernels
def test_every_single_lane_and_its_complement(kernel: Kernel) -> None:
    for i in range(25):
        for rest in (0, LANE):
            state = [rest] * 25
            state[i] ^= LANE
            given = [state, [0] * 25, [LANE] * 25, states(kernel, i)[0]][: kernel.states]
            assert kernel.permute(given) == [reference(each) for each in given]


@kernels
def test_many_in_sequence(kernel: Kernel) -> None:
    given = states(kernel, 99)
    expected = given
    for _ in range(40):
        expected = [reference(state) for state in expected]
    assert kernel.permute(given, 40) == expected


@kernels
def test_a_changed_bit_changes_the_result(kernel: Kernel) -> None:
    given = states(kernel, 5)
    expected = [reference(state) for state in given]
    for i in range(25):
        given[i % kernel.states][i] ^= 1 << (i * 7 % 64)
        assert kernel.permute(given) != expected
        given[i % kernel.states][i] ^= 1 << (i * 7 % 64)


def test_bits_below_188_do_not_matter() -> None:
    given = states(ONE, 6)
    source = random.Random(6)
    memory = b"".join(
        (word ^ source.getrandbits(188)).to_bytes(32) for word in words(ONE.encode(given))
    )
    assert ONE.decode(ONE.run(memory)[0]) == [reference(given[0])]


def test_the_bit_below_the_lane_does_matter() -> None:
    """Bit 191 is the lane's top bit again, which theta rotates into the lane."""
    given = states(ONE, 6)
    memory = bytearray(ONE.encode(given))
    memory[8] ^= 0x80
    assert ONE.decode(ONE.run(bytes(memory))[0]) != [reference(given[0])]


@pytest.mark.parametrize("length", [0, 1, 8, 135, 136, 137, 271, 272, 1088])
def test_shake256_through_the_kernel(length: int) -> None:
    """The state stays in the kernel's form: blocks are XORed into it as it was left."""
    message = random.Random(length).randbytes(length)
    padded = bytearray(message + b"\x1f" + bytes(-(length + 1) % 136))
    padded[-1] ^= 0x80
    memory = repeated([[0] * 25])
    for at in range(0, len(padded), 136):
        block = [int.from_bytes(padded[at + 8 * i : at + 8 * i + 8], "little") for i in range(17)]
        block += [0] * 8
        memory, _ = ONE.run(
            b"".join(
                (word ^ lane * REPEAT).to_bytes(32)
                for word, lane in zip(words(memory), block, strict=True)
            )
        )
    out = b""
    for _ in range(4):
        (state,) = from_repeated(memory)
        out += b"".join(lane.to_bytes(8, "little") for lane in state[:17])
        memory, _ = ONE.run(memory)
    assert out == hashlib.shake_256(message).digest(4 * 136)


@pytest.mark.parametrize("kernel", [FOUR, LANES], ids=["interleaved", "side by side"])
def test_four_shake128_streams_at_once(kernel: Kernel) -> None:
    messages = [bytes(32) + bytes([s, 7 * s]) for s in range(4)]
    given = []
    for message in messages:
        block = bytearray(message + b"\x1f" + bytes(168 - 35))
        block[-1] ^= 0x80
        given.append(
            [int.from_bytes(block[8 * i : 8 * i + 8], "little") for i in range(21)] + [0] * 4
        )
    memory = kernel.encode(given)
    outs = [b""] * 4
    for _ in range(5):
        memory, _ = kernel.run(memory)
        for s, state in enumerate(kernel.decode(memory)):
            outs[s] += b"".join(lane.to_bytes(8, "little") for lane in state[:21])
    assert outs == [hashlib.shake_128(message).digest(5 * 168) for message in messages]


@kernels
def test_gas_and_code(kernel: Kernel) -> None:
    memory = kernel.encode(states(kernel, 1))
    once, many = kernel.run(memory, 1)[1], kernel.run(memory, 11)[1]
    gas, rest = divmod(many - once, 10)
    size = kernel.deployed(1)[2]
    print(f"{kernel.states} states: {gas} gas, {size} bytes")
    assert rest == 0
    assert gas <= kernel.gas
    assert size <= kernel.size
