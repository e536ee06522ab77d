"""The readable twins: the same bits as the kernels give, from numpy and Python alone."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


def unpack(words: Words, count: int | None = None) -> Bools:
    """One boolean for each bit, in the order of the string."""
    little = np.ascontiguousarray(words).astype("<u8").view(np.uint8)
    return np.unpackbits(little, bitorder="little", count=count).astype(bool)


def pack(bits: npt.NDArray[np.generic]) -> Words:
    """The packed string; the rest of the last word is zero."""
    padded = np.zeros(-(-len(bits) // 64) * 64, dtype=bool)
    padded[: len(bits)] = bits
    return np.packbits(padded, bitorder="little").view("<u8").astype(np.uint64)


def compact(values: Words, mask: Words) -> Words:
    """The bits under the mask: the twin of `streams.compact` from place 0."""
    return pack(unpack(values)[unpack(mask)])


def move(source: Words, start: int, count: int) -> Words:
    """The twin of `streams.move`."""
    return pack(unpack(source)[start : start + count])


def gather(words: Words, places: npt.NDArray[np.uint32]) -> Words:
    """The twin of `streams.gather`."""
    return pack(unpack(words)[places])


def skip(random: Words, probability: float, count: int) -> Words:
    """The twin of `noise.skip`."""
    events = np.zeros(count, dtype=bool)
    place = -1
    for word in random.tolist():
        uniform = ((word >> 11) + 1) * 2.0**-53
        place += 1 + math.floor(math.log(uniform) / math.log1p(-probability))
        if place >= count:
            break
        events[place] = True
    return pack(events)


def combine(random: Words, digits: int, levels: int) -> Words:
    """The twin of `noise.combine`."""
    value = np.zeros(len(random) // levels, dtype=np.uint64)
    for level in range(levels):
        fresh = random[level::levels]
        value = fresh | value if (digits >> level) & 1 else fresh & value
    return value
