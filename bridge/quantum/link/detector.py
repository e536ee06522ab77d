"""The detector: efficiency, dark counts, double clicks; what it remembers is in `recovery`."""

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
    Phys. Rev. A 59, 3301).

    ``dead_time_gates``, ``afterpulse_probability`` (for each click) with its mean delay in gates,
    and ``pixels`` in each detector are what `recovery` describes.
    """

    efficiency: float = 0.8
    dark_count_probability: float = 1e-6
    dead_time_gates: int = 0
    afterpulse_probability: float = 0.0
    afterpulse_mean_gates: float = 100.0
    pixels: int = 1

    def __post_init__(self) -> None:
        if not 0.0 < self.efficiency <= 1.0:
            raise InputError(f"detector efficiency: expected 0 to 1, got {self.efficiency}")
        if not 0.0 <= self.dark_count_probability < 1.0:
            raise InputError(
                f"dark count probability: expected 0 to 1, got {self.dark_count_probability}"
            )
        if self.dead_time_gates < 0 or self.pixels < 1:
            raise InputError(
                f"detector: expected a dead time of at least 0 gates and at least 1 pixel, "
                f"got {self.dead_time_gates} and {self.pixels}"
            )
        if not 0.0 <= self.afterpulse_probability < 0.5 or self.afterpulse_mean_gates <= 0.0:
            raise InputError(
                f"afterpulses: expected a probability of 0 to 0.5 and a delay above 0, "
                f"got {self.afterpulse_probability} and {self.afterpulse_mean_gates}"
            )

    @property
    def remembers(self) -> bool:
        """Whether what a gate shows depends on the gates before it."""
        return self.dead_time_gates > 0 or self.afterpulse_probability > 0.0

    def live_fraction(self, firing_probability: float) -> float:
        """The mean share of gates at which a pixel is live: 1 / (1 + r D).

        ``firing_probability`` is that of a gate for a receiver of one pixel a detector, and that of
        one detector at a gate otherwise; it is spread over the pixels. Between two clicks lie D
        dead gates and a geometric wait of mean 1/r, so a live gate is one in 1 + r D.
        """
        return 1.0 / (1.0 + firing_probability / self.pixels * self.dead_time_gates)

    def measure(
        self, arrivals: Arrivals, rng: Randomness, chosen: Bits | None = None
    ) -> Detections:
        """What the detectors saw, one entry for each pulse, when each pulse is one photon.

        The bases are ``chosen``, uniform where that is None.
        """
        if self.remembers:
            raise InputError(
                "single photons, pulse by pulse: expected a detector without dead time and "
                f"afterpulses, got {self.dead_time_gates} gates and {self.afterpulse_probability}"
            )
        pulses = arrivals.pulses
        count = len(pulses)
        bases = rng.bits(count) if chosen is None else chosen
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
