"""Presets against what their experiments published, by simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.link.counts import run_counts
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.pairs import PairLink, run_pairs
from bridge.quantum.link.presets import KEY_RATE, Figure, Preset
from bridge.quantum.link.protocols import X, Z
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.rates import decoy
from bridge.quantum.rates.security import Security


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published figure and the simulated one."""

    preset: Preset
    figure: Figure
    simulated: float

    @property
    def deviation(self) -> float:
        """How far the simulation lies above the publication, as a share of it."""
        return self.simulated / self.figure.value - 1.0


def compare(preset: Preset, rng: Randomness) -> Iterator[Comparison]:
    """Each figure that the experiment published, beside a simulated one of one block."""
    simulate = _optical if isinstance(preset.link, OpticalLink) else _pairs
    values = simulate(preset, rng)
    for figure in preset.figures:
        if figure.what not in values:
            raise InputError(
                f"preset {preset.name}: expected a figure out of {', '.join(values)}, "
                f"got {figure.what}"
            )
        yield Comparison(preset, figure, values[figure.what])


def block_pulses(link: OpticalLink, sifted: float) -> int:
    """The pulses that give ``sifted`` bits in the basis of the key, on the mean."""
    return max(1, round(sifted / float(link.expected(1.0).key_clicks().sum())))


def _optical(preset: Preset, rng: Randomness) -> dict[str, float]:
    link = preset.link
    assert isinstance(link, OpticalLink)
    tally = run_counts(link, block_pulses(link, preset.block), rng)
    security = Security(correction_efficiency=preset.correction_efficiency)
    key = decoy.key_length(tally, link.protocol, security)
    return {KEY_RATE: key.bits / tally.pulses * preset.clock_hz, "QBER": key.qber}


def _pairs(preset: Preset, rng: Randomness) -> dict[str, float]:
    """Both bases give key here, and the key is endless, as the experiments have it."""
    link = preset.link
    assert isinstance(link, PairLink)
    day = round(86_400 * preset.clock_hz)
    tally = run_pairs(link, day, rng)
    sifted = float(tally.coincidences[Z, Z] + tally.coincidences[X, X])
    qber = float(tally.errors[Z, Z] + tally.errors[X, X]) / sifted
    return {
        "sifted key rate": sifted / 86_400,
        "QBER": qber,
        "secret bits for each sifted bit": max(
            0.0, 1.0 - (1.0 + preset.correction_efficiency) * binary_entropy(qber)
        ),
    }
