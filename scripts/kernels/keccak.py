"""Keccak-f[1600] (FIPS 202, section 3) for the EVM: one state, or four states at once.

Both kernels come from one generator of rounds, and differ in how a word rotates its lanes.

**One state.** A 64-bit lane stands four times in its 256-bit word, so that a rotation to the left
by r is SHL r. It spoils the r lowest bits of the word and no others: the bits from ``low`` up go on
holding the repeated lane. XOR, AND and OR take the worse ``low`` of their operands. A round adds at
most 1 (theta rotates the parities by 1) and 62 (the largest offset of rho). The first of every
three rounds makes new copies while it rotates: SHR 192 takes the exact lane from the top, and its
product with 2^r (1 + 2^64 + 2^128 + 2^192) is the four copies, rotated by r; whatever ``low`` was,
it is then r, at most 62. So ``low`` is at most 62 after the first round, 62 + 63 = 125 after the
second, 188 after the third, 189 in the next theta. There 64 exact bits are needed, 192 is the
limit. No bit is ever spoilt from above. The generator carries ``low`` of every lane and asserts it.

**Four states.** The bits of the four states stand beside each other: bit j of state s is bit
4j + s. A rotation of the whole word by 4r bits rotates all four lanes by r, in two shifts and with
no mask.

**Common to both.** A row is computed in place: its five new lanes take the places of the five lanes
that they come from. The order within a row is chosen so that after the loop's body every lane is at
home again. A place is a word of memory (written once and read twice a round: 18 gas) or a slot of
the stack (11 gas). Chi needs one NOT a row and not five, because the lanes ``COMPLEMENTED`` are
kept inverted, in memory between calls too (lane complementing, from the Keccak team's overview of
implementations). Row 0 comes last and uses the words of theta up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations

from scripts.kernels.asm import Asm, AsmError
from scripts.kernels.keccak_lanes import (
    COMPLEMENTED,
    FULL,
    LANES,
    OFFSETS,
    REPEAT,
    ROUND_CONSTANTS,
    WORD,
    Lane,
    Term,
    interleave,
    layouts,
    origin,
    row,
    terms,
)

# How a word rotates


@dataclass(frozen=True)
class Form:
    """How lanes stand in a word."""

    rotate: Callable[[Asm, int], None]
    """Rotate the top's lanes to the left by a number of bits."""
    renew: Callable[[Asm, int], None] | None
    """The same from an exact top lane alone, if copies must be renewed."""
    constant: Callable[[int], int]
    """The word in which every lane is this one."""


def _shift(asm: Asm, bits: int) -> None:
    if bits:
        asm.shl(bits)


def _renew(asm: Asm, bits: int) -> None:
    asm.shr(192)
    asm.push(REPEAT << bits & FULL)
    asm.op("MUL")


def _turn(asm: Asm, bits: int) -> None:
    if bits:
        word = asm.stack[-1]
        asm.dup(word, "up")
        asm.shl(4 * bits, "up")
        asm.swap(word)
        asm.shr(256 - 4 * bits)
        asm.op("OR")


def _turn_lanes(asm: Asm, bits: int) -> None:
    """The lanes side by side: the shifts in both directions, one of them in the ``bits`` lowest."""
    if bits:
        word = asm.stack[-1]
        asm.dup(word, "up")
        asm.shl(bits, "up")
        asm.swap(word)
        asm.shr(64 - bits)
        asm.dup("up")
        asm.op("XOR")
        asm.push(((1 << bits) - 1) * REPEAT)
        asm.op("AND")
        asm.op("XOR")


SIDE_BY_SIDE = Form(_turn_lanes, None, lambda lane: lane * REPEAT)
REPEATED = Form(_shift, _renew, lambda lane: lane * REPEAT)
INTERLEAVED = Form(_turn, None, lambda lane: interleave([lane] * 4))

# Rounds


@dataclass
class Body:
    """The loop's body: some rounds on one state's words."""

    form: Form
    state: int
    """Address of the 25 words."""
    slots: Sequence[Lane]
    """The homes that are on the stack while rounds run, the deepest first."""
    rounds: int

    def __post_init__(self) -> None:
        self.layouts = layouts(self.rounds)
        self.low = [dict.fromkeys(LANES, 188 if self.form.renew else 0)]

    def address(self, home: Lane) -> int:
        return self.state + WORD * (home[0] + 5 * home[1])

    def slot(self, home: Lane) -> str:
        return f"slot{home[0]}{home[1]}"

    def load(self, asm: Asm, k: int, lane: Lane) -> None:
        home = self.layouts[k][lane]
        if home in self.slots:
            asm.dup(self.slot(home))
        else:
            asm.mload(self.address(home))

    def store(self, asm: Asm, k: int, lane: Lane) -> None:
        home = self.layouts[k][lane]
        if home in self.slots:
            asm.replace(self.slot(home))
        else:
            asm.mstore(self.address(home))

    def emit(self, asm: Asm) -> None:
        """All rounds. The slots are on top; the constants ``rc0``, ``rc1``.. are below them."""
        for k in range(self.rounds):
            low = self._track(k)
            self.low.append(low)
            asm.cheapest([partial(self._round, k=k, start=start) for start in range(5)])
        if self.form.renew:
            assert max(self.low[-1].values()) <= 188

    def _track(self, k: int) -> dict[Lane, int]:
        """The spoilt bits of every lane after round ``k``; asserts that there is an exact lane."""
        if not self.form.renew:
            return dict.fromkeys(LANES, 0)
        before = self.low[k]
        parity = [max(before[x, y] for y in range(5)) for x in range(5)]
        added = [max(parity[x - 1], parity[(x + 1) % 5] + 1) for x in range(5)]
        moved = {}
        for x, y in LANES:
            low = max(before[x, y], added[x])
            assert low + 64 <= 256, "no exact lane is left"
            moved[y, row(x, y)] = OFFSETS[x, y] if k == 0 else low + OFFSETS[x, y]
        return {(x, y): max(moved[(x + i) % 5, y] for i in range(3)) for x, y in LANES}

    def _round(self, asm: Asm, k: int, start: int) -> None:
        self._theta(asm, k, start)
        for y in (1, 2, 3, 4):
            asm.cheapest([partial(self._inner_row, k=k, y=y, first=i) for i in range(5)])
        orders = permutations(range(5))
        asm.cheapest([partial(self._last_row, k=k, order=order) for order in orders])

    def _theta(self, asm: Asm, k: int, start: int) -> None:
        """Leave d0..d4 on the stack, d[x] = c[x-1] XOR rot(c[x+1], 1).

        The columns come in steps of two, so that each sum makes one d with the sum before it.
        """
        columns = [(start + 2 * i) % 5 for i in range(5)]
        for i, x in enumerate(columns):
            self._sum(asm, k, x)
            asm.rename(f"c{i}")
            if i == 0:
                asm.dup("c0", "first")
                asm.stack[-2:] = ["first", "c0"]  # the same word twice
                continue
            asm.swap(f"c{i - 1}")
            asm.dup(f"c{i}")
            self.form.rotate(asm, 1)
            asm.op("XOR", f"d{(x - 1) % 5}")
            if i == 3:
                asm.swap("c3")  # c4 must end next to the first sum, to be used up
        asm.swap("first")
        self.form.rotate(asm, 1)
        asm.op("XOR", f"d{(start - 1) % 5}")

    def _sum(self, asm: Asm, k: int, x: int) -> None:
        lanes = [(x, y) for y in range(5)]
        lanes.sort(key=lambda lane: self.layouts[k][lane] not in self.slots)
        for i, lane in enumerate(lanes):
            self.load(asm, k, lane)
            if i:
                asm.op("XOR")

    def _rotate(self, asm: Asm, k: int, lane: Lane, name: str) -> None:
        if k == 0 and self.form.renew:
            self.form.renew(asm, OFFSETS[lane])
        else:
            self.form.rotate(asm, OFFSETS[lane])
        asm.rename(name)

    def _inner_row(self, asm: Asm, k: int, y: int, first: int) -> None:
        for i in range(5):
            x = (first + i) % 5
            lane = origin(x, y)
            self.load(asm, k, lane)
            asm.dup(f"d{lane[0]}")
            asm.op("XOR")
            self._rotate(asm, k, lane, f"b{x}")
        self._chi(asm, k, y, first)

    def _last_row(self, asm: Asm, k: int, order: Sequence[int]) -> None:
        """Row 0, which uses up the d: each b goes where the d of the next one was."""
        under = len(asm.stack) - 5
        for place in order:
            d = asm.stack[under + place]
            asm.swap(d)
            source = int(d[1])
            x = next(x for x in range(5) if origin(x, 0)[0] == source)
            lane = origin(x, 0)
            self.load(asm, k, lane)
            asm.op("XOR")
            self._rotate(asm, k, lane, f"b{x}")
        if asm.stack[under:] != [f"b{x}" for x in range(5)]:
            raise AsmError("the row is not in order")
        self._chi(asm, k, 0, 0)

    def _chi(self, asm: Asm, k: int, y: int, first: int) -> None:
        """Rows b[first].. with the top last; all are used up."""
        b = [f"b{(first + i) % 5}" for i in range(5)]
        inverted = self._inverted(y)
        for i in (3, 4, 2, 1, 0):
            x = (first + i) % 5
            wanted = x + 5 * y in COMPLEMENTED
            b1, b2 = b[(i + 1) % 5], b[(i + 2) % 5]
            choices = terms(inverted, wanted, x)
            asm.cheapest([partial(self._term, i=i, b0=b[i], b1=b1, b2=b2, term=t) for t in choices])
            if (x, y) == (0, 0):
                asm.dup(f"rc{k}")
                asm.op("XOR", "v")
            self.store(asm, k + 1, (x, y))

    def _term(self, asm: Asm, i: int, b0: str, b1: str, b2: str, term: Term) -> None:
        if i >= 3:
            asm.dup(b1)
            if term.invert_first:
                asm.op("NOT")
            asm.dup(b2)
            if term.invert_second:
                asm.op("NOT")
        else:
            # b2 is on top and not needed again.
            if term.invert_second:
                asm.op("NOT")
            if i > 0:
                asm.dup(b1)
                if term.invert_first:
                    asm.op("NOT")
            elif term.invert_first:
                asm.swap(b1)
                asm.op("NOT")
        asm.op(term.op)
        if i > 0:
            asm.dup(b0)
        asm.op("XOR", "v")
        if term.invert_result:
            asm.op("NOT", "v")

    def _inverted(self, y: int) -> list[bool]:
        """Which lanes of a row come out of theta, rho and pi inverted."""
        column = [sum(x + 5 * row in COMPLEMENTED for row in range(5)) % 2 for x in range(5)]
        flags = []
        for x in range(5):
            source, row = origin(x, y)
            d = column[source - 1] ^ column[(source + 1) % 5]
            flags.append(bool((source + 5 * row in COMPLEMENTED) ^ d))
        return flags


def _permutation(asm: Asm, label: str, body: Body) -> None:
    """A subroutine that runs the body once for each of its groups of round constants.

    A group's constants, and where to go on after it, are written into the stack below the slots.
    """
    asm.arrive(["back"])
    asm.label(label)
    groups = 24 // body.rounds
    names = ["next", *(f"rc{k}" for k in range(body.rounds))]
    stack = ["back", *names, *(body.slot(home) for home in body.slots)]
    for group in range(groups):
        if group:
            asm.arrive(stack)
            asm.label(f"{label}.{group}")
        for name in names:
            if name == "next":
                asm.push_label(f"{label}.{group + 1}", "new")
            else:
                constant = ROUND_CONSTANTS[body.rounds * group + int(name[2:])]
                asm.push(body.form.constant(constant), "new")
            if group:
                asm.replace(name)
            else:
                asm.rename(name)
        if group == 0:
            for home in body.slots:
                asm.mload(body.address(home), body.slot(home))
        if group < groups - 1:
            asm.jump(f"{label}.rounds")
    asm.label(f"{label}.rounds")
    body.emit(asm)
    asm.dup("next")
    asm.op("JUMP")
    asm.arrive(stack)
    asm.label(f"{label}.{groups}")
    for home in reversed(body.slots):
        asm.mstore(body.address(home))
    for _ in names:
        asm.op("POP")
    asm.op("JUMP")


SLOTS: tuple[Lane, ...] = (
    (0, 0),
    (1, 0),
    (3, 1),
    (4, 1),
    (3, 4),
    (2, 0),
    (4, 0),
    (4, 3),
    (3, 2),
    (3, 0),
    (3, 3),
)
"""The homes kept on the stack for one state. Found by search, which found no twelfth."""
SLOTS_X4: tuple[Lane, ...] = (
    (0, 0),
    (4, 4),
    (3, 3),
    (0, 1),
    (3, 0),
    (2, 4),
    (2, 3),
    (2, 1),
    (1, 3),
    (2, 2),
    (2, 0),
)
"""The same for four states."""


def keccak_f1600(asm: Asm, label: str, x: int) -> None:
    """A subroutine at ``label``: Keccak-f[1600] on the 25 words at address ``x``.

    Word x + 5y is lane (x, y), in its top 64 bits. Before the call the bits from 188 up must be
    right, those below the lane repeating it; after the call they are. So ``lane * REPEAT`` is XORed
    in to absorb, and SHR 192 squeezes. The lanes ``COMPLEMENTED`` are inverted: a state of zeros is
    ``FULL`` in these words, and what is squeezed from them is inverted. No scratch memory. The
    return address on top is taken; the stack below is left as it is.
    """
    _permutation(asm, label, Body(REPEATED, x, SLOTS, 3))


def keccak_f1600_x4(asm: Asm, label: str, x: int) -> None:
    """A subroutine at ``label``: Keccak-f[1600] on four states, in the 25 words at ``x``.

    Bit 4j + s of a word is bit j of state s's lane, as ``interleave`` makes it. The lanes
    ``COMPLEMENTED`` are inverted in all four states. No scratch memory.
    """
    _permutation(asm, label, Body(INTERLEAVED, x, SLOTS_X4, 2))


def keccak_f1600_x4_lanes(asm: Asm, label: str, x: int) -> None:
    """The same with the four lanes side by side: bit 64s + j is bit j of state s's lane.

    A rotation then needs a mask: 8,400 gas more, and twice the code.
    """
    _permutation(asm, label, Body(SIDE_BY_SIDE, x, SLOTS_X4, 2))
