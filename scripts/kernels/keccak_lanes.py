"""The lanes of Keccak-f[1600]: constants, where pi moves them, their places, and the terms of chi.

What the kernels in ``keccak`` are made of, and what their callers must know: ``REPEAT``,
``COMPLEMENTED``, ``interleave``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

WORD = 32
LANE = (1 << 64) - 1
FULL = (1 << 256) - 1
REPEAT = 1 + (1 << 64) + (1 << 128) + (1 << 192)
"""Times a lane: the lane four times."""
COMPLEMENTED = frozenset({1, 2, 8, 12, 17, 20})
"""The lanes x + 5y that stand inverted in memory."""

Lane = tuple[int, int]
"""(x, y), as FIPS 202 counts."""
LANES: tuple[Lane, ...] = tuple((i % 5, i // 5) for i in range(25))


def _offsets() -> dict[Lane, int]:
    """Rho's rotations: FIPS 202, algorithm 2."""
    offsets = {(0, 0): 0}
    x, y = 1, 0
    for t in range(24):
        offsets[x, y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


def _round_constants() -> tuple[int, ...]:
    """Iota's constants: FIPS 202, algorithms 5 and 6."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << ((1 << j) - 1)
            register <<= 1
            register ^= 0x171 * (register >> 8)
        constants.append(constant)
    return tuple(constants)


OFFSETS = _offsets()
ROUND_CONSTANTS = _round_constants()


def interleave(lanes: Sequence[int]) -> int:
    """The word of four states' lanes: bit j of ``lanes[s]`` is bit 4j + s."""
    return sum((lane >> j & 1) << (4 * j + s) for s, lane in enumerate(lanes) for j in range(64))


def deinterleave(word: int) -> tuple[int, ...]:
    """The lanes of four states in a word: the inverse of ``interleave``."""
    return tuple(sum((word >> (4 * j + s) & 1) << j for j in range(64)) for s in range(4))


def row(x: int, y: int) -> int:
    """The row that pi moves a lane to; the lane's new column is ``y``."""
    return (2 * x + 3 * y) % 5


def origin(x: int, y: int) -> Lane:
    """The lane that pi moves to column ``x`` of row ``y``."""
    return 3 * (y - 3 * x) % 5, x


# Where the lanes are


def layouts(rounds: int) -> list[dict[Lane, Lane]]:
    """The place of every lane, before each round and after the last: the lane at home there.

    A place that held a lane bound for row y then holds a lane of row y, whose column x is free.
    For two rounds the home's row y0 = 2 x1 + 3 y1 fixes x1. For three it fixes x2, and x1 is a
    linear function of the home, the first with which no two lanes meet.
    """
    for a, b in product(range(5), repeat=2):
        held: list[dict[Lane, Lane]] = [{} for _ in range(rounds + 1)]
        for x0, y0 in LANES:
            lane = (x0, y0)
            held[0][lane] = (x0, y0)
            for k in range(1, rounds + 1):
                y = row(*lane)
                x = x0 if k == rounds else (a * x0 + b * y0) % 5
                if k == rounds - 1:
                    x = 3 * (y0 - 3 * y) % 5
                lane = (x, y)
                held[k][lane] = (x0, y0)
        if all(len(layout) == 25 for layout in held) and held[rounds] == held[0]:
            return held
    raise AssertionError(f"no layout returns after {rounds} rounds")


# Lane complementing


@dataclass(frozen=True)
class Term:
    """One output of chi: b[j] XOR (b[j+1] op b[j+2]), with NOTs where they are needed."""

    op: str
    invert_first: bool
    invert_second: bool
    invert_result: bool

    @property
    def inversions(self) -> int:
        return self.invert_first + self.invert_second + self.invert_result


def terms(inverted: Sequence[bool], wanted: bool, j: int) -> list[Term]:
    """The ways to compute chi's output j from a row some of whose lanes are inverted.

    ``wanted`` says whether the output is to stand inverted. The fewest NOTs come first.
    """
    p0, p1, p2 = (inverted[(j + i) % 5] for i in range(3))
    bits = (False, True)

    def result(op: str, b1: bool, b2: bool) -> bool:
        return b1 & b2 if op == "AND" else b1 | b2

    found = [
        Term(op, n1, n2, flip ^ p0 ^ wanted)
        for op, n1, n2, flip in product(("AND", "OR"), bits, bits, bits)
        if all(
            result(op, b1 ^ p1 ^ n1, b2 ^ p2 ^ n2) == (not b1 and b2) ^ flip
            for b1, b2 in product(bits, bits)
        )
    ]
    return sorted(found, key=lambda term: term.inversions)
