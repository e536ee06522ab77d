"""Density matrices from Aer, to hold our own algebra against."""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import QuantumError, pauli_error

from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.dense import apply, reduce
from bridge.quantum.memory.pauli import MATRICES, Matrix, Pauli
from bridge.quantum.memory.purification import GateNoise


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


def purified_on_aer(
    first: BellDiagonal, second: BellDiagonal, noise: GateNoise
) -> tuple[Matrix, float]:
    """Qubits 0 and 1 are one end's halves of both pairs, 2 and 3 the other's."""
    start = np.kron(second.density(), first.density())  # first on 0, 1; second on 2, 3
    circuit = QuantumCircuit(4)
    for near, far in ((0, 1), (2, 3)):
        circuit.rx(np.pi / 2, near)
        circuit.rx(-np.pi / 2, far)
    for end in (0, 1):
        circuit.cx(end, end + 2)
        circuit.append(two_qubit_depolarising(noise.two_qubit).to_instruction(), [end, end + 2])
    state = density_after(circuit, start)
    wrong = 2 * noise.measurement * (1 - noise.measurement)
    kept = np.zeros((4, 4), dtype=complex)
    for a in (0, 1):
        for b in (0, 1):
            part = projected(projected(state, 2, a), 3, b)
            kept += (wrong if a != b else 1 - wrong) * reduce(part, [0, 1])
    success = float(np.real(np.trace(kept)))
    return kept / success, success


def swapped_on_aer(first: BellDiagonal, second: BellDiagonal, noise: GateNoise) -> Matrix:
    """Qubits 0, 1 are the first pair, 2, 3 the second; 1 and 2 meet. Each bit's Pauli on 3."""
    circuit = QuantumCircuit(4)
    circuit.cx(1, 2)
    circuit.append(two_qubit_depolarising(noise.two_qubit).to_instruction(), [1, 2])
    circuit.h(1)
    flip = pauli_error([("X", noise.measurement), ("I", 1 - noise.measurement)]).to_instruction()
    circuit.append(flip, [1])
    circuit.append(flip, [2])
    state = density_after(circuit, np.kron(second.density(), first.density()))
    total = np.zeros((4, 4), dtype=complex)
    for z_bit in (0, 1):
        for x_bit in (0, 1):
            part = reduce(projected(projected(state, 1, z_bit), 2, x_bit), [0, 3])
            total += apply(part, MATRICES[Pauli(x_bit | z_bit << 1)], [1])
    return total
