"""Fewer gates by transpiler passes, counted before and after, and a plainer way when one fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bridge.domain.errors import CircuitRefused, ExtraMissing, InputError
from bridge.quantum.circuits.backend import ProfileBackend, check_circuit
from bridge.quantum.circuits.minimum import check_width
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.circuits.timing import timing

try:
    from qiskit import generate_preset_pass_manager
    from qiskit.circuit import Barrier, Measure, QuantumCircuit
    from qiskit.circuit.controlflow import ControlFlowOp
    from qiskit.transpiler import PassManager, Target
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a circuit costs. ``duration_ns`` is None for one that is not compiled."""

    operations: tuple[tuple[str, int], ...]
    two_qubit: int
    depth: int
    duration_ns: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A way of compiling: ``passes`` makes them for a Target and a seed."""

    name: str
    passes: Callable[[Target, int], PassManager]


def preset_plan(name: str, level: int) -> Plan:
    """The passes of Qiskit's optimisation ``level``."""

    def passes(made: Target, seed: int) -> PassManager:
        return generate_preset_pass_manager(level, target=made, seed_transpiler=seed)

    return Plan(name, passes)


PLANS = (
    preset_plan("thorough", 3),
    preset_plan("usual", 2),
    preset_plan("light", 1),
    preset_plan("plain", 0),
)
"""Ways of compiling, the most gates saved first."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """A circuit that fits, and how it came about.

    ``given`` counts the circuit as it was given, ``before`` the same by translation alone, None
    where that failed, and ``after`` what came out. ``candidate`` is 0 for the circuit that was
    asked for, 1 for the first plainer one; ``attempts`` says why each earlier way was not taken.
    """

    circuit: QuantumCircuit
    given: Counts
    before: Counts | None
    after: Counts
    plan: str
    candidate: int
    attempts: tuple[str, ...]


def reduce_gates(
    circuit: QuantumCircuit,
    backend: ProfileBackend,
    plainer: Sequence[QuantumCircuit] = (),
    *,
    plans: Sequence[Plan] = PLANS,
    coherence_share: float = 1.0,
    most_depth: int | None = None,
    seed: int = 0,
) -> Reduction:
    """``circuit`` compiled for ``backend`` with the fewest gates that fit.

    Each plan is tried in turn: one whose passes raise, or whose result is not for the backend or
    does not fit, is followed by the next; after the last of them come the ``plainer`` circuits,
    which do less or the same with less. A circuit fits when no qubit is held longer than
    ``coherence_share`` of the lesser of its T1 and T2, and when it is at most ``most_depth`` deep.
    Raises ``CircuitRefused`` with every attempt when nothing fits.
    """
    if not 0.0 < coherence_share < float("inf"):
        raise InputError(f"coherence share: expected above 0, got {coherence_share}")
    if most_depth is not None and most_depth < 1:
        raise InputError(f"depth: expected at least 1, got {most_depth}")
    if not plans:
        raise InputError("plans: expected at least 1, got 0")
    profile = backend.profile
    for one in (circuit, *plainer):
        check_width(profile, one.num_qubits, f"circuit {one.name}")
    attempts: list[str] = []
    for candidate, one in enumerate((circuit, *plainer)):
        for plan in plans:
            where = f"{one.name}, {plan.name}"
            try:
                compiled = plan.passes(backend.target, seed).run(one)
                check_circuit(compiled, profile, backend.target)
                _same_results(one, compiled)
            except Exception as error:  # whatever a pass raises, the next plan may do without it
                attempts.append(f"{where}: {type(error).__name__}: {error}")
                continue
            problems = list(_misfits(compiled, profile, coherence_share, most_depth))
            if problems:
                attempts.append(f"{where}: {problems[0]}")
                continue
            return Reduction(
                circuit=compiled,
                given=counts(one),
                before=_before(one, backend, seed),
                after=counts(compiled, profile),
                plan=plan.name,
                candidate=candidate,
                attempts=tuple(attempts),
            )
    raise CircuitRefused(circuit.name, profile.name, attempts)


def counts(circuit: QuantumCircuit, profile: HardwareProfile | None = None) -> Counts:
    """Operations by name, those on two or more qubits, depth, and the duration on ``profile``.

    Operations in branches and loops count once. Barriers do not count.
    """
    found: Counter[str] = Counter()
    wide = 0
    for name, width in _operations(circuit):
        found[name] += 1
        wide += width >= 2
    return Counts(
        operations=tuple(sorted(found.items())),
        two_qubit=wide,
        depth=circuit.depth(lambda one: not isinstance(one.operation, Barrier)),
        duration_ns=None if profile is None else timing(circuit, profile).duration_ns,
    )


def _operations(circuit: QuantumCircuit) -> Iterator[tuple[str, int]]:
    for instruction in circuit.data:
        if isinstance(instruction.operation, ControlFlowOp):
            for block in instruction.operation.blocks:
                yield from _operations(block)
        elif not isinstance(instruction.operation, Barrier):
            yield instruction.operation.name, len(instruction.qubits)


def _before(circuit: QuantumCircuit, backend: ProfileBackend, seed: int) -> Counts | None:
    try:
        plain = preset_plan("plain", 0).passes(backend.target, seed).run(circuit)
        return counts(plain, backend.profile)
    except Exception:  # the counts to compare with are not worth more than the circuit
        return None


def _same_results(given: QuantumCircuit, compiled: QuantumCircuit) -> None:
    if given.num_clbits != compiled.num_clbits:
        raise InputError(
            f"expected {given.num_clbits} classical bits, the passes left {compiled.num_clbits}"
        )
    written, left = (
        sum(isinstance(instruction.operation, Measure) for instruction in one.data)
        for one in (given, compiled)
    )
    if written != left:
        raise InputError(f"expected {written} measurements, the passes left {left}")


def _misfits(
    circuit: QuantumCircuit, profile: HardwareProfile, share: float, most_depth: int | None
) -> Iterator[str]:
    for window in timing(circuit, profile).windows:
        limit_us = share * profile.qubits[window.qubit].coherence_us
        if window.length_ns > 1000.0 * limit_us:
            yield (
                f"qubit {window.qubit} holds its state for {window.length_ns / 1000.0:.4g} us, "
                f"expected at most {limit_us:.4g} us of coherence"
            )
    depth = circuit.depth(lambda one: not isinstance(one.operation, Barrier))
    if most_depth is not None and depth > most_depth:
        yield f"depth {depth}, expected at most {most_depth}"
