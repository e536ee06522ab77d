"""Adversaries on coherent pulses, as objects; `adversary` has the ones on single photons too.

Each says what becomes of a pulse. What it ends up knowing is not simulated: the length of the key
bounds it, and tests hold that length against what the two who hide best would know.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.link.light import Branch, Fock, Light, Poissonian

PHOTON_CUTOFF = 12
"""Pulses of more photons are taken for this many; at mean 1 that is one pulse in 10^10."""


@dataclass(frozen=True, slots=True)
class BeamSplitting:
    """Takes ``tapped`` of the light and keeps it until the bases are announced.

    The rest travels through a better fibre, so that the receiver sees the gain it expects as long
    as the fibre's loss is larger than what is taken. It knows a bit when at least one photon of
    the pulse is on its side.
    """

    tapped: float

    def __post_init__(self) -> None:
        _check_fraction("tapped", self.tapped)

    def branches(self, mean: float, transmittance: float) -> tuple[Branch, ...]:
        """One pulse, weaker by what was taken, through a fibre that makes up for it."""
        left = 1.0 - self.tapped
        gain = min(1.0 / transmittance, 1.0 / left) if left > 0.0 else 1.0
        return (Branch(1.0, Light(Poissonian(mean * left), gain=gain)),)

    def known(self, mean: float) -> float:
        """The share of all pulses, and so of the sifted bits, of which it holds a photon."""
        return 1.0 - math.exp(-mean * self.tapped)


@dataclass(frozen=True, slots=True)
class PhotonNumberSplitting:
    """Counts photons without touching their polarisation (Brassard et al. 2000).

    Of pulses with two or more it keeps one photon, whose bit it will know, and sends the others
    through a fibre without loss. Of those with one it blocks ``blocked``.
    """

    blocked: float = 1.0

    def __post_init__(self) -> None:
        _check_fraction("blocked", self.blocked)

    def branches(self, mean: float, transmittance: float) -> tuple[Branch, ...]:
        """One branch for each photon number."""
        numbers = [math.exp(-mean) * mean**n / math.factorial(n) for n in range(PHOTON_CUTOFF)]
        numbers.append(max(0.0, 1.0 - math.fsum(numbers)))
        branches = [
            Branch(numbers[0] + self.blocked * numbers[1], Light(Fock(0))),
            Branch((1.0 - self.blocked) * numbers[1], Light(Fock(1))),
        ]
        branches += [
            Branch(share, Light(Fock(n - 1), gain=1.0 / transmittance))
            for n, share in enumerate(numbers)
            if n >= 2
        ]
        return tuple(branches)


@dataclass(frozen=True, slots=True)
class Blinding:
    """Blinds the detectors and makes them click at will (Lydersen et al. 2010, arXiv 1008.4593).

    It measures ``fraction`` of the pulses in a random basis and sends, where it saw something,
    bright light that fires the detector of its bit when the receiver chose its basis, and nothing
    otherwise. ``resent`` is how often it sends on what it saw: twice the receiver's usual rate of
    clicks for each of its own hides the loss of half.
    """

    fraction: float = 1.0
    efficiency: float = 1.0

    def __post_init__(self) -> None:
        _check_fraction("fraction", self.fraction)
        _check_fraction("efficiency", self.efficiency)

    def branches(self, mean: float, transmittance: float) -> tuple[Branch, ...]:
        """What it did not touch, what it saw in either basis, and what it saw nothing of."""
        saw = 1.0 - math.exp(-mean * min(1.0, 2.0 * transmittance) * self.efficiency)
        bright = Light(Fock(0), bright=True)
        turned = Light(Fock(0), bright=True, turned=True)
        nothing = (1.0 - saw) * self.fraction
        return (
            Branch(1.0 - self.fraction, Light(Poissonian(mean))),
            Branch(self.fraction * saw / 2.0, bright),
            Branch(self.fraction * saw / 2.0, turned),
            Branch(nothing, Light(Fock(0))),
        )


@dataclass(frozen=True, slots=True)
class TrojanHorse:
    """Reads the sender's modulators with light of its own (Gisin et al. 2006).

    ``leaked_photons`` is the mean number that leaves the sender again for each pulse, with its
    basis and bit on it. Nothing on the link changes, so no measurement of the link sees it; its
    bound is a parameter of the key length (`rates.leak`).
    """

    leaked_photons: float

    def __post_init__(self) -> None:
        if self.leaked_photons < 0.0:
            raise InputError(f"leaked photons: expected at least 0, got {self.leaked_photons}")

    def branches(self, mean: float, transmittance: float) -> tuple[Branch, ...]:
        """The pulse, untouched."""
        return (Branch(1.0, Light(Poissonian(mean))),)


@dataclass(frozen=True, slots=True)
class Denial:
    """Blocks ``blocked`` of the pulses and learns nothing."""

    blocked: float = 1.0

    def __post_init__(self) -> None:
        _check_fraction("blocked", self.blocked)

    def branches(self, mean: float, transmittance: float) -> tuple[Branch, ...]:
        """The pulse, or nothing."""
        return (
            Branch(1.0 - self.blocked, Light(Poissonian(mean))),
            Branch(self.blocked, Light(Fock(0))),
        )


def _check_fraction(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise InputError(f"{name}: expected 0 to 1, got {value}")
