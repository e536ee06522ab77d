"""Who sits between source and detector: nobody, or an eavesdropper who intercepts and resends.

The other adversaries are in `attacks`. Each is an object that says what becomes of a pulse; those
that act on single photons as well have ``touch``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.link.light import Branch, Light, Poissonian
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.source import Pulses


class Adversary(Protocol):
    """Takes the pulses that the source sent and gives those that go on."""

    def touch(self, pulses: Pulses, rng: Randomness) -> Pulses:
        """The pulses as they leave the adversary, when each is one photon."""


class LightAdversary(Protocol):
    """Takes a coherent pulse and gives the light that goes on."""

    def branches(self, mean: float, transmittance: float) -> tuple[Branch, ...]:
        """What becomes of a pulse of ``mean`` photons before a channel of ``transmittance``."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """The baseline: pulses go on as they came."""

    def touch(self, pulses: Pulses, rng: Randomness) -> Pulses:
        """The same pulses."""
        return pulses

    def branches(self, mean: float, transmittance: float) -> tuple[Branch, ...]:
        """The same light."""
        return (Branch(1.0, Light(Poissonian(mean))),)


@dataclass(frozen=True, slots=True)
class InterceptResend:
    """Measures ``fraction`` of the pulses in a random basis and sends on what it saw.

    In the source's basis it reads the bit and leaves no trace. In the other basis it reads a
    random bit and sends it in the wrong basis, which the detector then reads at random: a sifted
    bit is wrong with probability 1/4 where a pulse was intercepted. Of a coherent pulse it counts
    the photons and sends as many, so that no gain gives it away.
    """

    fraction: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.fraction <= 1.0:
            raise InputError(f"intercepted fraction: expected 0 to 1, got {self.fraction}")

    def touch(self, pulses: Pulses, rng: Randomness) -> Pulses:
        """The pulses with the intercepted ones replaced by what the eavesdropper sent on."""
        count = len(pulses)
        intercepted = rng.noise.random(count) < self.fraction
        bases = rng.noise.integers(0, 2, count, dtype=np.uint8)
        guesses = rng.noise.integers(0, 2, count, dtype=np.uint8)
        read = np.where(bases == pulses.bases, pulses.bits, guesses)
        return Pulses(
            bits=np.where(intercepted, read, pulses.bits),
            bases=np.where(intercepted, bases, pulses.bases),
        )

    def branches(self, mean: float, transmittance: float) -> tuple[Branch, ...]:
        """Half of what is intercepted goes on in the wrong basis."""
        turned = self.fraction / 2.0
        return (
            Branch(1.0 - turned, Light(Poissonian(mean))),
            Branch(turned, Light(Poissonian(mean), turned=True)),
        )
