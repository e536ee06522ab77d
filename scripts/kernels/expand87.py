"""Expanding a public key: the matrix and t1 into the words that verification multiplies by.

One call expands four rows (``half`` 0 or 1) of the 2,592-byte key into their 256 indices: 28
polynomials from SHAKE128 (FIPS 204, Algorithm 30), four streams at a time in the four lanes of a
word, and -t1 * 2^13 in the NTT domain as the eighth of each row, all times 256^-1.

Rejection sampling takes three bytes at a time, little-endian, without the highest bit, and keeps
what is below q. A block of SHAKE128 is 168 bytes, 56 of these; three lanes of 64 bits hold eight.
Nothing branches on a coefficient: a rejected one is written as zero where the next one goes.

Calldata: the public key. Memory, beside what ``layout87`` has:
    OUT     four rows times 256 indices, a word each: 32,768 bytes
    COUNTS  where the next coefficient of each of the four streams goes, four words
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.layout87 import M64
from scripts.kernels.mldsa87 import N, Q

RATE_LANES = 21
CANDIDATES = 56
ROW_STEP = 32
INDEX_STEP = 4 * ROW_STEP
LOW_23 = (1 << 23) - 1
SCALE = pow(N, -1, Q)


def field_shift(p: int) -> int:
    """The bit at which polynomial ``p``'s coefficient stands in a word of the key."""
    return 32 * (2 * (3 - p) if p < 4 else 2 * (7 - p) + 1)


def emit_take_three_lanes(asm: Asm, stream: int, address: int) -> None:
    """Push the 24 bytes of a stream in three words of the state at ``address``, as one number."""
    for lane in range(2, -1, -1):
        asm.mload(address + 32 * lane)
        if stream:
            asm.shr(64 * stream)
        asm.push(M64)
        asm.op("AND")
        if lane < 2:
            asm.swap(asm.stack[-2])
            asm.shl(64)
            asm.op("OR")


def emit_candidates(asm: Asm) -> None:
    """Sample the eight candidates of the number on top, which is consumed.

    On the stack are "shift" (where a coefficient stands in its word), "at" (the word of the next
    coefficient), "q" and "scale".
    """
    asm.rename("bits")
    for number in range(8):
        asm.dup("q")
        asm.push(LOW_23)
        asm.dup("bits")
        if number:
            asm.shr(24 * number)
        asm.op("AND", "v")
        asm.dup("q")
        asm.dup("v")
        asm.op("LT", "kept")  # v < q
        asm.dup("kept")
        asm.push(INDEX_STEP)
        asm.op("MUL", "step")
        asm.swap("v")
        asm.op("MUL", "v_or_0") if False else None
        raise AssertionError
