"""Expectation values at no noise, out of several with more: zero-noise extrapolation.

Temme, Bravyi and Gambetta, Phys. Rev. Lett. 119, 180509 (2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.expectation import Estimate, z_expectation
from bridge.quantum.circuits.mitigation.folding import fold
from bridge.quantum.circuits.profile import HardwareProfile

try:
    from qiskit.circuit import QuantumCircuit
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

SCALES = (1.0, 3.0, 5.0)


class Fit(Enum):
    """What is drawn through the points: a line, or the polynomial through all (Richardson)."""

    LINEAR = "linear"
    RICHARDSON = "Richardson"


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """``at_zero`` is the estimate without noise, ``points`` those at each of ``scales``."""

    at_zero: Estimate
    fit: Fit
    scales: tuple[float, ...]
    points: tuple[Estimate, ...]


def extrapolate(
    scales: Sequence[float], points: Sequence[Estimate], fit: Fit = Fit.RICHARDSON
) -> Extrapolation:
    """The value at scale 0 and its standard error, that of the points carried through.

    A line is fitted by least squares weighted by the errors. The polynomial's value at 0 is the sum
    of the points times ``product of x_j / (x_j - x_i)``; its error grows fast with their number.
    """
    x = np.asarray(scales, dtype=float)
    if len(x) != len(points) or len(x) < 2 or len(set(scales)) != len(x):
        raise InputError(
            f"scales: expected at least 2, all different, a point each, got {list(scales)} and "
            f"{len(points)} points"
        )
    if not np.all(np.isfinite(x)) or x.min() <= 0.0:
        raise InputError(f"scales: expected numbers above 0, got {list(scales)}")
    values = np.array([one.value for one in points])
    errors = np.array([one.standard_error for one in points])
    if errors.min() <= 0.0:
        raise InputError("points: expected standard errors above 0")
    if fit is Fit.LINEAR:
        weights = 1.0 / errors**2
        moments = [float(np.sum(weights * x**power)) for power in range(3)]
        coefficients = weights * (moments[2] - moments[1] * x)
        coefficients /= moments[0] * moments[2] - moments[1] ** 2
    else:
        coefficients = np.array(
            [np.prod([other / (other - one) for other in x if other != one]) for one in x]
        )
    error = float(np.sqrt(np.sum((coefficients * errors) ** 2)))
    at_zero = Estimate(float(coefficients @ values), error)
    return Extrapolation(at_zero, fit, tuple(map(float, x)), tuple(points))


Run = Callable[[Sequence[QuantumCircuit]], Sequence[Mapping[str, int]]]
"""Runs compiled circuits as they are and gives their counts."""


def zero_noise_z(
    circuit: QuantumCircuit,
    bits: Sequence[int],
    profile: HardwareProfile,
    run: Run,
    *,
    scales: Sequence[float] = SCALES,
    fit: Fit = Fit.RICHARDSON,
    expectation: Callable[[Mapping[str, int]], Estimate] | None = None,
) -> Extrapolation:
    """The mean of the product of Z over classical ``bits`` of ``circuit``, without gate noise.

    ``expectation`` is taken in place of the counts' own, as `ReadoutMitigation.z_expectation`,
    which undoes the readout errors that no folding scales.
    """
    folded = [fold(circuit, profile, scale) for scale in scales]
    counts = run([one.circuit for one in folded])
    if len(counts) != len(folded):
        raise InputError(f"run: expected {len(folded)} counts, got {len(counts)}")
    reckon = expectation or (lambda one: z_expectation(one, bits))
    return extrapolate([one.scale for one in folded], [reckon(one) for one in counts], fit)
