"""Lambda, thresholds, and what a target takes; beside a public estimator."""

import math

import pytest

from bridge.domain.errors import InputError
from bridge.quantum.codes.confidence import Rate
from bridge.quantum.codes.estimate import (
    Workload,
    distance_for,
    distance_that_fits,
    estimate,
    factory,
    patch_qubits,
)
from bridge.quantum.codes.hardware import MINIMUM, HardwareFigures
from bridge.quantum.codes.memory_rates import measured_rounds
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.threshold import Suppression, crossing, suppression
from tests.unit.quantum.codes.physics import long_run

GOOD = HardwareFigures(10**6, 300.0, 300.0, 0.9995, 0.999, 1.0, 0.3)


def gidney_fowler(p: float):  # type: ignore[no-untyped-def]
    """0.1 (100 p)^((d + 1) / 2) in d rounds (Fowler and Gidney 2018, arXiv 1808.06709)."""
    return lambda distance: 0.1 * (100.0 * p) ** ((distance + 1) / 2) / distance


def about(value: float, share: float = 0.1) -> Rate:
    return Rate(value, value * (1 - share), value * (1 + share))


def test_lambda_of_an_exact_law_is_found() -> None:
    rates = {d: about(0.2 * 4.0 ** (-d / 2)) for d in (3, 5, 7, 9)}
    fit = suppression(rates)
    assert fit.factor == pytest.approx(4.0)
    assert fit.at_zero == pytest.approx(0.2)
    assert fit.per_round(15) == pytest.approx(0.2 * 4.0**-7.5)
    rough = suppression({d: about(0.2 * 4.0 ** (-d / 2), 0.5) for d in (3, 5, 7, 9)})
    assert rough.standard_error > 3 * fit.standard_error > 0.0
    with pytest.raises(InputError, match=r"Lambda: expected errors above 0 at two distances"):
        suppression({3: about(0.1)})
    with pytest.raises(InputError, match=r"Lambda: expected errors above 0 .* 0 at 5"):
        suppression({3: about(0.1), 5: Rate(0.0, 0.0, 0.1)})


def test_lambdas_error_bar_is_right() -> None:
    """Rates drawn around a law again and again: two thirds of the fits are within one error."""
    import numpy as np

    random = np.random.default_rng(2)
    inside = 0
    for _ in range(400):
        shots, rates = 40_000, {}
        for d in (3, 5, 7):
            failures = int(random.poisson(shots * 0.2 * 3.0 ** (-d / 2)))
            rates[d] = Rate.counted(failures, shots)
        fit = suppression(rates)
        inside += abs(fit.factor - 3.0) < fit.standard_error
    assert 0.58 < inside / 400 < 0.80


def test_curves_cross_where_they_do() -> None:
    noise = [0.002, 0.004, 0.008, 0.016]
    small = [(p / 0.007) ** 2 * 0.02 for p in noise]
    large = [(p / 0.007) ** 3 * 0.02 for p in noise]
    assert crossing(noise, small, large) == pytest.approx(0.007)
    assert crossing(noise[:2], small[:2], large[:2]) is None
    assert crossing(noise, [0.0, *small[1:]], large) == pytest.approx(0.007)
    with pytest.raises(InputError, match="crossing: expected as many errors as rising noise"):
        crossing(noise[::-1], small, large)
    with pytest.raises(InputError, match="crossing: expected as many errors as rising noise"):
        crossing(noise, small[1:], large)


def test_simulated_lambda_is_over_googles_under_less_noise_and_falls_with_noise() -> None:
    found = [
        suppression(
            measured_rounds((3, 5), CircuitNoise.uniform(p), lambda _: 40_000, seed=1)
        ).factor
        for p in (0.001, 0.003, 0.008)
    ]
    assert found[0] > found[1] > found[2]
    assert found[0] > 2.14


def test_a_machines_figures_give_its_noise() -> None:
    noise = GOOD.noise()
    assert noise.one_qubit == pytest.approx(1.5 * 0.0005)
    assert noise.two_qubit == pytest.approx(1.25 * 0.0005)
    assert noise.measurement == noise.reset == pytest.approx(0.001)
    # Twirled: X and Y a quarter of what relaxes each, Z a half of what dephases less a quarter.
    relaxed = dephased = 1.0 - math.exp(-0.001)
    parts = relaxed / 4, relaxed / 4, dephased / 2 - relaxed / 4
    assert noise.idle == pytest.approx(sum(parts))
    ideal = HardwareFigures(10, 1e12, 1e12, 1.0, 1.0, 1.0, 1e-6).noise()
    assert max(ideal.one_qubit, ideal.two_qubit, ideal.measurement, ideal.idle) < 1e-15


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("qubits", 0, "qubits: expected at least 1, got 0"),
        ("t1_us", math.nan, "t1_us: expected above 0 us, got nan"),
        ("t2_us", -1.0, "t2_us: expected above 0 us, got -1"),
        ("t2_us", 601.0, "t2_us: expected at most twice t1_us, 600, got 601"),
        ("gate_fidelity", 1.01, r"gate_fidelity: expected inside \(0, 1\], got 1.01"),
        ("gate_fidelity", math.nan, r"gate_fidelity: expected inside \(0, 1\], got nan"),
        ("readout_fidelity", 0.0, r"readout_fidelity: expected inside \(0, 1\], got 0"),
        ("cycle_us", math.inf, "cycle_us: expected above 0 us, got inf"),
        ("wait_us", 2.0, "wait_us: expected at most cycle_us, 1, got 2"),
    ],
)
def test_figures_that_no_machine_has_are_refused(name: str, value: float, words: str) -> None:
    given = {one: getattr(GOOD, one) for one in HardwareFigures.__slots__}
    HardwareFigures(**given)
    with pytest.raises(InputError, match=words):
        HardwareFigures(**given | {name: value})


@pytest.mark.parametrize(
    ("qubits", "distance"), [(16, None), (17, 3), (48, 3), (49, 5), (50, 5), (97, 7)]
)
def test_the_largest_patch_that_fits(qubits: int, distance: int | None) -> None:
    assert distance_that_fits(qubits) == distance
    assert distance is None or patch_qubits(distance) <= qubits


def test_the_least_machine_fits_distance_5_and_does_not_reach_the_target() -> None:
    rates = measured_rounds((3, 5), MINIMUM.noise(), lambda _: 4_000, seed=1)
    fit = suppression(rates)
    found = estimate(MINIMUM, Workload(target=1e-7), fit.per_round)
    assert found.fits == 5
    assert found.fits_error is not None
    assert found.fits_error > 1e-4
    assert not found.reached
    assert found.distance is None or (found.distance > 13 and found.qubits > 337)
    words = " ".join(found.words())
    assert "50 qubits hold one patch of distance 5 (49 qubits)" in words
    assert "NOT reached" in words or "No distance" in words


def test_a_machine_that_is_good_enough_reaches_the_target() -> None:
    error = gidney_fowler(0.0005)
    work = Workload(target=1e-7, patches=3, storage_us=100.0, states=4, state_target=1e-8)
    found = estimate(GOOD, work, error)
    assert found.reached
    assert found.distance == distance_for(1e-7, error) == 7
    assert error(7) <= 1e-7 < error(5)
    assert found.memory_qubits == 3 * 97
    assert found.rounds == 100
    assert found.failure == pytest.approx(3 * 100 * 2 * error(7), rel=1e-3)
    assert found.factory is not None
    assert found.factory.state_error <= 1e-8
    assert found.qubits == found.memory_qubits + found.factory.qubits
    assert found.time_us == pytest.approx(4 * found.factory.rounds)
    assert "The target of 1e-07 a round is reached." in found.words()
    few = HardwareFigures(200, 300.0, 300.0, 0.9995, 0.999, 1.0, 0.3)
    assert not estimate(few, work, error).reached
    assert (
        "NOT reached: it takes distance 7, 97 qubits a patch, "
        in estimate(few, work, error).words()[1]
    )


def test_noise_over_threshold_has_no_distance() -> None:
    found = estimate(GOOD, Workload(target=1e-7, states=1), lambda distance: 0.01 * distance)
    assert (found.distance, found.qubits, found.failure, found.factory) == (None,) * 4
    assert not found.reached
    assert "No distance up to 99 reaches 1e-07 a round" in found.words()[1]
    bare = HardwareFigures(10, 300.0, 300.0, 0.9995, 0.999, 1.0, 0.3)
    assert (
        "10 qubits hold no patch: distance 3 needs 17."
        in estimate(bare, Workload(target=0.5), lambda _: 0.1).words()
    )


def test_factories_make_states_better_and_a_second_level_better_still() -> None:
    error = gidney_fowler(0.001)
    one, two = (factory(0.001, 31, error, levels) for levels in (1, 2))
    assert one.state_error == pytest.approx(35e-9, rel=1e-3)
    assert two.state_error < 1e-10
    assert two.qubits == 16 * one.qubits
    assert two.rounds > 1.9 * one.rounds
    with pytest.raises(InputError, match="injected state: expected an error below 1/15"):
        factory(0.07, 31, error)
    with pytest.raises(InputError, match="levels: expected 1 or 2, got 3"):
        factory(0.001, 31, error, 3)
    with pytest.raises(InputError, match="injected state: expected a probability from 0 to 1"):
        factory(math.nan, 31, error)
    assert estimate(GOOD, Workload(1e-7, states=1), error, injected=0.01).factory is not None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"target": math.nan}, "target: expected a probability from 0 to 1, got nan"),
        ({"target": 0.0}, r"target: expected inside \(0, 1\), got 0"),
        ({"patches": 0}, "patches, states: expected at least 1 and 0, got 0, 0"),
        ({"storage_us": math.inf}, "storage_us: expected above 0 us, got inf"),
        ({"state_target": 1.0}, r"state_target: expected inside \(0, 1\), got 1"),
    ],
)
def test_workloads_that_make_no_sense_are_refused(given: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Workload(**{"target": 1e-7} | given)


def test_distances_and_factories_are_those_of_qualtran() -> None:
    """qualtran 0.7.0, with those of its dependencies that requirements/qualtran.in names."""
    from qualtran import surface_code

    p = 1e-3
    scheme = surface_code.QECScheme.make_gidney_fowler()
    theirs = surface_code.LogicalErrorModel(p, scheme)
    error = gidney_fowler(p)
    for distance in (3, 7, 15, 21):
        assert error(distance) * distance == pytest.approx(theirs(distance))
    for budget in (3e-6, 2e-8, 5e-11):
        mine = distance_for(budget, lambda d: error(d) * d)
        assert mine == scheme.code_distance_from_budget(p, budget)
    their_factory = surface_code.FifteenToOne(21, 21, 21)
    # Theirs takes an injected state to be wrong in two of three Pauli operators.
    made = factory(2 * p / 3, 21, error)
    assert made.qubits == their_factory.n_physical_qubits()
    assert made.rounds == pytest.approx(6 * 21 / (1 - their_factory.p_fail(theirs)), rel=0.01)
    distilled = 35 * (2 * p / 3) ** 3
    assert their_factory.p_out(theirs) == pytest.approx(distilled, rel=0.1)
    # Ours adds a patch's whole error for its faults, theirs weighs where in the circuit they are.
    assert distilled < made.state_error < 3 * their_factory.p_out(theirs)


@pytest.mark.parametrize(
    ("distances", "shots"),
    [((3, 5), 50_000), pytest.param((5, 7, 9), 3_000_000, marks=long_run)],
)
def test_measured_errors_are_near_the_public_estimators_formula(
    distances: tuple[int, ...], shots: int
) -> None:
    """At p = 0.1 % qualtran's default formula is within a factor of three, as far as is seen."""
    rates = measured_rounds(distances, CircuitNoise.uniform(0.001), lambda _: shots, seed=1)
    for distance, rate in rates.items():
        formula = gidney_fowler(0.001)(distance)
        assert rate.lower < 3 * formula
        assert rate.upper > formula / 3
        assert rate.upper < 20 * formula  # enough shots to say so


def test_a_fit_says_what_it_is() -> None:
    assert Suppression(2.0, 0.1, 0.1).per_round(4) == pytest.approx(0.025)


def test_stim_is_no_part_of_the_figures() -> None:
    import subprocess
    import sys

    code = (
        "import sys; import bridge.quantum.codes.noise, bridge.quantum.codes.hardware,"
        "bridge.quantum.codes.estimate; import bridge.apps.cli.root;"
        "sys.exit(bool({'stim', 'pymatching', 'ldpc', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_library_that_is_missing_is_named_with_its_extra() -> None:
    from bridge.quantum.codes.libraries import require

    assert require("stim").Circuit
    with pytest.raises(
        InputError, match=r"expected the library no_such.*astralink-bridge\[codes\]"
    ):
        require("no_such_library")
