"""Streams out of interleaved words: four states' lanes, from ``keccak_f1600_x4``, made contiguous.

Four interleaved words hold bit j of lane i of state s at word i, bit 4j + s. Wanted is word s, bit
64i + j. So the two bits of the word's number and the eight of the position are permuted, in two
cycles: each bit of the word's number is exchanged four times with a bit of the position, half of
two words at a time, and nothing moves within a word.
"""

from __future__ import annotations

from scripts.kernels.asm import Asm
from scripts.kernels.keccak_lanes import COMPLEMENTED, LANE, WORD

LOW_CYCLE = (6, 4, 2, 0)
"""The position's bits that the low bit of the word's number is exchanged with."""
HIGH_CYCLE = (7, 5, 3, 1)


def inversion(first: int) -> int:
    """What to XOR to a state's lanes ``first`` to ``first + 3``, as one word: the inverted ones."""
    return sum(LANE << 64 * i for i in range(4) if first + i in COMPLEMENTED)


def _exchange(asm: Asm, a: str, b: str, bit: int) -> None:
    """Exchange the upper halves of ``a`` (second) with the lower ones of ``b`` (top)."""
    distance = 1 << bit
    mask = sum(1 << at for at in range(256) if not at & distance)
    asm.dup(a)
    asm.shr(distance)
    asm.dup(b)
    asm.op("XOR")
    asm.push(mask)
    asm.op("AND", "t")
    asm.swap(a)
    asm.dup("t")
    asm.shl(distance)
    asm.op("XOR", a)
    asm.swap("t")
    asm.op("XOR", b)


def separate_x4(asm: Asm, label: str, stride: int) -> None:
    """A subroutine at ``label``: four interleaved words into one word of each state's stream.

    Stack below the return address: ``source`` on top, the address of four words in a row, then
    ``target``, then ``invert``, XORed to every result (see ``inversion``); all three are taken. The
    word of state s is stored at ``target + stride * s``: lane i of the four at its bits 64i up.
    """
    asm.arrive(["invert", "target", "source", "back"])
    asm.label(label)
    for pair in ((0, 1), (2, 3)):
        for i in pair:
            asm.dup("source")
            if i:
                asm.push(WORD * i)
                asm.op("ADD")
            asm.op("MLOAD", f"w{i}")
        for bit in LOW_CYCLE:
            _exchange(asm, f"w{pair[0]}", f"w{pair[1]}", bit)
    asm.swap("w2")
    asm.swap("w1")
    asm.swap("w3")
    asm.swap("w2")
    asm.swap("w3")
    for pair in ((1, 3), (0, 2)):
        for bit in HIGH_CYCLE:
            _exchange(asm, f"w{pair[0]}", f"w{pair[1]}", bit)
        for s in reversed(pair):
            asm.dup("invert")
            asm.op("XOR")
            asm.dup("target")
            if s:
                asm.push(stride * s)
                asm.op("ADD")
            asm.op("MSTORE")
    asm.swap("invert")
    asm.ops("POP POP POP JUMP")
