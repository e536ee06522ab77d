"""What calibration runs measured, and the profile that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bridge.domain.errors import CalibrationFailed, ExtraMissing
from bridge.quantum.circuits import decay
from bridge.quantum.circuits.batches import run_batches
from bridge.quantum.circuits.expectation import Estimate
from bridge.quantum.circuits.profile import Coupling, HardwareProfile, Qubit
from bridge.quantum.montecarlo.workers import Workers

try:
    from qiskit.circuit import QuantumCircuit
    from qiskit.providers import BackendV2
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

Runner = Callable[[Sequence[QuantumCircuit], int, int], Sequence[Mapping[str, int]]]
"""Counts of compiled circuits, given shots and a seed."""


def runner_on_profile(profile: HardwareProfile, workers: Workers) -> Runner:
    """Runs on the simulated processor, in batches over ``workers``."""

    def run(
        circuits: Sequence[QuantumCircuit], shots: int, seed: int
    ) -> Sequence[Mapping[str, int]]:
        return run_batches(circuits, profile, shots, seed, workers)

    return run


def runner_on_backend(backend: BackendV2) -> Runner:
    """Runs on a backend of Qiskit's, which takes its circuits together and knows no seed."""

    def run(
        circuits: Sequence[QuantumCircuit], shots: int, seed: int
    ) -> Sequence[Mapping[str, int]]:
        result = backend.run(list(circuits), shots=shots).result()
        return [result.get_counts(number) for number in range(len(circuits))]

    return run


@dataclass(frozen=True, slots=True)
class QubitFigures:
    """What was measured of one qubit; None where nothing was."""

    t1_us: Estimate | None = None
    t2_us: Estimate | None = None
    gate_fidelity: Estimate | None = None
    prob_meas1_prep0: Estimate | None = None
    prob_meas0_prep1: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Figures by qubit, and two-qubit gate fidelities by pair, as the profile names the pair."""

    qubits: Mapping[int, QubitFigures] = field(default_factory=dict)
    couplings: Mapping[tuple[int, int], Estimate] = field(default_factory=dict)

    def __or__(self, newer: Calibration) -> Calibration:
        """Both, and of what both have the ``newer``."""
        qubits = dict(self.qubits)
        for number, figures in newer.qubits.items():
            known = {
                name: value
                for name in QubitFigures.__slots__
                if (value := getattr(figures, name)) is not None
            }
            qubits[number] = replace(qubits.get(number, QubitFigures()), **known)
        return Calibration(qubits, {**self.couplings, **newer.couplings})

    def apply(self, profile: HardwareProfile) -> HardwareProfile:
        """``profile`` with the measured figures in place of its own.

        Estimates scatter past what is possible: probabilities are kept within 0 and 1, T2 within
        twice T1, and fidelities within what relaxation allows. Raises ``CalibrationFailed`` for
        figures of qubits or couplings that ``profile`` does not have.
        """
        qubits = list(profile.qubits)
        for number, figures in self.qubits.items():
            if not 0 <= number < len(qubits):
                raise CalibrationFailed(
                    f"calibration of qubit {number}: profile {profile.name} has {len(qubits)}"
                )
            known = {
                name: max(0.0, value.value)
                for name in QubitFigures.__slots__
                if (value := getattr(figures, name)) is not None
            }
            one = replace(qubits[number], **known)
            one = replace(one, t2_us=min(one.t2_us, 2.0 * one.t1_us))
            limit = decay.best_fidelity(one.gate_ns, (one.t1_us, one.t2_us))
            qubits[number] = replace(one, gate_fidelity=min(one.gate_fidelity, limit))
        return replace(
            profile,
            qubits=tuple(qubits),
            couplings=tuple(self._updated(profile, qubits)),
        )

    def _updated(self, profile: HardwareProfile, qubits: Sequence[Qubit]) -> Iterator[Coupling]:
        pairs = {(one.first, one.second) for one in profile.couplings}
        for pair in self.couplings:
            if pair not in pairs:
                raise CalibrationFailed(
                    f"calibration of qubits {pair[0]} and {pair[1]}: profile {profile.name} has no "
                    "such coupling"
                )
        for one in profile.couplings:
            pair = (one.first, one.second)
            measured = self.couplings.get(pair)
            fidelity = one.gate_fidelity if measured is None else measured.value
            limit = decay.best_fidelity(
                one.gate_ns, *((qubits[number].t1_us, qubits[number].t2_us) for number in pair)
            )
            yield replace(one, gate_fidelity=min(fidelity, limit))
