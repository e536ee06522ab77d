"""Rates of rare failures, by strata of how many faults a shot has.

The number of faults has an exact law (`FaultModel.weights`). Shots are drawn within each stratum,
a range of that number, and the rate is the sum over strata of their probability times their share
of failures. No fault and one fault are enumerated, not drawn, and every shot with more faults than
the last stratum has counts as a failure in the upper bound.

**The upper bound** is Chernoff's, at the stated confidence. With probability M_j, rate f_j, n_j
shots and K_j failures in stratum j, let a_j = M_j / n_j and S = sum a_j K_j, of which the mean is
what is looked for, mu = sum M_j f_j. For every t > 0

    P(S <= s) <= exp(t s) prod (1 - f_j (1 - exp(-t a_j)))^n_j
              <= exp(t s - sum n_j f_j (1 - exp(-t a_j)))
              <= exp(t s - (mu / a) (1 - exp(-t a))),                a = max a_j

since (1 - exp(-t x)) / x falls with x. With k = s / a, m = mu / a and the best t this is
exp(k - m + k log(m / k)). Any m for which it is below 1 - confidence is refuted. Without a failure
that is the rule of three, with n = M / a shots; with the same a_j everywhere it is a bound for
plain counting. **The lower bound** adds up Clopper and Pearson's of each stratum, at confidences
whose shortfalls add up to the whole's (union bound).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.codes.confidence import CONFIDENCE, Rate, chernoff_upper, lower_bound
from bridge.quantum.codes.decoders import Decoder
from bridge.quantum.codes.fault_model import FaultModel
from bridge.quantum.codes.fault_sampler import FaultSampler

TAILS = (0.5, 0.2, 0.05, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8)
"""A stratum ends where no more than this share of shots has more faults."""
LEFT_OVER = 1e-13
"""The share of shots that may have more faults than the last stratum."""
ENUMERATED = 2
"""Shots with fewer faults than this are enumerated."""
PILOT_SHARE = 0.04
EVEN_SHARE = 0.8
"""Of the shots, those that go to strata as they are likely, which keeps ``a`` small. The others
go where the pilot expects that they make the estimate better."""
BATCH = 1 << 16


@dataclass(frozen=True, slots=True)
class Stratum:
    """Shots with ``least`` to ``most`` faults: how likely they are, and how many of some failed."""

    least: int
    most: int
    probability: float
    shots: int
    failures: int

    @property
    def rate(self) -> float:
        """The share of failures."""
        return self.failures / self.shots


@dataclass(frozen=True, slots=True)
class StratifiedRate:
    """The strata, ``enumerated`` (the failures of no fault and one, exactly) and what is over."""

    enumerated: float
    strata: tuple[Stratum, ...]
    over: float

    @property
    def shots(self) -> int:
        """Shots that were drawn and decoded."""
        return sum(one.shots for one in self.strata)

    @property
    def failures(self) -> int:
        """How many of them failed."""
        return sum(one.failures for one in self.strata)

    def rate(self, confidence: float = CONFIDENCE) -> Rate:
        """The rate per shot and its bounds."""
        if not 0.0 < confidence < 1.0:
            raise InputError(f"confidence: expected inside (0, 1), got {confidence}")
        own = 1.0 - (1.0 - confidence) / len(self.strata)
        value = sum(one.probability * one.rate for one in self.strata)
        lower = sum(
            one.probability * lower_bound(one.failures, one.shots, own) for one in self.strata
        )
        coarsest = max(one.probability / one.shots for one in self.strata)
        upper = coarsest * chernoff_upper(value / coarsest, confidence)
        return Rate(
            self.enumerated + value,
            self.enumerated + min(lower, value),
            min(self.enumerated + upper + self.over, 1.0),
            confidence,
        )


def stratified_rate(
    faults: FaultModel,
    decoder: Decoder,
    shots: int,
    seed: int,
    step: Callable[[int], None] = lambda shots: None,
) -> StratifiedRate:
    """The failures of ``decoder`` under ``faults``, from about ``shots`` shots.

    A pilot on shots of its own says where the others go; it is not counted. ``step`` is told of
    the shots that are done.
    """
    law, over = _law(faults)
    bounds = _strata(law)
    if shots < 100 * len(bounds):
        raise InputError(f"shots: expected at least {100 * len(bounds)}, got {shots}")
    sampler = FaultSampler(faults)
    seeds = np.random.SeedSequence(seed)

    def run(least: int, most: int, count: int) -> int:
        random = np.random.default_rng(seeds.spawn(1)[0])
        within = law[least : most + 1] / law[least : most + 1].sum()
        failures = 0
        for start in range(0, count, BATCH):
            size = min(BATCH, count - start)
            weights = random.choice(np.arange(least, most + 1), size=size, p=within)
            events, flips = sampler.sample(weights, int(random.integers(1 << 32)))
            failures += _failures(decoder, events, flips)
            step(size)
        return failures

    pilot = max(50, round(shots * PILOT_SHARE / len(bounds)))
    seen = [run(least, most, pilot) / pilot for least, most in bounds]
    chances = np.array([law[least : most + 1].sum() for least, most in bounds])
    where = np.array([np.average(np.arange(a, b + 1), weights=law[a : b + 1]) for a, b in bounds])
    left = shots - pilot * len(bounds)
    use = chances * np.sqrt(_expected(where, np.array(seen)))
    even = chances / chances.sum()
    counts = even if use.sum() == 0.0 else EVEN_SHARE * even + (1.0 - EVEN_SHARE) * use / use.sum()
    strata = []
    for (least, most), chance, share in zip(bounds, chances, counts, strict=True):
        count = max(50, int(np.ceil(left * share)))
        strata.append(Stratum(least, most, float(chance), count, run(least, most, count)))
    return StratifiedRate(_enumerated(sampler, decoder, law), tuple(strata), over)


def _expected(
    weights: npt.NDArray[np.float64], seen: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Rates to plan with: those seen; where none was, a power law of the weight through them."""
    some = seen > 0.0
    if some.sum() < 2:
        return seen
    slope, offset = np.polyfit(np.log(weights[some]), np.log(seen[some]), 1)
    guess = np.exp(offset + slope * np.log(weights))
    planned: npt.NDArray[np.float64] = np.where(some, seen, np.minimum(guess, seen[some].min()))
    return planned


def _law(faults: FaultModel) -> tuple[npt.NDArray[np.float64], float]:
    """The law of the number of faults, as far as it matters, and the probability of more."""
    mean = float(faults.probabilities.sum())
    most = min(len(faults.probabilities), int(mean + 10.0 * np.sqrt(mean) + 20.0))
    law, over = faults.weights(most)
    while most > ENUMERATED and over + law[most] < LEFT_OVER:
        over += float(law[most])
        most -= 1
    return law[: most + 1], over


def _strata(law: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """First and last number of faults of each stratum."""
    last = len(law) - 1
    if last < ENUMERATED:
        raise InputError(f"fault model: expected at least {ENUMERATED} faults, got {last}")
    more = np.append(np.cumsum(law[::-1])[::-1][1:], 0.0)
    ends = sorted({max(int(np.argmax(more <= tail)), ENUMERATED) for tail in TAILS} | {last})
    return list(zip([ENUMERATED, *(end + 1 for end in ends[:-1])], ends, strict=True))


def _enumerated(sampler: FaultSampler, decoder: Decoder, law: npt.NDArray[np.float64]) -> float:
    """The probability of a failure with no fault or one, exactly."""
    faults = sampler.faults
    odds = faults.probabilities / (1.0 - faults.probabilities)
    events, flips = sampler.each_alone()
    wrong = (decoder.decode_batch(events) != flips).any(axis=1)
    silent = np.zeros((1, events.shape[1]), dtype=np.uint8)
    nothing = bool(decoder.decode_batch(silent).any())
    return float(law[1] * odds[wrong].sum() / odds.sum() + law[0] * nothing)


def _failures(decoder: Decoder, events: npt.NDArray[np.uint8], flips: npt.NDArray[np.uint8]) -> int:
    return int((decoder.decode_batch(events) != flips).any(axis=1).sum())
