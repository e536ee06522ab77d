"""The predictors of SP 800-90B for bits: what can be guessed is not entropy (6.3.7 to 6.3.10).

Each guesses every bit from those before it, with several guessers and a scoreboard that says whom
to believe. The estimate comes from the share of right guesses and from their longest run.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
Hits = npt.NDArray[np.bool_]

QUANTILE = 2.576
WINDOWS = (63, 255, 1023, 4095)
LAGS = 128
ORDER = 16
MAX_ENTRIES = 100_000
MAX_DICTIONARY = 65_536


def multi_most_common_in_window(bits: Bits) -> float:
    """6.3.7."""
    return predicted_entropy(_window_hits(bits, np.array(WINDOWS, dtype=np.int64)))


def lag(bits: Bits) -> float:
    """6.3.8."""
    return predicted_entropy(_lag_hits(bits, LAGS))


def multi_markov_with_counting(bits: Bits) -> float:
    """6.3.9."""
    return predicted_entropy(_markov_hits(bits, ORDER, MAX_ENTRIES))


def lz78y(bits: Bits) -> float:
    """6.3.10."""
    return predicted_entropy(_dictionary_hits(bits, ORDER, MAX_DICTIONARY))


def predicted_entropy(hits: Hits) -> float:
    """Min-entropy from right guesses: -log2 max(P_global, P_local, 1/2) (6.3.7, steps 4 to 7)."""
    count, right = len(hits), int(np.count_nonzero(hits))
    if right == 0:
        overall = 1.0 - 0.01 ** (1.0 / count)
    else:
        share = right / count
        overall = min(1.0, share + QUANTILE * math.sqrt(share * (1.0 - share) / (count - 1)))
    local = _local(count, 1 + _longest_run(hits))
    return -math.log2(max(overall, local, 0.5))


def _longest_run(hits: Hits) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], hits.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _local(count: int, run: int) -> float:
    """The p at which no run of ``run`` right guesses among ``count`` has probability 0.99.

    Feller's approximation, as the standard has it: (1 - p x) / ((r + 1 - r x) q) x^-(N+1), with x
    the root of 1 - x + q p^r x^(r+1) near 1.
    """
    low, high = 0.0, 1.0
    for _ in range(60):
        p = (low + high) / 2.0
        q = 1.0 - p
        x = 1.0
        for _ in range(10):
            x = 1.0 + q * p**run * x ** (run + 1)
        denominator = (run + 1 - run * x) * q
        log = -math.inf
        if denominator > 0.0 and 1.0 - p * x > 0.0:
            log = math.log((1.0 - p * x) / denominator) - (count + 1) * math.log(x)
        if log > math.log(0.99):
            low = p
        else:
            high = p
    return low


@numba.njit(cache=True)
def _window_hits(bits: Bits, windows: npt.NDArray[np.int64]) -> Hits:
    first = windows[0]
    hits = np.zeros(len(bits) - first, dtype=np.bool_)
    ones = np.zeros(len(windows), dtype=np.int64)
    scores = np.zeros(len(windows), dtype=np.int64)
    guesses = np.empty(len(windows), dtype=np.int64)
    winner = 0
    for i in range(len(bits)):
        if i >= first:
            for j in range(len(windows)):
                guesses[j] = -1
                if i >= windows[j]:
                    twice = 2 * ones[j] - windows[j]
                    # A tie goes to the value that was seen last.
                    guesses[j] = bits[i - 1] if twice == 0 else (1 if twice > 0 else 0)
            hits[i - first] = guesses[winner] == bits[i]
            for j in range(len(windows)):
                if guesses[j] == bits[i]:
                    scores[j] += 1
                    if scores[j] >= scores[winner]:
                        winner = j
        for j in range(len(windows)):
            ones[j] += bits[i]
            if i >= windows[j]:
                ones[j] -= bits[i - windows[j]]
    return hits


@numba.njit(cache=True)
def _lag_hits(bits: Bits, lags: int) -> Hits:
    hits = np.zeros(len(bits) - 1, dtype=np.bool_)
    scores = np.zeros(lags, dtype=np.int64)
    winner = 0
    for i in range(1, len(bits)):
        hits[i - 1] = winner < i and bits[i - 1 - winner] == bits[i]
        for d in range(min(lags, i)):
            if bits[i - 1 - d] == bits[i]:
                scores[d] += 1
                if scores[d] >= scores[winner]:
                    winner = d
    return hits


@numba.njit(cache=True)
def _markov_hits(bits: Bits, order: int, max_entries: int) -> Hits:
    hits = np.zeros(len(bits) - 2, dtype=np.bool_)
    counts = np.zeros((order, 1 << order, 2), dtype=np.int64)
    entries = np.zeros(order, dtype=np.int64)
    scores = np.zeros(order, dtype=np.int64)
    guesses = np.empty(order, dtype=np.int64)
    winner, past = 0, np.int64(bits[0])
    for i in range(2, len(bits)):
        # past holds bits[..i-2], newest lowest.
        last = bits[i - 1]
        now = (past << 1 | last) & ((1 << (order + 1)) - 1)
        for d in range(order):
            guesses[d] = -1
            if d + 1 <= i - 1:
                context = past & ((1 << (d + 1)) - 1)
                if counts[d, context, last] > 0:
                    counts[d, context, last] += 1
                elif entries[d] < max_entries:
                    counts[d, context, last] = 1
                    entries[d] += 1
            if d + 1 <= i:
                context = now & ((1 << (d + 1)) - 1)
                zeros, ones = counts[d, context, 0], counts[d, context, 1]
                if zeros or ones:
                    guesses[d] = 1 if ones >= zeros else 0
        hits[i - 2] = guesses[winner] == bits[i]
        for d in range(order):
            if guesses[d] == bits[i]:
                scores[d] += 1
                if scores[d] >= scores[winner]:
                    winner = d
        past = now
    return hits


@numba.njit(cache=True)
def _dictionary_hits(bits: Bits, order: int, max_dictionary: int) -> Hits:
    hits = np.zeros(len(bits) - order - 1, dtype=np.bool_)
    known = np.zeros((order, 1 << order), dtype=np.bool_)
    counts = np.zeros((order, 1 << order, 2), dtype=np.int64)
    size, past = 0, np.int64(0)
    for i in range(order):
        past = past << 1 | bits[i]
    for i in range(order + 1, len(bits)):
        # past holds bits[..i-2], newest lowest.
        last = bits[i - 1]
        now = (past << 1 | last) & ((1 << (order + 1)) - 1)
        for j in range(order, 0, -1):
            context = past & ((1 << j) - 1)
            if not known[j - 1, context] and size < max_dictionary:
                known[j - 1, context] = True
                size += 1
            if known[j - 1, context]:
                counts[j - 1, context, last] += 1
        best, guess = 0, -1
        for j in range(order, 0, -1):
            context = now & ((1 << j) - 1)
            if known[j - 1, context]:
                zeros, ones = counts[j - 1, context, 0], counts[j - 1, context, 1]
                most = max(zeros, ones)
                if most > best:
                    best = most
                    guess = 1 if ones >= zeros else 0
        hits[i - order - 1] = guess == bits[i]
        past = now
    return hits
