"""Codes and decoders side by side: the same noise, the same measure, each with what it costs.

The measure is the error of one logical qubit in one round (`Rate.per_round`), from shots of as many
rounds as the code's distance, in one basis. A shot of several logical qubits fails when any of them
does. Qubits include those that measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.codes.bicycle import GROSS, SMALL, bicycle_memory
from bridge.quantum.codes.colour import colour_memory
from bridge.quantum.codes.confidence import Rate
from bridge.quantum.codes.counting import Count, count_failures
from bridge.quantum.codes.decoders import compile_decoder
from bridge.quantum.codes.experiment import MemoryExperiment
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surface import surface_memory


@dataclass(frozen=True, slots=True)
class Contender:
    """A row before it is run; ``cost_us`` is about what decoding a shot takes."""

    code: str
    decoder: str
    make: Callable[[CircuitNoise], MemoryExperiment]
    cost_us: float


def _surface(distance: int) -> Callable[[CircuitNoise], MemoryExperiment]:
    return lambda noise: surface_memory(distance, distance, noise)


def _colour(distance: int) -> Callable[[CircuitNoise], MemoryExperiment]:
    return lambda noise: colour_memory(distance, distance, noise)


CONTENDERS = (
    Contender("surface d=5", "none", _surface(5), 0.1),
    Contender("surface d=5", "matching", _surface(5), 3),
    Contender("surface d=5", "correlated", _surface(5), 8),
    Contender("surface d=5", "belief-matching", _surface(5), 2_500),
    Contender("surface d=5", "bp-osd", _surface(5), 5_000),
    Contender("surface d=9", "matching", _surface(9), 20),
    Contender("surface d=9", "correlated", _surface(9), 60),
    Contender("surface d=13", "matching", _surface(13), 60),
    Contender("surface d=13", "correlated", _surface(13), 200),
    Contender("colour d=5", "mobius", _colour(5), 15),
    Contender("colour d=9", "mobius", _colour(9), 80),
    Contender("bicycle [[72,12,6]]", "bp-osd", lambda n: bicycle_memory(SMALL, 6, n), 5_000),
    Contender("bicycle [[144,12,12]]", "bp-osd", lambda n: bicycle_memory(GROSS, 12, n), 60_000),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """A row: what was run, what was counted, and the measure."""

    contender: Contender
    experiment: MemoryExperiment
    count: Count
    per_round: Rate

    @property
    def qubits_each(self) -> float:
        """Qubits for each logical qubit."""
        return self.experiment.qubits / self.experiment.logical_qubits

    @property
    def decode_us(self) -> float:
        """Decoding a shot in a batch."""
        return 1e6 * self.count.seconds / self.count.shots


def compare(
    contender: Contender,
    noise: CircuitNoise,
    seconds: float,
    seed: int,
    step: Callable[[int], None] = lambda shots: None,
) -> Compared:
    """``contender`` under ``noise``, with about as many shots as are decoded in ``seconds``."""
    if not 0.0 < seconds < float("inf"):
        raise InputError(f"seconds: expected above 0, got {seconds}")
    experiment = contender.make(noise)
    decoder = compile_decoder(contender.decoder, experiment.circuit)
    shots = max(10, min(2_000_000, round(1e6 * seconds / contender.cost_us)))
    batch = max(1, min(1 << 14, round(1e6 / contender.cost_us)))
    count = count_failures(experiment, decoder, shots, seed, step, batch)
    rate = count.rate().per_round(experiment.rounds, experiment.logical_qubits)
    return Compared(contender, experiment, count, rate)
