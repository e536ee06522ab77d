"""Memory circuits of bivariate bicycle codes (Bravyi et al. 2024, arXiv 2308.07915).

Check (i, j) of the torus Z_l x Z_m meets three qubits of the left half and three of the right: an X
check at its place times the monomials of A, and of B; a Z check at its place over those of B, and
of A. All checks are measured at once, in seven layers of gates; X checks begin one layer late and
Z checks end one early. The order is the one that the paper chose, and stim's detectors would not be
deterministic under a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.binary import Bits, independent_of, kernel, rank
from bridge.quantum.codes.experiment import MemoryExperiment, check_rounds
from bridge.quantum.codes.faulty import WAIT, with_noise
from bridge.quantum.codes.libraries import require
from bridge.quantum.codes.noise import CircuitNoise

if TYPE_CHECKING:
    import stim
else:
    stim = require("stim")

Monomial = tuple[int, int]
"""The powers of x and y."""

ORDER_X = (None, "A2", "B2", "B1", "B3", "A1", "A3")
ORDER_Z = ("A1", "A3", "B1", "B2", "B3", "A2", None)


@dataclass(frozen=True, slots=True)
class BivariateBicycle:
    """The code of A = sum of ``a`` and B = sum of ``b`` over x^l = y^m = 1."""

    l: int  # noqa: E741 the paper's name
    m: int
    a: tuple[Monomial, Monomial, Monomial]
    b: tuple[Monomial, Monomial, Monomial]
    distance: int

    @property
    def half(self) -> int:
        """Checks of a kind, and qubits of a half: l m."""
        return self.l * self.m

    def neighbour(self, check: int, basis: Basis, term: str) -> int:
        """The data qubit that ``check`` meets by the monomial ``term``, such as ``A2``."""
        powers = (self.a if term[0] == "A" else self.b)[int(term[1]) - 1]
        sign = 1 if basis is Basis.X else -1
        i = (check // self.m + sign * powers[0]) % self.l
        j = (check % self.m + sign * powers[1]) % self.m
        right = (term[0] == "B") == (basis is Basis.X)
        return i * self.m + j + (self.half if right else 0)

    def checks(self, basis: Basis) -> Bits:
        """The check matrix of ``basis``, of shape (l m, 2 l m)."""
        matrix = np.zeros((self.half, 2 * self.half), dtype=np.uint8)
        for check, (half, at) in product(range(self.half), product("AB", "123")):
            matrix[check, self.neighbour(check, basis, half + at)] ^= 1
        return matrix

    @property
    def logical_qubits(self) -> int:
        """How many qubits are kept."""
        return 2 * self.half - rank(self.checks(Basis.X)) - rank(self.checks(Basis.Z))

    def logical(self, basis: Basis) -> Bits:
        """Independent logical operators of ``basis``, each a row of data qubits."""
        other = Basis.Z if basis is Basis.X else Basis.X
        return independent_of(self.checks(basis), kernel(self.checks(other)))


GROSS = BivariateBicycle(12, 6, ((3, 0), (0, 1), (0, 2)), ((0, 3), (1, 0), (2, 0)), distance=12)
"""[[144, 12, 12]]."""
SMALL = BivariateBicycle(6, 6, ((3, 0), (0, 1), (0, 2)), ((0, 3), (1, 0), (2, 0)), distance=6)
"""[[72, 12, 6]]."""


def bicycle_memory(
    code: BivariateBicycle, rounds: int, noise: CircuitNoise, basis: Basis = Basis.Z
) -> MemoryExperiment:
    """``code`` with logical eigenstates of ``basis`` in all its qubits, for ``rounds`` rounds.

    Detectors are those of the checks of ``basis`` alone, with coordinates (check, t): the others
    say something of these observables only through correlations that belief propagation would pay
    for with twice the checks.

    >>> memory = bicycle_memory(GROSS, 12, CircuitNoise.uniform(0.001))
    >>> memory.data_qubits, memory.qubits, memory.logical_qubits
    (144, 288, 12)
    """
    check_rounds(rounds)
    half = code.half
    data = list(range(2 * half))
    first = {Basis.X: 2 * half, Basis.Z: 3 * half}
    measured = list(range(2 * half, 4 * half))
    record = {Basis.X: -2 * half, Basis.Z: -half}[basis]
    a_round = _round(code, first)
    circuit = stim.Circuit()
    circuit.append("R" if basis is Basis.Z else "RX", data)
    circuit.append("R", measured)
    circuit += a_round
    for check in range(half):
        circuit.append("DETECTOR", [stim.target_rec(record + check)], (check, 0))
    if rounds > 1:
        body = a_round.copy()
        body.append("SHIFT_COORDS", [], (0, 1))
        for check in range(half):
            now = stim.target_rec(record + check)
            before = stim.target_rec(record + check - 2 * half)
            body.append("DETECTOR", [now, before], (check, 0))
        circuit.append(stim.CircuitRepeatBlock(rounds - 1, body))
    circuit.append("M" if basis is Basis.Z else "MX", data)
    for check, row in enumerate(code.checks(basis)):
        ends = [stim.target_rec(int(qubit) - 2 * half) for qubit in np.flatnonzero(row)]
        last = stim.target_rec(record + check - 2 * half)
        circuit.append("DETECTOR", [*ends, last], (check, 1))
    logical = code.logical(basis)
    for at, row in enumerate(logical):
        ends = [stim.target_rec(int(qubit) - 2 * half) for qubit in np.flatnonzero(row)]
        circuit.append("OBSERVABLE_INCLUDE", ends, at)
    return MemoryExperiment(
        code="bicycle",
        distance=code.distance,
        rounds=rounds,
        basis=basis,
        logical_qubits=len(logical),
        data_qubits=2 * half,
        qubits=4 * half,
        noise=noise,
        circuit=with_noise(circuit, noise),
    )


def _round(code: BivariateBicycle, first: dict[Basis, int]) -> stim.Circuit:
    kind_x = list(range(first[Basis.X], first[Basis.X] + code.half))
    a_round = stim.Circuit()
    a_round.append("TICK", [])
    a_round.append(WAIT, range(2 * code.half))
    a_round.append("H", kind_x)
    for term_x, term_z in zip(ORDER_X, ORDER_Z, strict=True):
        a_round.append("TICK", [])
        pairs: list[int] = []
        for check in range(code.half):
            if term_x is not None:
                pairs += [first[Basis.X] + check, code.neighbour(check, Basis.X, term_x)]
            if term_z is not None:
                pairs += [code.neighbour(check, Basis.Z, term_z), first[Basis.Z] + check]
        a_round.append("CX", pairs)
    a_round.append("TICK", [])
    a_round.append("H", kind_x)
    a_round.append("TICK", [])
    a_round.append("MR", range(2 * code.half, 4 * code.half))
    return a_round


def bicycle(name: str) -> BivariateBicycle:
    """The code of a name: ``144`` or ``72`` data qubits."""
    codes = {"144": GROSS, "72": SMALL}
    if name not in codes:
        raise InputError(f"bicycle code: expected one of {', '.join(codes)}, got {name!r}")
    return codes[name]
