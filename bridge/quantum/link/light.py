"""What light leaves the adversary: a photon number statistic in a basis, or blinding light.

An adversary turns each pulse into one of several ``Branch``es. The same branches feed the three
simulations: by pulses (`gates`), by clicks (`events`) and by counts (`counts`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.link.randomness import Randomness


@dataclass(frozen=True, slots=True)
class Poissonian:
    """The photon number of a phase-randomised coherent pulse."""

    mean: float

    def generating(self, x: float) -> float:
        """E[x^n]."""
        return math.exp(-self.mean * (1.0 - x))

    def sample(self, count: int, rng: Randomness) -> npt.NDArray[np.int64]:
        """``count`` photon numbers."""
        return rng.noise.poisson(self.mean, count).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Fock:
    """Exactly ``photons`` photons."""

    photons: int

    def generating(self, x: float) -> float:
        """E[x^n]."""
        return float(x**self.photons)

    def sample(self, count: int, rng: Randomness) -> npt.NDArray[np.int64]:
        """``count`` photon numbers, all the same."""
        return np.full(count, self.photons, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Light:
    """A pulse as it goes on towards the receiver.

    ``turned`` light is in the basis that the sender did not choose, with a random bit. ``gain``
    multiplies the channel's transmittance: an adversary may have put a better fibre in its place,
    so more than 1 is possible, but no photon arrives with probability above 1. ``bright`` light
    makes a blinded detector click when the receiver's basis is the light's, and is dark otherwise
    (Lydersen et al. 2010, arXiv 1008.4593); it has no photon statistic.
    """

    photons: Poissonian | Fock
    turned: bool = False
    gain: float = 1.0
    bright: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the things an adversary does with a pulse, and how often."""

    weight: float
    light: Light


def checked(branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """The branches, when their weights add up to 1."""
    total = math.fsum(branch.weight for branch in branches)
    if not math.isclose(total, 1.0, abs_tol=1e-9) or any(b.weight < 0 for b in branches):
        raise InputError(f"branches: expected weights of at least 0 that add up to 1, got {total}")
    return branches
