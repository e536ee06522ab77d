"""Protection while a qubit waits: pulses where noise is slow, encoding where it is not.

A qubit whose frequency wanders by delta(t) gathers the phase phi = integral of y(t) delta(t) dt,
where y changes its sign at each pulse. delta is Gaussian with standard deviation sigma and
correlation exp(-|t - t'| / tau) (Ornstein-Uhlenbeck); tau infinite is a frequency that is off by
a constant. The coherence left is exp(-chi), 2 chi = <phi^2>. Pulses that are fast against tau
turn the phase back. Where tau is short they turn back nothing, and cost their own errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.memory.pauli import PauliChannel, Weights, duration, probability

MOST_PULSES = 4096

LogicalErrors = Callable[[int, int, Basis], float]
"""(distance, rounds, basis) -> the probability that a logical measurement in the basis is flipped.

Who has measured a code gives it; nothing here knows where it came from.
"""


@dataclass(frozen=True, slots=True)
class SlowNoise:
    """``sigma_rad_s`` of the frequency's wander in rad/s, ``tau_s`` its correlation time."""

    sigma_rad_s: float
    tau_s: float = math.inf

    def __post_init__(self) -> None:
        if not 0.0 <= self.sigma_rad_s < math.inf:
            raise InputError(
                f"slow noise: expected sigma of 0 rad/s or more, got {self.sigma_rad_s}"
            )
        if not self.tau_s > 0.0:
            raise InputError(f"slow noise: expected tau above 0 s, got {self.tau_s}")


def edges(held_s: float, pulses: int) -> Weights:
    """The ends of the intervals between pulses at (k + 1/2) T / n: CPMG; with none, 0 and T."""
    duration("holding time", held_s)
    if not 0 <= pulses <= MOST_PULSES:
        raise InputError(f"pulses: expected 0 to {MOST_PULSES}, got {pulses}")
    inner = (np.arange(pulses) + 0.5) * held_s / pulses if pulses else np.empty(0)
    return np.concatenate(([0.0], inner, [held_s]))


def phase_variance(noise: SlowNoise, held_s: float, pulses: int) -> float:
    """<phi^2>, exactly: the correlation integrated over each pair of intervals."""
    at = edges(held_s, pulses)
    signs = (-1.0) ** np.arange(len(at) - 1)
    variance = noise.sigma_rad_s**2
    if math.isinf(noise.tau_s):
        return float(variance * np.sum(signs * np.diff(at)) ** 2)
    lengths = np.diff(at) / noise.tau_s
    # Within one interval, 2 (a - 1 + exp(-a)); between two, the overlap of their exponentials.
    own = 2.0 * np.sum(lengths + np.expm1(-lengths))
    across, tail = 0.0, 0.0
    for sign, length in zip(signs, lengths, strict=True):
        share = -math.expm1(-length)
        across += 2.0 * sign * share * tail
        tail = tail * math.exp(-length) + sign * share
    return float(max(0.0, variance * noise.tau_s**2 * (own + across)))


def sampled_coherence(
    noise: SlowNoise, held_s: float, pulses: int, runs: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The mean of cos phi over ``runs`` wanders of the frequency, and its standard error.

    In each interval frequency and phase are drawn together from their exact joint law.
    """
    if runs < 2:
        raise InputError(f"runs: expected at least 2, got {runs}")
    sigma = noise.sigma_rad_s
    delta = rng.normal(0.0, sigma, runs) if sigma > 0.0 else np.zeros(runs)
    phase = np.zeros(runs)
    sign = 1.0
    for length in np.diff(edges(held_s, pulses)):
        delta, turned = _step(noise, delta, float(length), rng)
        phase += sign * turned
        sign = -sign
    shown = np.cos(phase)
    return float(shown.mean()), float(shown.std(ddof=1) / math.sqrt(runs))


def _step(
    noise: SlowNoise, delta: Weights, length: float, rng: np.random.Generator
) -> tuple[Weights, npt.NDArray[np.float64]]:
    """The frequency after an interval, and the phase gathered in it."""
    if math.isinf(noise.tau_s) or noise.sigma_rad_s == 0.0 or length == 0.0:
        return delta, delta * length
    tau, variance = noise.tau_s, noise.sigma_rad_s**2
    a = length / tau
    kept, lost = math.exp(-a), -math.expm1(-a)
    end = variance * -math.expm1(-2.0 * a)
    both = variance * tau * lost**2
    gathered = variance * tau**2 * (2.0 * a - 3.0 + 4.0 * kept - kept**2)
    first, second = rng.normal(size=(2, len(delta)))
    root = math.sqrt(end)
    rest = math.sqrt(max(0.0, gathered - both**2 / end)) if end > 0.0 else 0.0
    return (
        delta * kept + root * first,
        delta * tau * lost + (both / root if root > 0.0 else 0.0) * first + rest * second,
    )


def decoupled(
    noise: SlowNoise, held_s: float, pulses: int, pulse_error: float = 0.0
) -> PauliChannel:
    """What waiting with ``pulses`` does: the phase that is left, and each pulse's depolarising."""
    probability("pulse error", pulse_error)
    flip = -math.expm1(-phase_variance(noise, held_s, pulses) / 2.0) / 2.0
    shrink = (1.0 - 4.0 * pulse_error / 3.0) ** pulses
    errors = PauliChannel(np.array([1.0 + 3.0 * shrink, *[1.0 - shrink] * 3]) / 4.0)
    return errors.after(PauliChannel.flips(0.0, flip))


@dataclass(frozen=True, slots=True)
class Protection:
    """What is done while a qubit waits: ``pulses``, or a ``distance``; neither is to do nothing.

    ``error`` is the mean of both bases' flip probabilities in the end.
    """

    pulses: int
    distance: int
    error: float

    @property
    def name(self) -> str:
        """For a table."""
        if self.distance:
            return f"encoded, distance {self.distance}"
        return f"{self.pulses} pulses" if self.pulses else "bare"


def best_protection(
    noise: SlowNoise,
    held_s: float,
    pulse_error: float,
    pulse_counts: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64),
    logical_errors: LogicalErrors | None = None,
    distances: tuple[int, ...] = (),
    cycle_s: float = 1e-6,
    floor: PauliChannel | None = None,
) -> list[Protection]:
    """All that can be done, the least error first; of equal ones the one with less to do.

    ``floor`` is the part of decoherence that has no memory, such as T1: no pulse turns it back,
    only the code has it in its ``logical_errors``. An encoded wait lasts held_s / cycle_s rounds.
    """
    if distances and logical_errors is None:
        raise InputError("protection: expected logical error rates for the distances, got none")
    fast = floor or PauliChannel.identity()
    found = []
    for pulses in (0, *pulse_counts):
        channel = decoupled(noise, held_s, pulses, pulse_error).after(fast)
        found.append(Protection(pulses, 0, _mean(channel.flip_probability)))
    rounds = rounds_of(held_s, cycle_s)
    for distance in distances:
        assert logical_errors is not None
        errors = [logical_errors(distance, rounds, basis) for basis in Basis]
        for error in errors:
            probability(f"logical error of distance {distance}", error)
        found.append(Protection(0, distance, sum(errors) / 2.0))
    return sorted(found, key=lambda one: (one.error, one.pulses, one.distance))


def rounds_of(held_s: float, cycle_s: float) -> int:
    """The whole rounds that a wait takes; at least one."""
    if not 0.0 < cycle_s < math.inf:
        raise InputError(f"cycle: expected above 0 s, got {cycle_s}")
    return max(1, math.ceil(duration("holding time", held_s) / cycle_s - 1e-9))


def _mean(flip_probability: Callable[[Basis], float]) -> float:
    return sum(flip_probability(basis) for basis in Basis) / 2.0
