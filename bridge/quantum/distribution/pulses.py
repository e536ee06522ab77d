"""The light between two ends, pulse by pulse, with whoever touches it under way.

Slower than `bridge.quantum.ends.medium`, which has no adversary, and of the same distribution.
"""

from __future__ import annotations

from bridge.quantum.ends.medium import Clicks, Light, Medium
from bridge.quantum.kernels.plain import pack, unpack
from bridge.quantum.link.randomness import Bits, Randomness, Words
from bridge.quantum.link.source import Pulses
from bridge.quantum.link.transmission import Link


def light_of(link: Link) -> Light:
    """What the ends expect of a link: how many pulses click, and the errors without an adversary.

    Both ends plan their rounds by it, so it must not depend on what happens under way.
    """
    return Light(
        click=link.channel.transmittance * link.detector.efficiency,
        misalignment=link.channel.flip_probability,
        dark_count_probability=link.detector.dark_count_probability,
    )


class TouchedLight(Medium):
    """One side's access to the pulses of a ``link``; ``rng`` is nature's part.

    Both sides are given the same ``seed``. The sender uses `emit`, the receiver `detect`, as of a
    `Medium`.
    """

    def __init__(self, link: Link, seed: bytes, rng: Randomness) -> None:
        super().__init__(light_of(link), seed)
        self._link = link
        self._rng = rng

    def detect(self, bases: Words) -> Clicks:
        """What the detectors show of what the adversary left, measured in ``bases``."""
        sent = self.emit(len(bases))
        pulses = Pulses(bits=_bits(sent.bits), bases=_bits(sent.bases))
        link, rng = self._link, self._rng
        arrivals = link.channel.carry(link.adversary.touch(pulses, rng), rng)
        shown = link.detector.measure(arrivals, rng, _bits(bases))
        return Clicks(
            seen=pack(shown.clicked),
            bits=pack(shown.bits[shown.clicked]),
            bases=pack(shown.bases[shown.clicked]),
            count=int(shown.clicked.sum()),
        )


def _bits(words: Words) -> Bits:
    return unpack(words).astype("uint8")
