"""Calibration runs recover what was put into the noise model, within their own error bars."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import nan

import numpy as np
import pytest

pytest.importorskip("qiskit_aer")

from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from bridge.domain.errors import CalibrationFailed, InputError
from bridge.quantum.circuits.backend import ProfileBackend
from bridge.quantum.circuits.calibration.benchmarking import (
    measure_gates,
    measure_one_qubit_gate,
    measure_two_qubit_gate,
    one_qubit_cliffords,
    one_qubit_sequence,
    pair_sequences,
)
from bridge.quantum.circuits.calibration.coherence import (
    measure_coherence,
    measure_t1,
    measure_t2,
)
from bridge.quantum.circuits.calibration.fits import Points, fit_lifetime, fit_power
from bridge.quantum.circuits.calibration.measured import (
    Calibration,
    QubitFigures,
    Runner,
    runner_on_backend,
    runner_on_profile,
)
from bridge.quantum.circuits.calibration.readout import exact_gates, measure_readout
from bridge.quantum.circuits.expectation import Estimate
from bridge.quantum.circuits.presets import preset
from bridge.quantum.montecarlo.workers import here

LEAST = preset("minimum")
ODD = replace(
    LEAST.qubits[0],
    t1_us=80.0,
    t2_us=110.0,
    gate_fidelity=0.9985,
    prob_meas1_prep0=0.008,
    prob_meas0_prep1=0.02,
)
TRUTH = replace(
    LEAST,
    name="truth",
    qubits=(LEAST.qubits[0], ODD, *LEAST.qubits[2:]),
    couplings=(replace(LEAST.couplings[0], gate_fidelity=0.996), *LEAST.couplings[1:]),
)
RUN = runner_on_profile(TRUTH, here())
PAIR = (TRUTH.couplings[0].first, TRUTH.couplings[0].second)
SIGMAS = 3.5


def test_t1_and_t2_are_found() -> None:
    """Starting from guesses that are off by a quarter and more."""
    t1, _ = measure_t1(RUN, 50, 1, 100.0)
    t2, _ = measure_t2(RUN, 50, 1, 85.0)
    assert t1.rate.agrees_with(80.0, SIGMAS)
    assert t2.rate.agrees_with(110.0, SIGMAS)
    assert t1.rate.standard_error < 2.0
    assert t2.rate.standard_error < 8.0
    assert not t1.rate.agrees_with(100.0, SIGMAS)
    assert t1.offset == pytest.approx(0.008, abs=0.02)


@pytest.fixture(scope="module")
def gates() -> Calibration:
    return measure_gates(RUN, TRUTH, [1], [PAIR], sequences=6)


def test_gate_fidelities_are_found(gates: Calibration) -> None:
    one, two = gates.qubits[1].gate_fidelity, gates.couplings[PAIR]
    assert one is not None
    assert one.agrees_with(0.9985, SIGMAS)
    assert one.standard_error < 1e-4
    assert not one.agrees_with(0.999, SIGMAS)
    assert two.agrees_with(0.996, SIGMAS)
    assert two.standard_error < 1e-3
    assert not two.agrees_with(0.99, SIGMAS)


def test_readout_is_found_with_the_gates_own_error_taken_off() -> None:
    (zero,) = measure_readout(RUN, 50, {1: Estimate(0.9985, 5e-5)}, shots=100_000).qubits.values()
    assert zero.prob_meas1_prep0 is not None
    assert zero.prob_meas0_prep1 is not None
    assert zero.prob_meas1_prep0.agrees_with(0.008, SIGMAS)
    assert zero.prob_meas0_prep1.agrees_with(0.02, SIGMAS)
    (naive,) = measure_readout(RUN, 50, exact_gates([1]), shots=100_000).qubits.values()
    assert naive.prob_meas0_prep1 is not None
    excess = naive.prob_meas0_prep1.value - zero.prob_meas0_prep1.value
    assert excess == pytest.approx(0.0015, abs=1e-4)


def test_a_profile_takes_what_was_measured(gates: Calibration) -> None:
    coherence = measure_coherence(RUN, 50, {1: (100.0, 100.0)})
    fidelity = gates.qubits[1].gate_fidelity
    assert fidelity is not None
    found = (gates | coherence | measure_readout(RUN, 50, {1: fidelity})).apply(LEAST)
    assert found.qubits[1].t1_us == pytest.approx(80.0, rel=0.06)
    assert found.qubits[1].prob_meas0_prep1 == pytest.approx(0.02, rel=0.25)
    assert found.couplings[0].gate_fidelity == pytest.approx(0.996, abs=0.003)
    assert found.qubits[0] == LEAST.qubits[0]
    assert found.couplings[1:] == LEAST.couplings[1:]
    # The means follow the one qubit of fifty.
    assert found.circuit_noise().measurement > LEAST.circuit_noise().measurement
    assert found.circuit_noise().two_qubit > LEAST.circuit_noise().two_qubit


def test_figures_past_what_is_possible_are_kept_within() -> None:
    measured = Calibration(
        {
            0: QubitFigures(
                t1_us=Estimate(50.0, 1.0),
                t2_us=Estimate(105.0, 5.0),
                gate_fidelity=Estimate(1.0001, 1e-4),
                prob_meas0_prep1=Estimate(-1e-4, 1e-4),
            )
        },
        {PAIR: Estimate(1.0002, 1e-3)},
    )
    found = measured.apply(LEAST)
    assert found.qubits[0].t2_us == 100.0
    assert 0.999 < found.qubits[0].gate_fidelity < 1.0
    assert found.qubits[0].prob_meas0_prep1 == 0.0
    assert 0.999 < found.couplings[0].gate_fidelity < 1.0
    with pytest.raises(CalibrationFailed, match="qubit 60: profile minimum has 50"):
        Calibration({60: QubitFigures()}).apply(LEAST)
    with pytest.raises(CalibrationFailed, match=r"qubits 0 and 49: .* no such coupling"):
        Calibration({}, {(0, 49): Estimate(0.9, 0.1)}).apply(LEAST)


def test_the_newer_of_two_calibrations_counts() -> None:
    old = Calibration({0: QubitFigures(t1_us=Estimate(1, 1), t2_us=Estimate(1, 1))})
    new = Calibration({0: QubitFigures(t1_us=Estimate(2, 1)), 1: QubitFigures()})
    both = old | new
    assert both.qubits[0].t1_us == Estimate(2, 1)
    assert both.qubits[0].t2_us == Estimate(1, 1)
    assert set(both.qubits) == {0, 1}


def test_the_24_cliffords_are_all_and_have_24_gates() -> None:
    words = one_qubit_cliffords()
    assert len(words) == 24
    assert sum(len(word) - 1 for word in words) == 24
    assert sorted(len(word) - 1 for word in words) == [0] * 4 + [1] * 16 + [2] * 4


@pytest.mark.parametrize("length", [1, 5, 20])
def test_sequences_do_nothing_but_what_they_say(length: int) -> None:
    simulator = AerSimulator()
    rng = np.random.default_rng(length)
    for _ in range(6):
        circuit, expected = one_qubit_sequence(1, 0, length, rng)
        counts = simulator.run(circuit, shots=50).result().get_counts()
        assert counts == {expected: 50}
        for interleaved in (False, True):
            circuit, expected = pair_sequences(LEAST, PAIR, length, rng, interleaved)
            assert circuit.count_ops().get("barrier") == length * (1 + interleaved)
            counts = simulator.run(circuit.decompose(), shots=50).result().get_counts()
            assert counts == {expected: 50}


def test_a_backend_of_qiskits_can_be_calibrated() -> None:
    backend = ProfileBackend(TRUTH, minimum=None)
    backend.set_options(seed_simulator=4)
    t1, _ = measure_t1(runner_on_backend(backend), 50, 1, 80.0)
    assert t1.rate.agrees_with(80.0, 4.0)


def dead(circuits: Sequence[QuantumCircuit], shots: int, seed: int) -> list[Mapping[str, int]]:
    """A qubit whose results say nothing."""
    rng = np.random.default_rng(seed)
    ones = [int(one) for one in rng.binomial(shots, 0.5, len(circuits))]
    return [{"1": one, "0": shots - one} for one in ones]


def jumping(circuits: Sequence[QuantumCircuit], shots: int, seed: int) -> list[Mapping[str, int]]:
    """A qubit whose results jump to and fro."""
    return [{"1": shots // 10 if n % 2 else shots, "0": 1} for n in range(len(circuits))]


@pytest.mark.parametrize("run", [dead, jumping])
def test_a_qubit_that_is_broken_gives_no_figure(run: Runner) -> None:
    with pytest.raises(CalibrationFailed, match="no decay"):
        measure_t1(run, 1, 0, 100.0)
    with pytest.raises(CalibrationFailed, match="no decay"):
        measure_one_qubit_gate(run, 1, 0)


def test_fits_are_exact_without_noise() -> None:
    x = tuple(np.linspace(0, 300, 16).tolist())
    shares = tuple(float(0.9 * np.exp(-one / 70.0) + 0.05) for one in x)
    fitted = fit_lifetime(Points(x, shares, (0.01,) * 16), 100.0)
    assert fitted.rate.value == pytest.approx(70.0, rel=1e-4)
    assert (fitted.amplitude, fitted.offset) == (
        pytest.approx(0.9, abs=1e-4),
        pytest.approx(0.05, abs=1e-4),
    )
    powers = tuple(float(0.48 * 0.99**one + 0.5) for one in x)
    assert fit_power(Points(x, powers, (0.01,) * 16), 0.5).rate.value == pytest.approx(0.99)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="more than 3 points, got 2"):
        fit_lifetime(Points((0.0, 1.0), (1.0, 0.5), (0.1, 0.1)), 1.0)
    with pytest.raises(InputError, match="expected numbers"):
        fit_lifetime(Points((0.0, 1.0, 2.0, nan), (1.0,) * 4, (0.1,) * 4), 1.0)
    for guess in (0.0, nan, -1.0):
        with pytest.raises(InputError, match="guess: expected above 0 us"):
            measure_t1(RUN, 50, 1, guess)
    with pytest.raises(InputError, match="qubit: expected 0 to 49, got 50"):
        measure_t1(RUN, 50, 50, 100.0)
    with pytest.raises(InputError, match="qubit: expected 0 to 49, got 50"):
        measure_readout(RUN, 50, exact_gates([50]))
    with pytest.raises(InputError, match=r"gate fidelity: expected above 0\.5"):
        measure_readout(RUN, 50, {1: Estimate(0.4, 0.1)})
    with pytest.raises(InputError, match="lengths: expected at least 3"):
        measure_one_qubit_gate(RUN, 50, 0, lengths=[1, 2])
    with pytest.raises(InputError, match="sequences: expected at least 2"):
        measure_one_qubit_gate(RUN, 50, 0, sequences=1)
    with pytest.raises(InputError, match="expected a coupling of truth"):
        measure_two_qubit_gate(RUN, TRUTH, (0, 2))


def _t1(run: Runner, seed: int) -> Estimate:
    return measure_t1(run, 50, 1, 100.0, seed=seed)[0].rate


def _t2(run: Runner, seed: int) -> Estimate:
    return measure_t2(run, 50, 1, 100.0, seed=seed)[0].rate


def _gate(run: Runner, seed: int) -> Estimate:
    return measure_one_qubit_gate(run, 50, 1, seed=seed)[0]


def _pair(run: Runner, seed: int) -> Estimate:
    return measure_two_qubit_gate(run, TRUTH, PAIR, seed=seed)[0]


def _readout(run: Runner, seed: int) -> Estimate:
    figures = measure_readout(run, 50, {1: Estimate(0.9985, 0.0)}, seed=seed).qubits[1]
    assert figures.prob_meas0_prep1 is not None
    return figures.prob_meas0_prep1


@pytest.mark.skipif("PHYSICS" not in os.environ, reason="long: make verify-physics runs it")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("measure", "truth", "runs"),
    [(_t1, 80.0, 60), (_t2, 110.0, 60), (_gate, 0.9985, 40), (_pair, 0.996, 25),
     (_readout, 0.02, 200)],
    ids=["T1", "T2", "one-qubit gate", "two-qubit gate", "readout"],
)  # fmt: skip
def test_error_bars_are_what_they_say(
    measure: Callable[[Runner, int], Estimate], truth: float, runs: int
) -> None:
    """Over many seeds: no bias, and a scatter that the standard errors cover."""
    pulls = np.array(
        [(one.value - truth) / one.standard_error
         for one in map(partial(measure, RUN), range(runs))]
    )  # fmt: skip
    assert abs(pulls.mean()) < 4.0 / np.sqrt(runs) + 0.25
    assert 0.3 < pulls.std() < 1.35
    assert (np.abs(pulls) < 4.0).all()
