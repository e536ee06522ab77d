"""Who sits between source and detector: nobody, or an eavesdropper who intercepts and resends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.source import Pulses


class Adversary(Protocol):
    """Takes the pulses that the source sent and gives those that go on."""

    def touch(self, pulses: Pulses, rng: Randomness) -> Pulses:
        """The pulses as they leave the adversary."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """The baseline: pulses go on as they came."""

    def touch(self, pulses: Pulses, rng: Randomness) -> Pulses:
        """The same pulses."""
        return pulses


@dataclass(frozen=True, slots=True)
class InterceptResend:
    """Measures ``fraction`` of the pulses in a random basis and sends on what it saw.

    In the source's basis it reads the bit and leaves no trace. In the other basis it reads a
    random bit and sends it in the wrong basis, which the detector then reads at random: a sifted
    bit is wrong with probability 1/4 where a pulse was intercepted.
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
