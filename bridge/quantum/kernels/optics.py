"""What detectors show of pulses, on packed words."""

from __future__ import annotations

import numpy as np

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.field import Words
from bridge.quantum.kernels.noise import Places


@kernel
def deliver(sent: Words, sent_bases: Words, bases: Words, chance: Words, out: Words) -> None:
    """The outcome of each pulse: its bit where the bases agree, a fair coin where not."""
    for index in range(out.size):
        other = sent_bases[index] ^ bases[index]
        out[index] = (sent[index] & ~other) | (chance[index] & other)


@kernel
def resolve_dark_counts(
    places: Places, count: int, detector: int, toss: Words, seen: Words, outcome: Words
) -> None:
    """Clicks of one detector without a photon: alone they are its bit, else a double click.

    A double click is given a random bit: the one that was seen stays or changes by a fair coin, the
    lowest bit of a word of ``toss`` for each of the ``count`` places.
    """
    for index in range(count):
        word = places[index] >> 6
        bit = np.uint64(1) << np.uint64(places[index] & 63)
        shows = (outcome[word] & bit) != np.uint64(0)
        value = shows
        if not seen[word] & bit:
            value = detector == 1
        elif shows != (detector == 1):
            value = (toss[index] & np.uint64(1)) != np.uint64(0)
        seen[word] |= bit
        outcome[word] = outcome[word] | bit if value else outcome[word] & ~bit
