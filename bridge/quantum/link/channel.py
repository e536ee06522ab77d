"""The channel: loss by length, and a misalignment that turns a state into its orthogonal one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.source import Pulses


@dataclass(frozen=True, slots=True)
class Channel:
    """A fibre. ``misalignment`` is the probability that a bit is flipped in its own basis."""

    length_km: float = 10.0
    loss_db_per_km: float = 0.2
    misalignment: float = 0.01

    def __post_init__(self) -> None:
        if self.length_km < 0 or self.loss_db_per_km < 0:
            raise InputError(
                f"channel: expected length and loss of at least 0, got {self.length_km} km "
                f"at {self.loss_db_per_km} dB/km"
            )
        if not 0.0 <= self.misalignment <= 0.5:
            raise InputError(f"misalignment: expected 0 to 0.5, got {self.misalignment}")

    @property
    def transmittance(self) -> float:
        """The probability that a photon arrives: 10^(-dB/10)."""
        return float(10.0 ** (-self.length_km * self.loss_db_per_km / 10.0))

    def carry(self, pulses: Pulses, rng: Randomness) -> Arrivals:
        """What comes out at the far end."""
        count = len(pulses)
        flipped = (rng.noise.random(count) < self.misalignment).astype(np.uint8)
        return Arrivals(
            pulses=Pulses(bits=pulses.bits ^ flipped, bases=pulses.bases),
            arrived=rng.noise.random(count) < self.transmittance,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """The pulses at the far end, and which of them still hold a photon."""

    pulses: Pulses
    arrived: npt.NDArray[np.bool_]
