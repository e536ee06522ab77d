"""A circuit with the errors of its operations written into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.domain.errors import InputError
from bridge.quantum.codes.libraries import require
from bridge.quantum.codes.noise import CircuitNoise

if TYPE_CHECKING:
    import stim
else:
    stim = require("stim")

WAIT = "I"
"""The identity stands for a qubit that waits, and has the noise ``idle``."""
SILENT = {
    "QUBIT_COORDS", "DETECTOR", "OBSERVABLE_INCLUDE", "SHIFT_COORDS", "TICK", "MPAD",
}  # fmt: skip
UNDONE_BY = {
    "M": "X_ERROR", "R": "X_ERROR", "MR": "X_ERROR", "MX": "Z_ERROR", "RX": "Z_ERROR",
    "MRX": "Z_ERROR", "MY": "Z_ERROR", "RY": "Z_ERROR", "MRY": "Z_ERROR",
}  # fmt: skip
"""The Pauli operator that turns over what is measured, or what is reset."""


def with_noise(circuit: stim.Circuit, noise: CircuitNoise) -> stim.Circuit:
    """``circuit`` with an error of ``noise`` at each operation; probabilities of 0 leave none.

    `InputError` where the circuit has noise already or an operation that has no model here.
    """
    noisy = stim.Circuit()
    for at in range(len(circuit)):
        operation = circuit[at]
        if isinstance(operation, stim.CircuitRepeatBlock):
            body = with_noise(operation.body_copy(), noise)
            noisy.append(stim.CircuitRepeatBlock(operation.repeat_count, body))
        else:
            _append(noisy, operation, noise)
    return noisy


def _append(noisy: stim.Circuit, operation: stim.CircuitInstruction, noise: CircuitNoise) -> None:
    name = operation.name
    gate = stim.gate_data(name)
    targets = operation.targets_copy()
    if name in SILENT:
        noisy.append(operation)
        return
    if any(not target.is_qubit_target for target in targets) or operation.gate_args_copy():
        raise InputError(f"circuit: expected operations on qubits alone, got {operation}")
    if name in UNDONE_BY:
        if gate.produces_measurements and noise.measurement:
            noisy.append(UNDONE_BY[name], targets, noise.measurement)
        noisy.append(operation)
        if gate.is_reset and noise.reset:
            noisy.append(UNDONE_BY[name], targets, noise.reset)
        return
    if not gate.is_unitary:
        raise InputError(f"circuit: expected gates, measurements and resets, got {operation}")
    if name == WAIT:
        kind, what, probability = "DEPOLARIZE1", "idle", noise.idle
    elif gate.is_two_qubit_gate:
        kind, what, probability = "DEPOLARIZE2", "two_qubit", noise.two_qubit
    else:
        kind, what, probability = "DEPOLARIZE1", "one_qubit", noise.one_qubit
    if name != WAIT:
        noisy.append(operation)
    if probability:
        # Above 3/4 and 15/16 a depolarising channel is not a mixture of independent errors.
        most = 15 / 16 if gate.is_two_qubit_gate else 3 / 4
        if probability > most:
            raise InputError(f"{what}: expected at most {most} in a circuit, got {probability}")
        noisy.append(kind, targets, probability)
