"""Surface code memories over noise and distance: where the curves cross, and Lambda."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bridge.domain.errors import InputError
from bridge.quantum.codes.confidence import Rate
from bridge.quantum.codes.counting import count_failures
from bridge.quantum.codes.decoders import compile_decoder
from bridge.quantum.codes.experiment import check_memory
from bridge.quantum.codes.memory_rates import measured_memory
from bridge.quantum.codes.noise import CircuitNoise, checked_probability
from bridge.quantum.codes.surface import surface_memory
from bridge.quantum.codes.threshold import Suppression, crossing, suppression

DISTANCES = (3, 5, 7)
NOISE = (0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009, 0.01, 0.012, 0.014)
SHOTS = 20_000
RARE_BELOW = 0.0025
"""Noise below which plain matching is measured by strata, with `RARE_SHOTS` times the shots."""
RARE_SHOTS = 10

GOOGLE = {
    "who": "Google Quantum AI 2024, Nature 638, 920 (arXiv 2408.13687)",
    "lambda": 2.14,
    "distance": 7,
    "per_round": 0.00143,
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """``rates[d][i]`` is the error a round at distance d under ``noise[i]``."""

    decoder: str
    noise: tuple[float, ...]
    rates: dict[int, tuple[Rate, ...]]

    def suppressions(self) -> list[Suppression | None]:
        """Lambda at each noise; None where fewer than two distances had a failure."""
        found: list[Suppression | None] = []
        for at in range(len(self.noise)):
            seen = {d: rates[at] for d, rates in self.rates.items() if rates[at].value > 0.0}
            found.append(suppression(seen) if len(seen) > 1 else None)
        return found

    def crossings(self) -> dict[tuple[int, int], float | None]:
        """The noise at which each distance and the next are as good as each other."""
        values = {d: [rate.value for rate in rates] for d, rates in self.rates.items()}
        return {
            (small, large): crossing(self.noise, values[small], values[large])
            for small, large in pairwise(sorted(values))
        }


def study_threshold(
    distances: Sequence[int],
    noise: Sequence[float],
    shots: int,
    decoder: str,
    seed: int,
    step: Callable[[str], None],
) -> Threshold:
    """All points, ``shots`` each; ``step`` is told after each."""
    distances, noise = sorted(set(distances)), sorted(set(noise))
    if len(distances) < 2 or len(noise) < 2:
        raise InputError(
            f"threshold: expected two distances and two noises at least, got {len(distances)} "
            f"and {len(noise)}"
        )
    for distance in distances:
        check_memory(distance, distance)
    for p in noise:
        if checked_probability("noise", p) == 0.0:
            raise InputError("noise: expected above 0 in a study of thresholds, got 0")
    rates: dict[int, tuple[Rate, ...]] = {}
    for distance in distances:
        row = []
        for p in noise:
            row.append(_rate(distance, p, shots, decoder, seed).per_round(distance))
            step(f"distance {distance}, noise {p:.2%}")
        rates[distance] = tuple(row)
    return Threshold(decoder, tuple(noise), rates)


def _rate(distance: int, p: float, shots: int, decoder: str, seed: int) -> Rate:
    uniform = CircuitNoise.uniform(p)
    if decoder == "matching" and p < RARE_BELOW:
        return measured_memory(distance, uniform, max(RARE_SHOTS * shots, 2_000), seed).rate()
    memory = surface_memory(distance, distance, uniform)
    compiled = compile_decoder(decoder, memory.circuit)
    return count_failures(memory, compiled, shots, seed).rate()
