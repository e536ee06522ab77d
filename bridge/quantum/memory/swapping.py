"""Entanglement swapping: two pairs that meet at a node become one between their far ends.

The node measures its two halves in the Bell basis: CX, H, two bits. The far end applies the Pauli
that the bits name, so that what is left of either pair's error is the exclusive or of both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.pauli import PauliChannel, xor_convolve
from bridge.quantum.memory.purification import IDEAL, GateNoise


def swap(first: BellDiagonal, second: BellDiagonal, noise: GateNoise = IDEAL) -> BellDiagonal:
    """The pair between the far ends.

    >>> swap(BellDiagonal.werner(0.95), BellDiagonal.werner(0.95))
    BellDiagonal(fidelity=0.90333, qber=0.06444)
    """
    joined = BellDiagonal(xor_convolve(first.weights, second.weights))
    return joined.through(measurement_errors(noise))


def measurement_errors(noise: GateNoise) -> PauliChannel:
    """What a noisy Bell measurement does to the pair, as the Pauli that its bits name wrongly.

    Of the 15 Paulis after the CX, 3 leave both bits as they are, and 4 make each of the three
    wrong pairs of bits. Each bit is read wrongly with ``noise.measurement``.
    """
    p = noise.two_qubit
    gate = PauliChannel(np.array([1.0 - 12.0 * p / 15.0] + [4.0 * p / 15.0] * 3))
    return gate.after(PauliChannel.flips(noise.measurement, noise.measurement))


def chain(pairs: Sequence[BellDiagonal], noise: GateNoise = IDEAL) -> BellDiagonal:
    """The pair between the two ends of a chain of nodes, one pair on each of its links."""
    if not pairs:
        raise InputError("swapping: expected at least one pair, got none")
    joined = pairs[0]
    for pair in pairs[1:]:
        joined = swap(joined, pair, noise)
    return joined
