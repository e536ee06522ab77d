"""A hardware profile as a Qiskit backend: its Target, and runs on Aer with its noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.minimum import MINIMUM, Minimum, check_width, require_minimum
from bridge.quantum.circuits.noise_model import noise_model, with_relaxation
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.circuits.timing import with_idle

try:
    from qiskit.circuit import (
        Barrier,
        Delay,
        ForLoopOp,
        IfElseOp,
        Measure,
        Parameter,
        QuantumCircuit,
        Reset,
    )
    from qiskit.circuit.controlflow import ControlFlowOp
    from qiskit.circuit.library import CXGate, CZGate, ECRGate, RZGate, SXGate, XGate
    from qiskit.providers import BackendV2, JobV1, Options, QubitProperties
    from qiskit.transpiler import InstructionProperties, Target
    from qiskit_aer import AerSimulator
except ImportError:
    raise ExtraMissing("qiskit-aer", "circuits") from None

GATES = {"cz": CZGate, "cx": CXGate, "ecr": ECRGate}
DT_S = 1e-9


def target(profile: HardwareProfile) -> Target:
    """What ``profile`` can do, with durations in seconds and average gate errors.

    rz, sx, x, the two-qubit gate, delay, measure, reset, and feed-forward: if_else and for_loop.
    """
    made = Target(
        num_qubits=len(profile),
        dt=DT_S,
        qubit_properties=[
            QubitProperties(t1=one.t1_us * 1e-6, t2=one.t2_us * 1e-6) for one in profile.qubits
        ],
    )
    numbered = [((number,), one) for number, one in enumerate(profile.qubits)]
    exact = InstructionProperties(duration=0.0, error=0.0)
    made.add_instruction(RZGate(Parameter("angle")), {place: exact for place, _ in numbered})
    for gate in (SXGate(), XGate()):
        made.add_instruction(
            gate,
            {
                place: InstructionProperties(one.gate_ns * 1e-9, 1.0 - one.gate_fidelity)
                for place, one in numbered
            },
        )
    made.add_instruction(
        Measure(),
        {
            place: InstructionProperties(one.measure_ns * 1e-9, 1.0 - one.readout_fidelity)
            for place, one in numbered
        },
    )
    made.add_instruction(
        Reset(),
        {
            place: InstructionProperties(one.reset_ns * 1e-9, 1.0 - one.reset_fidelity)
            for place, one in numbered
        },
    )
    made.add_instruction(Delay(Parameter("time")), {place: None for place, _ in numbered})
    if profile.couplings:
        pairs = {}
        for one in profile.couplings:
            properties = InstructionProperties(one.gate_ns * 1e-9, 1.0 - one.gate_fidelity)
            pairs[one.first, one.second] = properties
            if profile.two_qubit_gate == "cz":  # either order is the same gate
                pairs[one.second, one.first] = properties
        made.add_instruction(GATES[profile.two_qubit_gate](), pairs)
    made.add_instruction(IfElseOp, name="if_else")
    made.add_instruction(ForLoopOp, name="for_loop")
    return made


class ProfileBackend(BackendV2):  # type: ignore[misc]  # Qiskit has no types
    """A processor with the figures of ``profile``, simulated by Aer.

    Refuses a profile below ``minimum``; None lets any through, for tests and for study. ``run``
    takes circuits compiled for ``target``; ``shots`` and ``seed_simulator`` are its options, and
    ``method`` is Aer's. Idle qubits relax. One thread serves a run, since Aer's random numbers
    depend on how many there are: the same seed is the same result on every machine, and more speed
    comes from more processes.
    """

    def __init__(self, profile: HardwareProfile, minimum: Minimum | None = MINIMUM) -> None:
        if minimum is not None:
            require_minimum(profile, minimum)
        super().__init__(name=profile.name, description=profile.source)
        self.profile = profile
        self._target = target(profile)

    @property
    def target(self) -> Target:
        """The Target that circuits are compiled for."""
        return self._target

    @property
    def max_circuits(self) -> None:
        """No limit."""
        return

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024, seed_simulator=None, method="automatic")

    def run(self, run_input: QuantumCircuit | Sequence[QuantumCircuit], **options: Any) -> JobV1:
        """Start the circuits; ``InputError`` names what the profile cannot do."""
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        unknown = set(options) - {"shots", "seed_simulator", "method"}
        if unknown:
            raise InputError(f"run: unknown options {', '.join(sorted(unknown))}")
        chosen = {name: options.get(name, self.options.get(name)) for name in self.options}
        shots = chosen["shots"]
        if isinstance(shots, bool) or not isinstance(shots, int) or shots < 1:
            raise InputError(f"shots: expected at least 1, got {shots!r}")
        if not circuits:
            raise InputError("run: expected at least 1 circuit, got 0")
        noisy = [self.noisy(circuit) for circuit in circuits]
        used = {number for circuit in circuits for number in used_qubits(circuit)}
        simulator = AerSimulator(
            noise_model=noise_model(self.profile, used),
            method=chosen["method"],
            max_parallel_threads=1,
        )
        return simulator.run(noisy, shots=shots, seed_simulator=chosen["seed_simulator"])

    def noisy(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """``circuit`` with every wait and what it does, as Aer runs it."""
        check_circuit(circuit, self.profile, self._target)
        return with_relaxation(with_idle(circuit, self.profile), self.profile)


def used_qubits(circuit: QuantumCircuit) -> set[int]:
    """The qubits that an operation acts on."""
    number = {bit: place for place, bit in enumerate(circuit.qubits)}
    return {
        number[bit]
        for instruction in circuit.data
        if not isinstance(instruction.operation, Barrier)
        for bit in instruction.qubits
    }


def check_circuit(circuit: QuantumCircuit, profile: HardwareProfile, made: Target) -> None:
    """Nothing; raises ``InputError`` when ``circuit`` is not compiled for the Target ``made``."""
    check_width(profile, circuit.num_qubits, f"circuit {circuit.name}")
    if circuit.parameters:
        names = ", ".join(sorted(one.name for one in circuit.parameters))
        raise InputError(f"circuit {circuit.name}: expected numbers for its parameters {names}")
    problems = list(_unknown(circuit, range(circuit.num_qubits), made))
    if problems:
        raise InputError(
            f"circuit {circuit.name} is not compiled for {profile.name}: {problems[0]}"
            + (f", and {len(problems) - 1} more" if len(problems) > 1 else "")
        )


def _unknown(circuit: QuantumCircuit, qubits: Sequence[int], made: Target) -> Iterator[str]:
    place = dict(zip(circuit.qubits, qubits, strict=True))
    for instruction in circuit.data:
        operation = instruction.operation
        if isinstance(operation, Barrier):
            continue
        numbers = tuple(place[bit] for bit in instruction.qubits)
        if operation.name not in made.operation_names:
            known = ", ".join(sorted(made.operation_names))
            yield f"gate {operation.name} on qubits {list(numbers)} is none of {known}"
        elif isinstance(operation, ControlFlowOp):
            for block in operation.blocks:
                yield from _unknown(block, numbers, made)
        elif not made.instruction_supported(operation.name, numbers):
            yield f"gate {operation.name} is not there on qubits {list(numbers)}"
