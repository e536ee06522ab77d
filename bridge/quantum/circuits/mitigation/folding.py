"""A circuit that does the same with more noise: gates followed by their inverse and themselves.

Global folding, Giurgica-Tiron and others, IEEE QCE 2020, arXiv 2005.10921.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, pi

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.profile import HardwareProfile

try:
    from qiskit.circuit import (
        Barrier,
        CircuitInstruction,
        Delay,
        Measure,
        QuantumCircuit,
    )
    from qiskit.circuit.library import RZGate, SXGate
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

SELF_INVERSE = frozenset({"x", "cz", "cx", "ecr"})
LARGEST_SCALE = 101.0


@dataclass(frozen=True, slots=True)
class Folded:
    """``scale`` is how many times the infidelity of its gates the circuit has, as reckoned."""

    circuit: QuantumCircuit
    scale: float


def fold(circuit: QuantumCircuit, profile: HardwareProfile, scale: float) -> Folded:
    """``circuit`` with about ``scale`` times its gate noise, from 1 on.

    ``circuit`` is compiled for ``profile`` and measures at its end only; the result is compiled
    too, and must not go through passes that would take the folds out. The whole is folded as often
    as fits, then its last gates; an odd ``scale`` is met exactly. Raises ``InputError`` for a
    measurement, reset or branch before the end.
    """
    if not (isfinite(scale) and 1.0 <= scale <= LARGEST_SCALE):
        raise InputError(f"scale: expected 1 to {LARGEST_SCALE:g}, got {scale}")
    gates, ending = _parts(circuit)
    weights = [_infidelity(circuit, one, profile) for one in gates]
    total = sum(weights)
    if total <= 0.0:
        raise InputError(f"circuit {circuit.name}: expected a gate that has noise, found none")
    whole, part = divmod((scale - 1.0) / 2.0 * total, total)
    tail = len(gates)
    folded = 0.0
    while part - folded > 0.5 * weights[tail - 1]:
        tail -= 1
        folded += weights[tail]
    result = circuit.copy_empty_like()
    for one in gates:
        result.append(one)
    for start in [0] * int(whole) + [tail]:
        for one in reversed(gates[start:]):
            _append_inverse(result, one)
        for one in gates[start:]:
            result.append(one)
    for one in ending:
        result.append(one)
    return Folded(result, 1.0 + 2.0 * (int(whole) * total + folded) / total)


def _parts(
    circuit: QuantumCircuit,
) -> tuple[list[CircuitInstruction], list[CircuitInstruction]]:
    gates: list[CircuitInstruction] = []
    ending: list[CircuitInstruction] = []
    measured = set()
    for one in circuit.data:
        operation = one.operation
        if isinstance(operation, Measure):
            measured.update(one.qubits)
            ending.append(one)
        elif isinstance(operation, Barrier):
            (ending if measured else gates).append(one)
        elif operation.name in SELF_INVERSE | {"rz", "sx"} or isinstance(operation, Delay):
            if measured.intersection(one.qubits):
                raise InputError(
                    f"circuit {circuit.name}: expected measurements at the end only, "
                    f"{operation.name} follows one"
                )
            gates.append(one)
        else:
            raise InputError(
                f"circuit {circuit.name}: expected compiled gates with an inverse, "
                f"got {operation.name}"
            )
    return gates, ending


def _infidelity(
    circuit: QuantumCircuit, one: CircuitInstruction, profile: HardwareProfile
) -> float:
    numbers: list[int] = [circuit.find_bit(bit).index for bit in one.qubits]
    name: str = one.operation.name
    if name in ("sx", "x"):
        return 1.0 - profile.qubits[numbers[0]].gate_fidelity
    if name == profile.two_qubit_gate:
        for pair in profile.couplings:
            if {pair.first, pair.second} == set(numbers):
                return 1.0 - pair.gate_fidelity
    return 0.0


def _append_inverse(circuit: QuantumCircuit, one: CircuitInstruction) -> None:
    operation = one.operation
    if operation.name == "rz":
        circuit.append(RZGate(-operation.params[0]), one.qubits)
    elif operation.name == "sx":
        # No processor here has sxdg; up to a phase it is sx between half turns about Z.
        circuit.append(RZGate(pi), one.qubits)
        circuit.append(SXGate(), one.qubits)
        circuit.append(RZGate(-pi), one.qubits)
    else:
        circuit.append(one)
