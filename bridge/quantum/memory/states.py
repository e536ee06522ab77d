"""Bell, GHZ and W states: how they are made, and the fidelity that each keeps in its memories.

The closed forms are exact for amplitude and phase damping on every qubit; with gamma the lost
share of an excitation and eta of a coherence in each memory (`decoherence`):

    GHZ   1/4 (1 + prod gamma + prod (1 - gamma)) + 1/2 prod eta
    W     1/n^2 (sum (1 - gamma_i) + sum over i != j of eta_i eta_j)

A state that was made badly is taken as mixed with white noise, which ages by its own closed form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.dense import CX, MOST_QUBITS, H, apply, density
from bridge.quantum.memory.pauli import Matrix

MOST_PARTIES = 64


class Kind(StrEnum):
    """What a state is."""

    BELL = "bell"
    GHZ = "ghz"
    W = "w"


@dataclass(frozen=True, slots=True)
class Gate:
    """``name`` is h, x, cx or cry, the last by an ``angle`` in radians; the control comes first."""

    name: str
    qubits: tuple[int, ...]
    angle: float = 0.0

    def matrix(self) -> Matrix:
        """The operator; its first qubit is the lower bit."""
        if self.name == "h":
            return H
        if self.name == "x":
            return np.array([[0, 1], [1, 0]], dtype=np.complex128)
        if self.name == "cx":
            return CX
        c, s = math.cos(self.angle / 2.0), math.sin(self.angle / 2.0)
        result = np.eye(4, dtype=np.complex128)
        result[np.ix_([1, 3], [1, 3])] = [[c, -s], [s, c]]
        return result


def parties(kind: Kind, qubits: int, most: int = MOST_PARTIES) -> int:
    """``qubits`` if a state of this kind has as many; ``InputError`` otherwise."""
    least = 2 if kind is Kind.BELL else 3
    if not least <= qubits <= (2 if kind is Kind.BELL else most):
        upper = 2 if kind is Kind.BELL else most
        raise InputError(f"{kind.value} state: expected {least} to {upper} qubits, got {qubits}")
    return qubits


def vector(kind: Kind, qubits: int) -> Matrix:
    """The ideal state's 2^n amplitudes."""
    parties(kind, qubits, MOST_QUBITS)
    result = np.zeros(1 << qubits, dtype=np.complex128)
    if kind is Kind.W:
        result[[1 << n for n in range(qubits)]] = 1.0 / math.sqrt(qubits)
    else:
        result[[0, -1]] = 1.0 / math.sqrt(2.0)
    return result


def preparation(kind: Kind, qubits: int) -> list[Gate]:
    """Gates that make the state from |0...0>.

    A W state starts with one excitation and hands on, from each qubit to the next, what makes all
    shares alike: a controlled turn by 2 arccos sqrt(1 / (qubits left)), and a CX back.
    """
    parties(kind, qubits)
    if kind is not Kind.W:
        return [Gate("h", (0,)), *(Gate("cx", (n, n + 1)) for n in range(qubits - 1))]
    gates = [Gate("x", (0,))]
    for n in range(qubits - 1):
        angle = 2.0 * math.acos(math.sqrt(1.0 / (qubits - n)))
        gates += [Gate("cry", (n, n + 1), angle), Gate("cx", (n + 1, n))]
    return gates


def prepared(kind: Kind, qubits: int) -> Matrix:
    """The density matrix that `preparation` makes."""
    start = np.zeros(1 << parties(kind, qubits, MOST_QUBITS), dtype=np.complex128)
    start[0] = 1.0
    state = density(start)
    for gate in preparation(kind, qubits):
        state = apply(state, gate.matrix(), gate.qubits)
    return state


def kept_fidelity(
    kind: Kind, held_s: float, memories: Sequence[Coherence], fidelity: float = 1.0
) -> float:
    """The fidelity after ``held_s`` of a state that had ``fidelity`` when it was stored.

    One memory for each qubit. ``fidelity`` from 2^-n, which white noise alone has, to 1.
    """
    count = parties(kind, len(memories))
    least = 0.5**count
    if not least <= fidelity <= 1.0:
        raise InputError(
            f"fidelity of a {kind.value} state of {count} qubits: expected {least:.3g} to 1, "
            f"got {fidelity}"
        )
    gammas = np.array([one.decay(held_s) for one in memories])
    etas = np.array([one.coherence_left(held_s) for one in memories])
    ideal = (fidelity - least) / (1.0 - least)
    if kind is Kind.W:
        pure = float(np.sum(1.0 - gammas) + np.sum(etas) ** 2 - np.sum(etas**2)) / count**2
        shares = (1.0 - gammas) / (1.0 + gammas)
        white = float(np.mean(shares) * np.prod((1.0 + gammas) / 2.0))
    else:
        pure = float(1.0 + np.prod(gammas) + np.prod(1.0 - gammas)) / 4.0
        pure += float(np.prod(etas)) / 2.0
        white = float(np.prod((1.0 + gammas) / 2.0) + np.prod((1.0 - gammas) / 2.0)) / 2.0
    return ideal * pure + (1.0 - ideal) * white
