"""15-to-1 distillation of magic states on five qubits, by enumeration of its fault patterns.

The protocol is Bravyi and Kitaev's (2005, arXiv quant-ph/0403025) in the form of Pauli product
rotations (Litinski 2019, arXiv 1808.02892): five qubits in |+>, fifteen rotations
exp(-i pi/8 P) with P a product of Z, each of which uses up one magic state, then X measured on the
first four. Any result of -1 rejects. The fifth is exp(i pi/8 Z)|+> and the error left on it of
third order.

The products are the columns of a generator matrix of the punctured Reed-Muller code of length 15:
the binary digits of 1 to 15, and a fifth row that makes the number of qubits odd. Four products are
of one qubit, ten of three, one of all five. The code's words have weight 0 or 8 without the fifth
row, 7 or 15 with it; so the phases of the rotations, exp(-i pi/8 (15 - 2 weight)) together, depend
on the fifth qubit alone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.codes.noise import checked_probability

CHECKS = 4
QUBITS = 5
"""The checks are qubits 0 to 3, the output is qubit 4."""


def _products() -> tuple[tuple[int, ...], ...]:
    columns = []
    for bits in itertools.product((0, 1), repeat=CHECKS):
        if any(bits):
            column = (*bits, (1 + sum(bits)) % 2)
            columns.append(tuple(at for at, bit in enumerate(column) if bit))
    return tuple(sorted(columns, key=lambda column: (len(column), column)))


PRODUCTS = _products()
"""The qubits of each rotation's product of Z; those of one qubit first."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """What a protocol gives: the probability that it accepts, and of an error if it does."""

    acceptance: float
    error: float


def all_products() -> npt.NDArray[np.bool_]:
    """Which error of Z each of the 2**15 patterns of faults leaves: bool, shape (32768, 5).

    Bit j of a row's number is a fault of rotation j, which is a Z error on all qubits of its
    product. The first four columns are the checks that see it, the last one is the output's error.
    """
    masks = np.array([sum(1 << q for q in product) for product in PRODUCTS], dtype=np.uint8)
    result = np.zeros(1, dtype=np.uint8)
    for mask in masks:
        result = np.concatenate([result, result ^ mask])
    return (result[:, None] >> np.arange(QUBITS) & 1).astype(np.bool_)


def enumerate_faults(error: float | Sequence[float]) -> Distilled:
    """The protocol with magic states that have a Z error with a probability, exactly.

    ``error``: one probability for all, or one for each of the 15 rotations. Any other error of a
    magic state is made a Z error by twirling. `InputError` for what is no probability, or if
    nothing is ever accepted.
    """
    rates = [error] * len(PRODUCTS) if isinstance(error, int | float) else list(error)
    if len(rates) != len(PRODUCTS):
        raise InputError(f"error: expected {len(PRODUCTS)} probabilities, got {len(rates)}")
    weights = np.ones(1)
    for rate in rates:
        checked = checked_probability("error of a magic state", rate)
        weights = np.concatenate([weights * (1.0 - checked), weights * checked])
    errors = all_products()
    accepted = ~errors[:, :CHECKS].any(axis=1)
    acceptance = math.fsum(weights[accepted])
    if acceptance <= 0.0:
        raise InputError(f"error of a magic state: expected patterns that pass, got {rates}")
    wrong = math.fsum(weights[accepted & errors[:, CHECKS]])
    return Distilled(min(acceptance, 1.0), wrong / acceptance)


def fault_counts() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How many patterns of each weight pass with no error on the output, and with one.

    The words of the code's dual, by weight: (1, 0, 0, 0, 105, ...) and (0, 0, 0, 35, 0, ...).
    """
    errors = all_products()
    weight = np.array([at.bit_count() for at in range(len(errors))])
    accepted = ~errors[:, :CHECKS].any(axis=1)
    counts = []
    for output in (False, True):
        chosen = weight[accepted & (errors[:, CHECKS] == output)]
        counts.append(tuple(int(n) for n in np.bincount(chosen, minlength=len(PRODUCTS) + 1)))
    return counts[0], counts[1]
