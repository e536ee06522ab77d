"""The product of the expanded key with (z, c) in the NTT domain.

A word of the key has eight coefficients of 32 bits, those of one row at one index. Its even 32-bit
lanes are four of them and its odd ones the other four, each in 64 bits with the upper half clear
once it is masked. They stand in the reverse order of the polynomials in a word of z, so that the
product of two words has the four products' sum in its top lane: with coefficients of the key below
q < 2^23 and lanes of z below 2^33 (the transform's bound), each lane of the product is below
4 * 2^56 = 2^58, so nothing is carried from lane to lane, and the sum of both products is below
2^59.

The key is 2,048 words in four parts of 16,384 bytes: rows 0 to 3 or 4 to 7, indices 0 to 127 or
128 to 255. So one half of the rows is expanded at a time, by whom it may concern, and each part
fits a contract. They are read through a window of eight indices, both halves of the rows in it.
"""

from __future__ import annotations

from collections.abc import Callable

from scripts.kernels.asm import Asm
from scripts.kernels.layout87 import KEY, M32, POLYS, STRIDE, word
from scripts.kernels.mldsa87 import ExpandedKey, K, N, Q

INDICES = 8
"""Indices in a window, unrolled."""
HALF_WINDOW_BYTES = INDICES * (K // 2) * 32
WINDOWS = N // INDICES
PARTS = 4
PART_BYTES = N // 2 * (K // 2) * 32
assert PART_BYTES == WINDOWS // 2 * HALF_WINDOW_BYTES == 16_384


def row_word(row: list[list[int]], index: int) -> int:
    """The word of a row's eight coefficients at an index.

    Polynomial p is in 32-bit lane 2 * (3 - p) for p below 4, in lane 2 * (7 - p) + 1 above.
    """
    value = 0
    for p in range(8):
        lane = 2 * (3 - p) if p < 4 else 2 * (7 - p) + 1
        value |= row[p][index] << (32 * lane)
    return value


def key_parts(key: ExpandedKey) -> list[bytes]:
    """The four parts: half of the rows times half of the indices, the indices' half in front.

    Part 2 * rows + indices; in each, index by index, row by row.
    """
    parts = []
    for rows in (key.rows[:4], key.rows[4:]):
        for first in (0, N // 2):
            indices = range(first, first + N // 2)
            words = [row_word(row, index) for index in indices for row in rows]
            parts.append(b"".join(value.to_bytes(32) for value in words))
    return parts


def emit_matrix(asm: Asm, load_window: Callable[[Asm], None]) -> None:
    """Replace the words of (z, c) at POLYS by those of the rows, each lane below q.

    Rows 0 to 3 go to the first set, 4 to 7 to the second. ``load_window`` brings the next eight
    indices to KEY, rows 0 to 3 and then rows 4 to 7; it may use what it pushed before and must
    leave the stack as it was, with "place" on top.
    """
    asm.push(Q, "q")
    asm.push(M32, "m32")
    asm.push(POLYS, "place")
    asm.label("matrix")
    load_window(asm)
    for number in range(INDICES):
        for set_ in (0, 1):
            asm.dup("place")
            if word(set_, number):
                asm.push(word(set_, number))
                asm.op("ADD")
            asm.op("MLOAD", f"z{set_}")
        for first in (0, 4):
            for row in range(first + 3, first - 1, -1):
                _row(asm, KEY + HALF_WINDOW_BYTES * (first // 4) + 32 * (4 * number + row - first))
                if row == first + 3:
                    asm.rename("packed")
                else:
                    asm.swap("packed")
                    asm.shl(64)
                    asm.op("OR", "packed")
            asm.dup("place")
            at = word(first // 4, number)
            if at:
                asm.push(at)
                asm.op("ADD")
            asm.op("MSTORE")
        asm.pop("z1")
        asm.pop("z0")
    asm.push(INDICES * STRIDE)
    asm.op("ADD", "place")
    asm.push(POLYS + N * STRIDE)
    asm.dup("place")
    asm.op("LT")
    asm.jumpi("matrix")
    asm.pop("place")
    asm.pop("m32")
    asm.pop("q")


def _row(asm: Asm, address: int) -> None:
    """One coefficient of a row, from the key's word at ``address`` and z0, z1."""
    asm.dup("q")
    asm.mload(address, "key")
    asm.dup("key")
    asm.dup("m32")
    asm.op("AND")
    asm.dup("z0")
    asm.op("MUL", "even")
    asm.swap("key")
    asm.shr(32)
    asm.dup("m32")
    asm.op("AND")
    asm.dup("z1")
    asm.op("MUL")
    asm.op("ADD")
    asm.shr(192)
    asm.op("MOD", "value")
