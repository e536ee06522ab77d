"""Expectation values out of counts, with their standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10, sqrt

from bridge.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its standard error; neither may be NaN.

    >>> str(Estimate(0.998946, 0.000237))
    '0.99895 ± 0.00024'
    """

    value: float
    standard_error: float

    def __post_init__(self) -> None:
        if not (isfinite(self.value) and isfinite(self.standard_error)):
            raise InputError(f"estimate: expected numbers, got {self.value}, {self.standard_error}")
        if self.standard_error < 0.0:
            raise InputError(f"standard error: expected at least 0, got {self.standard_error}")

    def agrees_with(self, value: float, sigmas: float) -> bool:
        """Whether ``value`` is within so many standard errors."""
        return abs(self.value - value) <= sigmas * self.standard_error

    def __str__(self) -> str:
        if self.standard_error == 0.0:
            return f"{self.value:.6g} ± 0"
        digits = max(0, 1 - floor(log10(self.standard_error)))
        return f"{self.value:.{digits}f} ± {self.standard_error:.{digits}f}"


def z_expectation(counts: Mapping[str, int], bits: Sequence[int]) -> Estimate:
    """The mean of the product of Z over classical ``bits``; bit 0 is a result's last character."""
    total = signed = 0
    for result, count in counts.items():
        word = result.replace(" ", "")
        if any(not 0 <= bit < len(word) for bit in bits):
            raise InputError(f"bits: expected 0 to {len(word) - 1}, got {list(bits)}")
        odd = sum(word[-1 - bit] == "1" for bit in bits) % 2
        signed += -count if odd else count
        total += count
    if total <= 0:
        raise InputError(f"counts: expected at least 1 shot, got {total}")
    mean = signed / total
    # Where every shot agrees the variance is not known to be 0: one shot more may have differed.
    variance = max(1.0 - mean * mean, 1.0 / total)
    return Estimate(mean, sqrt(variance / total))
