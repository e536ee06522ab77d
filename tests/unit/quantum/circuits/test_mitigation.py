"""Mitigation on circuits whose answer is known: what it brings, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import nan, sqrt

import numpy as np
import pytest

pytest.importorskip("qiskit_aer")
pytest.importorskip("mthree")

from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator

from bridge.domain.errors import InputError
from bridge.quantum.circuits.backend import ProfileBackend
from bridge.quantum.circuits.batches import run_batches
from bridge.quantum.circuits.expectation import Estimate, z_expectation
from bridge.quantum.circuits.mitigation.extrapolation import Fit, extrapolate, zero_noise_z
from bridge.quantum.circuits.mitigation.folding import fold
from bridge.quantum.circuits.mitigation.readout import ReadoutMitigation
from bridge.quantum.circuits.presets import even, preset
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.circuits.reduction import reduce_gates
from bridge.quantum.montecarlo.workers import here

QUBIT = preset("minimum").qubits[0]
SHOTS = 20_000


def line(length: int, two_qubit: float = 0.999, **changes: float) -> HardwareProfile:
    return even(f"line {length}", "a test", 1, length, replace(QUBIT, **changes), two_qubit, 40.0)


def counts(profile: HardwareProfile, circuits: Sequence[QuantumCircuit]) -> list[dict[str, int]]:
    return run_batches(circuits, profile, SHOTS, 3, here())


def ghz(profile: HardwareProfile) -> QuantumCircuit:
    size = len(profile)
    circuit = QuantumCircuit(size, size, name="ghz")
    circuit.h(0)
    for place in range(size - 1):
        circuit.cx(place, place + 1)
    circuit.measure(range(size), range(size))
    made = ProfileBackend(profile, minimum=None)
    reduced = reduce_gates(circuit, made)
    return reduced.circuit


def measured_qubits(circuit: QuantumCircuit) -> list[int]:
    places = {}
    for one in circuit.data:
        if one.operation.name == "measure":
            places[circuit.find_bit(one.clbits[0]).index] = circuit.find_bit(one.qubits[0]).index
    return [places[bit] for bit in range(len(places))]


def test_readout_mitigation_gives_the_parity_back() -> None:
    """All parities of a GHZ state of four are 1; readout alone takes four tenths of that."""
    profile = line(4, 0.9995, prob_meas1_prep0=0.04, prob_meas0_prep1=0.09, gate_fidelity=0.99975)
    circuit = ghz(profile)
    (found,) = counts(profile, [circuit])
    raw = z_expectation(found, range(4))
    mitigation = ReadoutMitigation(profile)
    mitigated = mitigation.z_expectation(found, measured_qubits(circuit))
    expected_raw = ((1 - 2 * 0.04) ** 4 + (1 - 2 * 0.09) ** 4) / 2.0
    assert raw.value == pytest.approx(expected_raw, abs=0.03)
    assert raw.value < 0.65
    assert abs(mitigated.value - 1.0) < 0.02
    assert mitigated.standard_error < 0.03
    quasi = mitigation.probabilities(found, measured_qubits(circuit))
    assert sum(quasi.values()) == pytest.approx(1.0)
    assert quasi["0000"] == pytest.approx(0.5, abs=0.02)
    assert quasi["1111"] == pytest.approx(0.5, abs=0.02)
    assert found["1111"] / SHOTS < 0.4


def test_readout_mitigation_knows_which_way_is_which() -> None:
    """Where only 1 is misread, 0 needs no correction and 1 does."""
    profile = line(1, prob_meas1_prep0=0.0, prob_meas0_prep1=0.2)
    mitigation = ReadoutMitigation(profile)
    assert mitigation.z_expectation({"0": 1000}, [0]).value == pytest.approx(1.0)
    assert mitigation.z_expectation({"0": 200, "1": 800}, [0]).value == pytest.approx(-1.0)


def test_readout_mitigation_by_wrong_figures_does_not_help() -> None:
    profile = line(1, prob_meas1_prep0=0.01, prob_meas0_prep1=0.01)
    wrong = ReadoutMitigation(line(1, prob_meas1_prep0=0.2, prob_meas0_prep1=0.2))
    found = {"0": 990, "1": 10}
    right = abs(ReadoutMitigation(profile).z_expectation(found, [0]).value - 1.0)
    assert right < 0.01 < 0.3 < abs(wrong.z_expectation(found, [0]).value - 1.0)


@pytest.mark.parametrize(
    ("found", "qubits", "words"),
    [
        ({}, [0], "at least 1 shot"),
        ({"0": -1}, [0], "at least 1 shot"),
        ({"00": 1}, [0], "expected 1 bits a result, got '00'"),
        ({"0": 1}, [5], r"different ones from 0 to 1, got \[5\]"),
        ({"00": 1}, [0, 0], r"got \[0, 0\]"),
    ],
)
def test_counts_that_do_not_fit_are_refused(
    found: dict[str, int], qubits: list[int], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        ReadoutMitigation(line(2)).z_expectation(found, qubits)


def echoes(profile: HardwareProfile, depth: int) -> QuantumCircuit:
    """Random rotations and entangling gates and all of them undone: the result is 0 for certain."""
    rng = np.random.default_rng(5)
    half = QuantumCircuit(len(profile))
    for _ in range(depth):
        for place in range(len(profile)):
            half.rx(rng.uniform(0, np.pi), place)
            half.rz(rng.uniform(0, np.pi), place)
        for place in range(len(profile) - 1):
            half.cz(place, place + 1)
    circuit = QuantumCircuit(len(profile), len(profile), name="echo")
    circuit.compose(half, inplace=True)
    circuit.barrier()
    circuit.compose(half.inverse(), inplace=True)
    circuit.measure(range(len(profile)), range(len(profile)))
    return reduce_gates(circuit, ProfileBackend(profile, minimum=None)).circuit


@pytest.mark.parametrize("fit", Fit)
def test_extrapolation_to_zero_noise_is_nearer_to_the_truth(fit: Fit) -> None:
    profile = line(3, 0.995, prob_meas1_prep0=0.0, prob_meas0_prep1=0.0)
    circuit = echoes(profile, 4)
    result = zero_noise_z(circuit, [0, 1], profile, lambda some: counts(profile, some), fit=fit)
    noisy = [point.value for point in result.points]
    assert noisy == sorted(noisy, reverse=True)
    assert noisy[0] < 0.92
    assert result.scales == pytest.approx((1.0, 3.0, 5.0))
    error = abs(result.at_zero.value - 1.0)
    # A line bends too little for a decay; the polynomial follows it.
    assert error < (0.5 if fit is Fit.LINEAR else 0.25) * abs(noisy[0] - 1.0)
    if fit is Fit.RICHARDSON:
        assert result.at_zero.agrees_with(1.0, 4.0)


def test_both_together_undo_readout_and_gate_noise() -> None:
    profile = line(2, 0.995, prob_meas1_prep0=0.02, prob_meas0_prep1=0.05)
    circuit = echoes(profile, 4)
    qubits = measured_qubits(circuit)
    mitigation = ReadoutMitigation(profile)

    def run(some: Sequence[QuantumCircuit]) -> Sequence[Mapping[str, int]]:
        return counts(profile, some)

    gates_only = zero_noise_z(circuit, [0, 1], profile, run)
    both = zero_noise_z(
        circuit,
        [0, 1],
        profile,
        run,
        expectation=lambda one: mitigation.z_expectation(one, qubits),
    )
    raw = gates_only.points[0].value
    assert abs(both.at_zero.value - 1.0) < 0.02
    assert abs(gates_only.at_zero.value - 1.0) > 0.05
    assert raw < gates_only.at_zero.value < both.at_zero.value


@pytest.mark.parametrize("scale", [1.0, 1.4, 2.0, 3.0, 4.3, 5.0])
def test_a_folded_circuit_does_the_same_with_more_noise(scale: float) -> None:
    profile = line(3)
    circuit = echoes(profile, 2)
    folded = fold(circuit, profile, scale)
    plain = circuit.remove_final_measurements(inplace=False)
    assert Operator(folded.circuit.remove_final_measurements(inplace=False)).equiv(Operator(plain))
    infidelity = 2 * plain.count_ops()["cz"] + plain.count_ops()["sx"]
    grown = folded.circuit.count_ops()
    assert folded.scale == pytest.approx(scale, abs=2 * 2 / infidelity)
    if scale in (1.0, 3.0, 5.0):
        assert folded.scale == pytest.approx(scale)
        assert grown["cz"] == scale * plain.count_ops()["cz"]
    assert grown["measure"] == circuit.count_ops()["measure"]


def test_what_cannot_be_folded_is_refused() -> None:
    profile = line(2)
    early = QuantumCircuit(2, 2)
    early.x(0)
    early.measure(0, 0)
    early.x(0)
    with pytest.raises(InputError, match="measurements at the end only, x follows one"):
        fold(early, profile, 3.0)
    branch = QuantumCircuit(1, 1)
    branch.x(0)
    with branch.if_test((branch.clbits[0], 1)):
        branch.x(0)
    with pytest.raises(InputError, match="gates with an inverse, got if_else"):
        fold(branch, profile, 3.0)
    with pytest.raises(InputError, match="a gate that has noise, found none"):
        fold(QuantumCircuit(1), profile, 3.0)
    for scale in (0.5, nan, 1e6):
        with pytest.raises(InputError, match="scale: expected 1 to 101"):
            fold(early, profile, scale)


def test_extrapolation_is_exact_for_what_it_assumes() -> None:
    straight = [Estimate(1.0 - 0.1 * x, 0.01 * x) for x in (1.0, 2.0, 3.0, 5.0)]
    assert extrapolate([1, 2, 3, 5], straight, Fit.LINEAR).at_zero.value == pytest.approx(1.0)
    bent = [Estimate(1.0 - 0.1 * x + 0.02 * x**2, 0.01) for x in (1.0, 2.0, 3.0)]
    result = extrapolate([1, 2, 3], bent)
    assert result.at_zero.value == pytest.approx(1.0)
    # Weights 3, -3 and 1.
    assert result.at_zero.standard_error == pytest.approx(0.01 * sqrt(19.0))
    assert extrapolate([1, 2, 3], bent, Fit.LINEAR).at_zero.value != pytest.approx(1.0, abs=0.01)


def test_the_error_of_a_line_is_that_of_many_draws() -> None:
    rng = np.random.default_rng(1)
    x, errors = np.array([1.0, 2.0, 3.0]), np.array([0.01, 0.02, 0.03])
    draws = 1.0 - 0.1 * x + rng.normal(size=(4000, 3)) * errors
    results = [
        extrapolate(x, [Estimate(float(v), float(e)) for v, e in zip(row, errors, strict=True)],
                    Fit.LINEAR).at_zero
        for row in draws
    ]  # fmt: skip
    assert np.std([one.value for one in results]) == pytest.approx(
        results[0].standard_error, rel=0.05
    )


def test_bad_points_are_refused() -> None:
    point = Estimate(1.0, 0.1)
    for scales in ([1.0], [1.0, 1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(InputError, match="scales: expected at least 2, all different"):
            extrapolate(scales, [point, point])
    with pytest.raises(InputError, match="numbers above 0"):
        extrapolate([0.0, 1.0], [point, point])
    with pytest.raises(InputError, match="standard errors above 0"):
        extrapolate([1.0, 2.0], [point, Estimate(1.0, 0.0)])
    for value, error in ((nan, 0.1), (1.0, nan), (1.0, -1.0)):
        with pytest.raises(InputError):
            Estimate(value, error)
    with pytest.raises(InputError, match=r"bits: expected 0 to 0, got \[1\]"):
        z_expectation({"0": 1}, [1])
    with pytest.raises(InputError, match="at least 1 shot"):
        z_expectation({}, [0])


def test_expectations_are_signed_by_the_chosen_bits() -> None:
    found = {"01": 30, "10": 10, "11": 60}
    assert z_expectation(found, [0]).value == pytest.approx(-0.8)
    assert z_expectation(found, [1]).value == pytest.approx(-0.4)
    assert z_expectation(found, [0, 1]).value == pytest.approx(0.2)
    assert z_expectation(found, [0]).standard_error == pytest.approx(0.06)
    assert z_expectation({"0": 100}, [0]).standard_error > 0.0
