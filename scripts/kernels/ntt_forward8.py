"""Three layers of the forward transform: seven reductions for twelve butterflies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.kernels import ntt_lanes as lanes
from scripts.kernels.asm import Asm
from scripts.kernels.ntt_lanes import WORD, Interval, Q, R, Row, zeta


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
            product = lanes.scale(total, inputs)
            plan.rows.append(row)
            plan.signs.append(sign)
            plan.products.append(product)
            plan.terms.append(lanes.reduced(product))
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
        plan.products = [lanes.hull(b.products[r] for b in blocks) for r in range(7)]
        plan.terms = [lanes.hull(b.terms[r] for b in blocks) for r in range(7)]
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
        start = lanes.add(self.inputs, (bias, bias))
        result = []
        for i, last in enumerate(rest):
            upper = lanes.hull((lanes.add(start, c), lanes.sub(start, c)))
            middle = p if i < 2 else d
            upper = lanes.hull((lanes.add(upper, middle), lanes.sub(upper, middle)))
            result += [lanes.add(upper, last), lanes.sub(upper, last)]
        return result

    def emit(self, asm: Asm, stride: int) -> None:
        """Transform the group at p, p + stride, ..., p + 7 stride."""
        depth = len(asm.stack)
        signs = self.signs
        lanes.load(asm, 4 * stride, "c")
        self.times(asm, 0, 4)
        lanes.reduce(asm, self.products[0], "C")
        lanes.load(asm, 0, "a0")
        asm.dup("K")
        asm.op("ADD", "a0")
        # C a0 -> a0 - C, a0 + C: the first is u+ where the sign of C is -1
        low, high = ("u-", "u+") if signs[0] == 1 else ("u+", "u-")
        asm.dup("C")
        asm.dup("a0")
        asm.op("SUB", low)
        asm.swap("C")
        asm.op("ADD", high)
        lanes.load(asm, 2 * stride, "a2")
        lanes.load(asm, 6 * stride, "a6")
        asm.dup("a2")
        self.times(asm, 1, 2)
        asm.dup("a6")
        self.times(asm, 1, 6)
        asm.op("ADD")
        lanes.reduce(asm, self.products[1], "P")
        asm.swap("a2")
        self.times(asm, 2, 2)
        asm.swap("a6")
        self.times(asm, 2, 6)
        asm.op("ADD")
        lanes.reduce(asm, self.products[2], "D")
        for i in (1, 5, 3, 7):
            lanes.load(asm, i * stride, f"a{i}")
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
            lanes.reduce(asm, self.products[3 + i], "R")
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
            lanes.spread(asm, *(at[::-1] if signs[3 + i] == 1 else at))
        for _ in range(len(asm.stack) - depth):
            asm.pop()
