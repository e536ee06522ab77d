"""Bell-diagonal pairs: four weights, and what is done to pairs as sums over them.

A weight belongs to the Pauli that, on one half, makes the state of Phi+ = (|00> + |11>) / sqrt 2:
I for Phi+, X for Psi+, Z for Phi-, Y for Psi-, in this order. A Pauli on either half changes the
state in the same way. So a pair is a Pauli channel, teleporting through it applies that channel,
and swapping two pairs composes theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.memory.pauli import (
    FLIPS,
    MATRICES,
    Matrix,
    Pauli,
    PauliChannel,
    Weights,
    checked_weights,
    flipped,
    xor_convolve,
)


@dataclass(frozen=True, slots=True, eq=False)
class BellDiagonal:
    """A pair with ``weights`` of Phi+, Psi+, Phi- and Psi-."""

    weights: Weights

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", checked_weights("Bell-diagonal pair", self.weights, 4))

    @classmethod
    def werner(cls, fidelity: float) -> BellDiagonal:
        """Phi+ with ``fidelity``, from 1/4 to 1, and all else alike."""
        if not 0.25 <= fidelity <= 1.0:
            raise InputError(f"fidelity of a Werner pair: expected 0.25 to 1, got {fidelity}")
        rest = (1.0 - fidelity) / 3.0
        return cls(np.array([fidelity, rest, rest, rest]))

    @classmethod
    def twirled(cls, state: Matrix) -> BellDiagonal:
        """What is left of a pair's density matrix when both halves get the same random Pauli.

        ``state`` is 4 by 4; its diagonal in the Bell basis stays, all else averages out.
        """
        vectors = [bell_vector(pauli) for pauli in Pauli]
        return cls(np.array([float(np.real(v.conj() @ state @ v)) for v in vectors]))

    @property
    def fidelity(self) -> float:
        """With Phi+."""
        return float(self.weights[Pauli.I])

    def error_rate(self, basis: Basis) -> float:
        """How often the two halves differ, both measured in ``basis``."""
        return float(sum(self.weights[pauli] for pauli in FLIPS[basis]))

    @property
    def qber(self) -> float:
        """The mean of both bases: the error rate of a string where a coin chose the basis."""
        return (self.error_rate(Basis.Z) + self.error_rate(Basis.X)) / 2.0

    def through(self, channel: PauliChannel) -> BellDiagonal:
        """The pair after ``channel`` on one half."""
        return BellDiagonal(xor_convolve(self.weights, channel.weights))

    def channel(self) -> PauliChannel:
        """What teleporting through the pair does to a qubit."""
        return PauliChannel(self.weights)

    def density(self) -> Matrix:
        """The density matrix, 4 by 4."""
        result = np.zeros((4, 4), dtype=np.complex128)
        for pauli in Pauli:
            vector = bell_vector(pauli)
            result += self.weights[pauli] * np.outer(vector, vector.conj())
        return result

    def __repr__(self) -> str:
        return f"BellDiagonal(fidelity={self.fidelity:.5f}, qber={self.qber:.5f})"


def bell_vector(pauli: Pauli) -> Matrix:
    """``pauli`` on the first half of Phi+; the first half is the lower bit of the index."""
    phi = np.array([1, 0, 0, 1], dtype=np.complex128) / np.sqrt(2.0)
    result: Matrix = np.kron(np.eye(2), MATRICES[pauli]) @ phi
    return result


def secret_fraction(error_z: float, error_x: float) -> float:
    """Secret bits of a sifted bit in an endless string: 1 - h(Q) - h(Q), where a coin chose bases.

    Q is the mean of both bases' error rates: what the two ends here reconcile, and bound the
    phase errors by (`distillation.bounds.twin_error_count`). 0 when nothing is left.
    """
    for name, value in (("z", error_z), ("x", error_x)):
        if not 0.0 <= value <= 1.0:
            raise InputError(f"error rate in {name}: expected 0 to 1, got {value}")
    return max(0.0, 1.0 - 2.0 * binary_entropy((error_z + error_x) / 2.0))


def combined_qber(*errors: float) -> float:
    """QBER = (1 - prod(1 - 2 e)) / 2 over what flips a bit on its way."""
    return flipped(errors)
