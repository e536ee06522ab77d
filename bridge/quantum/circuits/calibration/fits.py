"""Decays fitted to measurements, or a word on why none fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import CalibrationFailed, ExtraMissing, InputError
from bridge.quantum.circuits.expectation import Estimate

try:
    from scipy.optimize import curve_fit
    from scipy.stats import chi2
except ImportError:
    raise ExtraMissing("scipy", "circuits") from None

Floats = npt.NDArray[np.float64]
LEAST_LIKELY = 1e-6
"""A fit whose residuals chance makes so rarely is none."""

LEAST_HEIGHT = 5.0
"""A decay that starts fewer standard errors above its end is none."""


@dataclass(frozen=True, slots=True)
class Points:
    """Shares of ``shots`` at each of ``x``, with their standard errors."""

    x: tuple[float, ...]
    shares: tuple[float, ...]
    errors: tuple[float, ...]

    @classmethod
    def of_counts(cls, x: Sequence[float], hits: Sequence[int], shots: int) -> Points:
        """The shares ``hits / shots``; the error is never 0, since one shot more could differ."""
        if len(x) != len(hits) or shots < 1:
            raise InputError(f"points: expected as many hits as points, of shots, got {hits}")
        # Half a hit added on either side keeps the error of a share of 0 or 1 above 0.
        smoothed = [(one + 0.5) / (shots + 1.0) for one in hits]
        return cls(
            tuple(x),
            tuple(one / shots for one in hits),
            tuple(sqrt(one * (1.0 - one) / shots) for one in smoothed),
        )

    @classmethod
    def of_sequences(cls, x: Sequence[float], hits: Sequence[Sequence[int]], shots: int) -> Points:
        """The mean share over the sequences of each length, each of ``shots``.

        The error is the binomial one or that of the sequences' scatter, whichever is more.
        """
        shares, errors = [], []
        for one in hits:
            pooled = cls.of_counts([0.0], [sum(one)], shots * len(one))
            scatter = float(np.std(np.asarray(one) / shots, ddof=1)) / sqrt(len(one))
            shares.append(pooled.shares[0])
            errors.append(max(pooled.errors[0], scatter))
        return cls(tuple(x), tuple(shares), tuple(errors))


@dataclass(frozen=True, slots=True)
class Decay:
    """``amplitude * base(x) + offset`` as fitted; ``rate`` is the parameter that was asked for."""

    rate: Estimate
    amplitude: float
    offset: float
    chi_squared: float
    freedom: int


def fit_lifetime(points: Points, guess: float) -> Decay:
    """The lifetime ``tau`` of ``A exp(-x / tau) + B``, in the unit of x."""

    def shape(x: Floats, tau: float, amplitude: float, offset: float) -> Any:
        return amplitude * np.exp(-x / tau) + offset

    first, last = points.shares[0], points.shares[-1]
    start = (guess, first - last, last)
    bounds = ([1e-3 * guess, -2.0, -1.0], [1e3 * guess, 2.0, 2.0])
    return _fit(points, shape, start, bounds, None)


def fit_power(points: Points, offset: float) -> Decay:
    """``alpha`` of ``A alpha^x + B``, where B is known."""

    def shape(x: Floats, alpha: float, amplitude: float) -> Any:
        return amplitude * alpha**x + offset

    start = (0.99, max(0.1, points.shares[0] - offset))
    return _fit(points, shape, start, ([0.0, 0.0], [1.0, 1.0]), offset)


def _fit(
    points: Points,
    shape: Callable[..., Any],
    start: tuple[float, ...],
    bounds: tuple[list[float], list[float]],
    offset: float | None,
) -> Decay:
    x, y, errors = (np.asarray(one, dtype=np.float64) for one in
                    (points.x, points.shares, points.errors))  # fmt: skip
    if len(x) <= len(start):
        raise InputError(f"fit: expected more than {len(start)} points, got {len(x)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(errors).all()):
        raise InputError("fit: expected numbers")
    try:
        values, covariance = curve_fit(
            shape, x, y, start, errors, absolute_sigma=True, bounds=bounds, maxfev=10_000
        )
    except (RuntimeError, ValueError) as error:
        raise CalibrationFailed(f"no decay fits the measurements: {error}") from None
    freedom = len(x) - len(start)
    chi_squared = float(np.sum(((shape(x, *values) - y) / errors) ** 2))
    spread = float(np.sqrt(covariance[0, 0]))
    height = abs(float(values[1])) / float(np.sqrt(covariance[1, 1]))
    if not np.isfinite(spread) or spread > abs(values[0]) or not height > LEAST_HEIGHT:
        raise CalibrationFailed(
            f"no decay stands out of the noise: got {values[0]:.4g} with an error of {spread:.4g} "
            f"and a height of {height:.1f} standard errors, expected {LEAST_HEIGHT:g}"
        )
    if chi2.sf(chi_squared, freedom) < LEAST_LIKELY:
        raise CalibrationFailed(
            f"no decay fits the measurements: chi squared {chi_squared:.1f}, expected about "
            f"{freedom}"
        )
    return Decay(
        rate=Estimate(float(values[0]), spread),
        amplitude=float(values[1]),
        offset=float(values[2]) if offset is None else offset,
        chi_squared=chi_squared,
        freedom=freedom,
    )
