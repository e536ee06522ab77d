"""One run of the link: source, adversary, channel, detector."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.quantum.link.adversary import Adversary, Nobody
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detections, Detector
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.source import Pulses, emit


@dataclass(frozen=True, slots=True)
class Link:
    """The parts of a link. The adversary sits at the source's end, before any loss."""

    channel: Channel = field(default_factory=Channel)
    detector: Detector = field(default_factory=Detector)
    adversary: Adversary = field(default_factory=Nobody)


@dataclass(frozen=True, slots=True)
class Transmission:
    """What the sender sent and what the receiver saw, pulse by pulse."""

    sent: Pulses
    seen: Detections


def transmit(link: Link, pulses: int, rng: Randomness) -> Transmission:
    """The result of ``pulses`` pulses over ``link``."""
    sent = emit(pulses, rng)
    arrivals = link.channel.carry(link.adversary.touch(sent, rng), rng)
    return Transmission(sent=sent, seen=link.detector.measure(arrivals, rng))
