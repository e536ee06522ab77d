"""Lattice surgery, compiled to stim: programs of merges between patches, their detectors and flows.

A program is a list of stages. In a stage patches are prepared, some are merged, all checks are
measured for a number of rounds, the merged ones are split, and some patches are measured. A merge
of two patches that stand one above the other measures ZZ, of two side by side XX.

Where the logical operators go is reckoned by `surgery_frame`. In a merge for ZZ the product of the
checks of Z from the first row of one patch to the first row of the other is the result; the qubits
of the seam, prepared and measured in X, carry the logical X from one to the other, so that the
result of the one in the logical column goes into the sign of XX. For a merge for XX the same is
true with rows and columns exchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.libraries import require
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.patches import (
    Block,
    Check,
    Coordinate,
    checked_distance,
    merged,
    patch,
)
from bridge.quantum.codes.surgery_frame import LogicalState, Parity, Stabilizer, correction
from bridge.quantum.codes.syndrome_rounds import SyndromeRounds

if TYPE_CHECKING:
    import stim
else:
    stim = require("stim")


@dataclass(frozen=True, slots=True)
class Stage:
    """Some rounds with the same checks; what is prepared before and measured after them.

    ``rounds``: how many, if not as many as the program's other stages have.
    """

    prepare: Mapping[str, Basis] = field(default_factory=dict)
    merge: tuple[tuple[str, str], ...] = ()
    measure: Mapping[str, Basis] = field(default_factory=dict)
    rounds: int | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """Patches at places (column, row) of a grid, and what is done to them.

    ``inputs`` are there from the start, in a state of their own; patches that are never measured
    are left over at the end.
    """

    name: str
    places: Mapping[str, tuple[int, int]]
    stages: tuple[Stage, ...]
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surgery:
    """A compiled program.

    ``observables`` has a parity of results for each observable of the circuit, in their order.
    ``outcomes`` has every merge and every patch measured by name, byproducts included: what an
    ideal measurement of the logical qubits would have given. ``outputs`` are
    the stabilizers at the end: of an input in ``references``, a product of ``basis`` over them
    becomes the product over ``patches``, up to the sign.
    """

    program: Program
    distance: int
    rounds: int
    qubits: int
    observables: tuple[Parity, ...]
    outcomes: Mapping[str, Parity]
    outputs: tuple[Stabilizer, ...]
    blocks: Mapping[str, Block]
    numbers: Mapping[Coordinate, int]
    noiseless: stim.Circuit
    _rounds: SyndromeRounds

    def circuit(self, noise: CircuitNoise) -> stim.Circuit:
        """The circuit under ``noise``."""
        return self._rounds.circuit(noise)

    def logical(self, basis: Basis, patch_name: str) -> stim.PauliString:
        """The logical operator of a patch over the qubits of the circuit."""
        result = stim.PauliString(len(self.numbers))
        for place in self.blocks[patch_name].logical(basis):
            result[self.numbers[place]] = basis.value
        return result

    def frame(self, record: npt.NDArray[np.bool_]) -> Mapping[str, str]:
        """The Pauli operator that each output patch still needs, given all results of a shot.

        ``record``: bool, one for each measurement, in the circuit's order. Patches whose state no
        stabilizer fixes need none.
        """
        if record.shape != (self.noiseless.num_measurements,):
            raise InputError(
                f"record: expected {self.noiseless.num_measurements} results, got {record.shape}"
            )
        signs = [bool(record[sorted(one.sign.records)].sum() % 2) for one in self.outputs]
        return correction(self.outputs, signs)

    def flows(self) -> tuple[stim.Flow, ...]:
        """What ``outputs`` says, as stim has it; `stim.Circuit.has_all_flows` proves it."""
        result = []
        for one in self.outputs:
            ends = []
            for names in (one.references, one.patches):
                end = stim.PauliString(len(self.numbers))
                for name in sorted(names):
                    end *= self.logical(one.basis, name)
                ends.append(end)
            result.append(
                stim.Flow(input=ends[0], output=ends[1], measurements=sorted(one.sign.records))
            )
        return tuple(result)


def compile_surgery(program: Program, distance: int, rounds: int | None = None) -> Surgery:
    """``program`` over patches of ``distance``, each stage ``rounds`` rounds long (``distance``).

    `InputError` for an even distance, a merge of patches that are no neighbours, or a program that
    merges, measures or prepares what is not there or is there already.
    """
    checked_distance(distance)
    each = distance if rounds is None else rounds
    for count in (each, *(stage.rounds for stage in program.stages if stage.rounds is not None)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InputError(f"rounds: expected at least 1, got {count!r}")
    return _Compiler(program, distance, each).run()


class _Compiler:
    def __init__(self, program: Program, distance: int, rounds: int) -> None:
        self.program, self.distance, self.each = program, distance, rounds
        self.blocks = {name: patch(*place, distance) for name, place in program.places.items()}
        if len(set(program.places.values())) < len(self.blocks):
            raise InputError(f"places: expected one patch at each, got {dict(program.places)}")
        self.rounds = SyndromeRounds()
        self.state = LogicalState()
        self.alive: dict[str, Block] = {}
        self.observables: list[Parity] = []
        self.outcomes: dict[str, Parity] = {}

    def run(self) -> Surgery:
        for name in self.program.inputs:
            self._begin(name)
            self.state.adopt(name)
            self.rounds.adopt(self.blocks[name].data())
        for stage in self.program.stages:
            self._stage(stage)
        for index, parity in enumerate(self.observables):
            self.rounds.observable(index, parity.records)
        return Surgery(
            self.program,
            self.distance,
            self.rounds.rounds,
            self.rounds.qubits,
            tuple(self.observables),
            self.outcomes,
            self.state.generators,
            self.blocks,
            self.rounds.numbers,
            self.rounds.circuit(),
            self.rounds,
        )

    def _stage(self, stage: Stage) -> None:
        prepare: dict[Coordinate, Basis] = {}
        for name, basis in stage.prepare.items():
            self._begin(name)
            self.state.prepare(name, Basis.named(basis))
            prepare |= dict.fromkeys(self.blocks[name].data(), Basis.named(basis))
        seams = self._seams(stage)
        measure: dict[Coordinate, Basis] = {}
        for seam in seams:
            prepare |= dict.fromkeys(seam.qubits, seam.basis.other)
            measure |= dict.fromkeys(seam.qubits, seam.basis.other)
        for name, basis in stage.measure.items():
            if name not in self.alive:
                raise InputError(f"measure: expected a patch that is there, got {name!r}")
            measure |= dict.fromkeys(self.blocks[name].data(), Basis.named(basis))
        checks = self._checks(seams)
        first: dict[Coordinate, int] = {}
        results: dict[Coordinate, int] = {}
        last = (stage.rounds or self.each) - 1
        for at in range(last + 1):
            outcomes, results = self.rounds.round(
                checks, prepare if at == 0 else {}, measure if at == last else {}
            )
            first = first or outcomes
        for seam in seams:
            self._merged(seam, first, results)
        for name, basis in stage.measure.items():
            self._measured(name, Basis.named(basis), results)

    def _begin(self, name: str) -> None:
        if name not in self.blocks:
            raise InputError(f"patch: expected one of {', '.join(self.blocks)}, got {name!r}")
        if name in self.alive:
            raise InputError(f"prepare: expected a patch that is not there yet, got {name!r}")
        self.alive[name] = self.blocks[name]

    def _seams(self, stage: Stage) -> list[_Seam]:
        seams: list[_Seam] = []
        for pair in stage.merge:
            for name in pair:
                if name not in self.alive:
                    raise InputError(f"merge: expected patches that are there, got {name!r}")
            ordered = sorted(pair, key=lambda name: (self.blocks[name].top, self.blocks[name].left))
            basis, _, qubits = merged(*(self.blocks[name] for name in ordered))
            seams.append(_Seam(basis, ordered[0], ordered[1], qubits))
        return seams

    def _checks(self, seams: list[_Seam]) -> list[Check]:
        """The checks of all patches that are there, merged where there are seams."""
        groups: list[tuple[set[str], Basis | None]] = [({name}, None) for name in self.alive]
        for seam in seams:
            touched = [group for group in groups if group[0] & {seam.first, seam.second}]
            if len(touched) < 2 or any(basis not in (None, seam.basis) for _, basis in touched):
                raise InputError(
                    "merge: expected each patch in one column for ZZ or one row for XX, "
                    f"got {seam.first!r} with {seam.second!r} besides"
                )
            groups = [group for group in groups if group not in touched]
            groups.append((set.union(*(names for names, _ in touched)), seam.basis))
        checks: list[Check] = []
        for names, _ in groups:
            blocks = [self.blocks[name] for name in names]
            left, top = min(b.left for b in blocks), min(b.top for b in blocks)
            right, bottom = max(b.right for b in blocks), max(b.bottom for b in blocks)
            checks += Block(left, top, right - left, bottom - top).checks()
        return checks

    def _merged(
        self, seam: _Seam, first: Mapping[Coordinate, int], results: Mapping[Coordinate, int]
    ) -> None:
        above, below = self.blocks[seam.first], self.blocks[seam.second]
        _, block, _ = merged(above, below)
        lines = (above.top, below.top) if seam.basis is Basis.Z else (above.left, below.left)
        records = frozenset(first[check.centre] for check in block.between(seam.basis, *lines))
        name = self._name(f"{seam.basis}{seam.basis}({seam.first},{seam.second})")
        pair = frozenset((seam.first, seam.second))
        outcome = self.state.outcome(seam.basis, pair, Parity(records, frozenset((name,))))
        self.outcomes[name] = outcome
        even = self.state.measure(seam.basis, pair, outcome)
        if even is not None:
            self.observables.append(even)
        carried = set(block.logical(seam.basis.other)) & set(seam.qubits)
        self.state.byproduct(
            seam.basis.other, seam.first, Parity(frozenset(results[place] for place in carried))
        )

    def _measured(self, name: str, basis: Basis, results: Mapping[Coordinate, int]) -> None:
        records = frozenset(results[place] for place in self.blocks[name].logical(basis))
        title = self._name(f"{basis}({name})")
        raw = Parity(records, frozenset((title,)))
        outcome = self.outcomes[title] = self.state.outcome(basis, frozenset((name,)), raw)
        even = self.state.remove(name, basis, outcome)
        if even is not None:
            self.observables.append(even)
        del self.alive[name]

    def _name(self, name: str) -> str:
        """``name``, numbered from its second use on."""
        count = 1 + sum(other.split("#")[0] == name for other in self.outcomes)
        return name if count == 1 else f"{name}#{count}"


@dataclass(frozen=True, slots=True)
class _Seam:
    basis: Basis
    first: str
    second: str
    qubits: tuple[Coordinate, ...]
