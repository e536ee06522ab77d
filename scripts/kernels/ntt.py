"""NTT and NTT^-1 (FIPS 204, Algorithms 41 and 42) of eight polynomials, four in a word's lanes.

A product by a twiddle is reduced by Shoup's method, all four lanes at once: with
zeta' = floor(zeta 2^32 / q) and h = floor(b zeta' / 2^32), t = b zeta - h q lies in
[0, q + b q / 2^32). Lanes are never reduced otherwise.

Forward (a, b) -> (a + t, a + 2q - t). With inputs below 2^24 (z as gamma1 + q - v) lanes grow by
less than 2q in each of eight layers: below 2^24 + 16 q < 2^27.2. With b < 2^28, t < q + 2^19 < 2q,
and b zeta' < 2^60 stays in its lane.

Inverse (a, b) -> (a + b, (b + K - a) zeta). Inputs are below q, sums double in each layer, at most
2^8 q < 2^31; K is 2^layer q of the pass's last layer, at least the largest a of each, so the
difference is positive, and with b below 2^layer q too it is below 2^8 q < 2^31; its product with
zeta' is below 2^63 and t < 1.5 q, which K covers too. FIPS 204 has
-zeta (a - b); the factor 256^-1 is not applied, it is in the key.

Eight layers in three passes, 3 + 3 + 2 (inverse 2 + 3 + 3), eight words on the stack in each. The
first pass's seven twiddles are the same everywhere and are pushed; the others come from a table of
eight bytes each, zeta' and zeta, which is copied from code and unpacked once for both sets.
"""

from __future__ import annotations

from collections.abc import Callable

from scripts.kernels.asm import Asm
from scripts.kernels.layout87 import M32, Q_LANES, SET_OFFSET, STRIDE
from scripts.kernels.mldsa87 import GAMMA1, ZETAS, N, Q

TWO_Q = 2 * Q_LANES
FORWARD_INPUT = 1 << 24
FORWARD_OUTPUT = FORWARD_INPUT + 8 * 2 * Q
INVERSE_OUTPUT = N * Q
assert GAMMA1 + Q + GAMMA1 < FORWARD_INPUT
assert FORWARD_OUTPUT < 1 << 28
assert INVERSE_OUTPUT <= 1 << 31

OF_MIDDLE, OF_FINE = 7, 3
"""Twiddles of a block of 32 coefficients, and of one of four."""
MIDDLE_BLOCKS, FINE_BLOCKS = 8, 64
FINE_TABLE = 8 * OF_MIDDLE * MIDDLE_BLOCKS
TABLE_BYTES = FINE_TABLE + 8 * OF_FINE * FINE_BLOCKS


def order() -> list[int]:
    """The indices of the table's twiddles, block by block: those of one block stand together."""
    middle = [
        [8 + b, *(16 + 2 * b + k for k in range(2)), *(32 + 4 * b + k for k in range(4))]
        for b in range(MIDDLE_BLOCKS)
    ]
    fine = [[64 + b, 128 + 2 * b, 129 + 2 * b] for b in range(FINE_BLOCKS)]
    return [index for block in [*middle, *fine] for index in block]


Twiddle = Callable[[Asm, bool], None]
"""Pushes zeta, or zeta' when asked for the precomputed one."""


def precomputed(zeta: int) -> int:
    """floor(zeta 2^32 / q)."""
    return (zeta << 32) // Q


def table() -> bytes:
    """The twiddles in their ``order``: zeta' and zeta, four bytes each."""
    return b"".join(
        precomputed(ZETAS[index]).to_bytes(4) + ZETAS[index].to_bytes(4) for index in order()
    )


def _immediate(index: int) -> Twiddle:
    zeta = ZETAS[index]

    def push(asm: Asm, prime: bool) -> None:
        asm.push(precomputed(zeta) if prime else zeta)

    return push


def _scratch(address: int) -> Twiddle:
    def push(asm: Asm, prime: bool) -> None:
        asm.mload(address if prime else address + 32)

    return push


def _times(asm: Asm, twiddle: Twiddle) -> None:
    """The product of the top with a twiddle, by Shoup."""
    asm.rename("b")
    asm.dup("b")
    twiddle(asm, True)
    asm.op("MUL")
    asm.shr(32)
    asm.dup("m32")
    asm.op("AND")
    asm.dup("q")
    asm.op("MUL", "multiple")
    asm.swap("b")
    twiddle(asm, False)
    asm.op("MUL")
    asm.op("SUB", "t")


def _load(asm: Asm, offset: int, name: str) -> None:
    asm.dup("place")
    if offset:
        asm.push(offset)
        asm.op("ADD")
    asm.op("MLOAD", name)


def _store(asm: Asm, offset: int) -> None:
    asm.dup("place")
    if offset:
        asm.push(offset)
        asm.op("ADD")
    asm.op("MSTORE")


def _forward(asm: Asm, twiddles: list[list[Twiddle]], offsets: list[int]) -> None:
    """Layers of the forward transform over the words at ``offsets``; ``twiddles`` by layer."""
    count = len(offsets)
    for layer, of_layer in enumerate(twiddles):
        length = count >> (layer + 1)
        last = layer == len(twiddles) - 1
        if layer == 0:
            for k in range(length):
                _load(asm, offsets[k], f"v{k}")
        pairs = [
            (block, 2 * block * length + k) for block in range(1 << layer) for k in range(length)
        ]
        for block, i in reversed(pairs) if last else pairs:
            j = i + length
            if layer == 0:
                _load(asm, offsets[j], f"v{j}")
            elif not last:
                asm.dup(f"v{j}")
            _times(asm, of_layer[block])
            if last and layer:
                # v_i is right below: both results are stored at once.
                asm.dup(f"v{i}")
                asm.dup("t")
                asm.op("ADD")
                _store(asm, offsets[i])
                asm.swap(f"v{i}")
                asm.dup("two_q")
                asm.op("ADD")
                asm.op("SUB")
                _store(asm, offsets[j])
                continue
            asm.dup("t")
            asm.dup(f"v{i}", "a")
            asm.op("ADD", "sum")
            asm.swap(f"v{i}")
            _rename_below(asm, "sum", f"v{i}")
            asm.dup("two_q")
            asm.op("ADD")
            asm.op("SUB", "difference")
            if layer == 0:
                asm.rename(f"v{j}")
            else:
                asm.replace(f"v{j}")


def _rename_below(asm: Asm, name: str, new: str) -> None:
    """Call the value ``name``, which a swap has put in its place, ``new``."""
    asm.stack[len(asm.stack) - asm.depth(name)] = new


def _inverse(asm: Asm, twiddles: list[list[Twiddle]], offsets: list[int]) -> None:
    """Layers of the inverse transform over the words at ``offsets``; "k" is the pass's K."""
    count = len(offsets)
    for layer, of_layer in enumerate(twiddles):
        length = 1 << layer
        last = layer == len(twiddles) - 1
        pairs = [
            (block, 2 * block * length + k)
            for block in range(count // (2 * length))
            for k in range(length)
        ]
        for block, i in reversed(pairs) if last else pairs:
            j = i + length
            if layer == 0:
                _load(asm, offsets[i], f"v{i}")
                _load(asm, offsets[j], f"v{j}")
                asm.dup(f"v{i}")
                asm.dup(f"v{j}")
                asm.op("ADD", "sum")
                asm.swap(f"v{i}")  # v_j, v_i on top
                _rename_below(asm, "sum", "low")
                asm.swap(f"v{j}")
                asm.dup("k")
                asm.op("ADD")
                asm.op("SUB")  # v_j + K - v_i
                _times(asm, of_layer[block])
                _rename_below(asm, "low", f"v{i}")
                asm.rename(f"v{j}")
                continue
            asm.dup(f"v{i}")
            asm.dup(f"v{j}")
            asm.op("ADD", "sum")
            if last:
                _store(asm, offsets[i])
                asm.dup(f"v{i}")
                asm.dup(f"v{j}")
            else:
                asm.swap(f"v{i}")
                _rename_below(asm, "sum", f"v{i}")
                asm.dup(f"v{j}")
            asm.dup("k")
            asm.op("ADD")
            asm.op("SUB")
            _times(asm, of_layer[block])
            if last:
                _store(asm, offsets[j])
            else:
                asm.replace(f"v{j}")
    for k in range(count - 1, -1, -1):
        asm.pop(f"v{k}")


def _unpack(asm: Asm, count: int, scratch: int) -> list[Twiddle]:
    """``count`` twiddles from "entry" on, spread to scratch words."""
    for number in range(count):
        asm.dup("entry")
        if number:
            asm.push(8 * number)
            asm.op("ADD")
        asm.op("MLOAD")
        asm.shr(192, "pair")
        asm.dup("pair")
        asm.shr(32)
        asm.mstore(scratch + 64 * number)
        asm.dup("m32")
        asm.op("AND")
        asm.mstore(scratch + 64 * number + 32)
    return [_scratch(scratch + 64 * number) for number in range(count)]


def _step(asm: Asm, label: str, step: int, end: int) -> None:
    """Move "place", which is on top, and repeat from ``label`` below ``end``."""
    asm.push(step)
    asm.op("ADD", "place")
    asm.push(end)
    asm.dup("place")
    asm.op("LT")
    asm.jumpi(label)
    asm.pop("place")


def _in_sets(sets: int, offsets: list[int]) -> list[list[int]]:
    return [[SET_OFFSET * set_ + offset for offset in offsets] for set_ in range(sets)]


def _every(step: int, count: int) -> list[int]:
    return [step * STRIDE * k for k in range(count)]


def _move_entry(asm: Asm, by: int) -> None:
    """Move "entry", which is right below the top."""
    asm.swap("entry")
    asm.push(by % (1 << 256))
    asm.op("ADD", "entry")
    asm.swap("place")


def ntt(asm: Asm, label: str, base: int, table_at: int, scratch: int, sets: int = 2) -> None:
    """A subroutine: the transform of the eight polynomials at ``base``.

    The table stands at ``table_at``; 14 words at ``scratch`` are used. With one of the ``sets``,
    the four of the first. Lanes are below ``FORWARD_INPUT`` before and ``FORWARD_OUTPUT`` after.
    """
    asm.label(label)
    asm.push(Q, "q")
    asm.push(M32, "m32")
    asm.push(TWO_Q, "two_q")
    # Pass 1: coefficients 32 apart, layers 128, 64, 32
    coarse = [
        [_immediate(1)],
        [_immediate(k) for k in (2, 3)],
        [_immediate(k) for k in range(4, 8)],
    ]
    asm.push(base, "place")
    asm.label(f"{label}.coarse")
    for offsets in _in_sets(sets, _every(32, 8)):
        _forward(asm, coarse, offsets)
    _step(asm, f"{label}.coarse", STRIDE, base + 32 * STRIDE)
    # Pass 2: blocks of 32, layers 16, 8, 4; four groups in a block
    asm.push(table_at, "entry")
    asm.push(base, "place")
    asm.label(f"{label}.middle")
    spread = _unpack(asm, OF_MIDDLE, scratch)
    _move_entry(asm, 8 * OF_MIDDLE)
    asm.push(4 * STRIDE)
    asm.dup("place")
    asm.op("ADD", "end")
    asm.swap("place")
    asm.label(f"{label}.group")
    for offsets in _in_sets(sets, _every(4, 8)):
        _forward(asm, [spread[:1], spread[1:3], spread[3:]], offsets)
    asm.push(STRIDE)
    asm.op("ADD", "place")
    asm.dup("end")
    asm.dup("place")
    asm.op("LT")
    asm.jumpi(f"{label}.group")
    asm.swap("end")
    asm.pop("end")
    _step(asm, f"{label}.middle", 28 * STRIDE, base + N * STRIDE)
    # Pass 3: blocks of 4, layers 2, 1; "entry" stands at the fine table
    asm.push(base, "place")
    asm.label(f"{label}.fine")
    spread = _unpack(asm, OF_FINE, scratch)
    _move_entry(asm, 8 * OF_FINE)
    for offsets in _in_sets(sets, _every(1, 4)):
        _forward(asm, [spread[:1], spread[1:]], offsets)
    _step(asm, f"{label}.fine", 4 * STRIDE, base + N * STRIDE)
    for constant in ("entry", "two_q", "m32", "q"):
        asm.pop(constant)
    asm.op("JUMP")


def intt(asm: Asm, label: str, base: int, table_at: int, scratch: int) -> None:
    """A subroutine: the inverse transform without 256^-1 of the eight polynomials at ``base``.

    Lanes below q before and below ``INVERSE_OUTPUT`` after; those of indices 128 and above are
    products of the last layer, below 1.5 q. The blocks go up and the table's go down.
    """
    asm.label(label)
    asm.push(Q, "q")
    asm.push(M32, "m32")
    asm.push(Q_LANES << 1, "k")
    asm.push(table_at + TABLE_BYTES - 8 * OF_FINE, "entry")
    asm.push(base, "place")
    asm.label(f"{label}.fine")
    spread = _unpack(asm, OF_FINE, scratch)
    _move_entry(asm, -8 * OF_FINE)
    for offsets in _in_sets(2, _every(1, 4)):
        _inverse(asm, [spread[:0:-1], spread[:1]], offsets)
    _step(asm, f"{label}.fine", 4 * STRIDE, base + N * STRIDE)
    asm.pop("entry")
    asm.shl(3, "k")
    asm.push(table_at + FINE_TABLE - 8 * OF_MIDDLE, "entry")
    asm.push(base, "place")
    asm.label(f"{label}.middle")
    spread = _unpack(asm, OF_MIDDLE, scratch)
    _move_entry(asm, -8 * OF_MIDDLE)
    asm.push(4 * STRIDE)
    asm.dup("place")
    asm.op("ADD", "end")
    asm.swap("place")
    asm.label(f"{label}.group")
    for offsets in _in_sets(2, _every(4, 8)):
        _inverse(asm, [spread[:2:-1], spread[2:0:-1], spread[:1]], offsets)
    asm.push(STRIDE)
    asm.op("ADD", "place")
    asm.dup("end")
    asm.dup("place")
    asm.op("LT")
    asm.jumpi(f"{label}.group")
    asm.swap("end")
    asm.pop("end")
    _step(asm, f"{label}.middle", 28 * STRIDE, base + N * STRIDE)
    asm.pop("entry")
    asm.shl(3, "k")
    coarse = [
        [_immediate(k) for k in range(7, 3, -1)],
        [_immediate(k) for k in (3, 2)],
        [_immediate(1)],
    ]
    asm.push(base, "place")
    asm.label(f"{label}.coarse")
    for offsets in _in_sets(2, _every(32, 8)):
        _inverse(asm, coarse, offsets)
    _step(asm, f"{label}.coarse", STRIDE, base + 32 * STRIDE)
    for constant in ("k", "m32", "q"):
        asm.pop(constant)
    asm.op("JUMP")
