"""The cost of a magic state: monotone where it must be, exact where it can be, refused else."""

import math

import pytest

from bridge.domain.errors import InputError
from bridge.quantum.codes.magic_cost import (
    TILES,
    RawState,
    all_costs,
    cheapest,
    factory_noise,
    first_level,
    second_level,
    tile_qubits,
)
from bridge.quantum.codes.magic_density import FactoryNoise, simulate
from bridge.quantum.codes.magic_distillation import enumerate_faults
from bridge.quantum.codes.magic_rates import FittedRate, fitted_rate

RAW = RawState(0.005, 0.9, 2)


def rate(distance: int, rounds: int) -> float:
    """About what is measured at p = 0.1 %."""
    return min(0.5, 0.02 * rounds * 9.0 ** (-(distance + 1) / 2))


def perfect(distance: int, rounds: int) -> float:
    return 0.0


def test_with_perfect_patches_only_the_states_are_left() -> None:
    assert factory_noise(0.005, 7, perfect) == FactoryNoise(0.005)
    once = first_level(RAW, 3, perfect)
    assert once.error == pytest.approx(enumerate_faults(0.005).error, rel=1e-6)
    assert once.acceptance == pytest.approx(enumerate_faults(0.005).acceptance)
    twice = second_level(once, 3, perfect)
    assert twice.error == pytest.approx(35 * once.error**3, rel=1e-3, abs=1e-15)


def test_the_rates_that_are_handed_in_are_the_ones_that_count() -> None:
    asked: list[tuple[int, int]] = []

    def recorded(distance: int, rounds: int) -> float:
        asked.append((distance, rounds))
        return rate(distance, rounds)

    noise = factory_noise(0.005, 7, recorded)
    assert set(asked) == {(7, 7), (7, 11)}
    assert noise.storage == rate(7, 11)
    assert noise.rotation == pytest.approx(9.5 * rate(7, 7), rel=1e-2)
    assert first_level(RAW, 7, rate).error == simulate(noise).error
    # Ten times the rate, and the error follows.
    worse = first_level(RAW, 7, lambda d, r: 10 * rate(d, r))
    assert worse.error > 5 * first_level(RAW, 7, rate).error


def test_qubits_rounds_and_retries_of_one_level() -> None:
    cost = first_level(RAW, 7, rate)
    assert tile_qubits(7) == 128
    assert cost.qubits == TILES * 128 == 13 * 128
    injected = 2 / 0.9 + 7
    assert cost.rounds == pytest.approx((injected + 11 * 10.5) / cost.acceptance)
    assert cost.attempts == pytest.approx(1 / cost.acceptance)
    assert cost.volume == pytest.approx(cost.qubits * cost.rounds)
    assert (cost.levels, cost.factories) == (1, 1)
    # Where hardly any injection is kept, the factory waits for them.
    assert first_level(RawState(0.005, 0.01, 2), 7, rate).rounds > 5 * cost.rounds


def test_a_second_level_has_as_many_factories_as_keep_it_supplied() -> None:
    first = first_level(RAW, 7, rate)
    cost = second_level(first, 15, rate)
    run = 15 + 11 * 22.5
    assert cost.factories * run >= 15 * first.rounds > (cost.factories - 1) * run
    assert cost.qubits == TILES * tile_qubits(15) + cost.factories * first.qubits
    assert cost.distances == (7, 15)


def test_a_smaller_error_never_costs_less() -> None:
    targets = [10.0**-k for k in (2, 4, 6, 8, 11)]
    costs = [cheapest(target, RAW, rate, 27) for target in targets]
    for target, cost in zip(targets, costs, strict=True):
        assert cost.error <= target
    volumes = [cost.volume for cost in costs]
    assert volumes == sorted(volumes)
    assert [cost.levels for cost in costs] == sorted(cost.levels for cost in costs)
    assert {cost.levels for cost in costs} == {0, 1, 2}


def test_the_cheapest_is_the_cheapest_of_all() -> None:
    target = 1e-7
    best = cheapest(target, RAW, rate, 21)
    # Without pruning: every first level with every second.
    odd = range(3, 22, 2)
    every = [first_level(RAW, d, rate) for d in odd]
    every += [second_level(first, d, rate) for first in list(every) for d in odd]
    enough = [cost for cost in every if cost.error <= target]
    assert enough
    assert best.volume == min(cost.volume for cost in enough)
    assert best in list(all_costs(RAW, rate, 21))


def test_a_target_out_of_reach_is_named_with_what_is_in_reach() -> None:
    with pytest.raises(InputError, match=r"target error: expected at least \S+e-\d+, .* got 1e-12"):
        cheapest(1e-12, RAW, rate, 9)
    # Above the threshold no distance helps.
    with pytest.raises(InputError, match="target error: expected at least"):
        cheapest(1e-4, RAW, lambda d, r: 0.2, 21)


@pytest.mark.parametrize("target", [0.0, 1.0, -1e-3, math.nan, math.inf])
def test_a_target_is_between_0_and_1(target: float) -> None:
    with pytest.raises(InputError, match="target error: expected a number between 0 and 1"):
        cheapest(target, RAW, rate, 5)


def test_other_bad_input() -> None:
    with pytest.raises(InputError, match="error of an injected state: expected a probability"):
        RawState(math.nan, 0.9, 2)
    with pytest.raises(InputError, match="acceptance of an injection: expected more than 0"):
        RawState(0.1, 0.0, 2)
    with pytest.raises(InputError, match="postselected: expected at least 0 rounds, got -1"):
        RawState(0.1, 0.5, -1)
    with pytest.raises(InputError, match="most distance: expected at least 3, got 2"):
        cheapest(1e-3, RAW, rate, 2)
    with pytest.raises(InputError, match=r"logical rate at distance 3 over 3 rounds: .* got nan"):
        first_level(RAW, 3, lambda d, r: math.nan)
    with pytest.raises(InputError, match=r"logical rate at distance 3 over 3 rounds: .* got 1\.5"):
        first_level(RAW, 3, lambda d, r: 1.5)


# --- rates ---


def test_a_fit_gives_back_what_it_was_made_of() -> None:
    true = FittedRate({}, 0.02, 9.0)
    measured = {d: (d, true(d, d)) for d in (3, 5, 7)}
    fitted = fitted_rate(measured)
    assert fitted.suppression == pytest.approx(9.0)
    for distance, (rounds, probability) in measured.items():
        assert fitted(distance, rounds) == pytest.approx(probability)
    assert fitted(13, 13) == pytest.approx(true(13, 13))


def test_rounds_add_up_to_a_coin() -> None:
    fitted = fitted_rate({3: (3, 1e-3), 5: (5, 1e-4)})
    assert fitted(3, 6) == pytest.approx(2 * 1e-3 - 2 * 1e-6)
    assert fitted(3, 10**7) == pytest.approx(0.5)
    # What was measured is not replaced by the fit.
    bent = fitted_rate({3: (1, 1e-3), 5: (1, 1e-4), 7: (1, 1e-6)})
    assert bent(5, 1) == pytest.approx(1e-4)
    assert bent.scale * bent.suppression ** (-3) != pytest.approx(1e-4, rel=0.1)


def test_rates_that_say_nothing_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected two distances or more, got \[3\]"):
        fitted_rate({3: (3, 1e-3)})
    for wrong in (0.0, 0.5, math.nan, -0.1):
        with pytest.raises(InputError, match="logical rate at distance 5: expected more than 0"):
            fitted_rate({3: (3, 1e-3), 5: (5, wrong)})
    with pytest.raises(InputError, match="rounds at distance 5: expected at least 1, got 0"):
        fitted_rate({3: (3, 1e-3), 5: (0, 1e-4)})
    with pytest.raises(InputError, match="expected a distance and rounds of at least 1"):
        fitted_rate({3: (3, 1e-3), 5: (5, 1e-4)})(3, 0)
