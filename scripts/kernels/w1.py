"""w1: HighBits of all coefficients in lanes, UseHint where a hint stands (FIPS 204, 36 to 40).

A lane x < 2^32.7 of the inverse transform stands for r = x mod q, with q = 32 * 2 gamma2 + 1.

Reduction: with a = x >> 23 (at most 831), y = x - a q = (x mod 2^23) + a (2^13 - 1) is below
2^23 + 2^22.7 < 2q. Lanes that the transform has reduced last are below 2q and need none.

HighBits: r1 = floor((r + gamma2 - 1) / (2 gamma2)) mod 16. That is Decompose: r0 lies in
(-gamma2, gamma2], and where r - r0 = q - 1 the quotient is 16. For y = r + q the numerator is by q
too large, that is by 32 * 2 gamma2 + 1, so it is enough to subtract 1 where y >= q; the other 32
fall to "mod 16". The division is by 2 gamma2 = 2^9 * 1023: with u = (r + gamma2 - 1) >> 9 below
2^15.1, floor(u / 1023) = ((u + 1) * 1025) >> 20. The 512 of that "+ 1" is added before the shift.
(All of this is checked over every value by a test.)

Four bits of sixteen coefficients fill a lane: bit 4 i of the lane is coefficient i, which is
SimpleBitPack of w1Encode (Algorithm 28) as a little-endian lane, just what Keccak absorbs.
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.layout87 import (
    CD_HINT,
    M64,
    POLYS,
    STRIDE,
    W1,
    W1_OFFSET,
    lanes,
    word,
)
from scripts.kernels.mldsa87 import GAMMA2, OMEGA, K, N, Q

M_QUOTIENT = lanes(0x3FF)
M_U = lanes(0xFFFF)
FIFTEEN = lanes(15)
ONE = lanes(1)
NOT_BELOW_Q = lanes((1 << 24) - Q)
"""Bit 24 of y + this is set when y >= q."""

CHUNK = 16
WORDS = 2 * N // CHUNK


def w1_place(set_: int, chunk: int) -> int:
    """The memory address of the word with chunk ``chunk`` of a set's four rows."""
    return W1 + 32 * (set_ * (N // CHUNK) + chunk)


def emit_w1(asm: Asm, small_from: int) -> None:
    """Write the 32 words of w1 without hints at W1.

    Lanes at POLYS are below 2^32.7, those from index ``small_from`` on below 2q.
    """
    asm.push(Q, "q")
    asm.push(M_QUOTIENT, "m8")
    asm.push(NOT_BELOW_Q, "edge")
    asm.push(ONE, "one")
    asm.push(lanes(W1_OFFSET), "offset")
    asm.push(M_U, "m16")
    asm.push(FIFTEEN, "fifteen")
    for small in (False, True):
        name = "w1_small" if small else "w1_large"
        first, end = (small_from, N) if small else (0, small_from)
        asm.push(POLYS + STRIDE * first, "place")
        asm.push(w1_place(0, first // CHUNK), "to")
        asm.label(name)
        for set_ in (0, 1):
            for number in range(CHUNK - 1, -1, -1):
                asm.dup("place")
                at = word(set_, number)
                if at:
                    asm.push(at)
                    asm.op("ADD")
                asm.op("MLOAD", "x")
                if not small:
                    _reduce(asm)
                _quotient(asm)
                if number == CHUNK - 1:
                    asm.rename("packed")
                else:
                    asm.swap("packed")
                    asm.shl(4)
                    asm.op("OR", "packed")
            asm.dup("to")
            if set_:
                asm.push(w1_place(1, 0) - w1_place(0, 0))
                asm.op("ADD")
            asm.op("MSTORE")
        asm.push(32)
        asm.op("ADD", "to")
        asm.swap("place")
        asm.push(CHUNK * STRIDE)
        asm.op("ADD", "place")
        asm.swap("to")
        asm.push(w1_place(0, end // CHUNK))
        asm.dup("to")
        asm.op("LT")
        asm.jumpi(name)
        asm.pop("to")
        asm.pop("place")
    for constant in ("fifteen", "m16", "offset", "one", "edge", "m8", "q"):
        asm.pop(constant)


def _reduce(asm: Asm) -> None:
    """x - (x >> 23) q."""
    asm.dup("q")
    asm.dup("x")
    asm.shr(23)
    asm.dup("m8")
    asm.op("AND")
    asm.op("MUL", "multiple")
    asm.swap("x")
    asm.op("SUB", "x")


def _quotient(asm: Asm) -> None:
    """r1 of the lanes y < 2q on top."""
    asm.dup("x")
    asm.dup("edge")
    asm.op("ADD")
    asm.shr(24)
    asm.dup("one")
    asm.op("AND", "above")
    asm.swap("x")
    asm.dup("offset")
    asm.op("ADD")
    asm.op("SUB")
    asm.shr(9)
    asm.dup("m16")
    asm.op("AND")
    asm.push(1025)
    asm.op("MUL")
    asm.shr(20)
    asm.dup("fifteen")
    asm.op("AND", "r1")


def emit_hints(asm: Asm, reject: str) -> None:
    """HintBitUnpack and UseHint (Algorithms 21 and 40) on the words at W1.

    Jumps to ``reject`` when a row's positions do not ascend, counts descend or pass 75, or what
    follows the last position is not zero.
    """
    asm.push(0, "index")
    for row in range(K):
        asm.push(CD_HINT + OMEGA + row)
        asm.op("CALLDATALOAD")
        asm.shr(248, "end")
        asm.dup("index")
        asm.dup("end")
        asm.op("LT")  # end < index
        asm.push(OMEGA)
        asm.dup("end")
        asm.op("GT")  # end > omega
        asm.op("OR")
        asm.jumpi_out(reject)
        asm.push(0, "least")  # what the row's next position is at least
        asm.label(f"hint{row}")
        asm.dup("end")
        asm.dup("index")
        asm.op("LT")
        asm.op("ISZERO")
        asm.jumpi(f"hint{row}.done")
        asm.push(CD_HINT)
        asm.dup("index")
        asm.op("ADD")
        asm.op("CALLDATALOAD")
        asm.shr(248, "i")
        asm.dup("least")
        asm.dup("i")
        asm.op("LT")
        asm.jumpi_out(reject)
        _use_hint(asm, *divmod(row, 4))
        asm.push(1)
        asm.op("ADD")
        asm.replace("least")
        asm.push(1)
        asm.dup("index")
        asm.op("ADD")
        asm.replace("index")
        asm.jump(f"hint{row}")
        asm.label(f"hint{row}.done")
        asm.pop("least")
        asm.pop("end")
    asm.label("padding")
    asm.push(OMEGA)
    asm.dup("index")
    asm.op("LT")
    asm.op("ISZERO")
    asm.jumpi("padding.done")
    asm.push(CD_HINT)
    asm.dup("index")
    asm.op("ADD")
    asm.op("CALLDATALOAD")
    asm.shr(248)
    asm.jumpi_out(reject)
    asm.push(1)
    asm.op("ADD", "index")
    asm.jump("padding")
    asm.label("padding.done")
    asm.pop("index")


def _use_hint(asm: Asm, set_: int, lane: int) -> None:
    """Move the coefficient "i" on top of a row by its hint; "i" stays on top.

    r1 + 1 when r0 > 0, so when r is above r1 * 2 gamma2, else r1 - 1, both modulo 16.
    """
    asm.push(Q)
    asm.push(STRIDE)
    asm.dup("i")
    asm.op("MUL")
    asm.push(POLYS + word(set_, 0))
    asm.op("ADD")
    asm.op("MLOAD")
    if lane:
        asm.shr(64 * lane)
    asm.push(M64)
    asm.op("AND")
    asm.op("MOD", "r")
    asm.push(2 * GAMMA2)
    asm.dup("r")
    asm.push(GAMMA2 - 1)
    asm.op("ADD")
    asm.op("DIV", "r1")
    asm.push(2 * GAMMA2)
    asm.dup("r1")
    asm.op("MUL", "base")
    asm.swap("r1")
    asm.swap("r")  # r1, base, r
    asm.op("GT", "up")  # r > base
    asm.push(2)
    asm.op("MUL")
    asm.dup("r1")
    asm.op("ADD")
    asm.push((1 << 256) - 1)
    asm.op("ADD")
    asm.op("XOR")
    asm.push(15)
    asm.op("AND", "change")
    asm.push(15)
    asm.dup("i")
    asm.op("AND")
    asm.push(4)
    asm.op("MUL")
    if lane:
        asm.push(64 * lane)
        asm.op("ADD")
    asm.op("SHL", "change")
    asm.dup("i")
    asm.shr(4)
    asm.push(32)
    asm.op("MUL")
    asm.push(w1_place(set_, 0))
    asm.op("ADD", "place")
    asm.swap("change")
    asm.dup("place")
    asm.op("MLOAD")
    asm.op("XOR")
    asm.swap("place")
    asm.op("MSTORE")
