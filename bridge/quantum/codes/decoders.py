"""The decoders, in a table: each is made for a detector error model, and all have one interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.codes.experiment import Packed, check_circuit
from bridge.quantum.codes.libraries import require

if TYPE_CHECKING:
    import stim
else:
    stim = require("stim")


class Decoder(ABC):
    """Tells from detection events which observables the faults behind them flipped.

    Events and flips are packed bits, uint8: bit k is bit k % 8, lowest first, of byte k // 8, as
    `MemoryExperiment.sample` gives them.
    """

    def __init__(self, model: stim.DetectorErrorModel) -> None:
        self.detectors = model.num_detectors
        self.observables = model.num_observables
        if self.detectors == 0 or self.observables == 0:
            raise InputError(
                "decoder: expected a model with detectors and observables, got "
                f"{self.detectors} and {self.observables}"
            )
        self._event_bytes = -(-self.detectors // 8)
        self._flip_bytes = -(-self.observables // 8)

    def decode_batch(self, detection_events: Packed) -> Packed:
        """The flips of each row of ``detection_events``, in rows of their own."""
        if (
            detection_events.ndim != 2
            or detection_events.shape[1] != self._event_bytes
            or detection_events.dtype != np.uint8
        ):
            raise InputError(
                f"detection events: expected uint8 of shape (shots, {self._event_bytes}) for "
                f"{self.detectors} detectors, got {detection_events.dtype} of shape "
                f"{detection_events.shape}"
            )
        return self._decode(detection_events)

    def correct(self, detection_events: Packed) -> Packed:
        """The flips of one shot, whose events are one row; this is what latency is measured of."""
        if (
            detection_events.ndim != 1
            or detection_events.shape[0] != self._event_bytes
            or detection_events.dtype != np.uint8
        ):
            raise InputError(
                f"detection events: expected uint8 of shape ({self._event_bytes},) for "
                f"{self.detectors} detectors, got {detection_events.dtype} of shape "
                f"{detection_events.shape}"
            )
        flips: Packed = self._decode(detection_events[None])[0]
        return flips

    @abstractmethod
    def _decode(self, detection_events: Packed) -> Packed:
        """`decode_batch` of events whose shape is right."""


class NoDecoder(Decoder):
    """Says that nothing was flipped: what the others have to be better than."""

    def _decode(self, detection_events: Packed) -> Packed:
        return np.zeros((len(detection_events), self._flip_bytes), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class DecoderKind:
    """A row of the table: ``build`` makes the decoder of a model, ``decomposed`` into edges or not.

    ``build`` is ``module:class``, so that a library is imported when its decoder is asked for.
    """

    name: str
    words: str
    build: str
    decomposed: bool

    def compile(self, model: stim.DetectorErrorModel) -> Decoder:
        """The decoder of ``model``."""
        module, name = self.build.split(":")
        made: Callable[[stim.DetectorErrorModel], Decoder] = getattr(import_module(module), name)
        return made(model)

    def model_of(self, circuit: stim.Circuit) -> stim.DetectorErrorModel:
        """The detector error model of ``circuit`` as this decoder wants it."""
        check_circuit(circuit)
        return circuit.detector_error_model(decompose_errors=self.decomposed)


_HERE = "bridge.quantum.codes"
DECODERS = {
    kind.name: kind
    for kind in (
        DecoderKind("none", "does nothing: the baseline", f"{_HERE}.decoders:NoDecoder", False),
        DecoderKind(
            "matching",
            "minimum-weight perfect matching, PyMatching (arXiv 2303.15933)",
            f"{_HERE}.matching:MatchingDecoder",
            True,
        ),
        DecoderKind(
            "correlated",
            "matching in two passes, the second reweighted by the first (arXiv 1310.0863)",
            f"{_HERE}.matching:CorrelatedMatchingDecoder",
            True,
        ),
        DecoderKind(
            "belief-matching",
            "belief propagation, then matching with its weights (arXiv 2203.04948)",
            f"{_HERE}.matching:BeliefMatchingDecoder",
            True,
        ),
        DecoderKind(
            "bp-osd",
            "belief propagation with ordered statistics, ldpc (arXiv 2005.07016)",
            f"{_HERE}.bposd:BpOsdDecoder",
            False,
        ),
        DecoderKind(
            "mobius",
            "matching for colour codes, Chromobius (arXiv 2312.08813)",
            f"{_HERE}.mobius:MobiusDecoder",
            False,
        ),
    )
}
"""The decoders by name."""


def decoder_kind(name: str) -> DecoderKind:
    """The row of ``name``; `InputError` that lists the names when there is none."""
    if name not in DECODERS:
        raise InputError(f"decoder: expected one of {', '.join(DECODERS)}, got {name!r}")
    return DECODERS[name]


def compile_decoder(name: str, circuit: stim.Circuit) -> Decoder:
    """The decoder ``name`` for ``circuit``; `InputError` for a circuit without detectors.

    >>> from bridge.quantum.codes.noise import CircuitNoise
    >>> from bridge.quantum.codes.surface import surface_memory
    >>> memory = surface_memory(5, 5, CircuitNoise.uniform(0.001))
    >>> decoder = compile_decoder("matching", memory.circuit)
    >>> events, flips = memory.sample(1000, seed=1)
    >>> int((decoder.decode_batch(events) != flips).sum()) <= 3
    True
    >>> decoder.correct(events[0]).shape
    (1,)
    """
    kind = decoder_kind(name)
    return kind.compile(kind.model_of(circuit))
