"""The noise of a hardware profile as Aer takes it.

A gate's error is relaxation for its duration, then as much depolarising as brings its average
fidelity to the profile's. Aer gives a ``delay`` no noise by itself, and its ``RelaxationNoisePass``
does not look inside branches; ``with_relaxation`` does both. Readout errors are classical and stand
for the whole measurement, so a measured qubit has no relaxation besides.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from bridge.domain.errors import ExtraMissing
from bridge.quantum.circuits import decay
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.circuits.profile import Qubit as QubitFigures
from bridge.quantum.circuits.timing import delay_ns

try:
    from qiskit.circuit import Delay, QuantumCircuit
    from qiskit.circuit.controlflow import ControlFlowOp
    from qiskit_aer.noise import (
        NoiseModel,
        QuantumError,
        ReadoutError,
        depolarizing_error,
        pauli_error,
        thermal_relaxation_error,
    )
except ImportError:
    raise ExtraMissing("qiskit-aer", "circuits") from None


def noise_model(profile: HardwareProfile, qubits: Collection[int]) -> NoiseModel:
    """Noise of gates, resets and readout on ``qubits``; delays have theirs by ``with_relaxation``.

    Aer takes a second to read the model of a whole processor, so it gets what a run needs.
    """
    model = NoiseModel(basis_gates=["rz", "sx", "x", profile.two_qubit_gate, "delay"])
    for number in sorted(qubits):
        one = profile.qubits[number]
        error = gate_error((one,), one.gate_fidelity, one.gate_ns)
        if error is not None:
            model.add_quantum_error(error, ["sx", "x"], [number])
        if one.reset_fidelity < 1.0:
            wrong = 1.0 - one.reset_fidelity
            model.add_quantum_error(
                pauli_error([("X", wrong), ("I", one.reset_fidelity)]), "reset", [number]
            )
        if one.readout_fidelity < 1.0:
            model.add_readout_error(ReadoutError(confusion(one)), [number])
    for pair in profile.couplings:
        if not {pair.first, pair.second} <= set(qubits):
            continue
        orders = [(pair.first, pair.second)]
        if profile.two_qubit_gate == "cz":
            orders.append((pair.second, pair.first))
        for order in orders:
            figures = tuple(profile.qubits[number] for number in order)
            error = gate_error(figures, pair.gate_fidelity, pair.gate_ns)
            if error is not None:
                model.add_quantum_error(error, profile.two_qubit_gate, list(order))
    return model


def confusion(qubit: QubitFigures) -> list[list[float]]:
    """Probabilities of a result, a column each, for each state that was prepared, a row each."""
    return [
        [1.0 - qubit.prob_meas1_prep0, qubit.prob_meas1_prep0],
        [qubit.prob_meas0_prep1, 1.0 - qubit.prob_meas0_prep1],
    ]


@lru_cache(maxsize=4096)
def gate_error(
    qubits: tuple[QubitFigures, ...], fidelity: float, duration_ns: float
) -> QuantumError | None:
    """The error of a gate of this average fidelity; None for a perfect one.

    With a relaxation of process fidelity f and depolarising of probability p, which leaves
    ``1/d^2`` of any, the whole is ``(1 - p) f + p / d^2``.
    """
    count = len(qubits)
    d = 1 << count
    wanted = ((d + 1.0) * fidelity - 1.0) / d
    relaxed = 1.0
    for one in qubits:
        relaxed *= decay.process_fidelity(duration_ns, one.t1_us, one.t2_us)
    if fidelity >= 1.0:
        return None
    mixed = max(0.0, (relaxed - wanted) / (relaxed - 1.0 / d**2))
    error = relaxation(qubits[0], duration_ns)
    for one in qubits[1:]:
        error = relaxation(one, duration_ns).tensor(error)
    return error.compose(depolarizing_error(mixed, count)) if mixed > 0.0 else error


@lru_cache(maxsize=4096)
def relaxation(qubit: QubitFigures, duration_ns: float) -> QuantumError:
    """What a wait of ``duration_ns`` does to a qubit."""
    return thermal_relaxation_error(
        qubit.t1_us * 1e-6, min(qubit.t2_us, 2.0 * qubit.t1_us) * 1e-6, duration_ns * 1e-9
    )


def with_relaxation(circuit: QuantumCircuit, profile: HardwareProfile) -> QuantumCircuit:
    """``circuit`` with relaxation after each delay, also inside branches and loops."""
    return _relaxed(circuit, profile, range(circuit.num_qubits))


def _relaxed(
    circuit: QuantumCircuit,
    profile: HardwareProfile,
    qubits: Sequence[int],
) -> QuantumCircuit:
    place = dict(zip(circuit.qubits, qubits, strict=True))
    result = circuit.copy_empty_like()
    for instruction in circuit.data:
        operation = instruction.operation
        if isinstance(operation, ControlFlowOp):
            inner = [place[bit] for bit in instruction.qubits]
            blocks = [_relaxed(block, profile, inner) for block in operation.blocks]
            result.append(instruction.replace(operation=operation.replace_blocks(blocks)))
            continue
        result.append(instruction)
        if isinstance(operation, Delay):
            waiting = profile.qubits[place[instruction.qubits[0]]]
            error = relaxation(waiting, delay_ns(operation))
            result.append(error.to_instruction(), instruction.qubits)
    return result
