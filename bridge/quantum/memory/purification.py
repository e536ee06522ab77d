"""Purification by DEJMPS: two pairs become a better one, or none.

Deutsch, Ekert, Jozsa, Macchiavello, Popescu and Sanpera 1996 (doi 10.1103/PhysRevLett.77.2818).
Both ends turn their halves by a quarter about x, in opposite senses, which exchanges Phi- and
Psi-. Then each applies a CX from its half of the first pair to that of the second, measures the
latter and tells the other; the first pair is kept when the two bits agree. In symplectic bits the
two CX take (x1, z1), (x2, z2) to (x1, z1 ^ z2), (x1 ^ x2, z2), and the bits agree when x1 = x2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import InputError, PurificationFailed
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.pauli import Weights, probability

MOST_ROUNDS = 8
_TURNED = (0, 1, 3, 2)
"""Where the turn by a quarter takes I, X, Z, Y."""


@dataclass(frozen=True, slots=True)
class GateNoise:
    """What one node's gates add.

    ``two_qubit`` is the chance of one of the 15 Paulis after a gate on two qubits,
    ``measurement`` that of a wrong bit.
    """

    two_qubit: float = 0.0
    measurement: float = 0.0

    def __post_init__(self) -> None:
        probability("two-qubit gate's error", self.two_qubit)
        probability("measurement's error", self.measurement)


IDEAL = GateNoise()


@dataclass(frozen=True, slots=True)
class Purified:
    """The pair that is kept, and how often it is."""

    pair: BellDiagonal
    success: float


def dejmps(first: BellDiagonal, second: BellDiagonal, noise: GateNoise = IDEAL) -> Purified:
    """One step; exact, by summing over the sixteen pairs of Paulis.

    >>> step = dejmps(BellDiagonal.werner(0.8), BellDiagonal.werner(0.8))
    >>> round(step.pair.fidelity, 4), round(step.success, 4)
    (0.8382, 0.7689)
    """
    joint = np.zeros(16)
    for a in range(4):
        for b in range(4):
            one, two = _TURNED[a], _TURNED[b]
            x1, z1, x2, z2 = one & 1, one >> 1, two & 1, two >> 1
            kept, measured = x1 | (z1 ^ z2) << 1, (x1 ^ x2) | z2 << 1
            joint[kept | measured << 2] += first.weights[a] * second.weights[b]
    for _end in range(2):
        joint = _depolarised(joint, noise.two_qubit)
    wrong = 2.0 * noise.measurement * (1.0 - noise.measurement)
    weights = np.zeros(4)
    for index in range(16):
        differs = index >> 2 & 1
        weights[index & 3] += joint[index] * (wrong if differs else 1.0 - wrong)
    success = float(weights.sum())
    if success <= 0.0:
        raise PurificationFailed("purification: the two ends never measure the same bit")
    return Purified(BellDiagonal(weights / success), success)


def _depolarised(joint: Weights, p: float) -> Weights:
    """One of the 15 Paulis on two qubits with probability ``p`` in all."""
    result: Weights = (1.0 - p * 16.0 / 15.0) * joint + p / 15.0 * joint.sum()
    return result


def purify(pair: BellDiagonal, rounds: int, noise: GateNoise = IDEAL) -> Purified:
    """``rounds`` of the recurrence: each joins two pairs of the round before.

    ``success`` is the number of pairs kept for each 2^rounds that go in: what divides a rate is
    `pairs_consumed`.
    """
    if not 0 <= rounds <= MOST_ROUNDS:
        raise InputError(f"purification: expected 0 to {MOST_ROUNDS} rounds, got {rounds}")
    success = 1.0
    for _round in range(rounds):
        step = dejmps(pair, pair, noise)
        pair, success = step.pair, success * step.success
    return Purified(pair, success)


def pairs_consumed(rounds: int, success: float) -> float:
    """Pairs that go in for one that comes out, in the mean."""
    return float(2**rounds) / success
