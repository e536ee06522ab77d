"""Density matrices from Aer, to hold our own algebra against."""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import QuantumError, pauli_error

from bridge.quantum.memory.pauli import Matrix


def density_after(circuit: QuantumCircuit, start: Matrix | None = None) -> Matrix:
    """The state after a circuit without measurements, from |0...0> or from ``start``."""
    whole = QuantumCircuit(circuit.num_qubits)
    if start is not None:
        whole.set_density_matrix(start)
    whole.compose(circuit, inplace=True)
    whole.save_density_matrix()
    simulator = AerSimulator(method="density_matrix")
    return np.asarray(simulator.run(whole, shots=1).result().data()["density_matrix"])


def two_qubit_depolarising(p: float) -> QuantumError:
    """One of the 15 Paulis with probability ``p`` in all."""
    labels = [a + b for a in "IXYZ" for b in "IXYZ"]
    return pauli_error([(one, p / 15.0 if one != "II" else 1.0 - p) for one in labels])


def projected(state: Matrix, qubit: int, bit: int) -> Matrix:
    """The part of a state in which a qubit shows ``bit``, by indices alone."""
    keep = [i for i in range(len(state)) if i >> qubit & 1 == bit]
    result = np.zeros_like(state)
    result[np.ix_(keep, keep)] = state[np.ix_(keep, keep)]
    return result
