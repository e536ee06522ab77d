"""Both ways to read wrongly: prepare 0, prepare 1, and count."""

from __future__ import annotations

from collections.abc import Collection
from math import sqrt

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.calibration.measured import Calibration, QubitFigures, Runner
from bridge.quantum.circuits.expectation import Estimate
from bridge.quantum.montecarlo.seeds import derived_seed

try:
    from qiskit.circuit import QuantumCircuit
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

SHOTS = 20_000


def readout_circuit(width: int, qubit: int, prepared: int) -> QuantumCircuit:
    """``qubit`` prepared in 0 or 1 and measured."""
    circuit = QuantumCircuit(width, 1, name=f"readout of {qubit} in {prepared}")
    if prepared:
        circuit.x(qubit)
    circuit.measure(qubit, 0)
    return circuit


def measure_readout(
    run: Runner,
    width: int,
    gate_fidelities: dict[int, Estimate],
    *,
    shots: int = SHOTS,
    seed: int = 0,
) -> Calibration:
    """``prob_meas1_prep0`` and ``prob_meas0_prep1`` of each qubit of ``gate_fidelities``.

    Who prepares 1 uses a gate, and what the gate does wrongly looks like readout. The gate leaves 0
    behind with a probability that is its average infidelity, exactly so for depolarising, and its
    estimate by randomised benchmarking is taken off, error included.
    """
    return Calibration(
        {
            qubit: _one(run, width, qubit, fidelity, shots, seed)
            for qubit, fidelity in gate_fidelities.items()
        }
    )


def exact_gates(qubits: Collection[int]) -> dict[int, Estimate]:
    """Gates taken to be without error, so that theirs counts as readout's."""
    return dict.fromkeys(qubits, Estimate(1.0, 0.0))


def _one(
    run: Runner, width: int, qubit: int, fidelity: Estimate, shots: int, seed: int
) -> QubitFigures:
    if not 0 <= qubit < width:
        raise InputError(f"qubit: expected 0 to {width - 1}, got {qubit}")
    if not 0.5 < fidelity.value <= 1.0 + 5.0 * fidelity.standard_error:
        raise InputError(f"gate fidelity: expected above 0.5 and at most 1, got {fidelity}")
    circuits = [readout_circuit(width, qubit, prepared) for prepared in (0, 1)]
    zero, one = run(circuits, shots, derived_seed(seed, circuits[0].name))
    wrong0 = _share(zero.get("1", 0), shots)
    wrong1 = _share(one.get("0", 0), shots)
    # Of what the gate left in 0 a share is read as 1 and was not counted.
    infidelity = 1.0 - fidelity.value
    seen = 1.0 - wrong0.value - wrong1.value
    corrected = (wrong1.value - infidelity * (1.0 - wrong0.value)) / (1.0 - infidelity)
    error = sqrt(wrong1.standard_error**2 + (seen * fidelity.standard_error) ** 2)
    return QubitFigures(
        prob_meas1_prep0=wrong0, prob_meas0_prep1=Estimate(corrected, error / (1.0 - infidelity))
    )


def _share(hits: int, shots: int) -> Estimate:
    smoothed = (hits + 0.5) / (shots + 1.0)
    return Estimate(hits / shots, sqrt(smoothed * (1.0 - smoothed) / shots))
