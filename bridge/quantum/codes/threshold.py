"""How the logical error rate falls with distance, and below which noise it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from bridge.domain.errors import InputError
from bridge.quantum.codes.confidence import Rate


@dataclass(frozen=True, slots=True)
class Suppression:
    """``factor`` by which two more of distance divide the error a round, and its standard error.

    ``at_zero`` is the error a round that the fit has at distance 0: e(d) = at_zero / factor^(d/2).
    """

    factor: float
    standard_error: float
    at_zero: float

    def per_round(self, distance: int) -> float:
        """The fit at ``distance``: beyond the distances that were measured an extrapolation."""
        return self.at_zero * exp(-log(self.factor) * distance / 2)


def suppression(rates: dict[int, Rate]) -> Suppression:
    """Lambda: the least-squares line through log e(d), each weighted by its bounds.

    ``rates`` has errors a round by distance, two distances or more, all above 0.
    """
    if len(rates) < 2 or any(not rate.value > 0.0 for rate in rates.values()):
        raise InputError(
            "Lambda: expected errors above 0 at two distances or more, got "
            + (", ".join(f"{rate.value:.2g} at {d}" for d, rate in rates.items()) or "none")
        )
    # A bound is 1.645 standard deviations away where the error is Gaussian; on a logarithm, about.
    weights = {d: (1.645 / log(rate.upper / rate.value)) ** 2 for d, rate in rates.items()}
    total = sum(weights.values())
    centre = sum(weights[d] * d for d in rates) / total
    level = sum(weights[d] * log(rates[d].value) for d in rates) / total
    spread = sum(weights[d] * (d - centre) ** 2 for d in rates)
    slope = sum(weights[d] * (d - centre) * (log(rates[d].value) - level) for d in rates) / spread
    factor = exp(-2.0 * slope)
    return Suppression(factor, 2.0 * factor / sqrt(spread), exp(level - slope * centre))


def crossing(
    noise: Sequence[float], smaller: Sequence[float], larger: Sequence[float]
) -> float | None:
    """The noise at which the larger code stops being better, between two that were measured.

    ``smaller`` and ``larger`` are their errors a round at each ``noise``, in rising order. None
    when the curves do not cross.
    """
    if not len(noise) == len(smaller) == len(larger) or list(noise) != sorted(set(noise)):
        raise InputError(
            f"crossing: expected as many errors as rising noise, got {len(noise)}, "
            f"{len(smaller)} and {len(larger)}"
        )
    gaps = [
        log(big / small) if small > 0.0 and big > 0.0 else float("nan")
        for small, big in zip(smaller, larger, strict=True)
    ]
    # The last one from below: far below threshold both counts are small, and may change places.
    for at in range(len(noise) - 2, -1, -1):
        below, above = gaps[at], gaps[at + 1]
        if below < 0.0 <= above:
            share = -below / (above - below)
            return exp(log(noise[at]) + share * (log(noise[at + 1]) - log(noise[at])))
    return None
