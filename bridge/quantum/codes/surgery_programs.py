"""The programs of lattice surgery: memory, merge and split, Bell pair, CNOT, teleportation.

Each is a function of bases, so that every deterministic correlation of its inputs and results can
be looked at, and has an open form with inputs and outputs, of which the action is provable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.surgery import Program, Stage

X, Z = Basis.X, Basis.Z


def memory(basis: Basis) -> Program:
    """One patch, prepared and measured in ``basis``."""
    return Program(f"memory {basis}", {"a": (0, 0)}, (Stage({"a": basis}, (), {"a": basis}),))


def merge_and_split(measured: Basis, basis: Basis) -> Program:
    """Two patches in ``basis``, merged for ``measured`` twice ``measured``, split, and measured.

    Three stages: before, merged, after. In the basis of the merge its result must be even; in the
    other one it is random, and the product of the two patches must survive it.
    """
    places = {"a": (0, 0), "b": (0, 1) if measured is Z else (1, 0)}
    both = {"a": basis, "b": basis}
    stages = (Stage(both), Stage(merge=(("a", "b"),)), Stage(measure=both))
    return Program(f"{measured}{measured} merge and split, {basis}", places, stages)


def bell_pair(basis: Basis) -> Program:
    """Two patches in X merged for ZZ, split and kept, both measured in ``basis``."""
    stages = (
        Stage({"a": X, "b": X}, (("a", "b"),)),
        Stage(measure={"a": basis, "b": basis}),
    )
    return Program(f"Bell pair, {basis}{basis}", {"a": (0, 0), "b": (0, 1)}, stages)


CNOT_PLACES = {"control": (0, 0), "ancilla": (0, 1), "target": (1, 1)}

CNOT_STAGES = (
    Stage({"ancilla": X}, (("control", "ancilla"),)),
    Stage({}, (("ancilla", "target"),), {"ancilla": Z}),
)
"""ZZ of control and ancilla, then XX of ancilla and target, then the ancilla in Z."""


def cnot(control: Basis, target: Basis, final: tuple[Basis, Basis]) -> Program:
    """A CNOT of patches prepared in two bases, measured in the bases ``final``."""
    stages = (
        Stage({"control": control, "target": target}),
        *CNOT_STAGES,
        Stage(measure={"control": final[0], "target": final[1]}),
    )
    name = f"CNOT, {control}{target} to {final[0]}{final[1]}"
    return Program(name, CNOT_PLACES, stages)


def open_cnot() -> Program:
    """A CNOT of patches in any state."""
    return Program("CNOT", CNOT_PLACES, CNOT_STAGES, ("control", "target"))


TELEPORT_PLACES = {"source": (0, 0), "near": (0, 1), "far": (0, 2)}

TELEPORT_STAGES = (
    Stage({"near": X, "far": X}, (("near", "far"),)),
    Stage({}, (("source", "near"),), {"source": X, "near": X}),
)
"""A Bell pair of ``near`` and ``far``, then ZZ and XX of ``source`` and ``near``."""


def teleportation(basis: Basis) -> Program:
    """A patch in ``basis`` teleported by a Bell pair of logical qubits, then measured."""
    stages = (
        Stage({"source": basis, "near": X, "far": X}, (("near", "far"),)),
        TELEPORT_STAGES[1],
        Stage(measure={"far": basis}),
    )
    return Program(f"teleportation, {basis}", TELEPORT_PLACES, stages)


def open_teleportation() -> Program:
    """A patch in any state teleported from ``source`` to ``far``."""
    return Program("teleportation", TELEPORT_PLACES, TELEPORT_STAGES, ("source",))


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as a table knows it: its experiments, which see all correlations together."""

    name: str
    patches: int
    experiments: Mapping[str, Program]


def _operations() -> dict[str, Callable[[], Operation]]:
    return {
        "memory": lambda: Operation("memory", 1, {str(b): memory(b) for b in Basis}),
        "zz": lambda: Operation("zz", 2, {str(b): merge_and_split(Z, b) for b in Basis}),
        "xx": lambda: Operation("xx", 2, {str(b): merge_and_split(X, b) for b in Basis}),
        "bell": lambda: Operation("bell", 2, {f"{b}{b}": bell_pair(b) for b in Basis}),
        "cnot": lambda: Operation(
            "cnot",
            3,
            {
                "XX-XX": cnot(X, X, (X, X)),
                "ZZ-ZZ": cnot(Z, Z, (Z, Z)),
                "XZ-XX": cnot(X, Z, (X, X)),
                "XZ-ZZ": cnot(X, Z, (Z, Z)),
                "ZX-ZX": cnot(Z, X, (Z, X)),
            },
        ),
        "teleport": lambda: Operation("teleport", 3, {str(b): teleportation(b) for b in Basis}),
    }


OPERATIONS = tuple(_operations())


def operation(name: str) -> Operation:
    """The operation of that name, one of ``OPERATIONS``; `InputError` for any other."""
    try:
        return _operations()[name]()
    except KeyError:
        raise InputError(
            f"operation: expected one of {', '.join(OPERATIONS)}, got {name!r}"
        ) from None
