"""The two layers next to the evaluated side: blocks of four coefficients, twiddles of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.kernels import ntt_lanes as lanes
from scripts.kernels.asm import Asm
from scripts.kernels.ntt_lanes import WORD, Interval, Q, R, zeta

TABLE_BYTES = 32 * WORD
ENTRY = ("r2", "r", "r3", "ir", "ir3")
ENTRY_BITS = 24


def _entry(block: int) -> tuple[int, ...]:
    """r^2, r, r^3, I r, -I r^3 for r = zetas[128 + 2 block], I = zetas[1], times 2^23."""
    r, i = zeta(128 + 2 * block), zeta(1)
    return tuple(v * R % Q for v in (r * r, r, r**3, i * r, -i * r**3))


def entries() -> bytes:
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
        blocks.append(lanes.total([lanes.scale(entry[i], x) for i, x in coefficients]))
    return lanes.hull(blocks)


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
        c, p, d = (lanes.reduced(product) for product in self.products())
        u = lanes.hull((lanes.add(self.inputs, c), lanes.sub(self.inputs, c)))
        out = lanes.hull(f(u, t) for t in (p, d) for f in (lanes.add, lanes.sub))
        return lanes.add(out, (bias, bias))

    def emit(self, asm: Asm, at: int, index: int) -> None:
        """Transform the four words at the constant addresses at, at + index, ..."""
        c, p, d = self.products()
        asm.mload(at + 2 * index, "a2")
        asm.dup("r2")
        asm.op("MUL")
        lanes.reduce(asm, c, "C")
        asm.mload(at, "a0")
        asm.dup("K")
        asm.op("ADD", "a0")
        asm.mload(at + index, "a1")
        asm.mload(at + 3 * index, "a3")
        _pair(asm, "a1", "ir", "a3", "ir3", consume=False)
        lanes.reduce(asm, d, "D")
        _pair(asm, "a1", "r", "a3", "r3", consume=True)
        lanes.reduce(asm, p, "P")
        # C a0 D P
        asm.dup("C")
        asm.dup("a0")
        asm.op("SUB", "u")
        lanes.differ(asm)
        asm.mstore(at)
        asm.op("ADD")
        asm.mstore(at + index)
        asm.swap("C")
        asm.op("ADD", "u")
        lanes.differ(asm)
        asm.mstore(at + 2 * index)
        asm.op("ADD")
        asm.mstore(at + 3 * index)


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
        s = lanes.add(x, x)
        return (
            lanes.add(lanes.sub(x, x), (2 * Q, 2 * Q)),
            lanes.add(lanes.sub(x, x), (Q, Q)),
            lanes.add(lanes.sub(s, s), (2 * Q, 2 * Q)),
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
        total = lanes.total([self.inputs] * 4)
        products = self.products()
        return [lanes.add(total, (2 * Q, 2 * Q)), *(lanes.reduced(products[i]) for i in (1, 2, 3))]

    def emit(self, asm: Asm, at: int, index: int) -> None:
        """Transform the four words at the constant addresses at, at + index, ..."""
        products = self.products()
        asm.mload(at, "x0")
        asm.dup("2K")
        asm.op("ADD", "x0")
        asm.mload(at + index, "x1")
        asm.dup("x0")
        asm.dup("x1")
        asm.op("ADD", "s0")
        asm.swap("x0")
        asm.op("SUB", "e0")
        asm.mload(at + 3 * index, "x3")
        asm.mload(at + 2 * index, "x2")
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
        lanes.reduce(asm, products[1], "out")
        asm.mstore(at + index)
        _pair(asm, "e1", "r3", "e0", "ir3", consume=True)
        lanes.reduce(asm, products[3], "out")
        asm.mstore(at + 3 * index)
        asm.dup("r2")
        asm.op("MUL")
        lanes.reduce(asm, products[2], "out")
        asm.mstore(at + 2 * index)


def blocks4(
    asm: Asm, group: Forward4 | Inverse4, halves: tuple[int, int], window: int, index: int
) -> None:
    """Two blocks of four coefficients of each array, by the two entries of W, on top.

    They are 16 words in a row (8 if there is one array), and copied to constant addresses and
    back: 120 gas, where the pointer's arithmetic would take 180.
    """
    asm.rename("W")
    asm.push(8 * index)
    asm.dup("p")
    asm.push(window)
    asm.op("MCOPY")
    for i, half in enumerate(halves):
        _unpack(asm, half)
        for array in range(0, index, WORD):
            group.emit(asm, window + 4 * i * index + array, index)
        for _ in ENTRY:
            asm.pop()
    asm.pop("W")
    asm.push(8 * index)
    asm.push(window)
    asm.dup("p")
    asm.op("MCOPY")
