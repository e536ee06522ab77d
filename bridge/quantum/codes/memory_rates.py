"""Measured error rates of surface code memories of as many rounds as their distance."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bridge.quantum.basis import Basis
from bridge.quantum.codes.confidence import Rate
from bridge.quantum.codes.decoders import decoder_kind
from bridge.quantum.codes.fault_model import FaultModel
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.stratified import StratifiedRate, stratified_rate
from bridge.quantum.codes.surface import surface_memory

METHOD = (
    "strata by fault weight on the exact detector error model, conditional Bernoulli draws, "
    "Chernoff's upper bound"
)


def measured_memory(
    distance: int,
    noise: CircuitNoise,
    shots: int,
    seed: int,
    step: Callable[[int], None] = lambda shots: None,
    basis: Basis = Basis.Z,
) -> StratifiedRate:
    """Plain matching on ``distance`` rounds, by strata, from about ``shots`` shots."""
    kind = decoder_kind("matching")
    model = kind.model_of(surface_memory(distance, distance, noise, basis).circuit)
    faults = FaultModel.seen_by_matching(model)
    assert all(len(detectors) <= 2 for detectors, _ in faults.symptoms), "a fault is no edge"
    return stratified_rate(faults, kind.compile(faults.to_stim()), shots, seed, step)


def measured_rounds(
    distances: Iterable[int],
    noise: CircuitNoise,
    shots: Callable[[int], int],
    seed: int,
    step: Callable[[int], None] = lambda shots: None,
) -> dict[int, Rate]:
    """The error a round at each distance, from ``shots(distance)`` shots."""
    return {
        distance: measured_memory(distance, noise, shots(distance), seed, step)
        .rate()
        .per_round(distance)
        for distance in distances
    }
