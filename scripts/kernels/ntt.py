"""The number-theoretic transforms of ML-DSA (FIPS 204, Algorithms 41 and 42), eight polynomials.

**Layout.** Coefficient i of polynomials 0 to 3 is the word at ``base + 64 i``, that of polynomials
4 to 7 the word at ``base + 64 i + 32``, each in four lanes of 64 bits, polynomial 0 (4) in the
lowest. So every group of a pass has its twin, with the same twiddles, 32 bytes further on, and one
running pointer serves both. The order of coefficients is that of the standard on both sides.

**Reduction.** A sum of products P in each lane is reduced by Montgomery with R = 2^23, since
q = 2^23 - 2^13 + 1 has the tiny inverse 2^13 + 1 modulo R:

    m = P * 8193 mod R,    t = (m q - P) / R = -P / R (mod q),    -P / R <= t < q.

The division is exact in each lane, so it is one shift of the whole word, with no mask after it,
and with lanes of either sign. P itself must not be negative in any lane, and below 2^64 / 8193;
if it may be larger, it is cut to its low 23 bits before the product with 8193 (6 gas). The last
pass of the inverse takes R = 2^32 and the sum m q + P, so that its result is small and positive.

**Radix 8 without a layer's own reductions.** Three layers of eight inputs a0..a7 are

    out = a0 + K +- C +- P (or D) +- R0 (R1, R2, R3)

where C, P, D, R0..R3 are sums of 1, 2, 2, 4, 4, 4, 4 inputs times constants: 21 products but only
7 reductions, where butterfly by butterfly takes 12 reductions with two products each. A reduction
costs 34 gas, a product and its sum 14. K is a multiple of q that keeps every lane positive; it is
added once for eight outputs. The inverse has the same form turned around: differences e = x - x',
their differences, and sums of constants times those, with one K for them all.

**Two forms.** The middle pass has eight sets of twiddles. The fast form has code of its own for
each, with the constants in it. The compact form, less than half as long, has one code with the
constants in memory, where they are unpacked before each block. Table and both transforms must be
of the same form. Take the fast one where 3 KB of code are worth 17,000 gas.

Every bound is an interval that is carried along with the code and asserted when it is emitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from scripts.kernels import ntt_lanes as lanes
from scripts.kernels.asm import Asm
from scripts.kernels.ntt_forward8 import Forward8
from scripts.kernels.ntt_inverse8 import Inverse8
from scripts.kernels.ntt_lanes import (
    INTT_INPUT,
    LANES,
    NTT_INPUT,
    Q_INVERSE,
    R_BITS,
    WIDE_BITS,
    WIDE_Q_INVERSE,
    WORD,
    Interval,
    N,
    Q,
)
from scripts.kernels.ntt_radix4 import TABLE_BYTES, Forward4, Inverse4, blocks4, entries

NODES = range(8, 16)  # of the middle pass


@dataclass(frozen=True)
class ForwardPlan:
    """Each pass of the forward transform, with its K. ``common`` if the middle one is compact."""

    first: Forward8
    first_bias: int
    blocks: list[Forward8]
    common: Forward8
    block_bias: int
    last: Forward4
    last_bias: int

    @classmethod
    def make(cls, compact: bool, slots: int = 1) -> ForwardPlan:
        """The plan; ``slots`` is where the middle pass finds its constants."""
        first = Forward8.plan(1, NTT_INPUT)
        first_bias = lanes.bias(first.lowest)
        middle = lanes.hull(first.outputs(first_bias))
        common, blocks = Forward8.common(NODES, middle, slots)
        if not compact:
            blocks = [Forward8.plan(k, middle) for k in NODES]
        block_bias = lanes.bias(min(block.lowest for block in blocks))
        last = Forward4(lanes.hull(out for block in blocks for out in block.outputs(block_bias)))
        last_bias = lanes.bias(last.output(0)[0])
        return cls(first, first_bias, blocks, common, block_bias, last, last_bias)


@dataclass(frozen=True)
class InversePlan:
    """Each pass of the inverse transform."""

    first: Inverse4
    blocks: list[Inverse8]
    last: Inverse8

    @classmethod
    def make(cls, compact: bool) -> InversePlan:
        """The plan. The K of the middle pass is the one that cuts least."""
        first = Inverse4(INTT_INPUT)
        cases = [[bounds] * 8 for bounds in first.outputs()]
        tries: list[tuple[int, list[Inverse8]]] = []
        for bias in range(16 * Q, 40 * Q, Q):
            for turns in ((False,), (True,)) if compact else ((False, True),):
                plans = [Inverse8.plan(k, cases, bias, turns=turns) for k in NODES]
                blocks = [plan for plan in plans if plan]
                if len(blocks) == len(plans):
                    cuts = sum(block.cuts() for block in blocks)
                    if compact:
                        cuts = Inverse8.common(blocks, 1).cuts()
                    tries.append((cuts, blocks))
        blocks = min(tries, key=lambda tried: tried[0])[1]
        # Index i mod 32 = 4 out + case is the same in all words of a group of the last pass.
        bounds = [[block.outputs(case) for block in blocks] for case in cases]
        spread = [[block[out] for block in case] for case in bounds for out in range(8)]
        bias = lanes.bias(min(lanes.total(case)[0] for case in spread))
        last = Inverse8.plan(1, spread, bias, wide=True)
        assert last
        return cls(first, blocks, last)


@cache
def ntt_output(compact: bool = True) -> Interval:
    """The bounds of every lane of the forward transform's result."""
    plan = ForwardPlan.make(compact)
    return plan.last.output(plan.last_bias)


@cache
def intt_output(compact: bool = True) -> Interval:
    """The bounds of every lane of the inverse transform's result."""
    last = InversePlan.make(compact).last
    return lanes.hull(out for case in last.inputs for out in last.outputs(case))


# The middle pass of the compact form: the 21 constants of a block as eight signed numbers of 32
# bits a word, the first one highest, spread to a word each before the block.

FIELD_BITS = 32
FIELDS = 8  # in a word
BLOCK_BYTES = 3 * WORD
SLOTS = 21


def _pack_block(constants: Sequence[int]) -> bytes:
    assert len(constants) == SLOTS
    padded = [*constants, *[0] * (3 * FIELDS - SLOTS)]
    return b"".join(c.to_bytes(FIELD_BITS // 8, signed=True) for c in padded)


def _spread_block(asm: Asm, slots: int) -> None:
    """The constants of the block at t, each to a word of its own."""
    for i in range(SLOTS):
        word, at = divmod(i, FIELDS)
        if at == 0:
            asm.dup("t")
            if word:
                asm.push(WORD * word)
                asm.op("ADD")
            asm.op("MLOAD", "W")
        last = at == FIELDS - 1 or i == SLOTS - 1
        if not last:
            asm.dup("W")
        if at:
            asm.shl(FIELD_BITS * at)
        asm.push(256 - FIELD_BITS)
        asm.op("SAR")
        asm.mstore(slots + WORD * i)


def _middle(
    asm: Asm,
    label: str,
    base: int,
    fields: int,
    slots: int,
    group: Forward8 | Inverse8,
    index: int,
) -> None:
    """The middle pass with one code for all blocks; K, t and p on top."""
    assert base % (4 * index) == 0, f"base {base:#x}: expected a multiple of {4 * index}"
    asm.pop("p")
    asm.push(fields, "t")
    asm.push(base, "p")
    asm.label(f"{label}.block")
    _spread_block(asm, slots)
    asm.label(f"{label}.group")
    group.emit(asm, 4 * index)
    asm.push(WORD)
    asm.op("ADD", "p")
    asm.dup("p")
    asm.push(4 * index - 1)
    asm.op("AND")
    asm.jumpi(f"{label}.group")
    asm.swap("t")
    asm.push(BLOCK_BYTES)
    asm.op("ADD", "t")
    asm.swap("p")
    lanes.again(asm, f"{label}.block", 28 * index, base + N * index)
    asm.swap("t")
    asm.pop("t")


@dataclass(frozen=True)
class Memory:
    """What lies at ``table``: the table, then scratch words that the transforms write."""

    table: int
    compact: bool

    @property
    def forward(self) -> int:
        """The constants of the forward transform's middle pass, if it is compact."""
        return self.table + TABLE_BYTES

    @property
    def inverse(self) -> int:
        """Those of the inverse."""
        return self.forward + len(NODES) * BLOCK_BYTES

    @property
    def window(self) -> int:
        """Where two blocks of the radix-4 pass are done; the end of the table."""
        return self.table + len(twiddles(self.compact))

    @property
    def slots(self) -> int:
        """The middle pass's constants, a word each."""
        return self.window + 16 * WORD

    @property
    def end(self) -> int:
        """The first byte that is not touched."""
        return self.slots + (SLOTS * WORD if self.compact else 0)


@cache
def twiddles(compact: bool = True) -> bytes:
    """The table."""
    if not compact:
        return entries()
    blocks: list[Forward8 | Inverse8] = []
    blocks += ForwardPlan.make(compact).blocks
    blocks += InversePlan.make(compact).blocks
    return entries() + b"".join(_pack_block(block.constants()) for block in blocks)


def place_twiddles(asm: Asm, label: str, compact: bool = True) -> None:
    """Put the table into the code, at a label, where nothing runs into it."""
    asm.data(twiddles(compact), label)


def load_twiddles(asm: Asm, label: str, table: int, compact: bool = True) -> None:
    """Copy the table from the code to memory at ``table``; both transforms need it there."""
    asm.push(len(twiddles(compact)))
    asm.push_label(label)
    asm.push(table)
    asm.op("CODECOPY")


def _begin(asm: Asm, label: str) -> None:
    asm.arrive(["back"])
    asm.label(label)


def _constants(asm: Asm, wide: bool = False) -> None:
    """q, n and M, onto the stack."""
    bits, inverse = (WIDE_BITS, WIDE_Q_INVERSE) if wide else (R_BITS, Q_INVERSE)
    asm.push(Q, "q")
    asm.push(inverse, "n")
    asm.push(LANES * ((1 << bits) - 1), "M")


def _end(asm: Asm) -> None:
    while asm.stack[-1] != "back":
        asm.pop()
    asm.op("JUMP")


def _start(asm: Asm, bias: int, base: int) -> None:
    """K and p onto the stack, or anew in their places."""
    if asm.stack[-1] == "p":
        asm.pop("p")
        asm.pop("K")
    asm.push(LANES * bias, "K")
    asm.push(base, "p")


def ntt(asm: Asm, label: str, base: int, table: int, compact: bool = True, sets: int = 2) -> None:
    """The subroutine ``label``: the forward transform of the eight polynomials at ``base``.

    Lanes within ``NTT_INPUT`` on entry, within ``ntt_output()`` afterwards, and congruent to
    Algorithm 41. ``table`` is where ``load_twiddles`` copied the table; memory from there to
    ``Memory(table, compact).end`` belongs to the transforms. ``base`` is a multiple of
    256. With one set there are only polynomials 0 to 3, coefficient i at ``base + 32 i``.
    """
    memory = Memory(table, compact)
    index = WORD * sets
    plan = ForwardPlan.make(compact, memory.slots)
    _begin(asm, label)
    _constants(asm)
    _start(asm, plan.first_bias, base)
    asm.label(f"{label}.first")
    plan.first.emit(asm, 32 * index)
    lanes.again(asm, f"{label}.first", WORD, base + 32 * index)
    _start(asm, plan.block_bias, base)
    if compact:
        _middle(asm, label, base, memory.forward, memory.slots, plan.common, index)
    else:
        _each(asm, label, base, plan.blocks, index)
    _start(asm, plan.last_bias, base)
    asm.label(f"{label}.last")
    asm.dup("p")
    asm.shr(sets + 2)
    asm.push((table - base // (8 * sets)) % (1 << 256))
    asm.ops("ADD MLOAD")
    blocks4(asm, plan.last, (0, 5), memory.window, index)
    lanes.again(asm, f"{label}.last", 8 * index, base + N * index)
    _end(asm)


def intt(asm: Asm, label: str, base: int, table: int, compact: bool = True, sets: int = 2) -> None:
    """The subroutine ``label``: 256 times the inverse transform of the eight polynomials.

    Algorithm 42 without its last step, the product with 256^-1: a caller folds that into a factor
    that it multiplies by anyway. Lanes below q on entry, within ``intt_output()`` afterwards.
    """
    memory = Memory(table, compact)
    index = WORD * sets
    plan = InversePlan.make(compact)
    _begin(asm, label)
    _constants(asm)
    asm.push(LANES * 2 * Q, "2K")
    _start(asm, Q, base)
    asm.label(f"{label}.first")
    asm.dup("p")
    asm.shr(sets + 2)
    asm.push((table + base // (8 * sets) + TABLE_BYTES - WORD) % (1 << 256))
    asm.ops("SUB MLOAD")
    blocks4(asm, plan.first, (5, 0), memory.window, index)
    lanes.again(asm, f"{label}.first", 8 * index, base + N * index)
    asm.pop("p")
    asm.pop("K")
    asm.pop("2K")
    asm.push(LANES * plan.blocks[0].bias, "K")
    asm.push(base, "p")
    if compact:
        common = Inverse8.common(plan.blocks, memory.slots)
        _middle(asm, label, base, memory.inverse, memory.slots, common, index)
    else:
        _each(asm, label, base, plan.blocks, index)
    while asm.stack[-1] != "back":
        asm.pop()
    _constants(asm, wide=True)
    _start(asm, plan.last.bias, base)
    asm.label(f"{label}.last")
    plan.last.emit(asm, 32 * index)
    lanes.again(asm, f"{label}.last", WORD, base + 32 * index)
    _end(asm)


def _each(
    asm: Asm, label: str, base: int, blocks: Sequence[Forward8 | Inverse8], index: int
) -> None:
    """The middle pass with code of its own for every block."""
    for i, block in enumerate(blocks):
        if i:
            asm.push(28 * index)
            asm.op("ADD", "p")
        asm.label(f"{label}.block{i}")
        block.emit(asm, 4 * index)
        lanes.again(asm, f"{label}.block{i}", WORD, base + i * 32 * index + 4 * index)
