"""Teleportation with feed-forward: a qubit's state crosses a pair, and two bits go after it.

Bennett et al. 1993 (doi 10.1103/PhysRevLett.70.1895). The bits say which Pauli the far end applies;
without that the far end holds the completely mixed state.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.dense import CX, H, apply, checked_density, project, reduce, through
from bridge.quantum.memory.pauli import MATRICES, Matrix, Pauli
from bridge.quantum.memory.purification import IDEAL, GateNoise
from bridge.quantum.memory.swapping import measurement_errors


@dataclass(frozen=True, slots=True, eq=False)
class Teleported:
    """One run: the two bits that were sent, and the far end's state, 2 by 2."""

    x_bit: int
    z_bit: int
    state: Matrix = field(repr=False)

    @property
    def correction(self) -> Pauli:
        """What the far end applies for these bits."""
        return Pauli(self.x_bit | self.z_bit << 1)


def branches(state: Matrix, pair: BellDiagonal) -> list[tuple[float, Teleported]]:
    """The four results of the Bell measurement with their probabilities, nothing applied yet.

    Qubit 0 has the state, 1 and 2 are the pair's near and far half.
    """
    if state.shape != (2, 2):
        raise InputError(f"teleportation: expected one qubit, 2 by 2, got {state.shape}")
    joint = np.kron(pair.density(), checked_density(state))
    joint = apply(apply(joint, CX, [0, 1]), H, [0])
    found = []
    for x_bit in (0, 1):
        for z_bit in (0, 1):
            part = project(project(joint, 1, x_bit), 0, z_bit)
            weight = float(np.real(np.trace(part)))
            far: Matrix = np.eye(2, dtype=np.complex128) / 2.0
            if weight > 0.0:
                far = reduce(part, [2]) / weight
            found.append((weight, Teleported(x_bit, z_bit, far)))
    return found


def feed_forward(run: Teleported) -> Teleported:
    """The run with the Pauli of its two bits applied at the far end."""
    corrected = apply(run.state, MATRICES[run.correction], [0])
    return Teleported(run.x_bit, run.z_bit, corrected)


def teleport(
    state: Matrix, pair: BellDiagonal, rng: np.random.Generator, noise: GateNoise = IDEAL
) -> Teleported:
    """One run, its bits drawn, its Pauli applied; ``noise`` is that of the Bell measurement."""
    runs = branches(state, pair)
    weights = np.array([weight for weight, _ in runs])
    run = runs[int(rng.choice(4, p=weights / weights.sum()))][1]
    misread = int(rng.choice(4, p=measurement_errors(noise).weights))
    sent = Teleported(run.x_bit ^ misread & 1, run.z_bit ^ misread >> 1, run.state)
    return feed_forward(sent)


def average(state: Matrix, pair: BellDiagonal, noise: GateNoise = IDEAL) -> Matrix:
    """The far end's state over all results: the pair's channel, and the measurement's after it."""
    channel = pair.channel().after(measurement_errors(noise))
    return through(checked_density(state), channel.kraus(), [0])
