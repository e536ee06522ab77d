"""What detectors show of pulses, on packed words."""

from __future__ import annotations

import numpy as np

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.field import Words
from bridge.quantum.kernels.instructions import lowest_one


@kernel
def deliver(sent: Words, sent_bases: Words, bases: Words, chance: Words, out: Words) -> None:
    """The outcome of each pulse: its bit where the bases agree, a fair coin where not."""
    for index in range(out.size):
        other = sent_bases[index] ^ bases[index]
        out[index] = (sent[index] & ~other) | (chance[index] & other)


@kernel
def resolve_dark_counts(
    dark: Words, detector: int, toss: Words, seen: Words, outcome: Words
) -> None:
    """Clicks of one detector without a photon: alone they are its bit, else a double click.

    A double click is given a random bit: the one that was seen stays or changes by a fair coin.
    """
    for index in range(dark.size):
        left = dark[index]
        while left:
            bit = np.uint64(1) << lowest_one(left)
            left ^= bit
            shows = (outcome[index] & bit) != np.uint64(0)
            value = shows
            if not seen[index] & bit:
                value = detector == 1
            elif shows != (detector == 1):
                value = (toss[index] & bit) != np.uint64(0)
            seen[index] |= bit
            outcome[index] = outcome[index] | bit if value else outcome[index] & ~bit
