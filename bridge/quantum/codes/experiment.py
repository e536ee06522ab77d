"""A memory experiment: a logical state is made, kept for some rounds, and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.libraries import require
from bridge.quantum.codes.noise import CircuitNoise

if TYPE_CHECKING:
    import stim
else:
    stim = require("stim")

Packed = npt.NDArray[np.uint8]
"""Bits of shots: row i is shot i, bit k of it is bit k % 8 (lowest first) of byte k // 8."""


@dataclass(frozen=True, slots=True, eq=False)
class MemoryExperiment:
    """``circuit`` keeps ``logical_qubits`` of ``code`` for ``rounds`` rounds, under ``noise``.

    Its detectors are syndrome bits compared; observable k is the logical operator of qubit k in
    ``basis``, and a shot fails when a decoder mistakes one of them. ``qubits`` counts data qubits
    and the ones that measure.
    """

    code: str
    distance: int
    rounds: int
    basis: Basis
    logical_qubits: int
    data_qubits: int
    qubits: int
    noise: CircuitNoise
    circuit: stim.Circuit

    def __post_init__(self) -> None:
        check_circuit(self.circuit)
        if self.circuit.num_observables != self.logical_qubits:
            raise InputError(
                f"{self.code}: expected {self.logical_qubits} observables, "
                f"got {self.circuit.num_observables}"
            )

    def sample(self, shots: int, seed: int | None = None) -> tuple[Packed, Packed]:
        """Detection events and observable flips of ``shots`` shots, both packed."""
        if shots < 1:
            raise InputError(f"shots: expected at least 1, got {shots}")
        sampler = self.circuit.compile_detector_sampler(seed=seed)
        events, flips = sampler.sample(shots, separate_observables=True, bit_packed=True)
        return events, flips


def check_circuit(circuit: stim.Circuit) -> None:
    """`InputError` unless ``circuit`` has detectors and observables, so that it can be decoded."""
    for what, count in (
        ("detectors", circuit.num_detectors),
        ("observables", circuit.num_observables),
    ):
        if count == 0:
            raise InputError(f"circuit: expected at least 1 of its {what}, got 0")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def check_memory(distance: int, rounds: int) -> None:
    """`InputError` unless ``distance`` is odd and at least 3, and ``rounds`` at least 1."""
    if not _whole(distance) or distance < 3 or distance % 2 == 0:
        raise InputError(f"distance: expected an odd number of at least 3, got {distance!r}")
    check_rounds(rounds)


def check_rounds(rounds: int) -> None:
    """`InputError` unless ``rounds`` is a whole number of at least 1."""
    if not _whole(rounds) or rounds < 1:
        raise InputError(f"rounds: expected at least 1, got {rounds!r}")
