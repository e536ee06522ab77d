"""What counts of failures say of a rate: exact binomial bounds, and rates a round."""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, inf, log, log1p, sqrt
from typing import TYPE_CHECKING

from bridge.domain.errors import InputError
from bridge.quantum.codes.libraries import require

if TYPE_CHECKING:
    from scipy import optimize, stats
else:
    optimize = require("scipy.optimize")
    stats = require("scipy.stats")

CONFIDENCE = 0.95


def check_counts(failures: int, shots: int) -> None:
    """`InputError` unless there is a shot, and no more failures than shots."""
    if shots < 1:
        raise InputError(f"shots: expected at least 1, got {shots}")
    if not 0 <= failures <= shots:
        raise InputError(f"failures: expected 0 to {shots}, got {failures}")


def upper_bound(failures: int, shots: int, confidence: float = CONFIDENCE) -> float:
    """The rate that ``failures`` in ``shots`` leave possible, one-sided (Clopper and Pearson 1934).

    A greater rate gives as few failures with probability below 1 - confidence.
    """
    check_counts(failures, shots)
    if failures == shots:
        return 1.0
    return float(stats.beta.ppf(confidence, failures + 1, shots - failures))


def lower_bound(failures: int, shots: int, confidence: float = CONFIDENCE) -> float:
    """The least rate that ``failures`` in ``shots`` leave possible, one-sided."""
    check_counts(failures, shots)
    if failures == 0:
        return 0.0
    return float(stats.beta.ppf(1.0 - confidence, failures, shots - failures + 1))


def both_bounds(failures: int, shots: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """`lower_bound` and `upper_bound`, which hold together with ``confidence``."""
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence: expected inside (0, 1), got {confidence!r}")
    each = 1.0 - (1.0 - confidence) / 2.0
    return lower_bound(failures, shots, each), upper_bound(failures, shots, each)


def chernoff_upper(count: float, confidence: float = CONFIDENCE) -> float:
    """The mean above which a sum of independent parts is as small as ``count`` too seldom.

    The parts lie between 0 and 1; ``count`` need not be whole. The solution m >= count of
    m - count - count log(m / count) = -log(1 - confidence).
    """
    if not 0.0 <= count < inf or not 0.0 < confidence < 1.0:
        raise InputError(
            f"count, confidence: expected at least 0 and inside (0, 1), got {count}, {confidence}"
        )
    target = -log1p(-confidence)
    if count == 0.0:
        return target

    def short(mean: float) -> float:
        return mean - count - count * log(mean / count) - target

    # The left side is convex with its zero at the count: twice its quadratic solution is beyond.
    return float(optimize.brentq(short, count, count + 2.0 * (target + sqrt(2.0 * count * target))))


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate with one-sided bounds, each of which holds with ``confidence``."""

    value: float
    lower: float
    upper: float
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        if not 0.0 <= self.lower <= self.value <= self.upper <= 1.0:
            raise InputError(
                f"rate: expected 0 <= lower <= value <= upper <= 1, got {self.lower}, "
                f"{self.value}, {self.upper}"
            )

    @classmethod
    def counted(cls, failures: int, shots: int, confidence: float = CONFIDENCE) -> Rate:
        """The rate of ``failures`` in ``shots`` independent shots."""
        return cls(
            failures / max(shots, 1),
            lower_bound(failures, shots, confidence),
            upper_bound(failures, shots, confidence),
            confidence,
        )

    def per_round(self, rounds: int, logical_qubits: int = 1) -> Rate:
        """The rate of one logical qubit in one round, for a rate per shot of ``logical_qubits``.

        A shot fails when any of its qubits does; each qubit is taken to fail alike and by itself,
        and a qubit is wrong after an odd number of flips: e = (1 - (1 - 2 p)^(1 / rounds)) / 2.
        """
        if rounds < 1 or logical_qubits < 1:
            raise InputError(
                f"rounds, qubits: expected at least 1 each, got {rounds} and {logical_qubits}"
            )
        return Rate(
            a_round(self.value, rounds, logical_qubits),
            a_round(self.lower, rounds, logical_qubits),
            a_round(self.upper, rounds, logical_qubits),
            self.confidence,
        )


def a_round(per_shot: float, rounds: int, logical_qubits: int = 1) -> float:
    """The error rate of a logical qubit in a round; 1/2 from a rate per shot of 1/2 on."""
    if per_shot >= 1.0:
        return 0.5
    one = -expm1(log1p(-per_shot) / logical_qubits)
    return 0.5 if one >= 0.5 else -expm1(log1p(-2.0 * one) / rounds) / 2.0
