"""A profile in the figures that resource estimates take."""

from __future__ import annotations

from statistics import fmean

from bridge.domain.errors import InputError
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.codes.hardware import HardwareFigures


def hardware_figures(profile: HardwareProfile) -> HardwareFigures:
    """The means of ``profile``, with a round of the surface code timed by its gates.

    The one gate fidelity is that of the two-qubit gates, of which a round has most. A round is two
    layers of one-qubit gates, four of two-qubit gates, and measurement and reset, in which data
    qubits wait.
    """
    if not profile.couplings:
        raise InputError(f"profile {profile.name}: expected couplings, got 0")
    wait_us = profile.waiting_ns / 1000.0
    gates_us = (
        2.0 * fmean(one.gate_ns for one in profile.qubits)
        + 4.0 * fmean(one.gate_ns for one in profile.couplings)
    ) / 1000.0
    return HardwareFigures(
        qubits=len(profile),
        t1_us=fmean(one.t1_us for one in profile.qubits),
        t2_us=fmean(one.t2_us for one in profile.qubits),
        gate_fidelity=fmean(one.gate_fidelity for one in profile.couplings),
        readout_fidelity=fmean(one.readout_fidelity for one in profile.qubits),
        cycle_us=gates_us + wait_us,
        wait_us=wait_us,
    )
