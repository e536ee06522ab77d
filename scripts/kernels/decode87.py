"""sigDecode (FIPS 204, Algorithm 27) and the norm of z, four polynomials at once.

A coefficient has 20 bits, little-endian, so eight bytes hold three of them with four bits to
spare: the eight at byte 15k have coefficients 6k to 6k+2 in bits 0 to 59, and the eight at byte
15k+7 have 6k+3 to 6k+5 in bits 4 to 63. The same eight bytes of four polynomials go into the four
lanes of a word, which is turned into little-endian lanes once and then gives three words of four
coefficients.

A coefficient v stands for z = gamma1 - v. It is written as gamma1 + q - v, between 2^22 and 2^24
and the same modulo q. The norm is bad when |z| >= gamma1 - beta (Algorithm 8, line 13), so when
v <= beta or v >= 2 gamma1 - beta. With v < 2^20 = 2 gamma1:
    bit 20 of v + (2^20 - beta - 1) is set when v > beta, and
    bit 20 of v + beta is set when v >= 2^20 - beta, which implies the first.
So the norm is good while bit 20 of the XOR of both is set; one AND collects it over all words.
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.layout87 import (
    CD_Z,
    GAMMA1_LANES,
    M8,
    M16,
    M20,
    M32,
    M64,
    POLYS,
    STRIDE,
    lanes,
    word,
)
from scripts.kernels.mldsa87 import BETA, GAMMA1, Z_POLY_BYTES

assert 2 * GAMMA1 == 1 << 20

LOW_192 = (1 << 192) - 1
BIT_20 = lanes(1 << 20)
ABOVE_BETA = lanes((1 << 20) - BETA - 1)
FROM_THE_TOP = lanes(BETA)
# Lane 3 of the second set holds no coefficient: v is 0 there, its z is 0 and its norm is good.
CENTRE = (GAMMA1_LANES, GAMMA1_LANES & LOW_192)
ABOVE = (ABOVE_BETA, ABOVE_BETA & LOW_192 | 1 << (192 + 20))


def swap_bytes(asm: Asm, m8: str, m16: str, m32: str) -> None:
    """Reverse the eight bytes of each lane of the top; the masks are names on the stack."""
    for bits, mask in ((8, m8), (16, m16), (32, m32)):
        asm.rename("x")
        asm.dup("x")
        asm.shr(bits)
        asm.dup(mask)
        asm.op("AND", "high")
        asm.swap("x")
        asm.dup(mask)
        asm.op("AND")
        asm.shl(bits)
        asm.op("OR", "x")


def gather(asm: Asm, polys: int, step: int, offset: int) -> None:
    """Eight bytes of each of ``polys`` polynomials, one to a little-endian lane.

    The first one's stand ``offset`` behind the calldata position "at", the next ones' ``step``
    bytes further each. A word is loaded so that its eight bytes stand in their lane already.
    """
    for lane in range(polys):
        asm.dup("at")
        behind = step * lane + offset - 8 * (3 - lane)
        if behind:
            asm.push(behind % (1 << 256))
            asm.op("ADD")
        asm.op("CALLDATALOAD")
        asm.push(M64 << (64 * lane))
        asm.op("AND")
        if lane:
            asm.op("OR")
    swap_bytes(asm, "m8", "m16", "m32")


def _gather(asm: Asm, set_: int, offset: int) -> None:
    gather(asm, 4 if set_ == 0 else 3, Z_POLY_BYTES, 4 * set_ * Z_POLY_BYTES + offset)


def _words(asm: Asm, set_: int, first_bit: int, index: int, count: int) -> None:
    """``count`` words of coefficients from the lanes on top, which are consumed.

    "good" stands right below them, so that each word's verdict falls on it.
    """
    asm.rename("chunk")
    asm.swap("good")
    for number in range(count):
        asm.dup("chunk")
        if first_bit + number:
            asm.shr(first_bit + 20 * number)
        asm.dup("m20")
        asm.op("AND", "v")
        asm.dup("v")
        asm.dup("top")
        asm.op("ADD")
        asm.dup("v")
        asm.push(ABOVE[set_])
        asm.op("ADD")
        asm.op("XOR", "verdict")
        asm.swap("v")
        asm.dup(f"centre{set_}")
        asm.op("SUB", "z")
        asm.dup("place")
        if word(set_, index + number):
            asm.push(word(set_, index + number))
            asm.op("ADD")
        asm.op("MSTORE")
        asm.op("AND", "good")
    asm.swap("chunk")
    asm.pop("chunk")


def emit_decode_z(asm: Asm) -> None:
    """Write the words of z at POLYS; leaves one value, zero when the norm of z is good.

    Lane 3 of the second set is left zero.
    """
    below = len(asm.stack)
    asm.push(M8, "m8")
    asm.push(M16, "m16")
    asm.push(M32, "m32")
    asm.push(M20, "m20")
    asm.push(FROM_THE_TOP, "top")
    asm.push(CENTRE[0], "centre0")
    asm.push(CENTRE[1], "centre1")
    asm.push(CD_Z, "at")
    asm.push(POLYS, "place")
    asm.push((1 << 256) - 1, "good")

    def six(of_second_chunk: int) -> None:
        for set_ in (0, 1):
            _gather(asm, set_, 0)
            _words(asm, set_, 0, 0, 3)
            _gather(asm, set_, 7)
            _words(asm, set_, 4, 3, of_second_chunk)

    asm.label("decode_z")
    six(3)
    asm.swap("place")
    asm.push(6 * STRIDE)
    asm.op("ADD", "place")
    asm.swap("at")
    asm.push(15)
    asm.op("ADD", "at")
    asm.swap("place")  # good, place, at: back in their order
    asm.swap("good")
    asm.swap("at")
    asm.swap("good")
    asm.push(CD_Z + 15 * 42)
    asm.dup("at")
    asm.op("LT")
    asm.jumpi("decode_z")
    six(1)  # coefficients 252 to 255; what follows them belongs to the next polynomial
    while len(asm.stack) > below + 1:
        asm.swap(asm.stack[-2])
        asm.pop()
    asm.push(BIT_20)
    asm.op("AND")
    asm.push(BIT_20)
    asm.op("XOR", "bad_norm")
