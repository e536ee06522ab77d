"""What the tests give to workers, importable by them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge.domain.errors import ConfigError, InputError
from bridge.quantum.montecarlo.failures import Failures


@dataclass(frozen=True)
class Coin:
    """A biased coin; ``note`` is a folder where each chunk leaves its process's number."""

    p: float
    note: Path | None = None

    def sample(self, shots: int, seed: int) -> Failures:
        if self.note is not None:
            (self.note / f"{seed}").write_text(str(os.getpid()))
        return Failures(shots, int(np.random.default_rng(seed).binomial(shots, self.p)))


@dataclass(frozen=True)
class SurfaceMemory:
    """A surface code's memory, decoded by matching: stim and PyMatching in the worker."""

    distance: int
    p: float

    def sample(self, shots: int, seed: int) -> Failures:
        import pymatching
        import stim

        circuit = stim.Circuit.generated(
            "surface_code:rotated_memory_z",
            distance=self.distance,
            rounds=self.distance,
            after_clifford_depolarization=self.p,
            before_measure_flip_probability=self.p,
        )
        matching = pymatching.Matching(circuit.detector_error_model(decompose_errors=True))
        events, flips = circuit.compile_detector_sampler(seed=seed).sample(
            shots, separate_observables=True
        )
        wrong = matching.decode_batch(events) != flips
        return Failures(shots, int(wrong.any(axis=1).sum()))


class Odd(Exception):
    """An exception that pickle cannot make again."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right}")


@dataclass(frozen=True)
class Raising:
    """Raises in every chunk after ``after`` shots of the first."""

    kind: str

    def sample(self, shots: int, seed: int) -> Failures:
        if self.kind == "input":
            raise InputError("coin: expected two sides, got 3")
        if self.kind == "timeout":
            raise TimeoutError("the task's own")
        if self.kind == "short":
            return Failures(shots - 1, 0)
        if self.kind == "odd":
            raise Odd("one", "two")
        if self.kind == "config":
            raise ConfigError("coin.json", ["sides: expected 2, got 3"])
        raise ZeroDivisionError("a side of no area")


@dataclass(frozen=True)
class Killed:
    """Ends its own process by SIGKILL, as the system does to one that takes too much memory."""

    def sample(self, shots: int, seed: int) -> Failures:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


@dataclass(frozen=True)
class Slow:
    """Takes ``seconds`` for a chunk and says in ``note`` which process does."""

    seconds: float
    note: Path

    def sample(self, shots: int, seed: int) -> Failures:
        (self.note / f"{os.getpid()}").touch()
        time.sleep(self.seconds)
        return Failures(shots, 0)
