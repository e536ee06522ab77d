"""Density matrices of a few qubits: what the closed forms are held against, and W states need.

Qubit 0 is the lowest bit of an index, as Qiskit has it. All functions return new arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.memory.pauli import Matrix

MOST_QUBITS = 10

H: Matrix = np.array([[1, 1], [1, -1]], dtype=np.complex128) / np.sqrt(2.0)
CX: Matrix = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]], dtype=np.complex128)
"""The first qubit, the lower bit, controls."""


def qubits_of(state: Matrix) -> int:
    """How many qubits a density matrix has."""
    count = int(state.shape[0]).bit_length() - 1
    if state.ndim != 2 or state.shape != (1 << count, 1 << count) or not 1 <= count <= MOST_QUBITS:
        raise InputError(
            f"density matrix: expected 2^n by 2^n for 1 to {MOST_QUBITS} qubits, got {state.shape}"
        )
    return count


def checked_density(state: Matrix) -> Matrix:
    """``state`` if it is a density matrix: finite, Hermitian, of trace 1, no weight below 0."""
    qubits_of(state)
    if not np.all(np.isfinite(state)):
        raise InputError("density matrix: expected finite numbers, got others")
    trace = float(np.real(np.trace(state)))
    least = float(np.linalg.eigvalsh((state + state.conj().T) / 2.0)[0])
    if not np.allclose(state, state.conj().T, atol=1e-9) or abs(trace - 1.0) > 1e-9:
        raise InputError(f"density matrix: expected a Hermitian one of trace 1, got {trace:.6g}")
    if least < -1e-9:
        raise InputError(f"density matrix: expected weights of 0 or more, got {least:.3g}")
    return state


def density(vector: Matrix) -> Matrix:
    """|v><v|."""
    result: Matrix = np.outer(vector, vector.conj())
    return result


def apply(state: Matrix, operator: Matrix, qubits: Sequence[int]) -> Matrix:
    """A rho A^dagger for an operator on some qubits, the first of which is its lowest bit."""
    return _left(_left(state, operator, qubits).conj().T, operator, qubits).conj().T


def through(state: Matrix, kraus: Sequence[Matrix], qubits: Sequence[int]) -> Matrix:
    """A channel on some qubits."""
    result: Matrix = np.sum([apply(state, one, qubits) for one in kraus], axis=0)
    return result


def project(state: Matrix, qubit: int, bit: int) -> Matrix:
    """The part of the state in which the qubit shows ``bit``; its trace is the probability."""
    projector = np.diag([1.0 - bit, float(bit)]).astype(np.complex128)
    return apply(state, projector, [qubit])


def reduce(state: Matrix, keep: Sequence[int]) -> Matrix:
    """The state of the qubits ``keep``, in this order, the others traced out."""
    count = qubits_of(state)
    axes = [count - 1 - one for one in reversed(keep)]
    rest = [axis for axis in range(count) if axis not in axes]
    tensor = state.reshape((2,) * (2 * count))
    order = axes + rest + [count + one for one in axes] + [count + one for one in rest]
    size, traced = 1 << len(axes), 1 << len(rest)
    square = tensor.transpose(order).reshape(size, traced, size, traced)
    result: Matrix = np.einsum("itjt->ij", square)
    return result


def fidelity(state: Matrix, vector: Matrix) -> float:
    """<v| rho |v>."""
    return float(np.real(vector.conj() @ state @ vector))


def _left(state: Matrix, operator: Matrix, qubits: Sequence[int]) -> Matrix:
    count = qubits_of(state)
    size = len(qubits)
    if operator.shape != (1 << size, 1 << size) or len(set(qubits)) != size:
        raise InputError(
            f"operator: expected one on {size} different qubits, got {operator.shape} on {qubits}"
        )
    axes = []
    for qubit in reversed(qubits):
        if not 0 <= qubit < count:
            raise InputError(f"qubit: expected 0 to {count - 1}, got {qubit}")
        axes.append(count - 1 - qubit)
    tensor = state.reshape((2,) * count + (-1,))
    gate = operator.reshape((2,) * (2 * size))
    moved = np.tensordot(gate, tensor, axes=(list(range(size, 2 * size)), axes))
    result: Matrix = np.moveaxis(moved, list(range(size)), axes).reshape(state.shape)
    return result
