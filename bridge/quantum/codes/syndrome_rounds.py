"""Rounds of syndrome measurement, as a stim circuit that finds its own detectors.

Which checks are measured may change from round to round: that is all that merging, splitting and
growing are. A check and the one before it in the same place are compared if what one has more than
the other is known in its basis: qubits just reset in it, or just measured in it. What cannot be
compared was random, and gets no detector.

A round has eight layers, each ended by a TICK: reset, Hadamard, four layers of CX, Hadamard,
measurement. Data qubits are prepared in the first layer and measured in the last; those that are
there already wait once, while the others are reset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.faulty import WAIT, with_noise
from bridge.quantum.codes.libraries import require
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.patches import Check, Coordinate

if TYPE_CHECKING:
    import stim
else:
    stim = require("stim")

Records = frozenset[int]
"""Indices of measurements, in the order of the circuit; their parity is what is meant."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The value of a check over ``support``: the parity of ``records``."""

    basis: Basis
    support: frozenset[Coordinate]
    records: Records


class SyndromeRounds:
    """A stim circuit under construction, round by round.

    Qubits are numbered as they come, with QUBIT_COORDS. A detector has the coordinates (x, y, t),
    with x and y of the check in units of a data qubit's distance, and t the round. What is perfect
    comes last, and never has noise.
    """

    def __init__(self) -> None:
        self._body = stim.Circuit()
        self._perfect = stim.Circuit()
        self._alive: set[Coordinate] = set()
        self._busy: set[Coordinate] = set()
        self._index: dict[Coordinate, int] = {}
        self._known: dict[Coordinate, _Known] = {}
        self._measurements = 0
        self._rounds = 0

    @property
    def rounds(self) -> int:
        """How many rounds there are as yet."""
        return self._rounds

    @property
    def qubits(self) -> int:
        """How many qubits were used as yet, data and checks."""
        return len(self._index)

    @property
    def numbers(self) -> dict[Coordinate, int]:
        """The number of the qubit at each place that was used."""
        return dict(self._index)

    def qubit(self, place: Coordinate) -> int:
        """The number of the qubit at a place."""
        return self._index.setdefault(place, len(self._index))

    def circuit(self, noise: CircuitNoise | None = None) -> stim.Circuit:
        """The circuit as it stands, with noise or without."""
        result = stim.Circuit()
        for (x, y), index in self._index.items():
            result.append("QUBIT_COORDS", [index], [x / 2, y / 2])
        return result + (with_noise(self._body, noise) if noise else self._body) + self._perfect

    def inject(self, place: Coordinate, gates: Sequence[str]) -> None:
        """Reset a data qubit and bring it, by one gate a layer, into a state of its own.

        The last gate is in the layer in which the next round resets other qubits.
        """
        for name in ("R", *gates[:-1]):
            self._gate(name, [place])
            self._tick()
        self._gate(gates[-1], [place])
        self._busy.add(place)

    def adopt(self, places: Iterable[Coordinate]) -> None:
        """Data qubits that bring their state with them: nothing is known of their checks."""
        self._alive.update(places)

    def round(
        self,
        checks: Iterable[Check],
        prepare: Mapping[Coordinate, Basis] | None = None,
        measure: Mapping[Coordinate, Basis] | None = None,
    ) -> tuple[dict[Coordinate, int], dict[Coordinate, int]]:
        """One round; the indices of the results of the checks, and of the data measured.

        ``prepare``: data qubits that are reset in a basis before it. ``measure``: data qubits that
        are measured in a basis at its end.
        """
        checks, prepare, measure = tuple(checks), prepare or {}, measure or {}
        if len(self._perfect):
            raise InputError("round: expected none after a perfect measurement")
        self._alive |= prepare.keys()
        self._measure_checks(checks, prepare, measure)
        outcomes = {check.centre: self._measurements + n for n, check in enumerate(checks)}
        results = {place: self._measurements + len(checks) + n for n, place in enumerate(measure)}
        self._measurements += len(checks) + len(measure)
        self._compare(checks, prepare, outcomes)
        self._close(measure, results)
        self._alive -= measure.keys()
        self._rounds += 1
        return outcomes, results

    def perfect_round(self, checks: Iterable[Check]) -> None:
        """All checks at once and without noise, by Pauli product measurements."""
        checks = tuple(checks)
        for check in checks:
            self._product([(place, check.basis.value) for place in sorted(check.support)])
        first = self._measurements - len(checks)
        self._compare(checks, {}, {check.centre: first + n for n, check in enumerate(checks)})

    def perfect_product(self, factors: Iterable[tuple[Coordinate, str]]) -> int:
        """The index of a Pauli product's measurement without noise."""
        self._product(list(factors))
        return self._measurements - 1

    def observable(self, index: int, records: Records) -> None:
        """The parity of ``records`` as a logical observable."""
        self._annotate("OBSERVABLE_INCLUDE", records, index)

    def _measure_checks(
        self,
        checks: Sequence[Check],
        prepare: Mapping[Coordinate, Basis],
        measure: Mapping[Coordinate, Basis],
    ) -> None:
        places = [check.centre for check in checks]
        turned = [check.centre for check in checks if check.basis is Basis.X]
        self._gate("R", [*places, *(place for place, b in prepare.items() if b is Basis.Z)])
        self._gate("RX", [place for place, b in prepare.items() if b is Basis.X])
        self._gate(WAIT, sorted(self._alive - prepare.keys()))
        self._alive |= self._busy
        self._busy = set()
        self._tick()
        self._gate("H", turned)
        self._tick()
        for step in range(4):
            pairs: list[Coordinate] = []
            for check in checks:
                place = check.steps[step]
                if place is not None:
                    pair = (check.centre, place)
                    pairs += pair if check.basis is Basis.X else pair[::-1]
            self._gate("CX", pairs)
            self._tick()
        self._gate("H", turned)
        self._tick()
        self._gate("M", places)
        for place, basis in measure.items():
            self._gate("M" if basis is Basis.Z else "MX", [place])
        self._tick()

    def _compare(
        self,
        checks: Iterable[Check],
        prepare: Mapping[Coordinate, Basis],
        outcomes: Mapping[Coordinate, int],
    ) -> None:
        """Detectors between these checks and those before; these are then the known ones."""
        known: dict[Coordinate, _Known] = {}
        for check in checks:
            support, record = check.support, frozenset((outcomes[check.centre],))
            before = self._known.get(check.centre)
            old_support = before.support if before else frozenset()
            old = before.records if before else frozenset()
            if old_support <= support and all(
                prepare.get(place) is check.basis for place in support - old_support
            ):
                self._detector(check.centre, record ^ old)
            known[check.centre] = _Known(check.basis, support, record)
        self._known = known

    def _close(
        self, measure: Mapping[Coordinate, Basis], results: Mapping[Coordinate, int]
    ) -> None:
        """What is left of the checks when some of their data qubits have been measured."""
        for centre, known in tuple(self._known.items()):
            taken = known.support & measure.keys()
            if not taken:
                continue
            if any(measure[place] is not known.basis for place in taken):
                del self._known[centre]
                continue
            records = known.records ^ {results[place] for place in taken}
            if taken == known.support:
                self._detector(centre, records)
                del self._known[centre]
            else:
                self._known[centre] = _Known(known.basis, known.support - taken, records)

    def _detector(self, centre: Coordinate, records: Records) -> None:
        x, y = centre
        self._annotate("DETECTOR", records, [x / 2, y / 2, self._rounds])

    def _annotate(self, name: str, records: Records, arguments: Any) -> None:
        if any(not 0 <= record < self._measurements for record in records):
            raise InputError(f"records: expected 0 to {self._measurements - 1}, got {set(records)}")
        targets = [stim.target_rec(record - self._measurements) for record in sorted(records)]
        (self._perfect if len(self._perfect) else self._body).append(name, targets, arguments)

    def _gate(self, name: str, places: Sequence[Coordinate]) -> None:
        if places:
            self._body.append(name, [self.qubit(place) for place in places])

    def _tick(self) -> None:
        self._body.append("TICK", [])

    def _product(self, factors: Sequence[tuple[Coordinate, str]]) -> None:
        targets: list[stim.GateTarget] = []
        for place, letter in factors:
            if targets:
                targets.append(stim.target_combiner())
            targets.append(stim.target_pauli(self.qubit(place), letter))
        self._perfect.append("MPP", targets)
        self._measurements += 1
