"""Decoupling against exact laws and sampled wanders; what is chosen where."""

import math

import numpy as np
import pytest
from scipy.integrate import dblquad

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.protection import (
    SlowNoise,
    best_protection,
    decoupled,
    edges,
    phase_variance,
    rounds_of,
    sampled_coherence,
)

NAN = float("nan")
SIGMA = 2e4


def test_a_constant_offset_is_turned_back_by_one_pulse() -> None:
    static = SlowNoise(SIGMA)
    assert phase_variance(static, 100e-6, 0) == pytest.approx((SIGMA * 100e-6) ** 2)
    for pulses in (1, 2, 7):
        assert phase_variance(static, 100e-6, pulses) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("pulses", [0, 1, 2, 3])
def test_the_phase_is_the_double_integral_of_the_correlation(pulses: int) -> None:
    noise, held = SlowNoise(SIGMA, 40e-6), 100e-6
    at = edges(held, pulses)

    def sign(t: float) -> float:
        return (-1.0) ** (int(np.searchsorted(at, t, side="right")) - 1)

    # In units of the holding time; each pair of intervals is smooth but for the diagonal.
    total = 0.0
    for i in range(len(at) - 1):
        for j in range(i + 1):
            upper = (lambda t: t) if i == j else at[j + 1]
            part, _ = dblquad(
                lambda s, t: math.exp(-(t - s) / noise.tau_s), at[i], at[i + 1], at[j], upper
            )
            total += 2.0 * sign((at[i] + at[i + 1]) / 2) * sign((at[j] + at[j + 1]) / 2) * part
    assert phase_variance(noise, held, pulses) == pytest.approx(SIGMA**2 * total, rel=1e-6)


@pytest.mark.parametrize("tau", [5e-6, 100e-6, math.inf])
@pytest.mark.parametrize("pulses", [0, 1, 8])
def test_sampled_wanders_show_the_coherence_of_the_closed_form(tau: float, pulses: int) -> None:
    noise = SlowNoise(SIGMA, tau)
    mean, error = sampled_coherence(noise, 60e-6, pulses, 20_000, np.random.default_rng(4))
    expected = math.exp(-phase_variance(noise, 60e-6, pulses) / 2)
    assert abs(mean - expected) < 5 * error + 1e-9


def test_more_pulses_help_where_noise_is_slow_and_not_where_it_is_fast() -> None:
    slow, fast = SlowNoise(SIGMA, 200e-6), SlowNoise(SIGMA * 30, 0.05e-6)
    left = [phase_variance(slow, 100e-6, n) for n in (0, 1, 2, 4, 8, 16)]
    assert left == sorted(left, reverse=True)
    assert left[-1] < left[0] / 100
    kept = [phase_variance(fast, 100e-6, n) for n in (0, 16)]
    assert kept[1] > 0.9 * kept[0]


def test_pulses_cost_their_own_errors() -> None:
    ideal = decoupled(SlowNoise(0.0), 1e-5, 10, 0.01)
    shrink = (1 - 4 * 0.01 / 3) ** 10
    assert np.allclose(ideal.transfer(), [shrink] * 3)
    with pytest.raises(InputError, match="pulse error: expected 0 to 1, got nan"):
        decoupled(SlowNoise(0.0), 1e-5, 10, NAN)


def test_slow_noise_is_decoupled_and_what_is_not_is_encoded() -> None:
    def logical(distance: int, rounds: int, basis: Basis) -> float:
        return min(0.5, rounds * 1e-3 / 4 ** ((distance - 3) // 2))

    slow = SlowNoise(SIGMA, 500e-6)
    best = best_protection(slow, 50e-6, 1e-4, logical_errors=logical, distances=(3, 5))[0]
    assert best.pulses > 0
    assert best.distance == 0
    floor = Coherence().twirled(50e-6)
    ranked = best_protection(
        SlowNoise(0.0), 50e-6, 1e-4, logical_errors=logical, distances=(3, 5), floor=floor
    )
    assert (ranked[0].distance, ranked[0].name) == (5, "encoded, distance 5")
    bare = next(one for one in ranked if one.name == "bare")
    assert all(one.error >= bare.error for one in ranked if one.pulses)
    with pytest.raises(InputError, match="expected logical error rates for the distances"):
        best_protection(slow, 50e-6, 1e-4, distances=(3,))
    with pytest.raises(InputError, match="logical error of distance 3: expected 0 to 1, got nan"):
        best_protection(slow, 1e-6, 0.0, logical_errors=lambda *_: NAN, distances=(3,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SlowNoise(-1.0), "sigma of 0 rad/s or more, got -1.0"),
        (lambda: SlowNoise(NAN), "sigma of 0 rad/s or more, got nan"),
        (lambda: SlowNoise(1.0, 0.0), "tau above 0 s, got 0.0"),
        (lambda: edges(-1.0, 0), "holding time: expected 0 s or more, got -1.0"),
        (lambda: edges(1.0, -1), "pulses: expected 0 to 4096, got -1"),
        (lambda: rounds_of(1.0, 0.0), "cycle: expected above 0 s, got 0.0"),
        (
            lambda: sampled_coherence(SlowNoise(1.0), 1.0, 0, 1, np.random.default_rng(1)),
            "runs: expected at least 2, got 1",
        ),
    ],
)
def test_noise_that_makes_no_sense_is_refused(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]
