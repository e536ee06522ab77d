"""The three simulations of coherent pulses against each other and against the closed forms."""

import dataclasses
import math
import os

import numpy as np
import pytest
from scipy import stats

from bridge.domain.errors import InputError
from bridge.quantum.distillation.sift import sift
from bridge.quantum.link.adversary import InterceptResend, Nobody
from bridge.quantum.link.attacks import (
    BeamSplitting,
    Blinding,
    Denial,
    PhotonNumberSplitting,
    TrojanHorse,
)
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.counts import run_counts
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.events import run_events, stretches
from bridge.quantum.link.gates import run_gates
from bridge.quantum.link.light import Branch, Fock, Light, checked
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.protocols import DecoyBB84, X, Z
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.tally import Tally
from bridge.quantum.link.transmission import Link, transmit

CONFIDENCE = 0.9999
"""A right simulation passes one chi-square test with this probability, all forty of them with
99.6 %. The seeds are fixed."""
LONG = 20 if os.environ.get("LINK_STATISTICS") else 1

NOISY = Channel(length_km=20, misalignment=0.03, depolarising=0.04, insertion_loss_db=1.0)
LINKS = {
    "nobody": OpticalLink(channel=NOISY, detector=Detector(dark_count_probability=1e-3)),
    "one decoy": OpticalLink(
        protocol=DecoyBB84((0.6, 0.2), (0.6, 0.4), 0.7, 0.8), channel=Channel(length_km=0)
    ),
    "dark": OpticalLink(
        channel=Channel(length_km=3000), detector=Detector(dark_count_probability=0.02)
    ),
    "intercepted": OpticalLink(channel=NOISY, adversary=InterceptResend(0.6)),
    "tapped": OpticalLink(channel=NOISY, adversary=BeamSplitting(0.5)),
    "split": OpticalLink(channel=NOISY, adversary=PhotonNumberSplitting(0.5)),
    "blinded": OpticalLink(channel=NOISY, adversary=Blinding(0.7, 0.8)),
    "denied": OpticalLink(channel=NOISY, adversary=Denial(0.4)),
}
MEMORIES = {
    "dead": Detector(dark_count_probability=1e-3, dead_time_gates=9),
    "pixels": Detector(dead_time_gates=25, pixels=4),
    "afterpulses": Detector(
        dark_count_probability=1e-3,
        dead_time_gates=4,
        afterpulse_probability=0.2,
        afterpulse_mean_gates=6.0,
    ),
}


def cells(tally: Tally) -> np.ndarray:
    """The outcome of a pulse by class: dark, right, wrong, both detectors right, both wrong."""
    quiet = tally.sent - tally.clicks
    return np.stack([quiet, tally.clicks - tally.errors, tally.errors], axis=-1).reshape(-1)


def same_law(first: np.ndarray, second: np.ndarray) -> float:
    """The p-value of the chi-square test of homogeneity, cells of few counts put together."""
    table = np.stack([first, second])
    few = table.sum(axis=0) < 20
    table = np.concatenate([table[:, ~few], table[:, few].sum(axis=1, keepdims=True)], axis=1)
    table = table[:, table.sum(axis=0) > 0]
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def fits(tally: Tally, expected: Tally) -> float:
    """The p-value of the chi-square test of goodness of fit."""
    got, want = cells(tally), cells(expected)
    few = want < 10
    got = np.append(got[~few], got[few].sum())
    want = np.append(want[~few], want[few].sum())
    keep = want > 0
    statistic = float(((got[keep] - want[keep]) ** 2 / want[keep]).sum())
    return float(stats.chi2.sf(statistic, keep.sum() - 1))


@pytest.mark.parametrize("name", LINKS)
def test_clicks_drawn_by_events_have_the_law_of_pulses_simulated_one_by_one(name: str) -> None:
    link = LINKS[name]
    by_pulse = run_gates(link, 300_000 * LONG, Randomness.seeded(1))
    by_event = run_events(link, 1_500_000 * LONG, Randomness.seeded(2))
    assert same_law(cells(by_pulse), cells(by_event)) > 1 - CONFIDENCE
    doubles = [
        np.append(t.doubles.reshape(-1), (t.sent - t.doubles).sum()) for t in (by_pulse, by_event)
    ]
    assert same_law(*doubles) > 1 - CONFIDENCE


@pytest.mark.parametrize("name", LINKS)
def test_counts_and_events_fit_the_closed_form(name: str) -> None:
    link = LINKS[name]
    for run, seed in ((run_events, 3), (run_counts, 4)):
        tally = run(link, 2_000_000 * LONG, Randomness.seeded(seed))
        assert tally.pulses == 2_000_000 * LONG
        assert fits(tally, link.expected(tally.pulses)) > 1 - CONFIDENCE


@pytest.mark.parametrize(
    ("parameter", "change"),
    [("misalignment", 0.002), ("depolarising", 0.004), ("insertion_loss_db", 0.05)],
)
def test_the_test_of_fit_tells_slightly_different_links_apart(
    parameter: str, change: float
) -> None:
    changed = {parameter: getattr(NOISY, parameter) + change}
    link = OpticalLink(channel=dataclasses.replace(NOISY, **changed))
    tally = run_events(link, 20_000_000, Randomness.seeded(5))
    assert fits(tally, OpticalLink(channel=NOISY).expected(tally.pulses)) < 1e-6


@pytest.mark.parametrize("name", MEMORIES)
def test_dead_time_and_afterpulses_by_events_have_the_law_of_gates_stepped_one_by_one(
    name: str,
) -> None:
    link = OpticalLink(channel=NOISY, detector=MEMORIES[name])
    by_pulse = run_gates(link, 150_000 * LONG, Randomness.seeded(6))
    by_event = run_events(link, 3_000_000 * LONG, Randomness.seeded(7))
    # Clicks that are not independent spread more or less than a multinomial law has it; an
    # afterpulse comes with its click, so that the spread at most doubles here.
    assert same_law(cells(by_pulse) / 2, cells(by_event) / 2) > 1 - CONFIDENCE


@pytest.mark.parametrize("name", ["dead", "pixels"])
def test_no_two_clicks_lie_closer_than_the_dead_time_lets_them(name: str) -> None:
    detector = MEMORIES[name]
    link = OpticalLink(channel=Channel(length_km=0), detector=detector)
    # Short stretches: what a detector remembers has to cross their borders.
    found = [s.clicks for s in stretches(link, 200_000, Randomness.seeded(8), length=1000)]
    gates = np.concatenate([c.gates for c in found])
    hits = np.repeat(gates, 1 + np.concatenate([c.doubles for c in found]).astype(int))
    window = 2 * detector.pixels if detector.pixels > 1 else 1
    if window == 1:
        assert np.diff(gates).min() == detector.dead_time_gates + 1
    else:
        assert (hits[window:] - hits[:-window]).min() > detector.dead_time_gates


def test_afterpulses_come_as_often_as_they_are_set_to() -> None:
    detector = Detector(
        dark_count_probability=0.0,
        dead_time_gates=50,
        afterpulse_probability=0.1,
        afterpulse_mean_gates=20.0,
    )
    link = OpticalLink(channel=Channel(length_km=150), detector=detector)
    clicks = np.concatenate(
        [s.clicks.gates for s in stretches(link, 30_000_000, Randomness.seeded(9))]
    )
    gaps = np.diff(clicks)
    after = int(((gaps > 50) & (gaps < 400)).sum())
    # A click is followed by an afterpulse with 10 %, an afterpulse is a click too.
    deviation = (0.1 * 0.9 * len(gaps)) ** 0.5
    light = link.expected(1.0).clicks.sum() * 350 * len(gaps)
    assert abs(after - 0.1 * len(gaps) - 0.9 * light) < 5 * deviation


@pytest.mark.parametrize("pixels", [1, 4])
def test_the_mean_live_fraction_is_that_of_the_events(pixels: int) -> None:
    detector = Detector(dead_time_gates=20, pixels=pixels)
    link = OpticalLink(channel=Channel(length_km=5), detector=detector)
    seen = run_events(link, 5_000_000, Randomness.seeded(10)).clicks.sum()
    expected = link.expected(5_000_000.0).clicks.sum()
    without = OpticalLink(channel=Channel(length_km=5)).expected(5_000_000.0).clicks.sum()
    assert seen < 0.85 * without
    assert seen == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("km", [0.0, 50.0, 120.0])
def test_gains_and_error_rates_are_those_of_the_literature(km: float) -> None:
    # Ma, Qi, Zhao and Lo 2005 (arXiv quant-ph/0503005), with the exact law of two detectors.
    link = OpticalLink(channel=Channel(length_km=km, misalignment=0.02))
    reach, dark = link.channel.transmittance * 0.8, 1e-6
    tally = link.expected(1.0)
    for k, mean in enumerate(link.protocol.intensities):
        gain = 1 - (1 - dark) ** 2 * np.exp(-mean * reach)
        no_right = (1 - dark) * np.exp(-mean * reach * 0.98)
        no_wrong = (1 - dark) * np.exp(-mean * reach * 0.02)
        errors = (gain + no_right - no_wrong) / 2
        assert tally.clicks[k, Z, Z] / tally.sent[k, Z, Z] == pytest.approx(gain, rel=1e-9)
        assert tally.errors[k, X, X] / tally.sent[k, X, X] == pytest.approx(errors, rel=1e-9)


@pytest.mark.parametrize(("run", "pulses"), [(run_gates, 400_000), (run_counts, 10**9)])
def test_the_yields_that_decoys_show_are_those_of_theory(run, pulses: int) -> None:  # type: ignore[no-untyped-def]
    """The yields of no photon and of one, solved for from the gains of a decoy and of the vacuum.

    To five standard deviations: a right simulation fails in one run of 1.7 million.
    """
    mean, dark, reach = 0.2, 0.01, 0.8 * 10**-0.2
    link = OpticalLink(
        protocol=DecoyBB84((0.5, mean, 0.0), (0.2, 0.4, 0.4), 0.5, 0.5),
        channel=Channel(length_km=10, misalignment=0.02),
        detector=Detector(efficiency=0.8, dark_count_probability=dark),
    )
    tally = run(link, pulses * LONG, Randomness.seeded(18))
    sent, clicks = (counts.sum(axis=(1, 2)) for counts in (tally.sent, tally.clicks))
    gains, variances = clicks / sent, clicks / sent**2
    yields = [1 - (1 - dark) ** 2 * (1 - reach) ** n for n in range(12)]
    assert abs(gains[2] - yields[0]) < 5 * variances[2] ** 0.5
    several = sum(yields[n] * mean**n / math.factorial(n) for n in range(2, 12))
    single = (gains[1] * math.exp(mean) - gains[2] - several) / mean
    deviation = (variances[1] * math.exp(2 * mean) + variances[2]) ** 0.5 / mean
    assert abs(single - yields[1]) < 5 * deviation < 0.05


def test_the_sift_ratio_is_that_of_the_biases() -> None:
    link = OpticalLink(protocol=DecoyBB84(sender_z=0.9, receiver_z=0.8))
    tally = run_events(link, 5_000_000, Randomness.seeded(11))
    clicks, ratio = tally.clicks.sum(), 0.9 * 0.8 + 0.1 * 0.2
    assert abs(tally.sifted / clicks - ratio) < 5 * (ratio * (1 - ratio) / clicks) ** 0.5


def test_the_qber_is_the_flip_probability_of_the_channel() -> None:
    channel = Channel(length_km=30, misalignment=0.02, depolarising=0.06)
    link = OpticalLink(channel=channel, detector=Detector(dark_count_probability=0.0))
    tally = run_events(link, 5_000_000, Randomness.seeded(12))
    clicks = tally.clicks[:, Z, Z].sum()
    error = channel.flip_probability
    assert error == pytest.approx(0.02 * 0.97 + 0.98 * 0.03)
    # Of a pulse of several photons the wrong detector may fire beside the right one.
    slack = 5 * (error / clicks) ** 0.5 + 0.002
    assert abs(tally.qber(Z) - error) < slack


def test_an_interceptor_leaves_the_gains_and_a_quarter_of_errors() -> None:
    channel = Channel(length_km=30, misalignment=0.0)
    honest = OpticalLink(channel=channel).expected(1.0)
    tapped = OpticalLink(channel=channel, adversary=InterceptResend(1.0)).expected(1.0)
    assert tapped.gains() == pytest.approx(honest.gains(), rel=1e-9)
    assert tapped.qber(Z) == pytest.approx(0.25, abs=0.002)


def test_clicks_go_into_distillation_as_single_photons_do() -> None:
    link = OpticalLink(channel=Channel(length_km=20))
    stretch = next(stretches(link, 1_000_000, Randomness.seeded(13)))
    block = sift(stretch.clicks.transmission())
    assert len(block) == stretch.tally.sifted
    wrong = int((block.sender != block.receiver).sum())
    assert wrong == stretch.tally.errors[:, Z, Z].sum() + stretch.tally.errors[:, X, X].sum()
    assert "redacted" in repr(stretch.clicks)


def test_ten_to_the_tenth_pulses_by_counts() -> None:
    tally = run_counts(OpticalLink(), 10**10, Randomness.seeded(14))
    assert tally.pulses == 10**10
    assert fits(tally, OpticalLink().expected(1e10)) > 1 - CONFIDENCE


def test_tallies_add_up_and_refuse_what_cannot_be() -> None:
    one = run_counts(OpticalLink(), 1000, Randomness.seeded(15))
    assert (one + one).pulses == 2000
    with pytest.raises(InputError, match="among the clicks"):
        Tally(one.sent, one.clicks, one.clicks + 1, one.doubles)
    with pytest.raises(InputError, match="shape"):
        Tally(one.sent[0], one.clicks, one.errors, one.doubles)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: DecoyBB84((0.1, 0.5), (0.5, 0.5)), "falling"),
        (lambda: DecoyBB84((0.5, 0.0), (0.5, 0.5)), "one decoy"),
        (lambda: DecoyBB84((0.5, 0.3, 0.2), (0.4, 0.3, 0.3)), "sum of the others"),
        (lambda: DecoyBB84((0.5, 0.1), (0.5, 0.6)), "sum of 1"),
        (lambda: DecoyBB84((0.5,), (1.0,)), "two or three"),
        (lambda: DecoyBB84(sender_z=1.0), "sender_z"),
        (lambda: Channel(depolarising=1.5), "depolarising"),
        (lambda: Channel(insertion_loss_db=-1.0), "losses"),
        (lambda: Detector(dead_time_gates=-1), "dead time"),
        (lambda: Detector(afterpulse_probability=0.6), "afterpulses"),
        (lambda: checked((Branch(0.5, Light(Fock(0))),)), "add up to 1"),
        (lambda: run_counts(OpticalLink(), 0, Randomness.seeded(1)), "at least 1"),
        (lambda: run_events(OpticalLink(), 0, Randomness.seeded(1)), "at least 1"),
        (lambda: run_gates(OpticalLink(), 0, Randomness.seeded(1)), "at least 1"),
        (
            lambda: run_counts(
                OpticalLink(detector=MEMORIES["afterpulses"]), 10, Randomness.seeded(1)
            ),
            "by events",
        ),
        (lambda: BeamSplitting(1.1), "tapped"),
        (lambda: PhotonNumberSplitting(-0.1), "blocked"),
        (lambda: Blinding(2.0), "fraction"),
        (lambda: Denial(2.0), "blocked"),
        (lambda: TrojanHorse(-1.0), "leaked"),
    ],
)
def test_what_no_link_can_be_is_refused(build, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        build()


def test_single_photons_pulse_by_pulse_refuse_a_detector_with_a_memory() -> None:
    link = Link(detector=Detector(dead_time_gates=5), adversary=Nobody())
    with pytest.raises(InputError, match="without dead time"):
        transmit(link, 10, Randomness.seeded(16))
