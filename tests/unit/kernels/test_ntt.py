"""The transforms against Algorithms 41 and 42, at random and at the extremes, and their gas."""

import math
import random

import pyrevm
import pytest

from scripts.kernels import ntt as kernel
from scripts.kernels.asm import OPS, Asm
from scripts.kernels.ntt_lanes import INTT_INPUT, LANES, NTT_INPUT, N, Q

ME = "0x" + "11" * 20
BASE, TABLE, END = 0x4000, 0x8000, 0x9800
REGION = N * 64
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


def program(compact: bool, *names: str) -> bytes:
    """Memory comes from the calldata, the transforms run, and memory is returned.

    Before it, the word that lay below on the stack, the table's copy left out of the gas.
    """
    asm = Asm()
    asm.push(0xDEADBEEF, "below")
    asm.push(END)
    asm.push(0)
    asm.push(0)
    asm.op("CALLDATACOPY")
    kernel.load_twiddles(asm, "twiddles", TABLE, compact)
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
        {"ntt": kernel.ntt, "intt": kernel.intt}[name](asm, name, BASE, TABLE, compact)
    kernel.place_twiddles(asm, "twiddles", compact)
    return asm.assemble()


def call(code: bytes, data: bytes) -> bytes:
    evm = pyrevm.EVM(gas_limit=1 << 40, spec_id="PRAGUE")
    evm.set_balance(ME, 10**24)
    init = bytes.fromhex("61") + len(code).to_bytes(2) + bytes.fromhex("80600a3d393df3") + code
    return bytes(evm.message_call(ME, evm.deploy(ME, init), calldata=data))


class Machine:
    """One program."""

    def __init__(self, compact: bool, *names: str) -> None:
        self.names = names
        self.compact = compact
        self.code = program(compact, *names)

    def run(self, polynomials: Polynomials) -> tuple[Polynomials, list[int]]:
        """The result and the gas of each transform; memory around is dirty and must stay so."""
        rng = random.Random(7)
        data = bytearray(rng.randbytes(END))
        data[BASE : BASE + REGION] = pack(polynomials)
        out = call(self.code, bytes(data))
        memory = kernel.Memory(TABLE, self.compact)
        data[TABLE : memory.window] = kernel.twiddles(self.compact)
        assert out[:BASE] == data[:BASE]
        end = memory.window
        assert out[BASE + REGION : end] == data[BASE + REGION : end]
        assert out[memory.end : END] == data[memory.end :]
        assert int.from_bytes(out[END : END + 32]) == 0xDEADBEEF
        spent = [
            int.from_bytes(out[END + 32 + 32 * i : END + 64 + 32 * i])
            for i in reversed(range(len(self.names)))
        ]
        # Not the call itself: one GAS, two pushes, a jump and the label to come back to.
        return unpack(out[BASE : BASE + REGION]), [gas - 2 - 6 - 8 - 1 for gas in spent]


@pytest.fixture(scope="module", params=[False, True], ids=["fast", "compact"])
def compact(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def forward(compact: bool) -> Machine:
    return Machine(compact, "ntt")


@pytest.fixture(scope="module")
def inverse(compact: bool) -> Machine:
    return Machine(compact, "intt")


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
    low, high = kernel.ntt_output(forward.compact)
    for got, polynomial in zip(result, polynomials, strict=True):
        assert [x % Q for x in got] == reference_ntt(polynomial)
        assert low <= min(got)
        assert max(got) <= high


@pytest.mark.parametrize("case", CASES)
def test_inverse_is_algorithm_42(inverse: Machine, case: str) -> None:
    polynomials = inputs(Q - 1)[case]
    result, _ = inverse.run(polynomials)
    low, high = kernel.intt_output(inverse.compact)
    for got, polynomial in zip(result, polynomials, strict=True):
        assert [x % Q for x in got] == reference_intt(polynomial)
        assert low <= min(got)
        assert max(got) <= high


def test_round_trip(forward: Machine, inverse: Machine) -> None:
    polynomials = random_polynomials(Q - 1, 9)
    middle, _ = forward.run(polynomials)
    result, _ = inverse.run([[x % Q for x in p] for p in middle])
    assert [[x * pow(256, -1, Q) % Q for x in p] for p in result] == polynomials


def test_lanes_are_independent(forward: Machine, inverse: Machine) -> None:
    for machine, limit in ((forward, BIG), (inverse, Q - 1)):
        polynomials = random_polynomials(limit, 11)
        result, _ = machine.run(polynomials)
        for changed in (0, 2, 7):
            others = list(polynomials)
            others[changed] = [limit] * N
            again, _ = machine.run(others)
            assert [k for k in range(8) if again[k] != result[k]] == [changed]


# The bounds, from the code itself: it is run with an interval in place of every lane.

Interval = tuple[int, int]
LANE = 1 << 64


def uniform(word: int) -> int:
    """The value that all four lanes of a constant have."""
    assert word % LANES == 0
    assert word // LANES < LANE
    return word // LANES


def scalar(word: int) -> int:
    """A factor: one number, perhaps negative, not four lanes."""
    value = word - (1 << 256) if word >> 255 else word
    assert abs(value) < LANE
    return value


def on_intervals(name: str, a: int | Interval, b: int | Interval) -> Interval:
    """An instruction of which an operand, a on top of b, has an interval in each lane."""
    if name in ("ADD", "SUB"):
        (al, ah), (bl, bh) = ((uniform(v), uniform(v)) if isinstance(v, int) else v for v in (a, b))
        out = (al + bl, ah + bh) if name == "ADD" else (al - bh, ah - bl)
    elif name == "MUL":
        # A constant off the stack is below the word or above.
        factor, lanes = (a, b) if isinstance(a, int) else (b, a)
        assert isinstance(factor, int)
        assert isinstance(lanes, tuple)
        low, high = (scalar(factor) * v for v in lanes)
        out = (min(low, high), max(low, high))
    elif name == "AND":
        mask, lanes = (a, b) if isinstance(a, int) else (b, a)
        assert isinstance(mask, int)
        assert isinstance(lanes, tuple)
        assert lanes[0] >= 0
        assert lanes[1] < LANE
        out = (0, min(uniform(mask), lanes[1]))
    else:
        assert isinstance(a, int)
        assert isinstance(b, tuple)
        assert name in ("SAR", "SHR")
        assert name == "SAR" or b[0] >= 0
        out = (b[0] >> a, b[1] >> a)
    assert out[0] > -LANE // 2
    assert out[1] < LANE
    return out


def abstract_run(name: str, compact: bool, start: Interval) -> list[Interval]:
    """Run a transform with ``start`` in each lane; the intervals of the result."""
    asm = Asm()
    asm.call(name)
    asm.op("STOP")
    asm.arrive(["back"])
    {"ntt": kernel.ntt, "intt": kernel.intt}[name](asm, name, BASE, TABLE, compact)
    code = asm.assemble()
    names = {code: name for name, (code, *_) in OPS.items()}
    memory: dict[int, int | Interval] = {BASE + 32 * i: start for i in range(2 * N)}
    table = kernel.twiddles(compact)
    for i in range(0, len(table), 32):
        memory[TABLE + i] = int.from_bytes(table[i : i + 32])
    stack: list[int | Interval] = []
    at = 0

    def take() -> int:
        value = stack.pop()
        assert isinstance(value, int)
        return value

    while True:
        byte = code[at]
        at += 1
        if 0x5F <= byte <= 0x7F:
            stack.append(int.from_bytes(code[at : at + byte - 0x5F]))
            at += byte - 0x5F
        elif 0x80 <= byte <= 0x8F:
            stack.append(stack[0x7F - byte])
        elif 0x90 <= byte <= 0x9F:
            stack[-1], stack[0x8E - byte] = stack[0x8E - byte], stack[-1]
        elif names[byte] == "STOP":
            assert not stack
            return [v for i in range(2 * N) if isinstance(v := memory[BASE + 32 * i], tuple)]
        elif names[byte] == "JUMPDEST":
            pass
        elif names[byte] == "POP":
            stack.pop()
        elif names[byte] == "JUMP":
            at = take()
        elif names[byte] == "JUMPI":
            target = take()
            at = target if take() else at
        elif names[byte] == "MLOAD":
            stack.append(memory[take()])
        elif names[byte] == "MSTORE":
            address = take()
            memory[address] = stack.pop()
        elif names[byte] == "MCOPY":
            to, source, size = take(), take(), take()
            memory |= {to + i: memory[source + i] for i in range(0, size, 32)}
        else:
            a, b = stack.pop(), stack.pop()
            if isinstance(a, int) and isinstance(b, int):
                signed = b - (1 << 256) if b >> 255 else b
                result = {
                    "ADD": lambda a=a, b=b: a + b,
                    "SUB": lambda a=a, b=b: a - b,
                    "AND": lambda a=a, b=b: a & b,
                    "XOR": lambda a=a, b=b: a ^ b,
                    "SHR": lambda a=a, b=b: b >> a,
                    "SHL": lambda a=a, b=b: b << a,
                    "SAR": lambda a=a, b=signed: b >> a,
                }[names[byte]]()
                stack.append(result % (1 << 256))
            else:
                stack.append(on_intervals(names[byte], a, b))


def test_no_lane_overflows_in_the_forward_transform(compact: bool) -> None:
    bounds = abstract_run("ntt", compact, NTT_INPUT)
    low, high = kernel.ntt_output(compact)
    assert NTT_INPUT[1] == BIG
    assert len(bounds) == 2 * N
    assert 0 <= low <= min(bounds)[0]
    assert max(bound[1] for bound in bounds) <= high < 2**33
    print(f"forward, compact {compact}: lanes from {low} to {high}, 2^{math.log2(high):.2f}")


def test_no_lane_overflows_in_the_inverse_transform(compact: bool) -> None:
    bounds = abstract_run("intt", compact, INTT_INPUT)
    low, high = kernel.intt_output(compact)
    assert len(bounds) == 2 * N
    assert 0 <= low <= min(bounds)[0]
    assert max(bound[1] for bound in bounds) <= high < 2**33
    rest = max(bound[1] for bound in bounds[64:])
    print(f"inverse, compact {compact}: lanes to 2^{math.log2(high):.2f}; from index 32 to {rest}")
    assert rest < 2 * Q


def test_a_larger_input_breaks_the_bounds(compact: bool) -> None:
    with pytest.raises(AssertionError):
        abstract_run("ntt", compact, (0, 8 * BIG))


def test_a_negative_input_breaks_the_bounds(compact: bool) -> None:
    with pytest.raises(AssertionError):
        abstract_run("ntt", compact, (-1, BIG))


@pytest.mark.parametrize("name", ["ntt", "intt"])
def test_the_compact_form_wants_an_aligned_region(name: str) -> None:
    with pytest.raises(AssertionError, match="expected a multiple of 256"):
        {"ntt": kernel.ntt, "intt": kernel.intt}[name](Asm(), name, BASE + 32, TABLE, True)


@pytest.mark.parametrize("name", ["ntt", "intt"])
def test_one_set_is_transformed_alone(name: str, compact: bool) -> None:
    asm = Asm()
    asm.push(END)
    asm.push(0)
    asm.push(0)
    asm.op("CALLDATACOPY")
    kernel.load_twiddles(asm, "twiddles", TABLE, compact)
    asm.op("GAS")
    asm.call(name)
    asm.ops("GAS")
    asm.swap(asm.stack[-2])
    asm.op("SUB")
    asm.push(END)
    asm.op("MSTORE")
    asm.push(END + 32)
    asm.push(0)
    asm.op("RETURN")
    {"ntt": kernel.ntt, "intt": kernel.intt}[name](asm, name, BASE, TABLE, compact, 1)
    kernel.place_twiddles(asm, "twiddles", compact)
    polynomials = random_polynomials(Q - 1, 21)
    words = pack(polynomials)
    first = b"".join(words[i : i + 32] for i in range(0, len(words), 64))
    data = bytearray(random.Random(8).randbytes(END))
    data[BASE : BASE + len(first)] = first
    out = call(asm.assemble(), bytes(data))
    reference = {"ntt": reference_ntt, "intt": reference_intt}[name]
    result = out[BASE : BASE + len(first)]
    for k in range(4):
        lanes = [
            int.from_bytes(result[i + 24 - 8 * k : i + 32 - 8 * k]) for i in range(0, 8192, 32)
        ]
        assert [x % Q for x in lanes] == reference(polynomials[k])
    assert out[:BASE] == data[:BASE]
    assert out[BASE + len(first) : TABLE] == data[BASE + len(first) : TABLE]
    gas = int.from_bytes(out[END:]) - 2 - 6 - 8 - 1
    print(f"{name} of one set, compact {compact}: {gas} gas")
    assert gas <= ONE_SET[name, compact]


ONE_SET = {
    ("ntt", False): 79_168,
    ("intt", False): 80_340,
    ("ntt", True): 85_035,
    ("intt", True): 86_975,
}
FIGURES = {
    ("ntt", False): (150_848, 3_902),
    ("intt", False): (153_172, 3_998),
    ("ntt", True): (158_731, 1_660),
    ("intt", True): (162_591, 1_743),
}


@pytest.mark.parametrize("name", ["ntt", "intt"])
def test_gas_and_size(name: str, compact: bool) -> None:
    machine = Machine(compact, name)
    _, (gas,) = machine.run(random_polynomials(Q - 1, 3))
    _, (again,) = machine.run(random_polynomials(Q - 1, 4))
    assert gas == again
    asm = Asm()
    {"ntt": kernel.ntt, "intt": kernel.intt}[name](asm, name, BASE, TABLE, compact)
    size = asm.size()
    print(f"{name}, compact {compact}: {gas} gas for eight polynomials, {size} bytes")
    most_gas, most_bytes = FIGURES[name, compact]
    assert gas <= most_gas
    assert size <= most_bytes
