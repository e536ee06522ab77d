"""The statistical estimates of min-entropy for bits (SP 800-90B, 6.3.1 to 6.3.6).

All take a vector of bits, uint8 of 0 and 1, and return bits of min-entropy for each, 0 to 1. Where
the standard has an upper bound with 99 % confidence, 2.576 is the normal quantile it uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]

QUANTILE = 2.576
OFTEN = 35
"""A tuple is counted as common from so many occurrences on (6.3.5, 6.3.6)."""
LONGEST = 128
"""Repeated tuples are followed so far. The standard goes on; a source with longer repeats is worth
next to nothing by the other estimates."""


def most_common_value(bits: Bits) -> float:
    """6.3.1."""
    ones = int(np.count_nonzero(bits))
    return _entropy(_upper(max(ones, len(bits) - ones) / len(bits), len(bits)))


def collision(bits: Bits) -> float:
    """6.3.2. Two equal bits come after two samples or three, on the mean 2 + 2 p (1 - p)."""
    waits, position = [], 0
    values = bits.tolist()
    while position + 1 < len(values):
        wait = 2 if values[position] == values[position + 1] else 3
        if position + wait > len(values):
            break
        waits.append(wait)
        position += wait
    times = np.array(waits, dtype=np.float64)
    mean = float(times.mean()) - QUANTILE * float(times.std(ddof=1)) / math.sqrt(len(times))
    inside = 1.25 - 0.5 * mean
    return _entropy(0.5 + math.sqrt(inside)) if inside > 0.0 else 1.0


def markov(bits: Bits) -> float:
    """6.3.3. The likeliest path of 128 steps through a chain of two states."""
    pairs = np.bincount(bits[:-1].astype(np.int64) * 2 + bits[1:], minlength=4).astype(float)
    one = float(np.mean(bits))
    from_zero, from_one = pairs[0] + pairs[1], pairs[2] + pairs[3]
    steps = (
        pairs[0] / from_zero if from_zero else 0.0,
        pairs[1] / from_zero if from_zero else 0.0,
        pairs[2] / from_one if from_one else 0.0,
        pairs[3] / from_one if from_one else 0.0,
    )
    start = (1.0 - one, one)

    def path(first: int, *moves: tuple[int, int]) -> float:
        logs = [_log2(start[first])] + [times * _log2(steps[step]) for step, times in moves]
        return sum(logs)

    likeliest = max(
        path(0, (0, 127)),
        path(0, (1, 64), (2, 63)),
        path(0, (1, 1), (3, 126)),
        path(1, (2, 1), (0, 126)),
        path(1, (2, 64), (1, 63)),
        path(1, (3, 127)),
    )
    return max(0.0, min(1.0, -likeliest / 128.0))


def compression(bits: Bits) -> float:
    """6.3.4. Maurer's statistic over blocks of 6 bits, the first 1000 of which are a dictionary."""
    width, dictionary, spread = 6, 1000, 0.5907
    count = len(bits) // width
    weights = 1 << np.arange(width)[::-1]
    blocks = bits[: count * width].reshape(count, width).astype(np.int64) @ weights
    last = np.zeros(1 << width, dtype=np.int64)
    distances = np.empty(count - dictionary)
    for index, block in enumerate(blocks.tolist(), start=1):
        if index > dictionary:
            seen = last[block]
            distances[index - dictionary - 1] = index - seen if seen else index
        last[block] = index
    logs = np.log2(distances)
    v = len(logs)
    deviation = spread * math.sqrt(float((logs**2).sum()) / (v - 1) - float(logs.mean()) ** 2)
    target = float(logs.mean()) - QUANTILE * deviation / math.sqrt(v)
    steps = np.arange(1, count + 1, dtype=np.float64)
    log_steps = np.log2(steps)

    def mean_log(z: float) -> float:
        if z <= 0.0:
            return 0.0
        power = (1.0 - z) ** (steps - 1.0)
        inner = np.concatenate(([0.0], np.cumsum(log_steps * z * z * power)[:-1]))
        outer = log_steps * z * power
        return float((inner + outer)[dictionary:].sum()) / v

    cells = 1 << width

    def statistic(p: float) -> float:
        return mean_log(p) + (cells - 1) * mean_log((1.0 - p) / (cells - 1))

    if target >= statistic(1.0 / cells):
        return 1.0
    return _entropy(_falling_root(statistic, target, 1.0 / cells, 1.0)) / width


def tuples(bits: Bits) -> tuple[float, float]:
    """6.3.5 and 6.3.6: the t-tuple and the longest repeated substring estimates.

    The second is 1 where no tuple that is rarer than 35 repeats.
    """
    size = len(bits)
    ranks = bits.astype(np.int64)
    common, rare = 0.0, 0.0
    for width in range(1, min(LONGEST, size - 1) + 1):
        if width > 1:
            ranks = ranks[:-1] * 2 + bits[width - 1 :]
        _, ranks, counts = np.unique(ranks, return_inverse=True, return_counts=True)
        most = int(counts.max())
        if most < 2:
            break
        if most >= OFTEN:
            common = max(common, (most / (size - width + 1)) ** (1.0 / width))
        else:
            pairs = float((counts.astype(np.float64) * (counts - 1.0)).sum())
            total = float(size - width + 1) * (size - width)
            rare = max(rare, (pairs / total) ** (1.0 / width))
    first = _entropy(_upper(common, size))
    return first, _entropy(_upper(rare, size)) if rare else 1.0


def _upper(p: float, samples: int) -> float:
    return min(1.0, p + QUANTILE * math.sqrt(p * (1.0 - p) / (samples - 1)))


def _entropy(p: float) -> float:
    return max(0.0, -math.log2(p)) if p > 0.0 else 1.0


def _log2(p: float) -> float:
    return math.log2(p) if p > 0.0 else -math.inf


def _falling_root(
    function: Callable[[float], float], target: float, low: float, high: float
) -> float:
    """Where a falling function passes ``target``, by bisection."""
    for _ in range(60):
        middle = (low + high) / 2.0
        if function(middle) > target:
            low = middle
        else:
            high = middle
    return high
