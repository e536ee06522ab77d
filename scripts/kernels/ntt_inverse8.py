"""Three layers of the inverse transform, as the forward ones turned around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.kernels import ntt_lanes as lanes
from scripts.kernels.asm import Asm
from scripts.kernels.ntt_lanes import WIDE_BITS, WORD, Interval, Q, R, Row, zeta


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
        return sum(lanes.needs_cut(self.product(out)) for out in self.rows)

    def product(self, out: int) -> Interval:
        """The bounds of an output before reduction."""
        if self.blocks:
            return lanes.hull(block.product(out) for block in self.blocks)
        row = self.rows[out]
        size = 4 if out == 4 else 1 + (out % 2 == 0)  # inputs in half of g, f or e
        cases = []
        for x in self.inputs:
            terms = [(self.bias * row[0], self.bias * row[0])]
            for i, c in row.items():
                at = 2 * i * size
                plus, minus = (
                    lanes.total(x[at : at + size]),
                    lanes.total(x[at + size : at + 2 * size]),
                )
                if self.turned and out % 2 and i == 0:
                    plus, minus = minus, plus
                terms.append(lanes.scale(c, lanes.sub(plus, minus)))
            cases.append(lanes.total(terms))
        return lanes.hull(cases)

    def outputs(self, case: Sequence[Interval]) -> list[Interval]:
        """The bounds of the eight outputs of one kind of group."""
        kind = Inverse8(self.wide, [list(case)], self.bias, self.turned, self.rows)
        reduced = lanes.reduced_wide if self.wide else lanes.reduced
        total = lanes.add(lanes.total(case), (self.bias, self.bias))
        return [total, *(reduced(kind.product(out)) for out in range(1, 8))]

    def emit(self, asm: Asm, stride: int) -> None:
        """Transform the group at p, p + stride, ..., p + 7 stride."""
        depth = len(asm.stack)

        def halve(i: int) -> None:
            """e_i below s_i, or above for even i; f_i takes the place of the first s."""
            if i % 2 == 0:
                turned = self.turned and i == 0
                lanes.load(asm, (2 * i + turned) * stride, "x")
                if i == 0:
                    asm.dup("K")
                    asm.op("ADD", "x")
                lanes.load(asm, (2 * i + 1 - turned) * stride, "y")
                asm.dup("x")
                asm.dup("y")
                asm.op("ADD", f"s{i}")
                asm.swap("x")
                asm.op("SUB", f"e{i}")
            else:
                lanes.load(asm, (2 * i + 1) * stride, "y")
                lanes.load(asm, 2 * i * stride, "x")
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
                lanes.reduce_wide(asm, product, "out")
            else:
                lanes.reduce(asm, product, "out")
            lanes.store(asm, out * stride)

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
        lanes.store(asm, 0)
        for out in (1, 3, 5):
            combine(out, ("e3", "e2", "e1", "e0"), 0)
        combine(7, ("e3", "e2", "e1", "e0"), 2)
        combine(2, ("f1", "f0"), 0)
        combine(6, ("f1", "f0"), 1)
        combine(4, ("g",), 1)
        for _ in range(len(asm.stack) - depth):
            asm.pop()
