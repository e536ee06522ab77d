"""15-to-1 distillation on a density matrix: exact, with faults that enumeration cannot follow.

A fault of Z commutes with all rotations, so that patterns of them can be enumerated
(`magic_distillation`). A fault of X turns later rotations round, which is no Pauli error; on five
qubits the density matrix takes it in. All rotations are diagonal, so that the matrix is multiplied
element by element. `magic_aer` has the same protocol as a circuit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.codes.magic_distillation import CHECKS, PRODUCTS, QUBITS, Distilled
from bridge.quantum.codes.noise import checked_probability

STEPS = 1 + sum(len(product) > 1 for product in PRODUCTS)
"""Steps of time: one for what is prepared, the rotations of one qubit with it, then one each."""


@dataclass(frozen=True, slots=True)
class FactoryNoise:
    """Probabilities of an error, each in [0, 1].

    ``magic``: of Z on a magic state, and so of its product after the rotation. ``rotation``: of
    the same error, by the surgery of a rotation of several qubits. ``storage``: of X, and besides
    of Z, on each of the five qubits in each of the 12 steps.
    """

    magic: float
    rotation: float = 0.0
    storage: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            checked_probability(field.name, getattr(self, field.name))


Matrix = npt.NDArray[np.complex128]


def simulate(noise: FactoryNoise) -> Distilled:
    """The protocol under ``noise``, exactly but for rounding (about 1e-16).

    The error is one minus the fidelity of the output with exp(i pi/8 Z)|+>. `InputError` if nothing
    is ever accepted.
    """
    size = 2**QUBITS
    state = np.full((size, size), 1.0 / size, dtype=np.complex128)
    for number, product in enumerate(PRODUCTS):
        signs = _signs(product)
        phases = np.exp(-1j * math.pi / 8.0 * signs)
        state *= np.outer(phases, phases.conj())
        state = _dephased(state, signs, fault_probability(noise, product))
        if ends_step(number):
            for qubit in range(QUBITS):
                flipped = np.arange(size) ^ (1 << qubit)
                turned = state[np.ix_(flipped, flipped)]
                state = (1.0 - noise.storage) * state + noise.storage * turned
                state = _dephased(state, _signs((qubit,)), noise.storage)
    return judged(state, noise)


def ends_step(number: int) -> bool:
    """Whether a step of time ends with rotation ``number``."""
    return number >= CHECKS - 1


def fault_probability(noise: FactoryNoise, product: tuple[int, ...]) -> float:
    """That exactly one of the magic state and the surgery of a rotation goes wrong."""
    rotation = noise.rotation if len(product) > 1 else 0.0
    return noise.magic + rotation - 2.0 * noise.magic * rotation


def judged(state: Matrix, noise: FactoryNoise) -> Distilled:
    """Acceptance and error of a density matrix, qubit 0 its lowest bit, before the checks."""
    blocks = state.reshape(2, 2**CHECKS, 2, 2**CHECKS)
    output = blocks.sum(axis=(1, 3)) / 2**CHECKS  # all checks found in |+>
    acceptance = float(np.trace(output).real)
    if acceptance < 1e-12:
        raise InputError(f"noise: expected some that a factory ever accepts, got {noise}")
    # The share of the orthogonal state, since one minus the fidelity would lose the digits.
    orthogonal = np.exp(1j * math.pi / 8.0 * np.array([1.0, -1.0])) * np.array([1.0, -1.0])
    wrong = float((orthogonal.conj() @ output @ orthogonal).real) / 2.0
    return Distilled(min(acceptance, 1.0), max(0.0, wrong) / acceptance)


def _signs(product: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """The eigenvalues of a product of Z."""
    mask = sum(1 << qubit for qubit in product)
    return np.array([1.0 - 2.0 * ((at & mask).bit_count() % 2) for at in range(2**QUBITS)])


def _dephased(state: Matrix, signs: npt.NDArray[np.float64], probability: float) -> Matrix:
    kept: Matrix = state * (1.0 - probability + probability * np.outer(signs, signs))
    return kept
