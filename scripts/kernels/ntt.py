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

Every bound is an interval that is carried along with the code and asserted when it is emitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

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
INDEX = 2 * WORD  # from one coefficient to the next
REGION = N * INDEX
TABLE_BYTES = 32 * WORD

NTT_INPUT = (0, 9644787)  # floor(2^23.2) is the largest
INTT_INPUT = (0, Q - 1)

Interval = tuple[int, int]
Row = dict[int, int]


def zeta(k: int) -> int:
    """zetas[k] of FIPS 204, Appendix B: 1753^brv8(k) mod q."""
    return pow(ZETA, int(f"{k:08b}"[::-1], 2), Q)


def _add(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]


def _sub(a: Interval, b: Interval) -> Interval:
    return a[0] - b[1], a[1] - b[0]


def _scale(c: int, a: Interval) -> Interval:
    return min(c * a[0], c * a[1]), max(c * a[0], c * a[1])


def _hull(intervals: Iterable[Interval]) -> Interval:
    low, high = zip(*intervals, strict=True)
    return min(low), max(high)


def _total(intervals: Iterable[Interval]) -> Interval:
    low, high = zip(*intervals, strict=True)
    return sum(low), sum(high)


def _bias(lowest: int) -> int:
    """The least multiple of q that lifts ``lowest`` to 0 or above."""
    return -(-max(0, -lowest) // Q) * Q


def _needs_cut(product: Interval) -> bool:
    """Whether a sum of products must be cut before it is multiplied."""
    assert product[0] >= 0, f"a lane may be negative: {product}"
    assert product[1] < LANE_LIMIT // 2, f"a lane may overflow: {product[1]:#x}"
    return product[1] * Q_INVERSE >= LANE_LIMIT


def _reduced(product: Interval) -> Interval:
    """The bounds of (m q - P) / 2^23."""
    return -(product[1] >> R_BITS), Q - 1


def _reduced_wide(product: Interval) -> Interval:
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


def _reduce(asm: Asm, product: Interval, name: str) -> None:
    """Replace the sum of products on top by (m q - P) / 2^23."""
    asm.rename("P.")
    asm.dup("P.")
    if _needs_cut(product):
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


def _reduce_wide(asm: Asm, product: Interval, name: str) -> None:
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


def _load(asm: Asm, offset: int, name: str) -> None:
    asm.dup("p")
    if offset:
        asm.push(offset)
        asm.op("ADD")
    asm.op("MLOAD", name)


def _store(asm: Asm, offset: int) -> None:
    asm.dup("p")
    if offset:
        asm.push(offset)
        asm.op("ADD")
    asm.op("MSTORE")


def _spread(asm: Asm, offset: int, other: int) -> None:
    """Store x - t at ``offset`` and x + t at ``other``; the stack is t x and both are consumed."""
    _differ(asm)
    _store(asm, offset)
    asm.op("ADD")
    _store(asm, other)


def _differ(asm: Asm) -> None:
    """x - t on top of the stack t x."""
    asm.stack[-2:] = ["t.", "x."]
    asm.dup("t.")
    asm.dup("x.")
    asm.op("SUB")


def _again(asm: Asm, name: str, step: int, end: int) -> None:
    """Move the pointer and jump back to label ``name`` unless it has reached ``end``."""
    asm.push(step)
    asm.op("ADD", "p")
    asm.dup("p")
    asm.push(end)
    asm.op("XOR")
    asm.jumpi(name)


# Forward, radix 8


def _forward_rows(k: int) -> tuple[Row, ...]:
    """C, P, D, R0..R3 of three layers below the node ``k`` of the tree of zetas."""
    z1, z2, z3 = zeta(k), zeta(2 * k), zeta(2 * k + 1)
    z4, z5, z6, z7 = (zeta(4 * k + i) for i in range(4))
    return (
        {4: z1},
        {2: z2, 6: z2 * z1},
        {2: z3, 6: -z3 * z1},
        {1: z4, 5: z4 * z1, 3: z4 * z2, 7: z4 * z2 * z1},
        {1: z5, 5: z5 * z1, 3: -z5 * z2, 7: -z5 * z2 * z1},
        {1: z6, 5: -z6 * z1, 3: z6 * z3, 7: -z6 * z3 * z1},
        {1: z7, 5: -z7 * z1, 3: -z7 * z3, 7: z7 * z3 * z1},
    )


@dataclass
class Forward8:
    """The constants and bounds of one radix-8 group of the forward transform."""

    rows: list[Row] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    products: list[Interval] = field(default_factory=list)
    terms: list[Interval] = field(default_factory=list)
    lowest: int = 0
    inputs: Interval = (0, 0)
    slots: int = 0  # where the constants are in memory, if they are

    @classmethod
    def plan(cls, k: int, inputs: Interval, signs: Sequence[int] = ()) -> Forward8:
        """The group at node ``k``. A row and its negative do the same: the smaller is taken."""
        plan = cls(inputs=inputs)
        for r, values in enumerate(_forward_rows(k)):
            choices = []
            for sign in signs[r : r + 1] or (1, -1):
                row = {i: -sign * value * R % Q for i, value in values.items()}
                choices.append((sum(row.values()), sign, row))
            total, sign, row = min(choices, key=lambda choice: choice[0])
            product = _scale(total, inputs)
            plan.rows.append(row)
            plan.signs.append(sign)
            plan.products.append(product)
            plan.terms.append(_reduced(product))
        plan.lowest = min(low for low, _ in plan.outputs(0))
        return plan

    @classmethod
    def common(
        cls, nodes: Sequence[int], inputs: Interval, slots: int
    ) -> tuple[Forward8, list[Forward8]]:
        """One group for all ``nodes``, with its constants in memory, and that of each node."""
        signs = []
        for r in range(7):
            largest = {
                sign: max(cls.plan(k, inputs, [sign] * 7).products[r][1] for k in nodes)
                for sign in (1, -1)
            }
            signs.append(min(largest, key=lambda sign: largest[sign]))
        blocks = [cls.plan(k, inputs, signs) for k in nodes]
        plan = cls(blocks[0].rows, signs, inputs=inputs, slots=slots)
        plan.products = [_hull(b.products[r] for b in blocks) for r in range(7)]
        plan.terms = [_hull(b.terms[r] for b in blocks) for r in range(7)]
        plan.lowest = min(block.lowest for block in blocks)
        return plan, blocks

    def constants(self) -> list[int]:
        """The constants in the order of the slots."""
        return [constant for row in self.rows for constant in row.values()]

    def times(self, asm: Asm, r: int, i: int) -> None:
        """Multiply the top by the constant of row ``r`` for input ``i``."""
        if self.slots:
            at = [(row, j) for row in range(7) for j in self.rows[row]].index((r, i))
            asm.mload(self.slots + WORD * at)
        else:
            asm.push(self.rows[r][i])
        asm.op("MUL")

    def outputs(self, bias: int) -> list[Interval]:
        """The bounds of the eight outputs."""
        c, p, d, *rest = self.terms
        start = _add(self.inputs, (bias, bias))
        result = []
        for i, last in enumerate(rest):
            upper = _hull((_add(start, c), _sub(start, c)))
            middle = p if i < 2 else d
            upper = _hull((_add(upper, middle), _sub(upper, middle)))
            result += [_add(upper, last), _sub(upper, last)]
        return result

    def emit(self, asm: Asm, stride: int) -> None:
        """Transform the group at p, p + stride, ..., p + 7 stride."""
        depth = len(asm.stack)
        signs = self.signs
        _load(asm, 4 * stride, "c")
        self.times(asm, 0, 4)
        _reduce(asm, self.products[0], "C")
        _load(asm, 0, "a0")
        asm.dup("K")
        asm.op("ADD", "a0")
        # C a0 -> a0 - C, a0 + C: the first is u+ where the sign of C is -1
        low, high = ("u-", "u+") if signs[0] == 1 else ("u+", "u-")
        asm.dup("C")
        asm.dup("a0")
        asm.op("SUB", low)
        asm.swap("C")
        asm.op("ADD", high)
        _load(asm, 2 * stride, "a2")
        _load(asm, 6 * stride, "a6")
        asm.dup("a2")
        self.times(asm, 1, 2)
        asm.dup("a6")
        self.times(asm, 1, 6)
        asm.op("ADD")
        _reduce(asm, self.products[1], "P")
        asm.swap("a2")
        self.times(asm, 2, 2)
        asm.swap("a6")
        self.times(asm, 2, 6)
        asm.op("ADD")
        _reduce(asm, self.products[2], "D")
        for i in (1, 5, 3, 7):
            _load(asm, i * stride, f"a{i}")
        for i in range(4):
            if i < 3:
                asm.dup("a1")
                self.times(asm, 3 + i, 1)
                for j in (5, 3, 7):
                    asm.dup(f"a{j}")
                    self.times(asm, 3 + i, j)
                    asm.op("ADD")
            else:
                self.times(asm, 3 + i, 7)
                for j in (3, 5, 1):
                    asm.swap(f"a{j}")
                    self.times(asm, 3 + i, j)
                    asm.op("ADD")
            _reduce(asm, self.products[3 + i], "R")
            upper, term, sign = (("u+", "P", 1), ("u+", "P", -1), ("u-", "D", 1), ("u-", "D", -1))[
                i
            ]
            if i == 3:
                asm.swap("D")
            else:
                asm.dup(term)
            asm.dup(upper)
            asm.op("ADD" if sign * signs[1 if i < 2 else 2] == 1 else "SUB", "x")
            at = (2 * i * stride, (2 * i + 1) * stride)
            _spread(asm, *(at[::-1] if signs[3 + i] == 1 else at))
        for _ in range(len(asm.stack) - depth):
            asm.pop()


# Inverse, radix 8


def _inverse_rows(k: int) -> dict[int, Row]:
    """Outputs 1..7 of three layers up to node ``k``, by the differences that they are sums of.

    Of e0..e3 for outputs 1, 3, 5, 7; of f0, f1 for 2 and 6; of g for 4.
    """
    y1, y2, y3 = (pow(zeta(i), -1, Q) for i in (k, 2 * k, 2 * k + 1))
    d = [pow(zeta(4 * k + i), -1, Q) for i in range(4)]
    return {
        1: dict(enumerate(d)),
        3: {0: y2 * d[0], 1: -y2 * d[1], 2: y3 * d[2], 3: -y3 * d[3]},
        5: {0: y1 * d[0], 1: y1 * d[1], 2: -y1 * d[2], 3: -y1 * d[3]},
        7: {0: y1 * y2 * d[0], 1: -y1 * y2 * d[1], 2: -y1 * y3 * d[2], 3: y1 * y3 * d[3]},
        2: {0: y2, 1: y3},
        6: {0: y1 * y2, 1: -y1 * y3},
        4: {0: y1},
    }


@dataclass
class Inverse8:
    """The constants and bounds of one radix-8 group of the inverse transform.

    K is added to x0 (x1 if ``turned``, where e0 is x1 - x0). It reaches e0, f0 and g, the first of
    each row's differences. That one's constant is the value from 0 to q or, if K times it could
    not outweigh the other terms, the same plus q; the others' constants are centred.
    """

    wide: bool
    inputs: list[list[Interval]]
    bias: int
    turned: bool = False
    rows: dict[int, Row] = field(default_factory=dict)
    slots: int = 0  # where the constants are in memory, if they are
    blocks: list[Inverse8] = field(default_factory=list)  # those that are done with one code

    @classmethod
    def plan(
        cls,
        k: int,
        inputs: Sequence[Sequence[Interval]],
        bias: int,
        wide: bool = False,
        turns: Sequence[bool] = (False, True),
    ) -> Inverse8 | None:
        """The group at node ``k``; ``inputs``: each kind of group's eight bounds.

        Turned or not, whichever cuts less; None if the bias is too small.
        """
        choices = []
        for turned in turns:
            plan = cls(wide, [list(case) for case in inputs], bias, turned)
            if all(plan._place(out, values) for out, values in _inverse_rows(k).items()):
                choices.append(plan)
        return min(choices, key=cls.cuts, default=None)

    @classmethod
    def common(cls, blocks: Sequence[Inverse8], slots: int) -> Inverse8:
        """One group for all ``blocks``, with its constants in memory."""
        one = blocks[0]
        return cls(False, one.inputs, one.bias, one.turned, one.rows, slots, list(blocks))

    def constants(self) -> list[int]:
        """The constants in the order of the slots; they have signs."""
        return [constant for row in self.rows.values() for constant in row.values()]

    def _place(self, out: int, values: Row) -> bool:
        """Set an output's constants; whether its sum of products is never negative."""
        factor = 1 << WIDE_BITS if self.wide else -R
        row = {i: value * factor % Q for i, value in values.items()}
        for i in row:
            row[i] -= Q if i and row[i] > Q // 2 else 0
        if self.turned and out % 2:
            row[0] = -row[0] % Q
        self.rows[out] = row
        if self.product(out)[0] < 0:
            row[0] += Q
        return self.product(out)[0] >= 0

    def cuts(self) -> int:
        """How many of the sums must be cut."""
        return sum(_needs_cut(self.product(out)) for out in self.rows)

    def product(self, out: int) -> Interval:
        """The bounds of an output before reduction."""
        if self.blocks:
            return _hull(block.product(out) for block in self.blocks)
        row = self.rows[out]
        size = 4 if out == 4 else 1 + (out % 2 == 0)  # inputs in half of g, f or e
        cases = []
        for x in self.inputs:
            terms = [(self.bias * row[0], self.bias * row[0])]
            for i, c in row.items():
                at = 2 * i * size
                plus, minus = _total(x[at : at + size]), _total(x[at + size : at + 2 * size])
                if self.turned and out % 2 and i == 0:
                    plus, minus = minus, plus
                terms.append(_scale(c, _sub(plus, minus)))
            cases.append(_total(terms))
        return _hull(cases)

    def outputs(self, case: Sequence[Interval]) -> list[Interval]:
        """The bounds of the eight outputs of one kind of group."""
        kind = Inverse8(self.wide, [list(case)], self.bias, self.turned, self.rows)
        reduced = _reduced_wide if self.wide else _reduced
        total = _add(_total(case), (self.bias, self.bias))
        return [total, *(reduced(kind.product(out)) for out in range(1, 8))]

    def emit(self, asm: Asm, stride: int) -> None:
        """Transform the group at p, p + stride, ..., p + 7 stride."""
        depth = len(asm.stack)

        def halve(i: int) -> None:
            """e_i below s_i, or above for even i; f_i takes the place of the first s."""
            if i % 2 == 0:
                turned = self.turned and i == 0
                _load(asm, (2 * i + turned) * stride, "x")
                if i == 0:
                    asm.dup("K")
                    asm.op("ADD", "x")
                _load(asm, (2 * i + 1 - turned) * stride, "y")
                asm.dup("x")
                asm.dup("y")
                asm.op("ADD", f"s{i}")
                asm.swap("x")
                asm.op("SUB", f"e{i}")
            else:
                _load(asm, (2 * i + 1) * stride, "y")
                _load(asm, 2 * i * stride, "x")
                asm.dup("y")
                asm.dup("x")
                asm.op("SUB", f"e{i}")
                asm.swap("y")
                asm.op("ADD", f"s{i}")
                cross(f"s{i - 1}", f"s{i}", f"f{i // 2}", f"S{i // 2}")

        def cross(first: str, second: str, difference: str, total: str) -> None:
            """With ``second`` on top: ``first`` becomes the difference, the top the sum."""
            asm.dup(second)
            asm.dup(first)
            asm.op("SUB", difference)
            asm.swap(first)
            asm.op("ADD", total)

        def finish(out: int) -> None:
            product = self.product(out)
            if self.wide:
                _reduce_wide(asm, product, "out")
            else:
                _reduce(asm, product, "out")
            _store(asm, out * stride)

        def combine(out: int, names: Sequence[str], consumed: int) -> None:
            """The sum of ``names``, the biased one last; the first ``consumed`` lie on top."""
            sign = 1
            for step, name in enumerate(names):
                i = int(name[1:] or 0)
                if step < consumed:
                    asm.swap(name)
                else:
                    asm.dup(name)
                now = 1
                if self.slots:
                    places = [(o, j) for o, row in self.rows.items() for j in row]
                    asm.mload(self.slots + WORD * places.index((out, i)))
                else:
                    asm.push(abs(self.rows[out][i]))
                    now = 1 if self.rows[out][i] > 0 else -1
                asm.op("MUL")
                if step:
                    asm.op("ADD" if now == sign else "SUB")
                sign = now
            assert sign == 1
            finish(out)

        for i in range(4):
            halve(i)
        cross("S0", "S1", "g", "out")
        _store(asm, 0)
        for out in (1, 3, 5):
            combine(out, ("e3", "e2", "e1", "e0"), 0)
        combine(7, ("e3", "e2", "e1", "e0"), 2)
        combine(2, ("f1", "f0"), 0)
        combine(6, ("f1", "f0"), 1)
        combine(4, ("g",), 1)
        for _ in range(len(asm.stack) - depth):
            asm.pop()


# Radix 4, next to the evaluated side: blocks of four coefficients, twiddles from the table

ENTRY = ("r2", "r", "r3", "ir", "ir3")
ENTRY_BITS = 24


def _entry(block: int) -> tuple[int, ...]:
    """r^2, r, r^3, I r, -I r^3 for r = zetas[128 + 2 block], I = zetas[1], times 2^23."""
    r, i = zeta(128 + 2 * block), zeta(1)
    return tuple(v * R % Q for v in (r * r, r, r**3, i * r, -i * r**3))


def _entries() -> bytes:
    """The table: two blocks of five constants of 24 bits in each word, the first one lowest.

    Block 2 j is in the low 120 bits of word j. The inverse reads it backwards: with the entry of
    block 63 - b, its block b has outputs -(I r e0 + r e1), -(-I r^3 e0 + r^3 e1), -r^2 g.
    """
    out = b""
    for word in range(32):
        values = [*_entry(2 * word), *_entry(2 * word + 1)]
        out += sum(v << (ENTRY_BITS * i) for i, v in enumerate(values)).to_bytes(WORD)
    assert len(out) == TABLE_BYTES
    return out


def _unpack(asm: Asm, first: int) -> None:
    """Constants ``first`` .. ``first + 4`` of the word W, onto the stack."""
    for i, name in enumerate(ENTRY):
        asm.dup("W")
        at = ENTRY_BITS * (first + i)
        if at:
            asm.shr(at)
        if at + ENTRY_BITS < 240:
            asm.push((1 << ENTRY_BITS) - 1)
            asm.op("AND")
        asm.rename(name)


def _entry_products(coefficients: Sequence[tuple[int, Interval]]) -> Interval:
    """The bounds of a sum of entries times lanes, over all blocks."""
    blocks = []
    for block in range(64):
        entry = _entry(block)
        blocks.append(_total([_scale(entry[i], lanes) for i, lanes in coefficients]))
    return _hull(blocks)


def _pair(asm: Asm, x: str, c: str, y: str, d: str, consume: bool) -> None:
    """x c + y d on top; with ``consume``, y lies on top and x below it, or under one more."""
    if consume:
        asm.swap(x)
        asm.dup(c)
        asm.op("MUL")
        asm.swap(y)
    else:
        asm.dup(x)
        asm.dup(c)
        asm.op("MUL")
        asm.dup(y)
    asm.dup(d)
    asm.ops("MUL ADD")


@dataclass(frozen=True)
class Forward4:
    """The last two layers of the forward transform. All signs are minus: out = u - t, u + t."""

    inputs: Interval

    def products(self) -> tuple[Interval, Interval, Interval]:
        """The bounds of C, P and D before reduction."""
        x = self.inputs
        return (
            _entry_products([(0, x)]),
            _entry_products([(1, x), (2, x)]),
            _entry_products([(3, x), (4, x)]),
        )

    def output(self, bias: int) -> Interval:
        """The bounds of all outputs."""
        c, p, d = (_reduced(product) for product in self.products())
        u = _hull((_add(self.inputs, c), _sub(self.inputs, c)))
        out = _hull(f(u, t) for t in (p, d) for f in (_add, _sub))
        return _add(out, (bias, bias))

    def emit(self, asm: Asm, at: int) -> None:
        """Transform the four words at the constant addresses at, at + 64, ..."""
        c, p, d = self.products()
        asm.mload(at + 2 * INDEX, "a2")
        asm.dup("r2")
        asm.op("MUL")
        _reduce(asm, c, "C")
        asm.mload(at, "a0")
        asm.dup("K")
        asm.op("ADD", "a0")
        asm.mload(at + INDEX, "a1")
        asm.mload(at + 3 * INDEX, "a3")
        _pair(asm, "a1", "ir", "a3", "ir3", consume=False)
        _reduce(asm, d, "D")
        _pair(asm, "a1", "r", "a3", "r3", consume=True)
        _reduce(asm, p, "P")
        # C a0 D P
        asm.dup("C")
        asm.dup("a0")
        asm.op("SUB", "u")
        _differ(asm)
        asm.mstore(at)
        asm.op("ADD")
        asm.mstore(at + INDEX)
        asm.swap("C")
        asm.op("ADD", "u")
        _differ(asm)
        asm.mstore(at + 2 * INDEX)
        asm.op("ADD")
        asm.mstore(at + 3 * INDEX)


@dataclass(frozen=True)
class Inverse4:
    """The first two layers of the inverse transform.

    2 q is added to x0, and so to e0, s0 and g; q to e1.
    """

    inputs: Interval

    def differences(self) -> tuple[Interval, Interval, Interval]:
        """The bounds of e0, e1 and g."""
        assert self.inputs[0] >= 0
        assert self.inputs[1] < Q
        x = self.inputs
        s = _add(x, x)
        return (
            _add(_sub(x, x), (2 * Q, 2 * Q)),
            _add(_sub(x, x), (Q, Q)),
            _add(_sub(s, s), (2 * Q, 2 * Q)),
        )

    def products(self) -> dict[int, Interval]:
        """The bounds of outputs 1, 2 and 3 before reduction."""
        e0, e1, g = self.differences()
        return {
            1: _entry_products([(3, e0), (1, e1)]),
            3: _entry_products([(4, e0), (2, e1)]),
            2: _entry_products([(0, g)]),
        }

    def outputs(self) -> list[Interval]:
        """The bounds of the four outputs."""
        total = _total([self.inputs] * 4)
        products = self.products()
        return [_add(total, (2 * Q, 2 * Q)), *(_reduced(products[i]) for i in (1, 2, 3))]

    def emit(self, asm: Asm, at: int) -> None:
        """Transform the four words at the constant addresses at, at + 64, ..."""
        products = self.products()
        asm.mload(at, "x0")
        asm.dup("2K")
        asm.op("ADD", "x0")
        asm.mload(at + INDEX, "x1")
        asm.dup("x0")
        asm.dup("x1")
        asm.op("ADD", "s0")
        asm.swap("x0")
        asm.op("SUB", "e0")
        asm.mload(at + 3 * INDEX, "x3")
        asm.mload(at + 2 * INDEX, "x2")
        asm.dup("x3")
        asm.dup("x2")
        asm.op("SUB")
        asm.dup("K")
        asm.op("ADD", "e1")
        asm.swap("x3")
        asm.op("ADD", "s1")
        asm.dup("s1")
        asm.dup("s0")
        asm.op("SUB", "g")
        asm.swap("s0")
        asm.op("ADD")
        asm.mstore(at)
        _pair(asm, "e0", "ir", "e1", "r", consume=False)
        _reduce(asm, products[1], "out")
        asm.mstore(at + INDEX)
        _pair(asm, "e1", "r3", "e0", "ir3", consume=True)
        _reduce(asm, products[3], "out")
        asm.mstore(at + 3 * INDEX)
        asm.dup("r2")
        asm.op("MUL")
        _reduce(asm, products[2], "out")
        asm.mstore(at + 2 * INDEX)


# The transforms

GROUP8 = 32 * INDEX  # the stride of the pass with one node, and a block of the pass with eight


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
        first_bias = _bias(first.lowest)
        middle = _hull(first.outputs(first_bias))
        common, blocks = Forward8.common(NODES, middle, slots)
        if not compact:
            blocks = [Forward8.plan(k, middle) for k in NODES]
        block_bias = _bias(min(block.lowest for block in blocks))
        last = Forward4(_hull(out for block in blocks for out in block.outputs(block_bias)))
        last_bias = _bias(last.output(0)[0])
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
        bias = _bias(min(_total(case)[0] for case in spread))
        last = Inverse8.plan(1, spread, bias, wide=True)
        assert last
        return cls(first, blocks, last)


@cache
def ntt_output(compact: bool = False) -> Interval:
    """The bounds of every lane of the forward transform's result."""
    plan = ForwardPlan.make(compact)
    return plan.last.output(plan.last_bias)


@cache
def intt_output(compact: bool = False) -> Interval:
    """The bounds of every lane of the inverse transform's result."""
    last = InversePlan.make(compact).last
    return _hull(out for case in last.inputs for out in last.outputs(case))


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
    asm: Asm, label: str, base: int, fields: int, slots: int, group: Forward8 | Inverse8
) -> None:
    """The middle pass with one code for all blocks; K, t and p on top."""
    assert base % (4 * INDEX) == 0, f"base {base:#x}: expected a multiple of {4 * INDEX}"
    asm.pop("p")
    asm.push(fields, "t")
    asm.push(base, "p")
    asm.label(f"{label}.block")
    _spread_block(asm, slots)
    asm.label(f"{label}.group")
    group.emit(asm, 4 * INDEX)
    asm.push(WORD)
    asm.op("ADD", "p")
    asm.dup("p")
    asm.push(4 * INDEX - 1)
    asm.op("AND")
    asm.jumpi(f"{label}.group")
    asm.swap("t")
    asm.push(BLOCK_BYTES)
    asm.op("ADD", "t")
    asm.swap("p")
    _again(asm, f"{label}.block", GROUP8 - 4 * INDEX, base + REGION)
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
        return self.window + 8 * INDEX

    @property
    def end(self) -> int:
        """The first byte that is not touched."""
        return self.slots + (SLOTS * WORD if self.compact else 0)


@cache
def twiddles(compact: bool = False) -> bytes:
    """The table."""
    if not compact:
        return _entries()
    blocks = [*ForwardPlan.make(compact).blocks, *InversePlan.make(compact).blocks]
    return _entries() + b"".join(_pack_block(block.constants()) for block in blocks)


def place_twiddles(asm: Asm, label: str, compact: bool = False) -> None:
    """Put the table into the code, at a label, where nothing runs into it."""
    asm.data(twiddles(compact), label)


def load_twiddles(asm: Asm, label: str, table: int, compact: bool = False) -> None:
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


def ntt(asm: Asm, label: str, base: int, table: int, compact: bool = False) -> None:
    """The subroutine ``label``: the forward transform of the eight polynomials at ``base``.

    Lanes within ``NTT_INPUT`` on entry, within ``ntt_output()`` afterwards, and congruent to
    Algorithm 41. ``table`` is where ``load_twiddles`` copied the table.
    """
    memory = Memory(table, compact)
    plan = ForwardPlan.make(compact, memory.slots)
    _begin(asm, label)
    _constants(asm)
    _start(asm, plan.first_bias, base)
    asm.label(f"{label}.first")
    plan.first.emit(asm, GROUP8)
    _again(asm, f"{label}.first", WORD, base + GROUP8)
    _start(asm, plan.block_bias, base)
    if compact:
        _middle(asm, label, base, memory.forward, memory.slots, plan.common)
    else:
        _each(asm, label, base, plan.blocks)
    _start(asm, plan.last_bias, base)
    asm.label(f"{label}.last")
    asm.dup("p")
    asm.shr(4)
    asm.push((table - base // 16) % (1 << 256))
    asm.ops("ADD MLOAD")
    _blocks4(asm, plan.last, (0, 5), memory.window)
    _again(asm, f"{label}.last", 8 * INDEX, base + REGION)
    _end(asm)


def intt(asm: Asm, label: str, base: int, table: int, compact: bool = False) -> None:
    """The subroutine ``label``: 256 times the inverse transform of the eight polynomials.

    Algorithm 42 without its last step, the product with 256^-1: a caller folds that into a factor
    that it multiplies by anyway. Lanes below q on entry, within ``intt_output()`` afterwards.
    """
    memory = Memory(table, compact)
    plan = InversePlan.make(compact)
    _begin(asm, label)
    _constants(asm)
    asm.push(LANES * 2 * Q, "2K")
    _start(asm, Q, base)
    asm.label(f"{label}.first")
    asm.dup("p")
    asm.shr(4)
    asm.push((table + base // 16 + TABLE_BYTES - WORD) % (1 << 256))
    asm.ops("SUB MLOAD")
    _blocks4(asm, plan.first, (5, 0), memory.window)
    _again(asm, f"{label}.first", 8 * INDEX, base + REGION)
    asm.pop("p")
    asm.pop("K")
    asm.pop("2K")
    asm.push(LANES * plan.blocks[0].bias, "K")
    asm.push(base, "p")
    if compact:
        common = Inverse8.common(plan.blocks, memory.slots)
        _middle(asm, label, base, memory.inverse, memory.slots, common)
    else:
        _each(asm, label, base, plan.blocks)
    while asm.stack[-1] != "back":
        asm.pop()
    _constants(asm, wide=True)
    _start(asm, plan.last.bias, base)
    asm.label(f"{label}.last")
    plan.last.emit(asm, GROUP8)
    _again(asm, f"{label}.last", WORD, base + GROUP8)
    _end(asm)


def _each(asm: Asm, label: str, base: int, blocks: Sequence[Forward8] | Sequence[Inverse8]) -> None:
    """The middle pass with code of its own for every block."""
    for i, block in enumerate(blocks):
        if i:
            asm.push(GROUP8 - 4 * INDEX)
            asm.op("ADD", "p")
        asm.label(f"{label}.block{i}")
        block.emit(asm, 4 * INDEX)
        _again(asm, f"{label}.block{i}", WORD, base + i * GROUP8 + 4 * INDEX)


def _blocks4(asm: Asm, group: Forward4 | Inverse4, halves: tuple[int, int], window: int) -> None:
    """Two blocks of four coefficients of both arrays, by the two entries of W, on top.

    They are 16 words in a row, and copied to constant addresses and back: 120 gas, where the
    pointer's arithmetic would take 180.
    """
    asm.rename("W")
    asm.push(8 * INDEX)
    asm.dup("p")
    asm.push(window)
    asm.op("MCOPY")
    for i, half in enumerate(halves):
        _unpack(asm, half)
        for array in range(2):
            group.emit(asm, window + 4 * i * INDEX + array * WORD)
        for _ in ENTRY:
            asm.pop()
    asm.pop("W")
    asm.push(8 * INDEX)
    asm.push(window)
    asm.dup("p")
    asm.op("MCOPY")
