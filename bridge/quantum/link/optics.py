"""A link of weak coherent pulses: its parts, and the exact law of one pulse.

`gates` simulates it pulse by pulse, `events` click by click, `counts` by counts alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bridge.quantum.link.adversary import LightAdversary, Nobody
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.light import Branch, checked
from bridge.quantum.link.protocols import DecoyBB84
from bridge.quantum.link.response import pattern
from bridge.quantum.link.tally import Tally


@dataclass(frozen=True, slots=True)
class OpticalLink:
    """The parts of a decoy-state link. The adversary sits at the source's end, before any loss."""

    protocol: DecoyBB84 = field(default_factory=DecoyBB84)
    channel: Channel = field(default_factory=Channel)
    detector: Detector = field(default_factory=Detector)
    adversary: LightAdversary = field(default_factory=Nobody)

    def branches(self, intensity: int) -> tuple[Branch, ...]:
        """What becomes of a pulse of intensity number ``intensity``."""
        mean = self.protocol.intensities[intensity]
        return checked(self.adversary.branches(mean, self.channel.transmittance))

    def class_probabilities(self) -> npt.NDArray[np.float64]:
        """The probability of (intensity, sender's basis, receiver's basis), shape (K, 2, 2)."""
        protocol = self.protocol
        sender = np.array([protocol.sender_z, 1.0 - protocol.sender_z])
        receiver = np.array([protocol.receiver_z, 1.0 - protocol.receiver_z])
        share = np.array(protocol.intensity_probabilities)
        share = share / share.sum()
        return np.asarray(share[:, None, None] * sender[None, :, None] * receiver[None, None, :])

    def patterns(self) -> npt.NDArray[np.float64]:
        """P(none, right only, wrong only, both | class), before dead time, shape (K, 2, 2, 4)."""
        intensities = len(self.protocol.intensities)
        result = np.empty((intensities, 2, 2, 4))
        for k in range(intensities):
            branches = self.branches(k)
            for same in (False, True):
                law = pattern(branches, same, self.channel, self.detector)
                for a in range(2):
                    result[k, a, a if same else 1 - a] = law
        return result

    def live_patterns(self) -> npt.NDArray[np.float64]:
        """`patterns` thinned by the mean live fraction of the detectors.

        Exact without dead time. With it the clicks of one gate are still thinned with the right
        mean, but neighbouring gates are taken as independent.
        """
        laws = self.patterns()
        detector = self.detector
        if detector.dead_time_gates == 0:
            return laws
        mean = np.einsum("kab,kabp->p", self.class_probabilities(), laws)
        if detector.pixels == 1:
            live = detector.live_fraction(float(1.0 - mean[0]))
            thin = np.array([live, live, live])
            spill = 0.0
        else:
            live = detector.live_fraction(float((mean[1] + mean[2]) / 2.0 + mean[3]))
            thin = np.array([live, live, live * live])
            spill = live * (1.0 - live)
        thinned = laws.copy()
        thinned[..., 1:] *= thin
        thinned[..., 1] += spill * laws[..., 3]
        thinned[..., 2] += spill * laws[..., 3]
        thinned[..., 0] = 1.0 - thinned[..., 1:].sum(axis=-1)
        return thinned

    def expected(self, pulses: float) -> Tally:
        """The mean counts of ``pulses`` pulses, without afterpulses."""
        sent = pulses * self.class_probabilities()
        laws = self.live_patterns()
        doubles = sent * laws[..., 3]
        return Tally(
            sent=sent,
            clicks=sent * laws[..., 1:].sum(axis=-1),
            errors=sent * laws[..., 2] + doubles / 2.0,
            doubles=doubles,
        )
