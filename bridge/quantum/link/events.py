"""A run click by click: only gates at which something fires are drawn, from their exact law.

Pulses are independent until a detector remembers. So the gates at which light or a dark count
fires are a Bernoulli process, drawn by geometric skips; what was sent at each follows by Bayes;
`recovery` then takes out what fell into a dead time and adds afterpulses. What was sent at gates
that stayed dark is drawn by counts, since nobody looks at those one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.link.detector import Detections
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.randomness import Bits, Randomness
from bridge.quantum.link.recovery import Gates, Masks, Memory, recover
from bridge.quantum.link.source import Pulses
from bridge.quantum.link.tally import Tally, empty
from bridge.quantum.link.transmission import Transmission

STRETCH = 1 << 22
"""Gates drawn at once. It bounds the memory of a run, not its result."""


@dataclass(frozen=True, slots=True, eq=False)
class Clicks:
    """The gates that clicked, in order, with what was sent and seen at each.

    ``gates`` int64; ``intensities``, ``sender_bases``, ``sender_bits``, ``receiver_bases``,
    ``receiver_bits`` uint8; ``doubles`` bool. Double clicks have a random bit. ``repr`` shows
    counts only.
    """

    gates: Gates
    intensities: Bits
    sender_bases: Bits
    sender_bits: Bits
    receiver_bases: Bits
    receiver_bits: Bits
    doubles: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.gates)

    def __repr__(self) -> str:
        return f"Clicks({len(self)} clicks, redacted)"

    def transmission(self) -> Transmission:
        """The clicks in the form that distillation takes, without the pulses that did not click."""
        return Transmission(
            sent=Pulses(bits=self.sender_bits, bases=self.sender_bases),
            seen=Detections(
                bits=self.receiver_bits,
                bases=self.receiver_bases,
                clicked=np.ones(len(self), dtype=bool),
                double_clicks=int(self.doubles.sum()),
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A stretch of gates: its clicks, their tally, and how many clicks a dead time took."""

    clicks: Clicks
    tally: Tally
    lost: int


def run_events(link: OpticalLink, pulses: int, rng: Randomness) -> Tally:
    """The counts of ``pulses`` pulses, by events."""
    total = empty(len(link.protocol.intensities))
    for stretch in stretches(link, pulses, rng):
        total = total + stretch.tally
    return total


def stretches(
    link: OpticalLink, pulses: int, rng: Randomness, length: int = STRETCH
) -> Iterator[Stretch]:
    """The run in stretches of at most ``length`` gates; detectors remember across them."""
    if pulses < 1 or length < 1:
        raise InputError(f"pulses: expected at least 1, got {pulses} in stretches of {length}")
    law = _Law(link)
    memory = Memory.fresh(link.detector)
    for start in range(0, pulses, length):
        yield law.stretch(start, min(length, pulses - start), memory, rng)


class _Law:
    """The joint law of class and pattern, with what sampling from it needs."""

    def __init__(self, link: OpticalLink) -> None:
        self.link = link
        self.classes = link.class_probabilities()
        self.laws = link.patterns()
        joint = self.classes[..., None] * self.laws
        self.silent = joint[..., 0].ravel()
        self.fire = float(max(0.0, 1.0 - self.silent.sum()))
        self.fired = np.cumsum(joint[..., 1:].reshape(-1))

    def stretch(self, start: int, length: int, memory: Memory, rng: Randomness) -> Stretch:
        gates = start + _bernoulli_gates(length, self.fire, rng)
        count = len(gates)
        # Which class and pattern fired: secret, since it holds both ends' bases.
        index = _categorical(self.fired, count, rng)
        classes, patterns = index // 3, index % 3 + 1
        sender_bits = rng.bits(count)
        masks = _physical(patterns, sender_bits)
        lost_before = memory.lost
        out_gates, out_masks, sources = recover(
            gates, masks, start + length, self.link.detector, memory, rng
        )
        return self._collect(
            length,
            classes,
            sender_bits,
            out_gates,
            out_masks,
            sources,
            memory.lost - lost_before,
            rng,
        )

    def _collect(
        self,
        length: int,
        classes: npt.NDArray[np.int64],
        sender_bits: Bits,
        gates: Gates,
        masks: Masks,
        sources: npt.NDArray[np.int64],
        lost: int,
        rng: Randomness,
    ) -> Stretch:
        cells = self.classes.size
        alone = sources < 0
        extra = int(alone.sum())
        dark = np.cumsum(self.silent)
        out_classes = np.empty(len(gates), dtype=np.int64)
        out_bits = np.empty(len(gates), dtype=np.uint8)
        out_classes[~alone] = classes[sources[~alone]]
        out_bits[~alone] = sender_bits[sources[~alone]]
        out_classes[alone] = _categorical(dark, extra, rng)
        out_bits[alone] = rng.bits(extra)
        doubles = masks == 3
        bits = np.where(doubles, rng.bits(len(gates)), masks >> 1).astype(np.uint8)
        intensities, rest = np.divmod(out_classes, 4)
        clicks = Clicks(
            gates=gates,
            intensities=intensities.astype(np.uint8),
            sender_bases=(rest >> 1).astype(np.uint8),
            sender_bits=out_bits,
            receiver_bases=(rest & 1).astype(np.uint8),
            receiver_bits=bits,
            doubles=doubles,
        )
        quiet = length - len(classes) - extra
        sent = np.bincount(classes, minlength=cells) + np.bincount(
            out_classes[alone], minlength=cells
        )
        sent = sent + rng.noise.multinomial(max(quiet, 0), self.silent / self.silent.sum())
        shape = self.classes.shape

        def by_class(selected: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
            found = np.bincount(out_classes[selected], minlength=cells)
            return found.reshape(shape).astype(np.float64)

        tally = Tally(
            sent=sent.reshape(shape).astype(np.float64),
            clicks=by_class(np.ones(len(gates), dtype=bool)),
            errors=by_class(bits != out_bits),
            doubles=by_class(doubles),
        )
        return Stretch(clicks, tally, lost)


def _bernoulli_gates(length: int, probability: float, rng: Randomness) -> Gates:
    """The successes of ``length`` independent trials, in order.

    Rare ones by geometric skips, others by one uniform number for each trial.
    """
    if probability <= 0.0:
        return np.empty(0, dtype=np.int64)
    if probability > 0.1:
        return np.flatnonzero(rng.noise.random(length) < probability).astype(np.int64)
    found: list[Gates] = []
    position = -1
    while position < length:
        mean = (length - position) * probability
        batch = int(mean + 6.0 * mean**0.5 + 16)
        gates = position + np.cumsum(rng.noise.geometric(probability, batch))
        found.append(gates)
        position = int(gates[-1])
    gates = np.concatenate(found)
    return np.asarray(gates[gates < length], dtype=np.int64)


def _categorical(
    cumulative: npt.NDArray[np.float64], count: int, rng: Randomness
) -> npt.NDArray[np.int64]:
    """``count`` draws from the law with these cumulative weights, from secret bytes."""
    words = np.frombuffer(rng.secret_bytes(8 * count), dtype=np.uint64)
    uniform = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    drawn = np.searchsorted(cumulative, uniform * cumulative[-1], side="right")
    return np.asarray(np.minimum(drawn, len(cumulative) - 1), dtype=np.int64)


def _physical(patterns: npt.NDArray[np.int64], sender_bits: Bits) -> Masks:
    """Which detectors fired, from the pattern relative to the sender's bit."""
    right = (np.uint8(1) << sender_bits).astype(np.uint8)
    return np.select([patterns == 1, patterns == 2], [right, 3 - right], 3).astype(np.uint8)
