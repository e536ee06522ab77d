"""The light between the two ends, simulated: what the sender emits and what the receiver detects.

This is nature's part, and no part of the protocol. Each end holds a `Medium` under one seed, and
uses one side of it: the sender `emit`, the receiver `detect`. The receiver's side computes the
sender's pulses again, as real light would carry them there, and gives out nothing but what the
detectors show. Whoever has the seed has both ends, which is why the key is as secret as the
machine that runs this, and no more.

Modelled: single photons in the four BB84 states, loss, a misalignment that flips a bit in its own
basis, two threshold detectors with dark counts, double clicks given a random bit. The distribution
is that of `bridge.quantum.link`, which does the same pulse by pulse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.kernels import noise
from bridge.quantum.kernels.optics import deliver, resolve_dark_counts
from bridge.quantum.kernels.streams import compact_pair
from bridge.quantum.link.randomness import Keystream, Words

PULSES_A_WORD = 64


@dataclass(frozen=True, slots=True)
class Light:
    """``click`` is the probability that a pulse is seen: transmittance times efficiency."""

    click: float
    misalignment: float
    dark_count_probability: float = 0.0

    def __post_init__(self) -> None:
        limits = (("click", 1.0), ("misalignment", 0.5), ("dark_count_probability", 0.5))
        for name, most in limits:
            value = getattr(self, name)
            if not 0.0 <= value <= most or (name == "click" and value == 0.0):
                raise InputError(f"light: expected {name} of 0 to {most:g}, got {value}")


@dataclass(frozen=True, slots=True, eq=False)
class Emission:
    """The sender's bits and bases, packed, one for each pulse."""

    bits: Words
    bases: Words

    def __repr__(self) -> str:
        return f"Emission({PULSES_A_WORD * len(self.bits)} pulses, redacted)"


@dataclass(frozen=True, slots=True, eq=False)
class Clicks:
    """Which pulses were seen, packed, and the bits of those that were, one after the other."""

    seen: Words
    bits: Words
    bases: Words
    count: int

    def __repr__(self) -> str:
        return f"Clicks({self.count} of {PULSES_A_WORD * len(self.seen)} pulses, redacted)"


class Medium:
    """One side's access to the light. Results are views of buffers that the next call reuses."""

    def __init__(self, light: Light, seed: bytes) -> None:
        self.light = light
        self._emitted = Keystream(seed, 0)
        self._nature = Keystream(seed, 1)
        self._buffers: dict[str, Words] = {}
        self._distances: dict[float, noise.Distances] = {}

    def emit(self, words: int) -> Emission:
        """The next 64 pulses for each of ``words``: uniform bits and bases."""
        bits, bases = self._buffer("bits", words), self._buffer("bases", words)
        self._emitted.fill(bits)
        self._emitted.fill(bases)
        return Emission(bits, bases)

    def detect(self, bases: Words) -> Clicks:
        """What the detectors show of the next pulses, measured in ``bases``."""
        words = len(bases)
        sent = self.emit(words)
        seen = self._events("seen", self.light.click, words)
        chance = self._fresh("chance", words)
        bits = self._buffer("outcome", words)
        deliver(sent.bits, sent.bases, bases, chance, bits)
        if self.light.dark_count_probability > 0.0:
            for detector in (0, 1):
                self._dark(detector, seen, bits)
        kept, kept_bases = self._buffer("kept", words + 1), self._buffer("kept_bases", words + 1)
        count = compact_pair(bits, bases, seen, kept, kept_bases)
        filled = -(-count // 64)
        kept, kept_bases = kept[:filled], kept_bases[:filled]
        errors = self._buffer("errors", filled)
        errors[:] = 0
        self._skip(self.light.misalignment, count, errors)
        np.bitwise_xor(kept, errors, out=kept)
        return Clicks(seen, kept, kept_bases, count)

    def _events(self, name: str, probability: float, words: int) -> Words:
        """Independent events of one probability, one place for each pulse."""
        digits, levels, rest = noise.dense_part(probability)
        events = self._buffer(name, words)
        if levels == 1:
            self._nature.fill(events)
        elif levels:
            noise.combine(self._fresh("digits", levels * words), digits, levels, events)
        else:
            events[:] = np.uint64(0xFFFF_FFFF_FFFF_FFFF if digits else 0)
        self._skip(rest, PULSES_A_WORD * words, events)
        return events

    def _skip(self, probability: float, count: int, out: Words) -> None:
        if probability <= 0.0 or count == 0:
            return
        table = self._distances.get(probability)
        if table is None:
            table = self._distances[probability] = noise.distances(probability)
        fresh = self._fresh("skips", noise.words_for(probability, count))
        used = noise.skip(fresh, math.log1p(-probability), table, count, out)
        assert used > 0, "more events than ten deviations above their mean"

    def _dark(self, detector: int, seen: Words, bits: Words) -> None:
        probability, count = self.light.dark_count_probability, PULSES_A_WORD * len(seen)
        most = noise.words_for(probability, count)
        places = np.empty(most, dtype=np.int64)
        fresh = self._fresh("dark", most)
        found = noise.list_events(fresh, math.log1p(-probability), count, places)
        assert found >= 0, "more events than ten deviations above their mean"
        toss = self._fresh("toss", max(found, 1))
        resolve_dark_counts(places, found, detector, toss, seen, bits)

    def _fresh(self, name: str, words: int) -> Words:
        buffer = self._buffer(name, words)
        self._nature.fill(buffer)
        return buffer

    def _buffer(self, name: str, words: int) -> Words:
        held = self._buffers.get(name)
        if held is None or len(held) < words:
            held = np.empty(words, dtype=np.uint64)
            self._buffers[name] = held
        return held[:words]
