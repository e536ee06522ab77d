"""Rare failures: the exact law of faults, draws within it, and rates against plain counting."""

import itertools
import math

import numpy as np
import pytest
import stim
from scipy import stats

from bridge.domain.errors import InputError
from bridge.quantum.codes.confidence import (
    Rate,
    a_round,
    chernoff_upper,
    lower_bound,
    upper_bound,
)
from bridge.quantum.codes.decoders import compile_decoder, decoder_kind
from bridge.quantum.codes.fault_model import FaultModel
from bridge.quantum.codes.fault_sampler import FaultSampler
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.stratified import StratifiedRate, Stratum, stratified_rate
from bridge.quantum.codes.surface import surface_memory
from tests.unit.quantum.codes.physics import long_run

SMALL = stim.DetectorErrorModel(
    "error(0.3) D0 L0\nerror(0.05) D0 D1\nerror(0.2) D1\nerror(0.4) D0 D2\nerror(0.01) D2 L0\n"
    "error(0.1) D0 D1 ^ D2 L0"
)


def model(distance: int, p: float, rounds: int | None = None) -> FaultModel:
    circuit = surface_memory(distance, rounds or distance, CircuitNoise.uniform(p)).circuit
    return FaultModel.seen_by_matching(decoder_kind("matching").model_of(circuit))


def stratified(distance: int, p: float, shots: int, seed: int = 1) -> StratifiedRate:
    faults = model(distance, p)
    return stratified_rate(faults, decoder_kind("matching").compile(faults.to_stim()), shots, seed)


def by_counting(distance: int, p: float, shots: int, seed: int = 1) -> tuple[int, int]:
    memory = surface_memory(distance, distance, CircuitNoise.uniform(p))
    decoder = compile_decoder("matching", memory.circuit)
    failures = 0
    for start in range(0, shots, 1 << 17):
        events, flips = memory.sample(min(1 << 17, shots - start), seed + start)
        failures += int((decoder.decode_batch(events) != flips).any(axis=1).sum())
    return failures, shots


def agree(exact: StratifiedRate, failures: int, shots: int) -> None:
    """Some rate lies inside both's bounds, at 99.9 % each; and the estimates are near."""
    rate = exact.rate(0.999)
    assert lower_bound(failures, shots, 0.999) < rate.upper
    assert upper_bound(failures, shots, 0.999) > rate.lower
    spread = sum(one.probability**2 * one.failures / one.shots**2 for one in exact.strata)
    error = math.sqrt(spread + failures / shots**2)
    assert abs(rate.value - failures / shots) < 4.0 * error


def test_the_law_of_the_number_of_faults_is_exact() -> None:
    faults = FaultModel.of(SMALL)
    p = faults.probabilities
    law = np.zeros(len(p) + 1)
    for chosen in itertools.product((0, 1), repeat=len(p)):
        law[sum(chosen)] += np.prod(np.where(chosen, p, 1.0 - p))
    for most in range(len(p) + 1):
        got, over = faults.weights(most)
        assert got == pytest.approx(law[: most + 1], rel=1e-12)
        assert over == pytest.approx(law[most + 1 :].sum(), rel=1e-12, abs=1e-300)
    with pytest.raises(InputError, match="weight: expected at least 0, got -1"):
        faults.weights(-1)


def test_a_small_tail_keeps_its_digits() -> None:
    faults = model(5, 0.001)
    law, over = faults.weights(12)
    more, _ = faults.weights(40)
    assert over == pytest.approx(more[13:].sum(), rel=1e-9)
    assert 0.0 < over < 1e-8
    assert law.sum() == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("weight", [1, 2, 3])
def test_draws_of_a_number_of_faults_have_their_exact_law(weight: int) -> None:
    faults = FaultModel.of(SMALL)
    odds = faults.probabilities / (1.0 - faults.probabilities)
    symptoms = [
        (sum(1 << d for d in one), sum(1 << f for f in two)) for one, two in faults.symptoms
    ]
    expected: dict[tuple[int, int], float] = {}
    for chosen in itertools.combinations(range(len(odds)), weight):
        events = flips = 0
        for fault in chosen:
            events, flips = events ^ symptoms[fault][0], flips ^ symptoms[fault][1]
        key = events, flips
        expected[key] = expected.get(key, 0.0) + np.prod(odds[list(chosen)])
    shots = 200_000
    events, flips = FaultSampler(faults).sample(np.full(shots, weight), seed=weight)
    keys = list(zip(events[:, 0].tolist(), flips[:, 0].tolist(), strict=True))
    total = sum(expected.values())
    seen = [keys.count(key) for key in expected]
    assert sum(seen) == shots
    wanted = [shots * value / total for value in expected.values()]
    assert stats.chisquare(seen, wanted).pvalue > 1e-4


def test_draws_repeat_with_their_seed() -> None:
    sampler = FaultSampler(model(3, 0.01))
    weights = np.arange(8)
    one, two, other = (sampler.sample(weights, seed)[0] for seed in (3, 3, 4))
    assert (one == two).all()
    assert (one != other).any()
    assert not one[0].any()


def test_weights_that_cannot_be_drawn_are_refused() -> None:
    sampler = FaultSampler(FaultModel.of(SMALL))
    count = len(sampler.faults.probabilities)
    for weights in (np.array([-1]), np.array([count + 1]), np.array([], dtype=np.int64)):
        with pytest.raises(InputError, match=f"weights: expected some from 0 to {count}, got"):
            sampler.sample(weights, 1)
    rare = FaultModel(1, 1, (((0,), ()), ((), (0,))), np.array([0.5, 1e-12]))
    with pytest.raises(InputError, match="2 distinct faults of 2 are too rare to draw"):
        FaultSampler(rare).sample(np.array([2]), 1)


def test_faults_that_look_alike_are_one() -> None:
    faults = FaultModel.of(stim.DetectorErrorModel("error(0.1) D0 L0\nerror(0.2) D0 L0"))
    assert faults.symptoms == (((0,), (0,)),)
    assert faults.probabilities == pytest.approx([0.1 * 0.8 + 0.2 * 0.9])
    with pytest.raises(InputError, match="expected as many symptoms as probabilities and at least"):
        FaultModel.of(stim.DetectorErrorModel("detector D0"))
    for probability in (0.0, 1.0, math.nan):
        with pytest.raises(InputError, match=r"expected probabilities inside \(0, 1\)"):
            FaultModel(1, 1, (((0,), ()),), np.array([probability]))


def test_what_matching_does_not_see_is_left_out_and_changes_no_answer() -> None:
    memory = surface_memory(5, 5, CircuitNoise.uniform(0.002))
    whole = decoder_kind("matching").model_of(memory.circuit)
    faults = FaultModel.seen_by_matching(whole)
    assert len(faults.symptoms) < len(FaultModel.of(whole).symptoms) / 3
    assert max(len(detectors) for detectors, _ in faults.symptoms) == 2
    seen = np.zeros(faults.detectors, dtype=np.uint8)
    seen[sorted({one for detectors, _ in faults.symptoms for one in detectors})] = 1
    events, _ = memory.sample(50_000, seed=2)
    answers = decoder_kind("matching").compile(whole).decode_batch(events)
    part = decoder_kind("matching").compile(faults.to_stim())
    differ = part.decode_batch(events & np.packbits(seen, bitorder="little")) != answers
    # Two corrections of the same weight are as good as each other.
    assert differ.mean() < 1e-3


@pytest.mark.parametrize(("distance", "p", "shots"), [(3, 0.003, 200_000), (5, 0.005, 200_000)])
def test_strata_agree_with_plain_counting(distance: int, p: float, shots: int) -> None:
    agree(stratified(distance, p, 40_000), *by_counting(distance, p, shots))


def test_strata_agree_with_plain_counting_for_correlated_matching() -> None:
    p = 0.01
    memory = surface_memory(3, 3, CircuitNoise.uniform(p))
    kind = decoder_kind("correlated")
    dem = kind.model_of(memory.circuit)
    decoder = kind.compile(dem)
    events, flips = memory.sample(100_000, seed=4)
    failures = int((decoder.decode_batch(events) != flips).any(axis=1).sum())
    agree(stratified_rate(FaultModel.of(dem), decoder, 100_000, seed=5), failures, 100_000)


def test_the_baseline_fails_as_often_as_the_observable_flips() -> None:
    memory = surface_memory(3, 3, CircuitNoise.uniform(0.002))
    dem = memory.circuit.detector_error_model()
    faults = FaultModel.of(dem)
    flip = 0.5 * (1.0 - np.prod([1 - 2 * p for (_, f), p in
        zip(faults.symptoms, faults.probabilities, strict=True) if f]))  # fmt: skip
    rate = stratified_rate(faults, decoder_kind("none").compile(dem), 50_000, seed=1).rate(0.999)
    assert rate.lower < flip < rate.upper


def test_rare_failures_are_found_where_counting_finds_none() -> None:
    result = stratified(7, 0.001, 400_000)
    rate = result.rate()
    assert result.failures > 10
    assert 0.0 < rate.lower < 2e-5 < rate.upper < 1e-4
    assert sum(one.probability for one in result.strata) + result.over < 1.0


@pytest.mark.parametrize("failing", [0, 1])
def test_the_upper_bound_is_as_seldom_wrong_as_it_says(failing: int) -> None:
    """Strata of known rates, drawn again and again: at most 5 % of the bounds are below."""
    chances = np.array([0.6, 0.3, 0.05])
    rates = np.array([[0.0, 2e-3, 0.1], [3e-3, 3e-3, 3e-3]][failing])
    shots = np.array([600, 400, 200])
    draws = np.random.default_rng(failing).binomial(shots, rates, size=(2000, 3))
    bounds = [
        StratifiedRate(
            0.0,
            tuple(
                Stratum(at, at, chance, int(n), int(k))
                for at, (chance, n, k) in enumerate(zip(chances, shots, draw, strict=True))
            ),
            0.0,
        ).rate()
        for draw in draws
    ]
    truth = float(chances @ rates)
    assert np.mean([one.upper < truth for one in bounds]) <= 0.05
    assert np.mean([one.lower > truth for one in bounds]) <= 0.05


def test_what_is_over_the_last_stratum_counts_as_a_failure() -> None:
    strata = (Stratum(2, 3, 0.5, 1000, 5),)
    plain, over = (StratifiedRate(0.0, strata, left).rate() for left in (0.0, 0.01))
    assert over.upper == pytest.approx(plain.upper + 0.01)
    assert over.value == plain.value
    assert over.lower == plain.lower


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    for failures, shots in ((0, 10), (3, 10), (10, 10), (7, 1000)):
        test = stats.binomtest(failures, shots)
        low, high = test.proportion_ci(0.9, method="exact")
        assert lower_bound(failures, shots) == pytest.approx(low)
        assert upper_bound(failures, shots) == pytest.approx(high)
    for failures, shots in ((-1, 5), (6, 5)):
        with pytest.raises(InputError, match="failures: expected 0 to 5, got"):
            upper_bound(failures, shots)
    with pytest.raises(InputError, match="shots: expected at least 1, got 0"):
        Rate.counted(0, 0)


@pytest.mark.parametrize("count", [0.0, 0.3, 1.0, 5.0, 1000.0])
def test_chernoffs_bound_is_over_poissons(count: float) -> None:
    mean = chernoff_upper(count)
    if count:
        assert mean - count - count * math.log(mean / count) == pytest.approx(-math.log(0.05))
    assert stats.poisson.cdf(math.floor(count), mean) <= 0.05 + 1e-12
    for bad in (-1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="count, confidence: expected"):
            chernoff_upper(bad)


def test_a_rate_a_round_gives_the_rate_a_shot_back() -> None:
    for per_round, rounds in ((1e-9, 13), (0.01, 5), (0.3, 2)):
        shot = 0.5 * (1.0 - (1.0 - 2.0 * per_round) ** rounds)
        assert a_round(shot, rounds) == pytest.approx(per_round)
        several = 1.0 - (1.0 - shot) ** 12
        assert a_round(several, rounds, 12) == pytest.approx(per_round)
    assert a_round(0.5, 3) == a_round(1.0, 3) == 0.5
    rate = Rate(0.1, 0.05, 0.2).per_round(4)
    assert rate.lower < rate.value < rate.upper < 0.2
    with pytest.raises(InputError, match="rounds, qubits: expected at least 1 each, got 0 and 1"):
        rate.per_round(0)
    with pytest.raises(InputError, match="rate: expected 0 <= lower <= value"):
        Rate(math.nan, 0.0, 1.0)


def test_too_few_shots_for_the_strata_are_refused() -> None:
    with pytest.raises(InputError, match=r"shots: expected at least .*, got 10"):
        stratified(3, 0.001, 10)
    with pytest.raises(InputError, match=r"confidence: expected inside \(0, 1\), got 1"):
        stratified(3, 0.001, 3000).rate(1.0)


@long_run
@pytest.mark.parametrize(("distance", "shots"), [(3, 2_000_000), (5, 10_000_000), (7, 20_000_000)])
def test_strata_agree_with_plain_counting_at_a_thousandth(distance: int, shots: int) -> None:
    agree(stratified(distance, 0.001, 2_000_000), *by_counting(distance, 0.001, shots))


@long_run
@pytest.mark.timeout(3000)
def test_a_round_at_distance_11_and_a_shot_at_distance_13_fail_less_than_1_in_10_million() -> None:
    eleven = stratified(11, 0.001, 8_000_000).rate()
    assert eleven.per_round(11).upper < 1e-7
    thirteen = stratified(13, 0.001, 100_000_000).rate()
    assert thirteen.upper < 1e-7
    assert thirteen.value < eleven.value
