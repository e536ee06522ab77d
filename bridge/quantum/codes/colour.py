"""Memory circuits of the triangular colour code on hexagons.

One qubit in the middle of each face measures its X stabilizer and then its Z stabilizer, meeting
the data qubits around it in a ring. An error of that qubit half way spreads to three of them: so
about (distance + 1) / 2 faults can be a logical error that nobody sees, where the surface code's
circuit keeps its whole distance. Circuits that do better have more qubits (Gidney and Jones 2023,
arXiv 2312.08813). stim's own ``color_code:memory_xyz`` measures one stabilizer of a face a round,
which Chromobius does not decode; the lattice is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.quantum.basis import Basis
from bridge.quantum.codes.experiment import MemoryExperiment, check_memory
from bridge.quantum.codes.faulty import WAIT, with_noise
from bridge.quantum.codes.libraries import require
from bridge.quantum.codes.noise import CircuitNoise

if TYPE_CHECKING:
    import stim
else:
    stim = require("stim")

Place = tuple[int, int]
"""Twice the place along the row, so that it is whole, and the row."""

RING: tuple[Place, ...] = ((1, 1), (-1, 1), (-2, 0), (-1, -1), (1, -1), (2, 0))


@dataclass(frozen=True, slots=True)
class ColourTriangle:
    """Data qubits on the corners of hexagons, and the middles of the faces."""

    distance: int
    data: tuple[Place, ...]
    faces: tuple[Place, ...]

    @classmethod
    def of(cls, distance: int) -> ColourTriangle:
        """The triangle of an odd ``distance``: (3 distance^2 + 1) / 4 data qubits."""
        check_memory(distance, 1)
        rows = (3 * distance - 1) // 2
        places = [(at, row) for row in range(rows) for at in range(rows - row)]
        middle = {(at, row): (at - row) % 3 == 2 for at, row in places}
        data, faces = (
            tuple((2 * at + row, row) for at, row in places if middle[at, row] is which)
            for which in (False, True)
        )
        return cls(distance, data, faces)

    def support(self, face: Place) -> tuple[Place, ...]:
        """The data qubits around ``face``: six, or four at the border."""
        around = ((face[0] + x, face[1] + y) for x, y in RING)
        return tuple(one for one in around if one in set(self.data))

    def colour(self, face: Place) -> int:
        """0, 1 or 2, never the same for two faces that share an edge."""
        return face[1] % 3


def colour_memory(
    distance: int, rounds: int, noise: CircuitNoise, basis: Basis = Basis.Z
) -> MemoryExperiment:
    """A colour code that keeps a logical eigenstate of ``basis`` for ``rounds`` rounds.

    Detectors have the coordinates that Chromobius asks for: (x, y, t, colour), and 3 more for the
    colour of Z. Each data qubit waits twice a round, since the faces are measured twice.

    >>> memory = colour_memory(5, 5, CircuitNoise.uniform(0.001))
    >>> memory.data_qubits, memory.qubits
    (19, 28)
    """
    check_memory(distance, rounds)
    patch = ColourTriangle.of(distance)
    count, size = len(patch.faces), len(patch.data)
    record = {Basis.X: -2 * count, Basis.Z: -count}
    circuit = stim.Circuit()
    for qubit, (x, y) in enumerate((*patch.data, *patch.faces)):
        circuit.append("QUBIT_COORDS", [qubit], (x / 2, y))
    circuit.append("R" if basis is Basis.Z else "RX", range(size))
    circuit.append("R", range(size, size + count))
    a_round = _half(patch, Basis.X) + _half(patch, Basis.Z)
    circuit += a_round
    for at in range(count):
        result = stim.target_rec(record[basis] + at)
        circuit.append("DETECTOR", [result], _coordinates(patch, at, 0, basis))
    if rounds > 1:
        body = a_round.copy()
        body.append("SHIFT_COORDS", [], (0, 0, 1))
        for kind in Basis:
            for at in range(count):
                now = stim.target_rec(record[kind] + at)
                before = stim.target_rec(record[kind] + at - 2 * count)
                body.append("DETECTOR", [now, before], _coordinates(patch, at, 0, kind))
        circuit.append(stim.CircuitRepeatBlock(rounds - 1, body))
    circuit.append("M" if basis is Basis.Z else "MX", range(size))
    seen = {place: stim.target_rec(at - size) for at, place in enumerate(patch.data)}
    for at, face in enumerate(patch.faces):
        last = stim.target_rec(record[basis] + at - size)
        ends = [seen[one] for one in patch.support(face)]
        circuit.append("DETECTOR", [*ends, last], _coordinates(patch, at, 1, basis))
    # Both logical operators of a triangle are along its side.
    side = [seen[place] for place in patch.data if place[1] == 0]
    circuit.append("OBSERVABLE_INCLUDE", side, 0)
    return MemoryExperiment(
        code="colour",
        distance=distance,
        rounds=rounds,
        basis=basis,
        logical_qubits=1,
        data_qubits=size,
        qubits=size + count,
        noise=noise,
        circuit=with_noise(circuit, noise),
    )


def _half(patch: ColourTriangle, basis: Basis) -> stim.Circuit:
    """All faces' stabilizers of ``basis``."""
    number = {place: at for at, place in enumerate((*patch.data, *patch.faces))}
    data = set(patch.data)
    middles = [number[face] for face in patch.faces]
    half = stim.Circuit()
    half.append("TICK", [])
    half.append(WAIT, [number[place] for place in patch.data])
    if basis is Basis.X:
        half.append("H", middles)
    for x, y in RING:
        half.append("TICK", [])
        pairs: list[int] = []
        for face in patch.faces:
            place = face[0] + x, face[1] + y
            if place in data:
                ends = [number[face], number[place]]
                pairs += ends if basis is Basis.X else ends[::-1]
        half.append("CX", pairs)
    half.append("TICK", [])
    if basis is Basis.X:
        half.append("H", middles)
        half.append("TICK", [])
    half.append("MR", middles)
    return half


def _coordinates(
    patch: ColourTriangle, at: int, t: int, basis: Basis
) -> tuple[float, float, float, float]:
    x, y = patch.faces[at]
    return x / 2, y, t, patch.colour(patch.faces[at]) + (3 if basis is Basis.Z else 0)
