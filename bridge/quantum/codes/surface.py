"""Memory circuits of the rotated surface code.

Data qubits have odd coordinates (x, y), stabilizers even ones: X where (x + y) / 2 is odd, Z where
it is even. X stabilizers close the sides y = 0 and y = 2 distance, Z stabilizers the others. So
logical Z runs along x, logical X along y. A stabilizer meets its four data qubits in an order in
which an error of its own qubit half way spreads along the short side: X stabilizers' X errors lie
along x, Z stabilizers' Z errors along y, across the logical operators that they could shorten
(Tomita and Svore 2014, arXiv 1404.3747).
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

ORDERS: dict[Basis, tuple[Place, ...]] = {
    Basis.X: ((1, 1), (-1, 1), (1, -1), (-1, -1)),
    Basis.Z: ((1, 1), (1, -1), (-1, 1), (-1, -1)),
}


@dataclass(frozen=True, slots=True)
class RotatedSurface:
    """The places of a patch: distance^2 data qubits, distance^2 - 1 stabilizers, numbered so."""

    distance: int
    data: tuple[Place, ...]
    stabilizers: tuple[tuple[Place, Basis], ...]

    @classmethod
    def of(cls, distance: int) -> RotatedSurface:
        """The patch of an odd ``distance``."""
        check_memory(distance, 1)
        odd = range(1, 2 * distance, 2)
        stabilizers = []
        for y in range(0, 2 * distance + 1, 2):
            for x in range(0, 2 * distance + 1, 2):
                basis = Basis.X if (x + y) // 2 % 2 else Basis.Z
                side = Basis.X if y in (0, 2 * distance) else Basis.Z
                corner = x in (0, 2 * distance) and y in (0, 2 * distance)
                border = x in (0, 2 * distance) or y in (0, 2 * distance)
                if not corner and (not border or basis is side):
                    stabilizers.append(((x, y), basis))
        return cls(distance, tuple((x, y) for y in odd for x in odd), tuple(stabilizers))

    @property
    def qubits(self) -> int:
        """2 distance^2 - 1."""
        return len(self.data) + len(self.stabilizers)

    def number(self) -> dict[Place, int]:
        """The number of the qubit at each place: data first."""
        places = (*self.data, *(place for place, _ in self.stabilizers))
        return {place: number for number, place in enumerate(places)}

    def support(self, place: Place) -> tuple[Place, ...]:
        """The data qubits of the stabilizer at ``place``."""
        x, y = place
        around = ((x + dx, y + dy) for dx, dy in ORDERS[Basis.X])
        return tuple(one for one in around if one in set(self.data))

    def logical(self, basis: Basis) -> tuple[Place, ...]:
        """The data qubits of the logical operator of ``basis``."""
        line = range(1, 2 * self.distance, 2)
        return tuple((at, 1) if basis is Basis.Z else (1, at) for at in line)


def surface_memory(
    distance: int, rounds: int, noise: CircuitNoise, basis: Basis = Basis.Z
) -> MemoryExperiment:
    """A rotated surface code that keeps a logical eigenstate of ``basis`` for ``rounds`` rounds.

    Detectors have coordinates (x, y, t): a stabilizer's place and the round, and t = rounds for
    those that end in the data qubits' measurement. `InputError` for an even distance.

    >>> memory = surface_memory(3, 3, CircuitNoise.uniform(0.001))
    >>> memory.qubits, memory.circuit.num_detectors, len(memory.circuit.shortest_graphlike_error())
    (17, 24, 3)
    """
    check_memory(distance, rounds)
    patch = RotatedSurface.of(distance)
    circuit = stim.Circuit()
    number = patch.number()
    for place, qubit in number.items():
        circuit.append("QUBIT_COORDS", [qubit], place)
    data = [number[place] for place in patch.data]
    measured = [number[place] for place, _ in patch.stabilizers]
    circuit.append("R" if basis is Basis.Z else "RX", data)
    circuit.append("R", measured)
    a_round = _round(patch)
    circuit += a_round
    own = [at for at, (_, kind) in enumerate(patch.stabilizers) if kind is basis]
    for at in own:
        circuit.append("DETECTOR", [_record(at, patch)], (*patch.stabilizers[at][0], 0))
    if rounds > 1:
        circuit.append(stim.CircuitRepeatBlock(rounds - 1, a_round + _comparisons(patch)))
    circuit.append("M" if basis is Basis.Z else "MX", data)
    seen = {place: stim.target_rec(at - len(data)) for at, place in enumerate(patch.data)}
    for at in own:
        place = patch.stabilizers[at][0]
        last = stim.target_rec(at - len(measured) - len(data))
        ends = [seen[one] for one in patch.support(place)]
        circuit.append("DETECTOR", [*ends, last], (*place, 1))
    circuit.append("OBSERVABLE_INCLUDE", [seen[one] for one in patch.logical(basis)], 0)
    return MemoryExperiment(
        code="surface",
        distance=distance,
        rounds=rounds,
        basis=basis,
        logical_qubits=1,
        data_qubits=len(data),
        qubits=patch.qubits,
        noise=noise,
        circuit=with_noise(circuit, noise),
    )


def _round(patch: RotatedSurface) -> stim.Circuit:
    number = patch.number()
    kind_x = [number[place] for place, basis in patch.stabilizers if basis is Basis.X]
    a_round = stim.Circuit()
    a_round.append("TICK", [])
    a_round.append(WAIT, [number[place] for place in patch.data])
    a_round.append("H", kind_x)
    for step in range(4):
        a_round.append("TICK", [])
        pairs = []
        for (x, y), basis in patch.stabilizers:
            dx, dy = ORDERS[basis][step]
            if (x + dx, y + dy) in number:
                ends = [number[x, y], number[x + dx, y + dy]]
                pairs += ends if basis is Basis.X else ends[::-1]
        a_round.append("CX", pairs)
    a_round.append("TICK", [])
    a_round.append("H", kind_x)
    a_round.append("TICK", [])
    a_round.append("MR", [number[place] for place, _ in patch.stabilizers])
    return a_round


def _comparisons(patch: RotatedSurface) -> stim.Circuit:
    """Each stabilizer's result with that of the round before."""
    detectors = stim.Circuit()
    detectors.append("SHIFT_COORDS", [], (0, 0, 1))
    count = len(patch.stabilizers)
    for at, (place, _) in enumerate(patch.stabilizers):
        now, before = stim.target_rec(at - count), stim.target_rec(at - 2 * count)
        detectors.append("DETECTOR", [now, before], (*place, 0))
    return detectors


def _record(at: int, patch: RotatedSurface) -> stim.GateTarget:
    return stim.target_rec(at - len(patch.stabilizers))
