"""The continuous health tests: repetition count and adaptive proportion (SP 800-90B, 4.4).

A sample is one byte. The claim is its min-entropy H; both tests fail a source that keeps its claim
with probability about alpha for each sample (4.4.1) or window (4.4.2).
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError, SourceUnhealthy

Samples = npt.NDArray[np.uint8]

WINDOW = 512
"""Samples of a window when they are not binary (4.4.2)."""
STARTUP_SAMPLES = 1024
"""Samples that are tested and thrown away before the first is used (4.3, requirement 4)."""
DEFAULT_FALSE_ALARM = 2.0**-40
"""alpha. The standard recommends 2^-20 to 2^-40; a link draws billions of samples."""


def repetition_cutoff(min_entropy: float, false_alarm: float = DEFAULT_FALSE_ALARM) -> int:
    """C = 1 + ceil(-log2(alpha) / H), the run that fails (4.4.1)."""
    _check_claim(min_entropy, false_alarm)
    return 1 + math.ceil(-math.log2(false_alarm) / min_entropy)


def proportion_cutoff(
    min_entropy: float, false_alarm: float = DEFAULT_FALSE_ALARM, window: int = WINDOW
) -> int:
    """C = 1 + critbinom(W, 2^-H, 1 - alpha), the count that fails (4.4.2).

    critbinom is the smallest k with P[X > k] <= alpha for X ~ Bin(W, 2^-H).
    """
    _check_claim(min_entropy, false_alarm)
    if window < 2:
        raise InputError(f"window: expected at least 2 samples, got {window}")
    p = 2.0**-min_entropy
    tail, k = 0.0, window
    while k > 0:
        term = math.exp(
            math.lgamma(window + 1)
            - math.lgamma(k + 1)
            - math.lgamma(window - k + 1)
            + k * math.log(p)
            + ((window - k) * math.log1p(-p) if k < window else 0.0)
        )
        if tail + term > false_alarm:
            break
        tail += term
        k -= 1
    return 1 + k


def _check_claim(min_entropy: float, false_alarm: float) -> None:
    if not 0.0 < min_entropy <= 8.0:
        raise InputError(
            f"min-entropy of a byte: expected above 0 and at most 8, got {min_entropy}"
        )
    if not 0.0 < false_alarm < 0.5:
        raise InputError(f"false alarm: expected between 0 and 0.5, got {false_alarm}")


class HealthTests:
    """Both tests over a stream of bytes; runs and windows go on from one call to the next."""

    __slots__ = ("_proportion", "_repetition", "_state", "tested")

    def __init__(self, min_entropy: float, false_alarm: float = DEFAULT_FALSE_ALARM) -> None:
        self._repetition = repetition_cutoff(min_entropy, false_alarm)
        self._proportion = proportion_cutoff(min_entropy, false_alarm)
        self._state = np.array([-1, 0, -1, 0, 0], dtype=np.int64)
        self.tested = 0

    def feed(self, samples: Samples) -> None:
        """Test ``samples``, uint8; raises ``SourceUnhealthy`` with the test that failed."""
        repeated, proportion = _scan(samples, self._state, self._repetition, self._proportion)
        if repeated:
            raise SourceUnhealthy(
                "repetition count", f"a byte {repeated} times in a row", self._repetition
            )
        if proportion:
            raise SourceUnhealthy(
                "adaptive proportion", f"a byte {proportion} times in {WINDOW}", self._proportion
            )
        self.tested += len(samples)


@numba.njit(cache=True)
def _scan(
    samples: Samples, state: npt.NDArray[np.int64], repetition: int, proportion: int
) -> tuple[int, int]:
    """The count that failed the first test and the second, 0 where none did.

    The state: a sample and how often it came in a row; the first sample of the open window, how
    often it came, and how many of the window are seen.
    """
    last, run, first, count, seen = state[0], state[1], state[2], state[3], state[4]
    for sample in samples:
        if sample == last:
            run += 1
            if run >= repetition:
                return run, 0
        else:
            last, run = np.int64(sample), 1
        if seen == 0:
            first, count = np.int64(sample), 1
        elif sample == first:
            count += 1
            if count >= proportion:
                return 0, count
        seen = (seen + 1) % WINDOW
    state[0], state[1], state[2], state[3], state[4] = last, run, first, count, seen
    return 0, 0
