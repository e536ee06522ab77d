"""The detector: a random basis, two threshold detectors, dark counts and double clicks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.link.channel import Arrivals
from bridge.quantum.link.randomness import Bits, Randomness


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """One entry for each pulse: the basis measured in, whether anything clicked, and the bit.

    The bit of a pulse without a click means nothing. ``double_clicks`` counts those that were
    given a random bit. ``repr`` shows counts only.
    """

    bits: Bits
    bases: Bits
    clicked: npt.NDArray[np.bool_]
    double_clicks: int

    def __repr__(self) -> str:
        return f"Detections({int(self.clicked.sum())} of {len(self.bits)} clicked, redacted)"


@dataclass(frozen=True, slots=True)
class Detector:
    """Two threshold detectors of equal efficiency; dark counts are for each gate and detector.

    A double click is given a random bit and kept, never dropped: dropping it would make the loss
    depend on the basis, and the bound on phase errors would no longer hold (Lütkenhaus 1999,
    arXiv quant-ph/9806008).
    """

    efficiency: float = 0.8
    dark_count_probability: float = 1e-6

    def __post_init__(self) -> None:
        if not 0.0 < self.efficiency <= 1.0:
            raise InputError(f"detector efficiency: expected 0 to 1, got {self.efficiency}")
        if not 0.0 <= self.dark_count_probability < 1.0:
            raise InputError(
                f"dark count probability: expected 0 to 1, got {self.dark_count_probability}"
            )

    def measure(self, arrivals: Arrivals, rng: Randomness) -> Detections:
        """What the detectors saw, one entry for each pulse."""
        pulses = arrivals.pulses
        count = len(pulses)
        bases = rng.bits(count)
        outcome = np.where(bases == pulses.bases, pulses.bits, rng.bits(count))
        signal = arrivals.arrived & (rng.noise.random(count) < self.efficiency)
        dark_zero = rng.noise.random(count) < self.dark_count_probability
        dark_one = rng.noise.random(count) < self.dark_count_probability
        zero = dark_zero | (signal & (outcome == 0))
        one = dark_one | (signal & (outcome == 1))
        double = zero & one
        return Detections(
            bits=np.where(double, rng.bits(count), one.astype(np.uint8)),
            bases=bases,
            clicked=zero | one,
            double_clicks=int(double.sum()),
        )
