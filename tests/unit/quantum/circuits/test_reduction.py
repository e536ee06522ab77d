"""Fewer gates, the same action, and a plainer way or a refusal where it does not work out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

pytest.importorskip("qiskit_aer")

from qiskit import QuantumCircuit
from qiskit.circuit.library import QFTGate
from qiskit.quantum_info import Operator
from qiskit.transpiler import PassManager, TranspilerError
from qiskit.transpiler.basepasses import TransformationPass

from bridge.domain.errors import CircuitRefused, InputError
from bridge.quantum.circuits.backend import ProfileBackend
from bridge.quantum.circuits.presets import even, preset
from bridge.quantum.circuits.reduction import PLANS, Plan, counts, preset_plan, reduce_gates

LEAST = preset("minimum")
BACKEND = ProfileBackend(LEAST)
SMALL = ProfileBackend(even("six", "a test", 2, 3, LEAST.qubits[0], 0.999, 40.0), minimum=None)


def circuit(qubits: int = 4, measured: bool = True) -> QuantumCircuit:
    made = QuantumCircuit(qubits, qubits, name="given")
    made.append(QFTGate(qubits), range(qubits))
    made.ccx(0, 1, 2)
    made.cx(0, 1)
    made.cx(0, 1)
    if measured:
        made.measure(range(qubits), range(qubits))
    return made


def waiting(us: float, name: str) -> QuantumCircuit:
    made = QuantumCircuit(1, 1, name=name)
    made.h(0)
    made.delay(us, 0, unit="us")
    made.h(0)
    made.measure(0, 0)
    return made


def test_gates_are_counted_before_and_after() -> None:
    reduced = reduce_gates(circuit(), BACKEND)
    assert reduced.before is not None
    assert (reduced.plan, reduced.candidate, reduced.attempts) == ("thorough", 0, ())
    assert reduced.after.two_qubit < 0.75 * reduced.before.two_qubit
    assert sum(dict(reduced.after.operations).values()) < sum(
        dict(reduced.before.operations).values()
    )
    assert reduced.after.depth < reduced.before.depth
    assert reduced.before.duration_ns is not None
    assert reduced.after.duration_ns is not None
    assert reduced.after.duration_ns < reduced.before.duration_ns
    assert dict(reduced.given.operations)["ccx"] == 1
    assert reduced.given.duration_ns is None
    assert dict(counts(reduced.circuit).operations) == dict(reduced.after.operations)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_the_reduced_circuit_does_the_same(plan: Plan) -> None:
    given = circuit(measured=False)
    reduced = reduce_gates(given, SMALL, plans=[plan])
    # The layout that the passes chose is undone by ``from_circuit``; two qubits are to spare.
    assert Operator.from_circuit(reduced.circuit).equiv(
        Operator(QuantumCircuit(2)).tensor(Operator(given))
    )


class Failing(TransformationPass):
    """A pass that cannot do it."""

    def run(self, dag):  # type: ignore[no-untyped-def]
        raise TranspilerError("no luck today")


class Dropping(TransformationPass):
    """A pass that loses the measurements."""

    def run(self, dag):  # type: ignore[no-untyped-def]
        dag.remove_all_ops_named("measure")
        return dag


def failing(_target: object, _seed: int) -> PassManager:
    return PassManager([Failing()])


def untranslated(_target: object, _seed: int) -> PassManager:
    return PassManager([])


def dropping(target: object, seed: int) -> PassManager:
    passes = preset_plan("light", 1).passes(target, seed)  # type: ignore[arg-type]
    passes.post_optimization = PassManager([Dropping()])
    return passes


def test_a_pass_that_fails_is_followed_by_a_plainer_way() -> None:
    plans = (
        Plan("failing", failing),
        Plan("untranslated", untranslated),
        Plan("dropping", dropping),
        *PLANS,
    )
    reduced = reduce_gates(circuit(), BACKEND, plans=plans)
    assert reduced.plan == "thorough"
    assert len(reduced.attempts) == 3
    assert "given, failing: TranspilerError: 'no luck today'" in reduced.attempts[0]
    assert "is not compiled for minimum: gate" in reduced.attempts[1]
    assert "expected 4 measurements, the passes left 0" in reduced.attempts[2]


def test_when_every_pass_fails_the_circuit_is_refused() -> None:
    with pytest.raises(CircuitRefused, match="no luck today") as caught:
        reduce_gates(circuit(), BACKEND, plans=[Plan("failing", failing)])
    assert len(caught.value.attempts) == 1


def test_a_circuit_over_the_coherence_gives_way_to_a_plainer_one() -> None:
    reduced = reduce_gates(waiting(150.0, "long"), BACKEND, [waiting(20.0, "short")])
    assert (reduced.candidate, reduced.circuit.name) == (1, "short")
    assert len(reduced.attempts) == len(PLANS)
    assert "holds its state for 150.3 us, expected at most 100 us" in reduced.attempts[0]


def test_when_none_fits_all_are_named() -> None:
    with pytest.raises(CircuitRefused) as caught:
        reduce_gates(waiting(150.0, "long"), BACKEND, [waiting(120.0, "shorter")])
    assert len(caught.value.attempts) == 2 * len(PLANS)
    assert str(caught.value).startswith("circuit long does not fit minimum: long, thorough: ")
    with pytest.raises(CircuitRefused, match="expected at most 50 us"):
        reduce_gates(waiting(60.0, "half"), BACKEND, coherence_share=0.5)
    assert reduce_gates(waiting(60.0, "half"), BACKEND).candidate == 0


def test_the_least_coherent_qubit_that_is_used_decides() -> None:
    weak = replace(LEAST.qubits[0], t1_us=10.0, t2_us=10.0, gate_fidelity=0.998)
    profile = even("weak", "a test", 1, 1, weak, 0.999, 40.0)
    made = ProfileBackend(profile, minimum=None)
    assert reduce_gates(waiting(9.0, "brief"), made).candidate == 0
    with pytest.raises(CircuitRefused, match="expected at most 10 us"):
        reduce_gates(waiting(11.0, "long"), made)


def test_a_circuit_too_deep_is_refused() -> None:
    shallow = QuantumCircuit(4, 4, name="shallow")
    shallow.x(0)
    shallow.measure(range(4), range(4))
    reduced = reduce_gates(circuit(), BACKEND, [shallow], most_depth=5)
    assert (reduced.candidate, reduced.after.depth) == (1, 2)
    with pytest.raises(CircuitRefused, match=r"depth \d+, expected at most 5"):
        reduce_gates(circuit(), BACKEND, most_depth=5)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="circuit wide: 51 qubits, profile minimum has 50"):
        reduce_gates(QuantumCircuit(51, name="wide"), BACKEND)
    for share in (0.0, math.nan, -1.0):
        with pytest.raises(InputError, match="coherence share"):
            reduce_gates(circuit(), BACKEND, coherence_share=share)
    with pytest.raises(InputError, match="depth"):
        reduce_gates(circuit(), BACKEND, most_depth=0)
    with pytest.raises(InputError, match="plans"):
        reduce_gates(circuit(), BACKEND, plans=[])
