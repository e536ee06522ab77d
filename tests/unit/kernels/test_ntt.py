"""The transforms against Algorithms 41 and 42, at random and at the extremes, and their gas."""

import random
from collections.abc import Callable

import pyrevm
import pytest

from scripts.kernels import ntt as kernel
from scripts.kernels.asm import Asm

ME = "0x" + "11" * 20
BASE, TABLE, END = 0x4000, 0x8000, 0x8800
Q, N = kernel.Q, kernel.N
BIG = int(2**23.2)

Polynomials = list[list[int]]  # eight of 256 coefficients

# Algorithms 41 and 42 as they are written


def zetas(m: int) -> int:
    return pow(1753, int(f"{m:08b}"[::-1], 2), Q)


def reference_ntt(w: list[int]) -> list[int]:
    w = list(w)
    m = 0
    length = 128
    while length >= 1:
        for start in range(0, 256, 2 * length):
            m += 1
            for j in range(start, start + length):
                t = zetas(m) * w[j + length] % Q
                w[j + length] = (w[j] - t) % Q
                w[j] = (w[j] + t) % Q
        length //= 2
    return w


def reference_intt(w: list[int]) -> list[int]:
    """Algorithm 42 without its last step, the product with 256^-1."""
    w = list(w)
    m = 256
    length = 1
    while length < 256:
        for start in range(0, 256, 2 * length):
            m -= 1
            for j in range(start, start + length):
                t = w[j]
                w[j] = (t + w[j + length]) % Q
                w[j + length] = -zetas(m) * (t - w[j + length]) % Q
        length *= 2
    return w


# Running a kernel


def pack(polynomials: Polynomials) -> bytes:
    out = bytearray()
    for i in range(N):
        for array in range(2):
            lanes = polynomials[4 * array : 4 * array + 4]
            out += sum(p[i] << (64 * k) for k, p in enumerate(lanes)).to_bytes(32)
    return bytes(out)


def unpack(memory: bytes) -> Polynomials:
    polynomials: Polynomials = [[] for _ in range(8)]
    for i in range(N):
        for array in range(2):
            at = 64 * i + 32 * array
            word = int.from_bytes(memory[at : at + 32])
            for k in range(4):
                polynomials[4 * array + k].append(word >> (64 * k) & (2**64 - 1))
    return polynomials


def program(*names: str) -> bytes:
    """Memory comes from the calldata, the transforms run, and memory is returned.

    Before it, the word that lay below on the stack, the table's copy left out of the gas.
    """
    asm = Asm()
    asm.push(0xDEADBEEF, "below")
    asm.push(END)
    asm.push(0)
    asm.push(0)
    asm.op("CALLDATACOPY")
    kernel.load_twiddles(asm, "twiddles", TABLE)
    for name in names:
        asm.op("GAS")
        asm.call(name)
        asm.op("GAS")
        asm.swap(asm.stack[-2])
        asm.op("SUB")
    for i in range(len(names)):
        asm.push(END + 32 + 32 * i)
        asm.op("MSTORE")
    asm.push(END)
    asm.op("MSTORE")
    asm.push(END + 32 + 32 * len(names))
    asm.push(0)
    asm.op("RETURN")
    for name in dict.fromkeys(names):
        {"ntt": kernel.ntt, "intt": kernel.intt}[name](asm, name, BASE, TABLE)
    kernel.place_twiddles(asm, "twiddles")
    return asm.assemble()


class Machine:
    """One deployed program."""

    def __init__(self, *names: str) -> None:
        self.names = names
        code = program(*names)
        self.evm = pyrevm.EVM(gas_limit=1 << 40, spec_id="PRAGUE")
        self.evm.set_balance(ME, 10**24)
        init = bytes.fromhex("61") + len(code).to_bytes(2) + bytes.fromhex("80600a3d393df3") + code
        self.at = self.evm.deploy(ME, init)

    def run(self, polynomials: Polynomials) -> tuple[Polynomials, list[int]]:
        """The result and the gas of each transform; memory around is dirty and must stay so."""
        rng = random.Random(7)
        data = bytearray(rng.randbytes(END))
        data[BASE : BASE + kernel.REGION] = pack(polynomials)
        out = bytes(self.evm.message_call(ME, self.at, calldata=bytes(data)))
        data[TABLE : TABLE + kernel.TABLE_BYTES] = kernel.twiddles()
        assert out[:BASE] == data[:BASE]
        end = TABLE + kernel.TABLE_BYTES
        assert out[BASE + kernel.REGION : end] == data[BASE + kernel.REGION : end]
        assert out[TABLE + kernel.SCRATCH : END] == data[TABLE + kernel.SCRATCH :]
        assert int.from_bytes(out[END : END + 32]) == 0xDEADBEEF
        spent = [
            int.from_bytes(out[END + 32 + 32 * i : END + 64 + 32 * i])
            for i in reversed(range(len(self.names)))
        ]
        # Not the call itself: one GAS, two pushes, a jump and the label to come back to.
        return unpack(out[BASE : BASE + kernel.REGION]), [gas - 2 - 6 - 8 - 1 for gas in spent]


@pytest.fixture(scope="module")
def forward() -> Machine:
    return Machine("ntt")


@pytest.fixture(scope="module")
def inverse() -> Machine:
    return Machine("intt")


def random_polynomials(limit: int, seed: int) -> Polynomials:
    rng = random.Random(seed)
    return [[rng.randint(0, limit) for _ in range(N)] for _ in range(8)]


def inputs(limit: int) -> dict[str, Polynomials]:
    rng = random.Random(5)
    return {
        "random": random_polynomials(limit, 1),
        "more random": random_polynomials(limit, 2),
        "zero": [[0] * N for _ in range(8)],
        "largest": [[limit] * N for _ in range(8)],
        "alternating": [[limit * ((i + k) % 2) for i in range(N)] for k in range(8)],
        "alternating lanes": [[limit * (k % 2)] * N for k in range(8)],
        "halves": [[limit * (i >> k & 1) for i in range(N)] for k in range(8)],
        "zero or largest": [[limit * rng.randint(0, 1) for _ in range(N)] for _ in range(8)],
        "one coefficient": [[limit * (i == 37 * k % N) for i in range(N)] for k in range(8)],
        "one lane": [[limit * (k == 5)] * N for k in range(8)],
    }


CASES = list(inputs(1))


@pytest.mark.parametrize("case", CASES)
def test_forward_is_algorithm_41(forward: Machine, case: str) -> None:
    polynomials = inputs(BIG)[case]
    result, _ = forward.run(polynomials)
    low, high = kernel.ntt_output()
    for got, polynomial in zip(result, polynomials, strict=True):
        assert [x % Q for x in got] == reference_ntt(polynomial)
        assert low <= min(got)
        assert max(got) <= high


@pytest.mark.parametrize("case", CASES)
def test_inverse_is_algorithm_42(inverse: Machine, case: str) -> None:
    polynomials = inputs(Q - 1)[case]
    result, _ = inverse.run(polynomials)
    low, high = kernel.intt_output()
    for got, polynomial in zip(result, polynomials, strict=True):
        assert [x % Q for x in got] == reference_intt(polynomial)
        assert low <= min(got)
        assert max(got) <= high


def test_round_trip(forward: Machine, inverse: Machine) -> None:
    polynomials = random_polynomials(Q - 1, 9)
    middle, _ = forward.run(polynomials)
    result, _ = inverse.run([[x % Q for x in p] for p in middle])
    assert [[x * pow(256, -1, Q) % Q for x in p] for p in result] == polynomials


@pytest.mark.parametrize(
    ("name", "most_gas", "most_bytes"), [("ntt", 152_768, 3_928), ("intt", 155_812, 4_066)]
)
def test_gas_and_size(name: str, most_gas: int, most_bytes: int) -> None:
    machine = Machine(name)
    _, (gas,) = machine.run(random_polynomials(Q - 1, 3))
    _, (again,) = machine.run(random_polynomials(Q - 1, 4))
    assert gas == again
    asm = Asm()
    emit: Callable[[Asm, str, int, int], None] = getattr(kernel, name)
    emit(asm, name, BASE, TABLE)
    print(f"{name}: {gas} gas for eight polynomials, {asm.size()} bytes")
    assert gas <= most_gas
    assert asm.size() <= most_bytes
