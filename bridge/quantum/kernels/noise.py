"""Independent events of one probability over packed words: errors, dark counts, loss.

Event-driven: the distance from one event to the next is geometric, floor(ln u / ln(1 - p)) for a
uniform u in (0, 1], so that rare events cost nothing where there are none. Each function takes its
uniform words from its caller and says how many it may need.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.kernels.compiled import kernel

Words = npt.NDArray[np.uint64]

DENSE_BITS = 6
"""Binary digits of a probability that are done word by word; the rest is done by distance."""

_SMALLEST = 2.0**-53
_CELL_BITS = 14
_FINE_BITS = 53 - _CELL_BITS
_UNSURE = -1

Distances = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]


@kernel
def _distance(number: np.uint64, rate: float) -> float:
    """The places between two events, of 53 uniform bits. It falls as the number grows."""
    return math.floor(math.log((np.float64(number) + 1.0) * _SMALLEST) / rate)


@kernel
def _tabulate(rate: float, out: Distances) -> None:
    fine = np.uint64(_FINE_BITS)
    for cell in range(out.size):
        first = np.uint64(cell) << fine
        last = first + ((np.uint64(1) << fine) - np.uint64(1))
        low, high = _distance(last, rate), _distance(first, rate)
        out[cell] = np.int32(low) if low == high and low < 2.0**31 else np.int32(_UNSURE)


def distances(probability: float) -> Distances:
    """A table for `skip`: the distance by the 14 highest bits, where they settle it, else -1."""
    table = np.empty(1 << _CELL_BITS, dtype=np.int32)
    _tabulate(math.log1p(-probability), table)
    return table


@kernel
def skip(random: Words, rate: float, table: Distances, count: int, out: Words) -> int:
    """Set the bits of the events among ``count`` places; the words used, or -1 for too few.

    ``rate`` is ln(1 - p), ``table`` what `distances` gives for p, with which the result is that
    without. One word is used for each event and one more for the end.
    """
    place = np.int64(-1)
    for used in range(random.size):
        distance = np.int64(table[random[used] >> np.uint64(64 - _CELL_BITS)])
        if distance == _UNSURE:
            exact = _distance(random[used] >> np.uint64(11), rate)
            distance = np.int64(exact) if exact < count else np.int64(count)
        place += 1 + distance
        if place >= count:
            return used + 1
        out[place >> 6] |= np.uint64(1) << np.uint64(place & 63)
    return -1


@kernel
def list_events(random: Words, rate: float, count: int, out: Places) -> int:
    """The places of the events, in order, in ``out``; how many, or -1 for too few words or room."""
    place = np.int64(-1)
    for found in range(random.size):
        distance = _distance(random[found] >> np.uint64(11), rate)
        if distance >= count - place - 1:
            return found
        if found == out.size:
            return -1
        place += 1 + np.int64(distance)
        out[found] = place
    return -1


@kernel
def combine(random: Words, digits: int, levels: int, out: Words) -> None:
    """Set each bit of ``out`` with probability ``digits`` / 2^levels, ``levels`` words for one.

    From the lowest digit up: with a fresh uniform bit r, the probability p becomes (1 + p) / 2 by
    r or x, and p / 2 by r and x.
    """
    for index in range(out.size):
        value = np.uint64(0)
        for level in range(levels):
            fresh = random[index * levels + level]
            value = fresh | value if (digits >> level) & 1 else fresh & value
        out[index] = value


def words_for(probability: float, count: int) -> int:
    """How many words `skip` needs but with probability below 1e-20: mean and ten deviations."""
    mean = count * probability
    return math.ceil(mean + 10.0 * math.sqrt(mean + 10.0)) + 2


def dense_part(probability: float) -> tuple[int, int, float]:
    """Digits and levels of a part that is done word by word, and the rest's own probability.

    With a = digits / 2^levels and the rest r = (p - a) / (1 - a), an event of either has p. The
    levels are the fewest that leave no trailing zero digit.
    """
    if not 0.0 <= probability <= 1.0:
        raise InputError(f"probability: expected 0 to 1, got {probability}")
    levels = DENSE_BITS
    digits = math.floor(probability * (1 << levels))
    part = digits / (1 << levels)
    rest = (probability - part) / (1.0 - part) if part < 1.0 else 0.0
    while digits and digits % 2 == 0:
        digits, levels = digits // 2, levels - 1
    return digits, levels if digits else 0, rest
