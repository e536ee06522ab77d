"""15-to-1 distillation as a circuit on Aer's density matrix. Needs the extra ``circuits``."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.codes.magic_density import (
    FactoryNoise,
    ends_step,
    fault_probability,
    judged,
)
from bridge.quantum.codes.magic_distillation import PRODUCTS, QUBITS, Distilled

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


def simulate_circuit(noise: FactoryNoise) -> Distilled:
    """As `magic_density.simulate`, by Aer. `InputError` without the extra ``circuits``."""
    circuit = factory_circuit(noise)
    circuit.save_density_matrix()
    result = _simulator().run(circuit).result()
    if not result.success:
        raise InputError(f"Aer: expected a density matrix, got {result.status}")
    return judged(np.asarray(result.data()["density_matrix"]), noise)


def factory_circuit(noise: FactoryNoise) -> QuantumCircuit:
    """The five qubits up to their measurement, with the errors as Aer's instructions."""
    qiskit, errors = _libraries()
    circuit = qiskit.QuantumCircuit(QUBITS)
    circuit.h(range(QUBITS))
    for number, product in enumerate(PRODUCTS):
        circuit.append(_rotation(qiskit, len(product)), product)
        _append(circuit, errors, "Z" * len(product), fault_probability(noise, product), product)
        if ends_step(number):
            for qubit in range(QUBITS):
                _append(circuit, errors, "X", noise.storage, (qubit,))
                _append(circuit, errors, "Z", noise.storage, (qubit,))
    return circuit


def _rotation(qiskit: Any, qubits: int) -> Any:
    """exp(-i pi/8 Z...Z), by its diagonal."""
    signs = np.array([1 - 2 * (at.bit_count() % 2) for at in range(2**qubits)])
    return qiskit.circuit.library.DiagonalGate(np.exp(-1j * math.pi / 8.0 * signs).tolist())


def _append(
    circuit: Any, errors: Any, pauli: str, probability: float, qubits: tuple[int, ...]
) -> None:
    if probability > 0.0:
        rest = ("I" * len(pauli), 1.0 - probability)
        error = errors.pauli_error([(pauli, probability), rest])
        circuit.append(error.to_instruction(), list(qubits))


@cache
def _libraries() -> tuple[Any, Any]:
    try:
        import qiskit
        import qiskit.circuit.library
        from qiskit_aer.noise import errors
    except ImportError as error:
        raise InputError(
            f"magic: expected the library {error.name}, it is not installed: "
            "pip install 'astralink-bridge[circuits]'"
        ) from None
    return qiskit, errors


@cache
def _simulator() -> Any:
    from qiskit_aer import AerSimulator

    return AerSimulator(method="density_matrix", max_parallel_threads=1)
