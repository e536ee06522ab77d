"""Decoding while a memory runs: a window slides over its rounds, and commits to what lies behind.

A window holds ``commit`` + ``buffer`` layers of detection events, decodes them all, and keeps only
the faults that begin in its first ``commit`` layers. Those may reach into the layer after: the
events that they explain there are turned over before the next window sees them. At its far end a
window is open, since later rounds may explain what it sees (Dennis, Kitaev, Landahl and Preskill
2002, arXiv quant-ph/0110143, overlapping recovery).

To the decoder a window is a detector error model like another. Its observables are the flips of the
committed faults, and one more for each event that they turn over in the next layer. So any matching
decoder of the table can do it, for many patches at once. Every window but the first and the last is
the same model, and the memory may go on for as long as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.decoders import Decoder, decoder_kind
from bridge.quantum.codes.experiment import MemoryExperiment, Packed
from bridge.quantum.codes.fault_model import Symptom, decomposed_errors
from bridge.quantum.codes.libraries import require
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surface import RotatedSurface, surface_memory

if TYPE_CHECKING:
    import stim
else:
    stim = require("stim")

Layers = npt.NDArray[np.uint8]
"""Bits of shape (patches, layers, stabilizers), stabilizers in the order of `RotatedSurface`. The
first layer and the last compare with the data qubits: there the other basis has no events."""

ROUNDS = 6
"""Of the memory that faults are read from: two rounds at either end are special, two are not."""
HEAD, BULK, TAIL = 2, 2, ROUNDS - 1

Error = tuple[float, tuple[Symptom, ...]]
"""A probability, and the parts of a fault; a detector is layer * stabilizers + its stabilizer."""


@dataclass(frozen=True, slots=True)
class WindowShape:
    """``layers``, of which the first ``commit`` are kept, and which ends are a memory's own."""

    layers: int
    commit: int
    first: bool
    last: bool


class WindowedDecoder:
    """Decodes the rotated surface code in windows; one for all memories of this noise and basis."""

    def __init__(
        self,
        distance: int,
        noise: CircuitNoise,
        basis: Basis = Basis.Z,
        *,
        commit: int | None = None,
        buffer: int | None = None,
        decoder: str = "matching",
    ) -> None:
        kind = decoder_kind(decoder)
        if not kind.decomposed:
            raise InputError(f"decoder: expected one that matches edges, got {decoder!r}")
        self.commit = distance if commit is None else commit
        self.buffer = distance if buffer is None else buffer
        if self.commit < HEAD or self.buffer < HEAD:
            raise InputError(
                f"window: expected to commit and to buffer at least {HEAD} layers, got "
                f"{self.commit} and {self.buffer}"
            )
        self.basis = basis
        self.patch = RotatedSurface.of(distance)
        self._kind = kind
        self._noise = noise
        self._windows: dict[WindowShape, Decoder] = {}

    @property
    def stabilizers(self) -> int:
        """Events of a layer."""
        return len(self.patch.stabilizers)

    def stream(self, patches: int = 1) -> WindowStream:
        """The decoding of ``patches`` memories that begin together."""
        if patches < 1:
            raise InputError(f"patches: expected at least 1, got {patches}")
        return WindowStream(self, patches)

    def decode_batch(self, detection_events: Packed, rounds: int) -> Packed:
        """As a decoder of the whole memory of ``rounds`` rounds: packed events in, flips out."""
        stream = self.stream(max(len(detection_events), 1))
        layers = self.layered(detection_events, rounds)
        for at in range(rounds):
            stream.push(layers[:, at])
        return stream.finish(layers[:, rounds])

    def layered(self, detection_events: Packed, rounds: int) -> Layers:
        """The packed events of `surface_memory`, layer by layer, ``rounds`` + 1 of them."""
        own = [at for at, (_, kind) in enumerate(self.patch.stabilizers) if kind is self.basis]
        count = 2 * len(own) + (rounds - 1) * self.stabilizers
        if detection_events.ndim != 2 or detection_events.shape[1] != -(-count // 8):
            raise InputError(
                f"detection events: expected {-(-count // 8)} bytes a shot for {rounds} rounds, "
                f"got shape {detection_events.shape}"
            )
        bits = np.unpackbits(detection_events, axis=1, count=count, bitorder="little")
        layers = np.zeros((len(bits), rounds + 1, self.stabilizers), dtype=np.uint8)
        layers[:, 0, own] = bits[:, : len(own)]
        layers[:, rounds, own] = bits[:, count - len(own) :]
        middle = bits[:, len(own) : count - len(own)]
        layers[:, 1:rounds] = middle.reshape(len(bits), rounds - 1, self.stabilizers)
        return layers

    def window(self, shape: WindowShape) -> Decoder:
        """The decoder of a window: layer-major events; flips, then what to turn over after."""
        if shape not in self._windows:
            self._windows[shape] = self._kind.compile(self._model(shape))
        return self._windows[shape]

    def _model(self, shape: WindowShape) -> stim.DetectorErrorModel:
        model = stim.DetectorErrorModel()
        for error in self._errors_of(shape):
            probability, parts = error
            targets: list[object] = []
            for detectors, flips in parts:
                seen = self._targets(shape, detectors, flips)
                if seen:
                    targets += [stim.target_separator(), *seen] if targets else seen
            if targets:
                model.append("error", probability, targets)
        events = shape.layers * self.stabilizers
        model.append("detector", [], [stim.target_relative_detector_id(events - 1)])
        model.append(
            "logical_observable", [], [stim.target_logical_observable_id(self.stabilizers)]
        )
        return model

    def _errors_of(self, shape: WindowShape) -> Iterator[Error]:
        """The faults that touch the window, by its own layers."""
        for begin in range(0 if shape.first else -1, shape.layers):
            if shape.first and begin < HEAD:
                source = begin
            elif shape.last and begin >= shape.layers - 2:
                source = TAIL + begin - (shape.layers - 2)
            else:
                source = BULK
            shift = (begin - source) * self.stabilizers
            for probability, parts in self._by_layer[source]:
                moved = ((tuple(one + shift for one in some), flips) for some, flips in parts)
                yield probability, tuple(moved)

    def _targets(
        self, shape: WindowShape, detectors: tuple[int, ...], flips: tuple[int, ...]
    ) -> list[object]:
        """A part of a fault as the window sees it; nothing when it begins outside."""
        begin = min(detectors) // self.stabilizers
        if not 0 <= begin < shape.layers:
            return []
        targets: list[object] = [
            stim.target_relative_detector_id(one)
            for one in detectors
            if one < shape.layers * self.stabilizers
        ]
        if begin < shape.commit:
            edge = shape.commit * self.stabilizers
            numbers = [*flips, *(1 + one - edge for one in detectors if one >= edge)]
            targets += [stim.target_logical_observable_id(one) for one in numbers]
        return targets

    @cached_property
    def _by_layer(self) -> list[list[Error]]:
        """The faults of a memory of `ROUNDS` rounds, by the layer that they begin in."""
        memory = surface_memory(self.patch.distance, ROUNDS, self._noise, self.basis)
        place = {place: at for at, (place, _) in enumerate(self.patch.stabilizers)}
        own = [at for at, (_, kind) in enumerate(self.patch.stabilizers) if kind is self.basis]
        order = [
            layer * self.stabilizers + at
            for layer in range(ROUNDS + 1)
            for at in (own if layer in (0, ROUNDS) else range(len(place)))
        ]
        found: list[list[Error]] = [[] for _ in range(ROUNDS + 1)]
        for probability, parts in decomposed_errors(self._kind.model_of(memory.circuit)):
            moved = tuple((tuple(sorted(order[d] for d in some)), flips) for some, flips in parts)
            begin = min(d for some, _ in moved for d in some) // self.stabilizers
            found[begin].append((probability, moved))
        return found


class WindowStream:
    """Memories under way: `push` a layer of events after each round, `finish` with the last."""

    def __init__(self, decoder: WindowedDecoder, patches: int) -> None:
        self._decoder = decoder
        self._waiting = np.zeros((patches, 0, decoder.stabilizers), dtype=np.uint8)
        self._flips = np.zeros((patches, 1), dtype=np.uint8)
        self._first = True
        self.rounds = 0

    def push(self, layer: npt.NDArray[np.uint8]) -> None:
        """The events of one round: bits of shape (patches, stabilizers)."""
        self._append(layer)
        self.rounds += 1
        decoder = self._decoder
        if self._waiting.shape[1] == decoder.commit + decoder.buffer:
            self._decode(decoder.commit, last=False)

    def finish(self, layer: npt.NDArray[np.uint8]) -> Packed:
        """With the layer of the data qubits' measurement: the observable's flips, packed."""
        if self.rounds < HEAD + 1:
            raise InputError(f"rounds: expected at least {HEAD + 1} in a stream, got {self.rounds}")
        self._append(layer)
        self._decode(self._waiting.shape[1], last=True)
        return self._flips

    def _append(self, layer: npt.NDArray[np.uint8]) -> None:
        expected = self._waiting[:, 0:1].shape[0], self._decoder.stabilizers
        if layer.shape != expected or layer.dtype != np.uint8:
            raise InputError(
                f"layer: expected uint8 of shape {expected}, got {layer.dtype} of shape "
                f"{layer.shape}"
            )
        self._waiting = np.concatenate([self._waiting, layer[:, None]], axis=1)

    def _decode(self, commit: int, *, last: bool) -> None:
        layers = self._waiting.shape[1]
        window = self._decoder.window(WindowShape(layers, commit, self._first, last))
        events = self._waiting.reshape(len(self._waiting), -1)
        answers = window.decode_batch(np.packbits(events, axis=1, bitorder="little"))
        self._flips ^= answers[:, :1] & np.uint8(1)
        self._waiting = self._waiting[:, commit:].copy()
        self._first = False
        if not last:
            count = 1 + self._decoder.stabilizers
            bits = np.unpackbits(answers, axis=1, count=count, bitorder="little")
            self._waiting[:, 0] ^= bits[:, 1:]


class WindowedMemory(Decoder):
    """Windows behind the interface of the table, for one memory of the surface code."""

    def __init__(
        self,
        experiment: MemoryExperiment,
        *,
        commit: int | None = None,
        buffer: int | None = None,
        decoder: str = "matching",
    ) -> None:
        if experiment.code != "surface":
            raise InputError(
                f"windows: expected a memory of the surface code, got {experiment.code}"
            )
        super().__init__(experiment.circuit.detector_error_model())
        self._rounds = experiment.rounds
        self._windows = WindowedDecoder(
            experiment.distance,
            experiment.noise,
            experiment.basis,
            commit=commit,
            buffer=buffer,
            decoder=decoder,
        )

    def _decode(self, detection_events: Packed) -> Packed:
        if len(detection_events) == 0:
            return np.zeros((0, 1), dtype=np.uint8)
        return self._windows.decode_batch(detection_events, self._rounds)
