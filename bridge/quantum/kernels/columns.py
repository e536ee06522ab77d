"""Masked passes: parities of a random half of each frame, each frame's own.

Leaf ``n + j`` of masked pass p is word j under a mask that has at bit i of the string the bit
``i + p`` of the random bits ``select``: a Toeplitz matrix. Of errors that are left let the last be
at bit i. Then the parity of pass p has bit ``i + p`` in it, which those of the passes before have
not. So it is a fair coin, whatever they are. Were it the same half for all frames, errors in the
same places of two frames would hide each other in a parity over both.

These passes come when few frames are wrong and in each of them little, so one frame is looked at by
itself: ``columns[f]`` has its bits packed, bit j of it from word j, and ``chosen[c]`` every 64th
bit of ``select`` from bit c on, so that pass p looks at ``columns[f] & chosen[f + p]``.
"""

from __future__ import annotations

import numpy as np

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import Word, count_ones, multiply
from bridge.quantum.kernels.trees import ACCUMULATED, TURNED, Trees, Words

SQUARES = 32
"""Squares of 64 bits that are turned side by side: a loop over them is one of vectors."""

_ONE = np.uint64(1)
_LAST = np.uint64(63)


@kernel
def turn(words: Words, trees: Trees) -> None:
    """The columns, from the words as they are now."""
    length, columns = words.size, trees.columns
    squares = np.zeros((64, SQUARES), dtype=np.uint64)
    for start in range(0, columns.shape[1], SQUARES):
        for row in range(64):
            for square in range(SQUARES):
                place = ((start + square) << 6) + row
                squares[row, square] = words[place] if place < length else np.uint64(0)
        _transpose(squares)
        for row in range(64):
            for square in range(min(SQUARES, columns.shape[1] - start)):
                columns[row, start + square] = squares[row, square]


@kernel
def _transpose(squares: Words) -> None:
    """Exchange bit c of row r and bit r of row c in each square: by halves, quarters and so on."""
    shift = np.uint64(32)
    low = np.uint64(0xFFFF_FFFF)
    while shift:
        for pair in range(32):
            # Unsigned, so that no index is checked for being from the end.
            place = np.uint64(pair)
            row = ((place & ~(shift - _ONE)) << _ONE) | (place & (shift - _ONE))
            uppers, lowers = squares[row], squares[row + shift]
            for square in range(SQUARES):
                upper, lower = uppers[square], lowers[square]
                change = ((upper >> shift) ^ lower) & low
                uppers[square] = upper ^ (change << shift)
                lowers[square] = lower ^ change
        shift >>= _ONE
        low ^= low << shift


@kernel
def masked_parity(
    columns: Words, chosen: Words, length: int, number: int, frame: int, node: int
) -> Word:
    """The parity of a node of a masked pass in a frame, 0 or 1."""
    width = 1
    while node < length:
        node <<= 1
        width <<= 1
    start = node - length
    first = start >> 6
    if width < 64:
        within = ((_ONE << np.uint64(width)) - _ONE) << np.uint64(start & 63)
        return count_ones(columns[frame, first] & chosen[frame + number, first] & within) & _ONE
    words = width >> 6
    bits = columns[frame, first : first + words]
    mask = chosen[frame + number, first : first + words]
    sum_of = np.uint64(0)
    for index in range(words):
        sum_of ^= bits[index] & mask[index]
    return count_ones(sum_of) & _ONE


@kernel
def masked_tops(columns: Words, chosen: Words, length: int, number: int, frames: Word) -> Word:
    """The top node of a masked pass, in the frames of a mask."""
    result = np.uint64(0)
    for frame in range(64):
        if (frames >> np.uint64(frame)) & _ONE:
            parity = masked_parity(columns, chosen, length, number, frame, 1)
            result |= parity << np.uint64(frame)
    return result


@kernel
def folded(mirror: Words, place: int, word: Word) -> Word:
    """What a word adds to the parities of all masked passes over the string, pass p at bit 63 - p.

    Bit 63 - p of the carry-less product of x and of r reversed is the parity of x & (r >> p), and
    bit 127 - p that of x & (r << (64 - p)).
    """
    low, _ = multiply(word, mirror[place])
    _, high = multiply(word, mirror[place + 1])
    return low ^ high


@kernel
def prepare_masked(words: Words, trees: Trees) -> None:
    """What masked passes need, where it does not stand yet.

    Both ends do this as soon as the last permuted pass allows, in the same round of each block. So
    two processes that serve two links do it at the same time, and none waits for the other.
    """
    if not trees.folds[TURNED]:
        turn(words, trees)
        fold(words, trees)
        trees.folds[TURNED] = _ONE


@kernel
def fold(words: Words, trees: Trees) -> None:
    """The parities of all masked passes over the whole string."""
    mirror = trees.mirror
    total = np.uint64(0)
    for place in range(words.size):
        total ^= folded(mirror, place, words[place])
    trees.folds[ACCUMULATED] = total


@kernel
def fold_of(trees: Trees, number: int) -> Word:
    """A masked pass's parity over the whole string, 0 or 1."""
    return (trees.folds[ACCUMULATED] >> (_LAST - np.uint64(number))) & _ONE
