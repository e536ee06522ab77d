"""The channel: loss by length, a misalignment, and depolarising."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.source import Pulses


@dataclass(frozen=True, slots=True)
class Channel:
    """A fibre and the receiver's optics, without dispersion.

    ``misalignment`` is the share of the light that turns up at the wrong detector of its own basis.
    ``depolarising`` is the probability p that a pulse's polarisation is replaced by a random one:
    one of the four Pauli operators, each with probability p/4, acts on all its photons.
    ``insertion_loss_db`` is the loss of the receiver's optics, before the detectors.
    """

    length_km: float = 10.0
    loss_db_per_km: float = 0.2
    misalignment: float = 0.01
    depolarising: float = 0.0
    insertion_loss_db: float = 0.0

    def __post_init__(self) -> None:
        if self.length_km < 0 or self.loss_db_per_km < 0 or self.insertion_loss_db < 0:
            raise InputError(
                f"channel: expected length and losses of at least 0, got {self.length_km} km "
                f"at {self.loss_db_per_km} dB/km and {self.insertion_loss_db} dB"
            )
        if not 0.0 <= self.misalignment <= 0.5:
            raise InputError(f"misalignment: expected 0 to 0.5, got {self.misalignment}")
        if not 0.0 <= self.depolarising <= 1.0:
            raise InputError(f"depolarising: expected 0 to 1, got {self.depolarising}")

    @property
    def loss_db(self) -> float:
        """All loss before the detectors."""
        return self.length_km * self.loss_db_per_km + self.insertion_loss_db

    @property
    def transmittance(self) -> float:
        """The probability that a photon arrives: 10^(-dB/10)."""
        return float(10.0 ** (-self.loss_db / 10.0))

    @property
    def flip_probability(self) -> float:
        """The probability that one photon is read wrong in its own basis.

        Two of the four Pauli operators turn a state of a basis into its orthogonal one, so
        depolarising flips with p/2.
        """
        half = self.depolarising / 2.0
        return self.misalignment * (1.0 - half) + (1.0 - self.misalignment) * half

    def carry(self, pulses: Pulses, rng: Randomness) -> Arrivals:
        """What comes out at the far end, when each pulse is one photon."""
        count = len(pulses)
        flipped = (rng.noise.random(count) < self.flip_probability).astype(np.uint8)
        return Arrivals(
            pulses=Pulses(bits=pulses.bits ^ flipped, bases=pulses.bases),
            arrived=rng.noise.random(count) < self.transmittance,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """The pulses at the far end, and which of them still hold a photon."""

    pulses: Pulses
    arrived: npt.NDArray[np.bool_]
