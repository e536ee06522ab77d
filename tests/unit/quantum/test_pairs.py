"""Entangled pairs: the closed form against single draws, Ma, Fung and Lo, and Bell."""

import math

import numpy as np
import pytest
from scipy import stats

from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.chsh import CLASSICAL_BOUND, TSIRELSON_BOUND, chsh
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.pairs import PairLink, PairTally, expected_pairs, run_pairs
from bridge.quantum.link.protocols import BBM92, E91, X, Z
from bridge.quantum.link.randomness import Randomness

CONFIDENCE = 0.999
IDEAL = Detector(efficiency=1.0, dark_count_probability=0.0)
STILL = Channel(length_km=0.0, misalignment=0.0)


def ideal(protocol, **parts) -> PairLink:  # type: ignore[no-untyped-def]
    parts = {"channel": STILL, "detector": IDEAL, "sender_detector": IDEAL} | parts
    return PairLink(protocol, **parts)


@pytest.mark.parametrize("intercepted", [0.0, 1.0])
@pytest.mark.parametrize("basis", [Z, X])
def test_the_law_of_clicks_is_that_of_photons_drawn_one_by_one(
    basis: int, intercepted: float
) -> None:
    # In one basis the singlet state is two independent thermal pairs of modes. An interceptor who
    # counts in the other basis leaves Bob's photon number and breaks the rest, so only the
    # untouched state is drawn here in that case: half of her bases agree.
    brightness, pulses = 0.3, 400_000
    noise = np.random.default_rng(basis)
    detector = Detector(efficiency=0.6, dark_count_probability=0.01)
    angle = (0.0, math.pi / 4)[basis]
    first, second = (noise.geometric(1 / (1 + brightness), pulses) - 1 for _ in range(2))
    link = PairLink(
        BBM92(brightness),
        channel=Channel(length_km=10, misalignment=0.0),
        detector=detector,
        sender_detector=detector,
        intercepted=intercepted,
    )
    if intercepted:
        # Mixed with weight 1/2, whatever she does in the other basis keeps the marginal of Bob.
        marginal = link.pattern(angle, angle).reshape(4, 4).sum(axis=1)
        untouched = PairLink(
            link.protocol, channel=link.channel, detector=detector, sender_detector=detector
        )
        assert marginal == pytest.approx(untouched.pattern(angle, angle).reshape(4, 4).sum(axis=1))
        return
    # The sender's bit 0 pairs with the receiver's second mode, which is its bit 0 turned over.
    masks = np.zeros(pulses, dtype=int)
    reach = (0.6, 0.6, 0.6 * 10**-0.2, 0.6 * 10**-0.2)
    for bit, photons in enumerate((first, second, first, second)):
        dark = noise.random(pulses) < 0.01
        masks |= ((noise.binomial(photons, reach[bit]) > 0) | dark).astype(int) << bit
    seen = np.bincount(masks, minlength=16)
    assert stats.chisquare(seen, link.pattern(angle, angle) * pulses).pvalue > 1 - CONFIDENCE


@pytest.mark.parametrize("brightness", [0.001, 0.05, 0.4])
@pytest.mark.parametrize("km", [0.0, 60.0])
def test_gain_and_qber_are_those_of_ma_fung_and_lo(brightness: float, km: float) -> None:
    dark, error = 1e-5, 0.02
    detector = Detector(efficiency=0.7, dark_count_probability=dark)
    link = PairLink(
        BBM92(brightness),
        channel=Channel(length_km=km, misalignment=error),
        detector=detector,
        sender_detector=detector,
    )
    tally = expected_pairs(link, 1.0)
    a, b = 0.7, 0.7 * link.channel.transmittance
    both = a * brightness + b * brightness - a * b * brightness
    background = 1 - (1 - dark) ** 2
    gain = (
        1
        - (1 - background) / (1 + a * brightness) ** 2
        - (1 - background) / (1 + b * brightness) ** 2
        + (1 - background) ** 2 / (1 + both) ** 2
    )
    shift = 2 * (0.5 - error) * a * b * brightness * (1 + brightness)
    shift /= (1 + a * brightness) * (1 + b * brightness) * (1 + both)
    for basis in (Z, X):
        seen = tally.coincidences[basis, basis] / tally.sent[basis, basis]
        assert seen == pytest.approx(gain, rel=1e-6)
        # Theirs flips the bit of a pulse, ours turns its light: the same but for multi-pair pulses.
        assert tally.qber(basis) == pytest.approx(0.5 - shift / gain, rel=3e-3)


def test_a_single_pair_gives_the_cosine_of_quantum_mechanics() -> None:
    link = ideal(BBM92(1e-6))
    for a, b in ((0.0, 0.0), (0.0, 0.3), (0.4, 1.1)):
        law = link.pattern(a, b)
        equal, differ = law[0b0101] + law[0b1010], law[0b0110] + law[0b1001]
        assert equal / (equal + differ) == pytest.approx(math.cos(a - b) ** 2, abs=1e-5)


def test_counts_of_a_run_fit_their_means() -> None:
    link = PairLink(E91(0.05), channel=Channel(length_km=10, depolarising=0.03))
    tally, mean = run_pairs(link, 10**8, Randomness.seeded(1)), expected_pairs(link, 1e8)
    got = np.stack([tally.coincidences - tally.errors, tally.errors])
    want = np.stack([mean.coincidences - mean.errors, mean.errors])
    statistic = float(((got - want) ** 2 / want).sum())
    assert stats.chi2.sf(statistic, want.size) > 1 - CONFIDENCE
    assert (tally + tally).pulses == 2 * 10**8


def test_the_chsh_value_is_two_root_two_and_its_confidence_covers_it() -> None:
    link = ideal(E91(1e-5))
    assert chsh(expected_pairs(link, 1e12)).value == pytest.approx(TSIRELSON_BOUND, rel=1e-4)
    below = 0
    for seed in range(200):
        seen = chsh(run_pairs(link, 10**8, Randomness.seeded(seed)), confidence=0.9)
        assert seen.violates
        assert abs(seen.value - TSIRELSON_BOUND) < 5 * seen.standard_error + 1e-3
        below += seen.lower < TSIRELSON_BOUND - 1e-3
    # Hoeffding's bound is not tight: it holds at least as often as it says.
    assert below >= 0.9 * 200


def test_noise_lowers_s_as_it_should_and_an_interceptor_breaks_it() -> None:
    for depolarising in (0.0, 0.1, 0.3):
        channel = Channel(length_km=0.0, misalignment=0.0, depolarising=depolarising)
        tally = expected_pairs(ideal(E91(1e-6), channel=channel), 1e12)
        assert chsh(tally).value == pytest.approx((1 - depolarising) * TSIRELSON_BOUND, rel=1e-4)
        assert tally.qber(Z) == pytest.approx(depolarising / 2, abs=1e-5)
    broken = run_pairs(ideal(E91(1e-3), intercepted=1.0), 10**8, Randomness.seeded(2))
    assert abs(chsh(broken).value - math.sqrt(2)) < 5 * chsh(broken).standard_error < 0.1
    assert chsh(broken).value < CLASSICAL_BOUND
    assert not chsh(broken).violates
    assert broken.qber(Z) == pytest.approx(0.25, abs=0.01)


def test_what_has_no_chsh_value_is_refused() -> None:
    with pytest.raises(InputError, match="2 by 4 settings"):
        chsh(expected_pairs(ideal(BBM92()), 1e6))
    with pytest.raises(InputError, match="confidence"):
        chsh(expected_pairs(ideal(E91()), 1e6), confidence=1.0)
    with pytest.raises(BlockRejected, match="no coincidence"):
        chsh(run_pairs(ideal(E91(1e-6)), 100, Randomness.seeded(3)))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: BBM92(brightness=0.0), "brightness"),
        (lambda: E91(test_probability=1.0), "test probability"),
        (lambda: BBM92(sender_z=0.0), "sender_z"),
        (lambda: PairLink(intercepted=1.5), "intercepted"),
        (lambda: PairLink(detector=Detector(dead_time_gates=3)), "without dead time"),
        (lambda: run_pairs(PairLink(), 0, Randomness.seeded(1)), "at least 1"),
        (lambda: PairTally(*[np.zeros((2, 2))] * 2, np.ones((2, 2)), np.zeros((2, 2))), "among"),
    ],
)
def test_what_no_pair_link_can_be_is_refused(build, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        build()
