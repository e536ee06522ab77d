"""What calibration finds goes into decoders' weights and lowers their logical errors."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

pytest.importorskip("pymatching")
pytest.importorskip("stim")
pytest.importorskip("qiskit_aer")

import pymatching
import stim

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.circuits.calibration.measured import runner_on_profile
from bridge.quantum.circuits.calibration.readout import exact_gates, measure_readout
from bridge.quantum.circuits.presets import even, preset
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.circuits.weights import noisy_circuit, places_on_grid
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surface import surface_memory
from bridge.quantum.montecarlo.failures import Failures
from bridge.quantum.montecarlo.workers import here

GRID = even("grid", "a test", 9, 9, preset("minimum").qubits[0], 0.999, 40.0)
SHOTS = 200_000


def memory(noise: CircuitNoise, distance: int = 3) -> stim.Circuit:
    """The bridge's own memory with ``noise``."""
    return surface_memory(distance, distance, noise, Basis.Z).circuit


def bare(distance: int = 3) -> stim.Circuit:
    return memory(CircuitNoise.uniform(0.0), distance)


def failures(sampled: stim.Circuit, assumed: stim.Circuit, shots: int = SHOTS) -> Failures:
    """Shots of ``sampled`` that are decoded wrongly with the weights of ``assumed``."""
    matching = pymatching.Matching(assumed.detector_error_model(decompose_errors=True))
    events, flips = sampled.compile_detector_sampler(seed=3).sample(
        shots, separate_observables=True
    )
    return Failures(shots, int((matching.decode_batch(events) != flips).any(axis=1).sum()))


def better_by(before: Failures, after: Failures) -> float:
    """How many standard errors lie between the two rates."""
    variance = (before.rate + after.rate) / before.shots
    return (before.rate - after.rate) / sqrt(variance)


def test_weights_from_calibration_lower_the_logical_error() -> None:
    """Readout became ten times worse; the decoder that was told so makes fewer errors."""
    worse = replace(GRID.qubits[0], prob_meas1_prep0=0.08, prob_meas0_prep1=0.12)
    truth = replace(GRID, qubits=(worse,) * 81)
    run = runner_on_profile(truth, here())
    measured = measure_readout(run, 81, exact_gates(range(0, 81, 9)), shots=4000)
    # A profile of the measured qubits' mean for those that were not measured.
    figures = list(measured.qubits.values())
    mean = {
        name: float(np.mean([getattr(one, name).value for one in figures]))
        for name in ("prob_meas1_prep0", "prob_meas0_prep1")
    }
    told = replace(GRID, qubits=(replace(GRID.qubits[0], **mean),) * 81)
    before = failures(memory(truth.circuit_noise()), memory(GRID.circuit_noise()))
    after = failures(memory(truth.circuit_noise()), memory(told.circuit_noise()))
    best = failures(memory(truth.circuit_noise()), memory(truth.circuit_noise()))
    assert told.circuit_noise().measurement == pytest.approx(0.1, rel=0.05)
    assert better_by(before, after) > 5.0
    assert after.rate < 0.95 * before.rate
    assert abs(better_by(after, best)) < 3.0


def biased() -> HardwareProfile:
    """A grid with a few bad qubits and a bad coupling, as real processors have."""
    qubits = list(GRID.qubits)
    for number, changes in (
        (20, {"prob_meas1_prep0": 0.25, "prob_meas0_prep1": 0.25}),
        (28, {"t1_us": 15.0, "t2_us": 15.0, "gate_fidelity": 0.998}),
        (12, {"prob_meas1_prep0": 0.2, "prob_meas0_prep1": 0.2}),
    ):
        qubits[number] = replace(GRID.qubits[0], **changes)  # type: ignore[arg-type]
    couplings = tuple(
        replace(one, gate_fidelity=0.96)
        if (one.first, one.second) == (10, 19)
        else replace(one, gate_fidelity=0.997)
        if 28 in (one.first, one.second)
        else one
        for one in GRID.couplings
    )
    return replace(GRID, qubits=tuple(qubits), couplings=couplings)


def test_weights_of_each_qubit_lower_the_logical_error_further() -> None:
    truth = biased()
    circuit = bare()
    places = places_on_grid(circuit, 9, 9)
    assert {12, 20, 28} <= set(places.values())
    sampled = noisy_circuit(circuit, truth, places)
    mean = replace(
        GRID,
        qubits=(
            replace(
                GRID.qubits[0],
                prob_meas1_prep0=truth.circuit_noise().measurement,
                prob_meas0_prep1=truth.circuit_noise().measurement,
            ),
        )
        * 81,
    )
    by_means = failures(sampled, noisy_circuit(circuit, mean, places))
    by_qubit = failures(sampled, sampled)
    assert better_by(by_means, by_qubit) > 5.0
    assert by_qubit.rate < 0.9 * by_means.rate


@pytest.mark.parametrize("distance", [3, 5])
def test_the_noise_leaves_the_codes_distance(distance: int) -> None:
    circuit = bare(distance)
    noisy = noisy_circuit(circuit, GRID, places_on_grid(circuit, 9, 9))
    assert noisy.num_detectors == circuit.num_detectors
    assert len(noisy.shortest_graphlike_error()) == distance
    quiet = noisy.without_noise()
    assert quiet.num_measurements == circuit.num_measurements
    assert quiet.flow_generators() == circuit.flow_generators()


def test_a_perfect_gate_and_readout_leave_only_what_waiting_does() -> None:
    exact = replace(GRID.qubits[0], prob_meas1_prep0=0.0, prob_meas0_prep1=0.0, reset_fidelity=1.0)
    profile = replace(GRID, qubits=(exact,) * 81)
    circuit = stim.Circuit("R 0 1\nTICK\nH 0\nTICK\nM 0\nTICK\nM 1")
    noisy = noisy_circuit(circuit, profile, {0: 0, 1: 1})
    assert [(one.name, [target.value for target in one.targets_copy()]) for one in noisy] == [
        ("R", [0, 1]),
        ("TICK", []),
        ("H", [0]),
        ("DEPOLARIZE1", [0]),
        ("PAULI_CHANNEL_1", [1]),
        ("TICK", []),
        ("M", [0]),
        ("PAULI_CHANNEL_1", [1]),
        ("TICK", []),
        ("M", [1]),
        ("PAULI_CHANNEL_1", [0]),
    ]
    channels = [one.gate_args_copy() for one in noisy if one.name == "PAULI_CHANNEL_1"]
    for args, wait_us in zip(channels, (0.025, 0.3, 0.3), strict=True):
        assert args == pytest.approx([(1.0 - np.exp(-wait_us / 100.0)) / 4.0] * 3)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(InputError, match=r"qubit 3 of the circuit: .* got None"):
        noisy_circuit(stim.Circuit("H 3"), GRID, {0: 0})
    with pytest.raises(InputError, match="qubits 0 and 2 of grid have no coupling, CX needs one"):
        noisy_circuit(stim.Circuit("CX 0 1"), GRID, {0: 0, 1: 2})
    with pytest.raises(InputError, match="operations on qubits alone, got MPP"):
        noisy_circuit(stim.Circuit("MPP X0*X1"), GRID, {0: 0, 1: 1})
    with pytest.raises(InputError, match="a gate, a reset or a measurement, got MXX"):
        noisy_circuit(stim.Circuit("MXX 0 1"), GRID, {0: 0, 1: 1})
    with pytest.raises(InputError, match="operations on qubits alone, got CX rec"):
        noisy_circuit(stim.Circuit("M 0\nCX rec[-1] 1"), GRID, {0: 0, 1: 1})
    with pytest.raises(InputError, match="with QUBIT_COORDS"):
        places_on_grid(stim.Circuit("H 0"), 9, 9)
    with pytest.raises(InputError, match="the grid has 4 by 4"):
        places_on_grid(bare(), 4, 4)
