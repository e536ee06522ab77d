"""Lanes: the bounds of what they hold, and the code of one operation on four of them.

``Interval`` is the least and the largest value of a lane, as a signed number.
"""

from __future__ import annotations

from collections.abc import Iterable

from scripts.kernels.asm import Asm

Q = 8380417
ZETA = 1753
N = 256
R_BITS = 23
R = 1 << R_BITS
Q_INVERSE = (1 << 13) + 1  # of q modulo R
WIDE_BITS = 32
WIDE_Q_INVERSE = -pow(Q, -1, 1 << WIDE_BITS) % (1 << WIDE_BITS)
LANE_LIMIT = 1 << 64
LANES = sum(1 << (64 * lane) for lane in range(4))
WORD = 32

NTT_INPUT = (0, 9635980)  # to floor(2^23.2)
INTT_INPUT = (0, Q - 1)

Interval = tuple[int, int]
Row = dict[int, int]


def zeta(k: int) -> int:
    """zetas[k] of FIPS 204, Appendix B: 1753^brv8(k) mod q."""
    return pow(ZETA, int(f"{k:08b}"[::-1], 2), Q)


def add(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]


def sub(a: Interval, b: Interval) -> Interval:
    return a[0] - b[1], a[1] - b[0]


def scale(c: int, a: Interval) -> Interval:
    return min(c * a[0], c * a[1]), max(c * a[0], c * a[1])


def hull(intervals: Iterable[Interval]) -> Interval:
    low, high = zip(*intervals, strict=True)
    return min(low), max(high)


def total(intervals: Iterable[Interval]) -> Interval:
    low, high = zip(*intervals, strict=True)
    return sum(low), sum(high)


def bias(lowest: int) -> int:
    """The least multiple of q that lifts ``lowest`` to 0 or above."""
    return -(-max(0, -lowest) // Q) * Q


def needs_cut(product: Interval) -> bool:
    """Whether a sum of products must be cut before it is multiplied."""
    assert product[0] >= 0, f"a lane may be negative: {product}"
    assert product[1] < LANE_LIMIT // 2, f"a lane may overflow: {product[1]:#x}"
    return product[1] * Q_INVERSE >= LANE_LIMIT


def reduced(product: Interval) -> Interval:
    """The bounds of (m q - P) / 2^23."""
    return -(product[1] >> R_BITS), Q - 1


def reduced_wide(product: Interval) -> Interval:
    """The bounds of (P + m q) / 2^32, m below 2^32."""
    assert product[0] >= 0
    assert product[1] + (Q << WIDE_BITS) < LANE_LIMIT // 2
    return 0, Q + (product[1] >> WIDE_BITS)


# The code of one lane operation. Constants that lie on the stack: M (the low 23 or 32 bits of each
# lane), q, n (the inverse) and K.


def _constant(asm: Asm, name: str) -> None:
    """A constant off the stack if it is within reach, else pushed: the same gas, more bytes."""
    if asm.depth(name) <= 16:
        asm.dup(name)
    else:
        asm.push({"q": Q, "n": Q_INVERSE}[name])


def reduce(asm: Asm, product: Interval, name: str) -> None:
    """Replace the sum of products on top by (m q - P) / 2^23."""
    asm.rename("P.")
    asm.dup("P.")
    if needs_cut(product):
        asm.dup("M")
        asm.op("AND")
    _constant(asm, "n")
    asm.op("MUL")
    asm.dup("M")
    asm.op("AND")
    _constant(asm, "q")
    asm.ops("MUL SUB")
    asm.push(R_BITS)
    asm.op("SAR", name)


def reduce_wide(asm: Asm, product: Interval, name: str) -> None:
    """Replace the sum of products on top by (P + m q) / 2^32."""
    assert product[0] >= 0
    asm.rename("P.")
    asm.dup("P.")
    asm.dup("M")
    asm.op("AND")
    _constant(asm, "n")
    asm.op("MUL")
    asm.dup("M")
    asm.op("AND")
    _constant(asm, "q")
    asm.ops("MUL ADD")
    asm.push(WIDE_BITS)
    asm.op("SHR", name)


def load(asm: Asm, offset: int, name: str) -> None:
    asm.dup("p")
    if offset:
        asm.push(offset)
        asm.op("ADD")
    asm.op("MLOAD", name)


def store(asm: Asm, offset: int) -> None:
    asm.dup("p")
    if offset:
        asm.push(offset)
        asm.op("ADD")
    asm.op("MSTORE")


def spread(asm: Asm, offset: int, other: int) -> None:
    """Store x - t at ``offset`` and x + t at ``other``; the stack is t x and both are consumed."""
    differ(asm)
    store(asm, offset)
    asm.op("ADD")
    store(asm, other)


def differ(asm: Asm) -> None:
    """x - t on top of the stack t x."""
    asm.stack[-2:] = ["t.", "x."]
    asm.dup("t.")
    asm.dup("x.")
    asm.op("SUB")


def again(asm: Asm, name: str, step: int, end: int) -> None:
    """Move the pointer and jump back to label ``name`` unless it has reached ``end``."""
    asm.push(step)
    asm.op("ADD", "p")
    asm.dup("p")
    asm.push(end)
    asm.op("XOR")
    asm.jumpi(name)
