"""Packed bit strings: keeping the bits under a mask, and moving bits to another place.

A string of n bits fills words in order, bit i in bit i % 64 of word i // 64; the bits of the last
word past its end are zero. Each function has a twin that unpacks, in `plain`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.instructions import count_ones, extract

Words = npt.NDArray[np.uint64]

_SIX, _LAST = np.uint64(6), np.uint64(63)


@kernel
def compact(values: Words, mask: Words, out: Words, place: int) -> int:
    """Append the bits of ``values`` under ``mask`` to ``out`` at bit ``place``; the place after.

    This is sifting. ``out`` must be zero from ``place`` to the end of its word, and a word longer
    than what comes into it; it is zero from the new place to the end of its word afterwards.
    """
    word = place >> 6
    held = out[word]
    filled = np.uint64(place & 63)
    for index in range(values.size):
        chosen = mask[index]
        bits = extract(values[index], chosen)
        held |= bits << filled
        out[word] = held
        # Without a branch: a word is full at a coin's toss, and the processor would guess wrong.
        count = filled + count_ones(chosen)
        full = count >> _SIX
        held = _carried(bits, filled) if full else held
        word += np.int64(full)
        filled = count & _LAST
    out[word] = held
    return (word << 6) + np.int64(filled)


@kernel
def compact_pair(
    first: Words, second: Words, mask: Words, first_out: Words, second_out: Words
) -> int:
    """`compact` of two vectors under one mask, each to the start of its own; the bits of each."""
    word = 0
    first_held = second_held = filled = np.uint64(0)
    for index in range(mask.size):
        chosen = mask[index]
        first_bits, second_bits = extract(first[index], chosen), extract(second[index], chosen)
        first_held |= first_bits << filled
        second_held |= second_bits << filled
        first_out[word] = first_held
        second_out[word] = second_held
        count = filled + count_ones(chosen)
        full = count >> _SIX
        first_held = _carried(first_bits, filled) if full else first_held
        second_held = _carried(second_bits, filled) if full else second_held
        word += np.int64(full)
        filled = count & _LAST
    first_out[word] = first_held
    second_out[word] = second_held
    return (word << 6) + np.int64(filled)


@kernel
def _carried(bits: np.uint64, filled: np.uint64) -> np.uint64:
    """What of the bits goes into the next word. In two shifts: one by 64 would be one by none."""
    return (bits >> (_LAST - filled)) >> np.uint64(1)


@kernel
def total_ones(words: Words) -> int:
    """The number of bits that are set."""
    total = np.uint64(0)
    for index in range(words.size):
        total += count_ones(words[index])
    return np.int64(total)


@kernel
def lay(words: Words, place: int, out: Words) -> None:
    """Copy ``words`` to ``out`` from word ``place`` on.

    A loop: C's memmove takes four times as long on some processors where the two are not aligned
    alike.
    """
    for index in range(words.size):
        out[place + index] = words[index]


@kernel
def move(source: Words, start: int, count: int, out: Words) -> None:
    """Copy ``count`` bits of ``source`` from bit ``start`` on to the start of ``out``.

    Clears the rest of the last word that is written.
    """
    words = (count + 63) >> 6
    first = start >> 6
    shift = np.uint64(start & 63)
    for index in range(words):
        value = source[first + index] >> shift
        if shift and first + index + 1 < source.size:
            value |= source[first + index + 1] << (np.uint64(64) - shift)
        out[index] = value
    rest = count & 63
    if rest:
        out[words - 1] &= (np.uint64(1) << np.uint64(rest)) - np.uint64(1)


@kernel
def gather(words: Words, places: npt.NDArray[np.uint32], out: Words) -> None:
    """The bits at ``places``, in that order, packed into ``out``."""
    out[:] = np.uint64(0)
    for index in range(places.size):
        place = np.int64(places[index])
        bit = (words[place >> 6] >> np.uint64(place & 63)) & np.uint64(1)
        out[index >> 6] |= bit << np.uint64(index & 63)


@kernel
def mark(places: npt.NDArray[np.uint32], bound: int, taken: Words) -> int:
    """Set the bits of ``taken`` at the places below ``bound``; how many were not set before."""
    count = 0
    for index in range(places.size):
        place = np.int64(places[index])
        if place < bound:
            bit = np.uint64(1) << np.uint64(place & 63)
            count += np.int64(taken[place >> 6] & bit == np.uint64(0))
            taken[place >> 6] |= bit
    return count


@kernel
def draw_distinct(random: Words, bound: int, taken: Words, out: npt.NDArray[np.uint32]) -> int:
    """Fill ``out`` with different places below ``bound``; the number of places found.

    Each random word gives its low bits, as many as ``bound - 1`` has, and is passed over when they
    are too large or taken: so each set of places is as likely as any other. ``taken``, zero at the
    start, gets a bit for each place.
    """
    low = np.uint64(1)
    while low < bound:
        low <<= np.uint64(1)
    low -= np.uint64(1)
    found = 0
    for index in range(random.size):
        if found == out.size:
            break
        place = np.int64(random[index] & low)
        bit = np.uint64(1) << np.uint64(place & 63)
        if place < bound and not taken[place >> 6] & bit:
            taken[place >> 6] |= bit
            out[found] = place
            found += 1
    return found
