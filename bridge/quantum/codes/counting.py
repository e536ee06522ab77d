"""Plain Monte Carlo: shots drawn from the circuit, decoded, and counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.codes.confidence import CONFIDENCE, Rate, check_counts
from bridge.quantum.codes.decoders import Decoder
from bridge.quantum.codes.experiment import MemoryExperiment

BATCH = 1 << 14


@dataclass(frozen=True, slots=True)
class Count:
    """``failures`` in ``shots`` of an experiment, and the ``seconds`` that decoding took."""

    shots: int
    failures: int
    seconds: float

    def __post_init__(self) -> None:
        check_counts(self.failures, self.shots)

    def rate(self, confidence: float = CONFIDENCE) -> Rate:
        """The rate per shot; a shot fails when any observable is mistaken."""
        return Rate.counted(self.failures, self.shots, confidence)


def count_failures(
    experiment: MemoryExperiment,
    decoder: Decoder,
    shots: int,
    seed: int,
    step: Callable[[int], None] = lambda shots: None,
    batch: int = BATCH,
) -> Count:
    """``shots`` shots of ``experiment``, counted; ``step`` is told of those that are done."""
    if shots < 1 or batch < 1:
        raise InputError(f"shots, batch: expected at least 1 each, got {shots} and {batch}")
    sampler = experiment.circuit.compile_detector_sampler(seed=seed)
    failures, seconds = 0, 0.0
    for start in range(0, shots, batch):
        size = min(batch, shots - start)
        events, flips = sampler.sample(size, separate_observables=True, bit_packed=True)
        before = time.perf_counter()
        answers = decoder.decode_batch(events)
        seconds += time.perf_counter() - before
        failures += int(np.any(answers != flips, axis=1).sum())
        step(size)
    return Count(shots, failures, seconds)
