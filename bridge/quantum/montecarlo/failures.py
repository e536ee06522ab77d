"""How many of how many shots failed, and what that says of the probability."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from bridge.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class Failures:
    """``failures`` of ``shots``; two of them add up.

    >>> Failures(100, 3) + Failures(100, 1)
    Failures(shots=200, failures=4)
    """

    shots: int
    failures: int

    def __post_init__(self) -> None:
        if not 0 <= self.failures <= self.shots:
            raise InputError(f"failures: expected 0 to {self.shots}, got {self.failures}")

    def __add__(self, other: Failures) -> Failures:
        return Failures(self.shots + other.shots, self.failures + other.failures)

    @property
    def rate(self) -> float:
        """Failures a shot; ``InputError`` for no shots."""
        if not self.shots:
            raise InputError("failures: expected at least 1 shot, got 0")
        return self.failures / self.shots

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """Wilson's interval (1927), ``z`` standard deviations wide on either side."""
        n, p = self.shots, self.rate
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)
