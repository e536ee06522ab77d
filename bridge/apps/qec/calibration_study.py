"""What calibration finds on a simulated processor, and what mitigation brings, beside the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bridge.domain.errors import ExtraMissing
from bridge.quantum.circuits.backend import ProfileBackend
from bridge.quantum.circuits.batches import run_batches
from bridge.quantum.circuits.calibration.benchmarking import (
    Curve,
    measure_one_qubit_gate,
    measure_two_qubit_gate,
)
from bridge.quantum.circuits.calibration.coherence import measure_t1, measure_t2
from bridge.quantum.circuits.calibration.fits import Decay, Points
from bridge.quantum.circuits.calibration.measured import (
    Calibration,
    QubitFigures,
    Runner,
    runner_on_profile,
)
from bridge.quantum.circuits.calibration.readout import measure_readout
from bridge.quantum.circuits.document import read_profile
from bridge.quantum.circuits.expectation import Estimate, z_expectation
from bridge.quantum.circuits.mitigation.extrapolation import Extrapolation, Fit, zero_noise_z
from bridge.quantum.circuits.mitigation.readout import ReadoutMitigation
from bridge.quantum.circuits.presets import PRESETS, preset
from bridge.quantum.circuits.profile import HardwareProfile, Qubit
from bridge.quantum.circuits.reduction import Reduction, reduce_gates
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.montecarlo.seeds import derived_seed
from bridge.quantum.montecarlo.workers import Workers

try:
    from qiskit.circuit import QuantumCircuit
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

STEPS = 3
MITIGATION_STEPS = 3


def named_profile(name: str) -> HardwareProfile:
    """A preset by its name, or the profile in the file of that name."""
    return preset(name) if name in PRESETS or not Path(name).exists() else read_profile(Path(name))


@dataclass(frozen=True, slots=True)
class Found:
    """A figure: what the noise model was given, and what was measured."""

    name: str
    unit: str
    truth: float
    measured: Estimate

    @property
    def sigmas(self) -> float:
        """How many standard errors lie between."""
        return abs(self.measured.value - self.truth) / self.measured.standard_error


@dataclass(frozen=True, slots=True)
class CalibrationStudy:
    """The figures of one coupling and its qubits, the first's curves, and the noise that follows.

    ``before`` is what a decoder would take of these two qubits from the profile, ``after`` with the
    measured figures.
    """

    profile: HardwareProfile
    pair: tuple[int, int]
    found: tuple[Found, ...]
    t1: tuple[Decay, Points]
    t2: tuple[Decay, Points]
    one_qubit: Curve
    without: Curve
    interleaved: Curve
    before: CircuitNoise
    after: CircuitNoise


def study_calibration(
    profile: HardwareProfile,
    coupling: int,
    workers: Workers,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> CalibrationStudy:
    """Every experiment on coupling number ``coupling`` and its two qubits."""
    chosen = profile.couplings[coupling]
    pair = (chosen.first, chosen.second)
    gate = profile.two_qubit_gate
    run: Runner = runner_on_profile(profile, workers)
    two, without, interleaved = measure_two_qubit_gate(run, profile, pair, seed=seed)
    found: list[Found] = [Found(f"{gate} fidelity", "", chosen.gate_fidelity, two)]
    measured = Calibration({}, {pair: two})
    drawn = []
    for qubit in pair:
        progress(f"qubit {qubit}")
        truth = profile.qubits[qubit]
        t1 = measure_t1(run, len(profile), qubit, truth.t1_us, seed=seed)
        t2 = measure_t2(run, len(profile), qubit, truth.t2_us, seed=seed)
        one, curve = measure_one_qubit_gate(run, len(profile), qubit, seed=seed)
        readout = measure_readout(run, len(profile), {qubit: one}, seed=seed)
        figures = replace(
            readout.qubits[qubit], t1_us=t1[0].rate, t2_us=t2[0].rate, gate_fidelity=one
        )
        measured = measured | Calibration({qubit: figures})
        found += _found(truth, figures, f" of {qubit}")
        drawn.append((t1, t2, curve))
    progress("done")
    t1, t2, curve = drawn[0]
    return CalibrationStudy(
        profile=profile,
        pair=pair,
        found=tuple(found),
        t1=t1,
        t2=t2,
        one_qubit=curve,
        without=without,
        interleaved=interleaved,
        before=profile.part(pair).circuit_noise(),
        after=measured.apply(profile).part(pair).circuit_noise(),
    )


def _found(truth: Qubit, figures: QubitFigures, where: str) -> list[Found]:
    names = {
        "t1_us": ("T1", "us"),
        "t2_us": ("T2", "us"),
        "gate_fidelity": ("sx fidelity", ""),
        "prob_meas1_prep0": ("P(1 | 0)", ""),
        "prob_meas0_prep1": ("P(0 | 1)", ""),
    }
    return [
        Found(name + where, unit, getattr(truth, field), getattr(figures, field))
        for field, (name, unit) in names.items()
    ]


@dataclass(frozen=True, slots=True)
class MitigationStudy:
    """The mean of a parity whose true value is 1: as measured, and mitigated in three ways."""

    reduction: Reduction
    raw: Estimate
    readout: Estimate
    extrapolated: Extrapolation
    both: Extrapolation


def study_mitigation(
    profile: HardwareProfile,
    qubits: int,
    depth: int,
    shots: int,
    workers: Workers,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> MitigationStudy:
    """A random circuit and its inverse on ``qubits`` of ``profile``, whose result is 0 for sure."""
    backend = ProfileBackend(profile, minimum=None)
    reduction = reduce_gates(mirror_circuit(qubits, depth, seed), backend, seed=seed)
    circuit = reduction.circuit
    progress("as it is")
    mitigation = ReadoutMitigation(profile)
    places = _measured(circuit, qubits)

    def run(some: Sequence[QuantumCircuit]) -> Sequence[Mapping[str, int]]:
        return run_batches(some, profile, shots, derived_seed(seed, "mitigation"), workers)

    counts = run([circuit])[0]
    progress("gates extrapolated")
    extrapolated = zero_noise_z(circuit, range(qubits), profile, run, fit=Fit.RICHARDSON)
    progress("both")
    both = zero_noise_z(
        circuit,
        range(qubits),
        profile,
        run,
        fit=Fit.RICHARDSON,
        expectation=lambda one: mitigation.z_expectation(one, places),
    )
    return MitigationStudy(
        reduction=reduction,
        raw=z_expectation(counts, range(qubits)),
        readout=mitigation.z_expectation(counts, places),
        extrapolated=extrapolated,
        both=both,
    )


def mirror_circuit(qubits: int, depth: int, seed: int) -> QuantumCircuit:
    """Random rotations and CZ in a line, then all of them undone, then measured."""
    rng = np.random.default_rng(derived_seed(seed, "mirror"))
    half = QuantumCircuit(qubits)
    for _ in range(depth):
        for place in range(qubits):
            half.rx(float(rng.uniform(0, np.pi)), place)
            half.rz(float(rng.uniform(0, np.pi)), place)
        for place in range(qubits - 1):
            half.cz(place, place + 1)
    circuit = QuantumCircuit(qubits, qubits, name="mirror")
    circuit.compose(half, inplace=True)
    circuit.barrier()
    circuit.compose(half.inverse(), inplace=True)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def _measured(circuit: QuantumCircuit, bits: int) -> list[int]:
    places = {}
    for one in circuit.data:
        if one.operation.name == "measure":
            places[circuit.find_bit(one.clbits[0]).index] = circuit.find_bit(one.qubits[0]).index
    return [places[bit] for bit in range(bits)]
