"""A profile as a Qiskit backend: what its noise does, held against formulas and Qiskit's own."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest

pytest.importorskip("qiskit_aer")

from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.quantum_info import SuperOp, average_gate_fidelity
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDelay
from qiskit_aer import AerSimulator

from bridge.domain.errors import HardwareBelowMinimum, InputError
from bridge.quantum.circuits.backend import ProfileBackend, target
from bridge.quantum.circuits.noise_model import gate_error, relaxation
from bridge.quantum.circuits.presets import even, preset
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.circuits.timing import Window, timing, with_idle

LEAST = preset("minimum")
QUBIT = LEAST.qubits[0]
PERFECT_READOUT = replace(QUBIT, prob_meas1_prep0=0.0, prob_meas0_prep1=0.0, reset_fidelity=1.0)


def line(length: int, **changes: float) -> HardwareProfile:
    qubit = replace(PERFECT_READOUT, **changes)
    return even(f"a line of {length}", "a test", 1, length, qubit, 0.999, 40.0)


def backend(profile: HardwareProfile) -> ProfileBackend:
    return ProfileBackend(profile, minimum=None)


def share(profile: HardwareProfile, circuit: QuantumCircuit, result: str, shots: int) -> float:
    counts = backend(profile).run(circuit, shots=shots, seed_simulator=7).result().get_counts()
    return counts.get(result, 0) / shots


def test_hardware_below_the_minimum_is_no_backend() -> None:
    assert ProfileBackend(LEAST).num_qubits == 50
    with pytest.raises(HardwareBelowMinimum, match=r"coherence, T1.*two-qubit gate fidelity"):
        ProfileBackend(preset("willow"))


def test_the_target_has_every_figure() -> None:
    made = target(LEAST)
    assert set(made.operation_names) == {
        "rz", "sx", "x", "cz", "delay", "measure", "reset", "if_else", "for_loop",
    }  # fmt: skip
    assert made["sx"][(3,)].error == pytest.approx(0.001)
    assert made["cz"][(0, 1)].duration == made["cz"][(1, 0)].duration == pytest.approx(40e-9)
    assert made["measure"][(0,)].error == pytest.approx(0.01)
    assert made.qubit_properties[0].t1 == pytest.approx(100e-6)
    assert len(made["cz"]) == 2 * len(LEAST.couplings)
    one_way = target(replace(LEAST, two_qubit_gate="ecr"))
    assert (0, 1) in one_way["ecr"]
    assert (1, 0) not in one_way["ecr"]


@pytest.mark.parametrize(("fidelity", "count"), [(0.999, 1), (0.99, 1), (0.999, 2), (0.97, 2)])
def test_a_gate_has_the_fidelity_of_the_profile(fidelity: float, count: int) -> None:
    error = gate_error((replace(QUBIT, t2_us=130.0),) * count, fidelity, 60.0)
    assert average_gate_fidelity(SuperOp(error)) == pytest.approx(fidelity, abs=1e-12)
    assert gate_error((QUBIT,) * count, 1.0, 60.0) is None


def test_a_wait_relaxes_as_t1_and_t2_say() -> None:
    error = SuperOp(relaxation(replace(QUBIT, t1_us=80.0, t2_us=50.0), 20_000.0))
    excited = error.data @ np.array([0, 0, 0, 1])
    assert excited[3].real == pytest.approx(exp(-20 / 80))
    superposed = error.data @ np.array([0.5, 0.5, 0.5, 0.5])
    assert superposed[1].real == pytest.approx(0.5 * exp(-20 / 50))


def test_a_delay_has_noise_also_inside_a_branch() -> None:
    """Aer gives it none by itself, nor does its pass look inside."""
    profile = line(1, gate_fidelity=0.99975, gate_ns=1.0)
    plain = QuantumCircuit(1, 1)
    plain.x(0)
    plain.delay(50, 0, unit="us")
    plain.measure(0, 0)
    branch = QuantumCircuit(1, 2)
    branch.x(0)
    with branch.if_test((branch.clbits[1], 0)):
        branch.delay(50, 0, unit="us")
    branch.measure(0, 0)
    loop = QuantumCircuit(1, 1)
    loop.x(0)
    with loop.for_loop(range(5)):
        loop.delay(10, 0, unit="us")
    loop.measure(0, 0)
    for circuit, one in ((plain, "1"), (branch, "01"), (loop, "1")):
        assert share(profile, circuit, one, 20_000) == pytest.approx(exp(-0.5), abs=0.015)
        ideal = AerSimulator().run(circuit, shots=200, seed_simulator=7).result().get_counts()
        assert ideal == {one: 200}


def test_a_qubit_that_waits_for_a_branch_not_taken_relaxes_too() -> None:
    profile = line(1)
    circuit = QuantumCircuit(1, 2)
    circuit.x(0)
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.delay(50, 0, unit="us")
    circuit.measure(0, 0)
    assert share(profile, circuit, "01", 20_000) == pytest.approx(exp(-0.5), abs=0.015)


def test_an_idle_qubit_relaxes_while_others_work() -> None:
    profile = line(2)
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.barrier()
    circuit.delay(50, 1, unit="us")
    circuit.barrier()
    circuit.measure([0, 1], [0, 1])
    assert share(profile, circuit, "01", 20_000) == pytest.approx(exp(-0.5), abs=0.015)


def test_feed_forward_runs_and_teleports() -> None:
    profile = even("three", "a test", 1, 3, QUBIT, 0.999, 40.0)
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    circuit.measure(2, 2)
    made = backend(profile)
    compiled = transpile(circuit, made, seed_transpiler=1)
    counts = made.run(compiled, shots=4000, seed_simulator=1).result().get_counts()
    arrived = sum(count for result, count in counts.items() if result[0] == "1")
    assert 0.94 < arrived / 4000 < 0.995


def test_readout_errors_are_the_profiles() -> None:
    qubit = replace(QUBIT, prob_meas1_prep0=0.05, prob_meas0_prep1=0.2, gate_fidelity=0.99975)
    profile = even("one", "a test", 1, 1, qubit, 0.999, 40.0)
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    assert share(profile, circuit, "1", 20_000) == pytest.approx(0.05, abs=0.006)
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    assert share(profile, circuit, "0", 20_000) == pytest.approx(0.2, abs=0.012)


def test_a_reset_may_fail() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.reset(0)
    circuit.measure(0, 0)
    assert share(line(1, reset_fidelity=0.9), circuit, "1", 20_000) == pytest.approx(0.1, abs=0.01)
    assert share(line(1), circuit, "1", 2_000) == 0.0


def bell(width: int = 2) -> QuantumCircuit:
    circuit = QuantumCircuit(width, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_the_same_seed_is_the_same_result() -> None:
    made = backend(LEAST)
    compiled = transpile(bell(), made, seed_transpiler=1)

    def run(seed: int) -> dict[str, int]:
        return made.run(compiled, shots=2000, seed_simulator=seed).result().get_counts()

    assert run(3) == run(3) != run(4)


def test_durations_are_those_of_qiskits_scheduling() -> None:
    made = backend(line(4))
    circuit = QuantumCircuit(4, 4)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.x(3)
    circuit.cx(2, 3)
    circuit.h(0)
    circuit.measure(range(4), range(4))
    compiled = transpile(circuit, made, optimization_level=1, seed_transpiler=1)
    scheduled = PassManager(
        [ALAPScheduleAnalysis(target=made.target), PadDelay(target=made.target)]
    ).run(compiled)
    own = timing(compiled, made.profile)
    assert own.duration_ns == pytest.approx(scheduled.estimate_duration(made.target, "dt"))

    def waits(one: QuantumCircuit) -> list[tuple[int, float]]:
        found, begun = [], set()
        for instruction in one.data:
            numbers = [one.find_bit(bit).index for bit in instruction.qubits]
            if instruction.operation.name == "delay":
                if numbers[0] in begun:  # Qiskit also waits in the ground state
                    found.append((numbers[0], float(instruction.operation.duration)))
            elif instruction.operation.name != "barrier":
                begun.update(numbers)
        return sorted(found)

    assert waits(with_idle(compiled, made.profile)) == pytest.approx(waits(scheduled))
    assert waits(scheduled)


def test_windows_are_from_the_first_operation_to_the_last_between_resets() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.delay(3, 0, unit="us")
    circuit.reset(0)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.barrier()
    circuit.x(1)
    assert timing(circuit, line(2)).windows == (
        Window(0, 0.0, 3025.0),
        Window(0, 3125.0, 3450.0),
        Window(1, 3450.0, 3475.0),
    )


def test_a_branch_lasts_as_long_as_the_longer() -> None:
    circuit = QuantumCircuit(1, 1)
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.x(0)
    with otherwise:
        circuit.delay(2, 0, unit="us")
    assert timing(circuit, line(1)).duration_ns == pytest.approx(2000.0)
    free = QuantumCircuit(1)
    free.delay(Parameter("t"), 0, unit="us")
    with pytest.raises(InputError, match="delay: expected a number"):
        timing(free, line(1))


def test_what_the_profile_cannot_do_is_named() -> None:
    made = backend(line(3))
    with pytest.raises(InputError, match="circuit bell: 4 qubits, profile a line of 3 has 3"):
        made.run(bell(4))
    with pytest.raises(InputError, match=r"gate h on qubits \[0\] is none of cz, .*, and 1 more"):
        made.run(bell())
    apart = QuantumCircuit(3, 1, name="apart")
    apart.cz(0, 2)
    with pytest.raises(InputError, match=r"gate cz is not there on qubits \[0, 2\]"):
        made.run(apart)
    hidden = QuantumCircuit(1, 1)
    with hidden.if_test((hidden.clbits[0], 1)):
        hidden.t(0)
    with pytest.raises(InputError, match="gate t on qubits"):
        made.run(hidden)
    with pytest.raises(InputError, match="operation t on qubits"):
        timing(hidden, made.profile)
    for shots in (0, True, 1.5):
        with pytest.raises(InputError, match="shots: expected at least 1"):
            made.run(apart, shots=shots)
    with pytest.raises(InputError, match="unknown options colour"):
        made.run(apart, colour=1)
    with pytest.raises(InputError, match="at least 1 circuit"):
        made.run([])
