"""A study: how long a phase lasts under slow noise, by the number of pulses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge.quantum.memory.protection import SlowNoise, phase_variance, sampled_coherence

PULSES = (0, 1, 4, 16)
FINER = 80


@dataclass(frozen=True, slots=True)
class DecouplingSeries:
    """Coherence against time for so many pulses: sampled with its error, and by theory."""

    pulses: int
    points: tuple[tuple[float, float, float], ...]
    curve: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class DecouplingStudy:
    """One noise, all numbers of pulses."""

    noise: SlowNoise
    series: tuple[DecouplingSeries, ...]


def decoupling_study(
    noise: SlowNoise,
    longest_s: float,
    rng: np.random.Generator,
    pulse_counts: Sequence[int] = PULSES,
    points: int = 9,
    runs: int = 4000,
) -> DecouplingStudy:
    """Wanders of the frequency, drawn, on the closed form's curves."""
    series = []
    for pulses in pulse_counts:
        sampled = []
        for at in np.linspace(longest_s / points, longest_s, points):
            mean, error = sampled_coherence(noise, float(at), pulses, runs, rng)
            sampled.append((float(at), mean, error))
        curve = [
            (float(at), math.exp(-phase_variance(noise, float(at), pulses) / 2.0))
            for at in np.linspace(0.0, longest_s, FINER)
        ]
        series.append(DecouplingSeries(pulses, tuple(sampled), tuple(curve)))
    return DecouplingStudy(noise, tuple(series))
