"""Shots with a given number of faults, drawn from their exact law."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.codes.experiment import Packed
from bridge.quantum.codes.fault_model import FaultModel

MOST_REJECTED = 10_000
"""Draws of one shot; a model of which sets of distinct faults are rarer than that is refused."""


class FaultSampler:
    """Draws sets of exactly w faults as they are when w faults happen (conditional Bernoulli).

    A set S has probability in proportion to the product of the odds p / (1 - p) of its members. So
    w faults are drawn one by one with odds as weights, and all again when two are the same.
    """

    def __init__(self, faults: FaultModel) -> None:
        self.faults = faults
        odds = faults.probabilities / (1.0 - faults.probabilities)
        self._stay, self._alias = _alias_table(odds / odds.sum())
        self._event_at, self._events = _flat([events for events, _ in faults.symptoms])
        self._flip_at, self._flips = _flat([flips for _, flips in faults.symptoms])

    def sample(self, weights: npt.NDArray[np.int64], seed: int) -> tuple[Packed, Packed]:
        """Packed events and flips of one shot with ``weights[i]`` faults for each i."""
        count = len(self.faults.probabilities)
        if len(weights) == 0 or weights.min() < 0 or weights.max() > count:
            raise InputError(f"weights: expected some from 0 to {count}, got {weights!r}")
        events = np.zeros((len(weights), -(-self.faults.detectors // 8)), dtype=np.uint8)
        flips = np.zeros((len(weights), -(-self.faults.observables // 8)), dtype=np.uint8)
        done = _draw(
            seed, weights, self._stay, self._alias, self._event_at, self._events, self._flip_at,
            self._flips, events, flips, MOST_REJECTED,
        )  # fmt: skip
        if done < len(weights):
            raise InputError(
                f"weights: {weights[done]} distinct faults of {count} are too rare to draw"
            )
        return events, flips

    def each_alone(self) -> tuple[Packed, Packed]:
        """Packed events and flips of every fault by itself, in the model's order."""
        events = np.zeros((len(self.faults.symptoms), self.faults.detectors), dtype=np.uint8)
        flips = np.zeros((len(self.faults.symptoms), self.faults.observables), dtype=np.uint8)
        for row, (detectors, observables) in enumerate(self.faults.symptoms):
            events[row, list(detectors)] = 1
            flips[row, list(observables)] = 1
        packed = (np.packbits(one, axis=1, bitorder="little") for one in (events, flips))
        return tuple(packed)  # type: ignore[return-value]


def _flat(lists: list[tuple[int, ...]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    starts = np.cumsum([0, *(len(one) for one in lists)], dtype=np.int64)
    return starts, np.fromiter((one for some in lists for one in some), dtype=np.int64)


def _alias_table(
    shares: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Vose's tables: draw i evenly, keep it with probability stay[i], else take alias[i]."""
    count = len(shares)
    stay, alias = shares * count, np.arange(count)
    small = [i for i in range(count) if stay[i] < 1.0]
    large = [i for i in range(count) if stay[i] >= 1.0]
    while small and large:
        low, high = small.pop(), large[-1]
        alias[low] = high
        stay[high] -= 1.0 - stay[low]
        if stay[high] < 1.0:
            small.append(large.pop())
    stay[[*small, *large]] = 1.0
    return stay, alias


@numba.njit(cache=True, nogil=True)
def _draw(  # type: ignore[no-untyped-def]
    seed, weights, stay, alias, event_at, events, flip_at, flips, out_events, out_flips, most
):
    """Fills in ``out_events`` and ``out_flips``; how many rows it came to."""
    np.random.seed(seed)  # numba's own state of this thread, not numpy's
    count = len(stay)
    seen = np.full(count, -1, dtype=np.int64)
    chosen = np.empty(weights.max(), dtype=np.int64)
    stamp = 0
    for row in range(len(weights)):
        weight = weights[row]
        tries = 0
        drawn = 0
        while drawn < weight:
            if drawn == 0:
                stamp += 1
                tries += 1
                if tries > most:
                    return row
            place = np.random.random() * count
            fault = int(place)
            if place - fault >= stay[fault]:
                fault = alias[fault]
            if seen[fault] == stamp:
                drawn = 0
                continue
            seen[fault] = stamp
            chosen[drawn] = fault
            drawn += 1
        for fault in chosen[:weight]:
            for at in range(event_at[fault], event_at[fault + 1]):
                out_events[row, events[at] >> 3] ^= np.uint8(1 << (events[at] & 7))
            for at in range(flip_at[fault], flip_at[fault + 1]):
                out_flips[row, flips[at] >> 3] ^= np.uint8(1 << (flips[at] & 7))
    return len(weights)
