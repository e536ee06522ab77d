"""Distances and logical error rates of circuits with several observables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.codes.confidence import both_bounds
from bridge.quantum.codes.libraries import require

if TYPE_CHECKING:
    import pymatching
    import stim
else:
    stim, pymatching = require("stim"), require("pymatching")

BATCH = 4096
"""Shots that are sampled and decoded at a time."""


def graphlike_distances(circuit: stim.Circuit) -> tuple[int, ...]:
    """For each observable, how few errors with at most two detectors flip it and are not seen.

    `InputError` for a circuit without noise or in which an observable cannot fail.
    """
    if circuit.num_observables == 0:
        raise InputError("circuit: expected observables, got 0")
    result = []
    for index in range(circuit.num_observables):
        try:
            errors = only_observable(circuit, index).shortest_graphlike_error(
                ignore_ungraphlike_errors=True
            )
        except ValueError as error:
            raise InputError(
                f"circuit: expected an error that flips observable {index} unseen, found none: "
                f"{str(error).splitlines()[0]}"
            ) from None
        result.append(len(errors))
    return tuple(result)


def only_observable(circuit: stim.Circuit, index: int) -> stim.Circuit:
    """``circuit`` with observable ``index`` alone, which is then number 0."""
    result = stim.Circuit()
    flat = circuit.flattened()
    for at in range(len(flat)):
        operation = flat[at]
        if isinstance(operation, stim.CircuitRepeatBlock) or operation.name != "OBSERVABLE_INCLUDE":
            result.append(operation)
        elif operation.gate_args_copy() == [index]:
            result.append(operation.name, operation.targets_copy(), 0)
    return result


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """Shots of an experiment, and how many a decoder got wrong: in anything, in each observable."""

    shots: int
    errors: int
    observables: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.shots:
            raise InputError(f"errors: expected 0 to {self.shots}, got {self.errors}")

    def __add__(self, other: ErrorCount) -> ErrorCount:
        if self.shots == 0 or other.shots == 0:
            return other if self.shots == 0 else self
        pairs = zip(self.observables, other.observables, strict=True)
        return ErrorCount(
            self.shots + other.shots, self.errors + other.errors, tuple(a + b for a, b in pairs)
        )

    @property
    def rate(self) -> float:
        """Errors a shot."""
        return self.errors / self.shots if self.shots else 0.0

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Clopper and Pearson's bounds on the probability of an error a shot."""
        return both_bounds(self.errors, self.shots, confidence)


def count_errors(
    circuit: stim.Circuit,
    shots: int,
    seed: int | None = None,
    most_errors: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> ErrorCount:
    """``circuit`` sampled and decoded by minimum-weight perfect matching.

    Ends after ``shots``, or with the batch in which ``most_errors`` are reached. ``progress`` is
    told the shots of each batch.
    """
    if isinstance(shots, bool) or not isinstance(shots, int) or shots < 1:
        raise InputError(f"shots: expected at least 1, got {shots!r}")
    if most_errors is not None and most_errors < 1:
        raise InputError(f"errors: expected at least 1, got {most_errors!r}")
    if circuit.num_detectors == 0 or circuit.num_observables == 0:
        raise InputError(
            f"circuit: expected detectors and observables, got {circuit.num_detectors} and "
            f"{circuit.num_observables}"
        )
    matching = pymatching.Matching.from_detector_error_model(
        circuit.detector_error_model(decompose_errors=True)
    )
    sampler = circuit.compile_detector_sampler(seed=seed)
    total = ErrorCount(0, 0)
    while total.shots < shots and (most_errors is None or total.errors < most_errors):
        batch = min(BATCH, shots - total.shots)
        events, flips = sampler.sample(batch, separate_observables=True, bit_packed=True)
        predicted = matching.decode_batch(
            events, bit_packed_shots=True, bit_packed_predictions=True
        )
        wrong = np.unpackbits(
            predicted ^ flips, axis=1, count=circuit.num_observables, bitorder="little"
        )
        counts = tuple(int(one) for one in wrong.sum(axis=0))
        total += ErrorCount(batch, int(wrong.any(axis=1).sum()), counts)
        progress(batch)
    return total
