"""Each adversary is seen and the block discarded, or bounded by the key length, or named as not."""

from dataclasses import replace

import pytest

from bridge.domain.errors import BlockRejected
from bridge.quantum.link.attacks import Blinding, Denial
from bridge.quantum.link.counts import run_counts
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.events import run_events
from bridge.quantum.link.pairs import run_pairs
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.rates.acceptance import Reason, judge, judge_pairs
from tests.adversary_runs import HONEST, PAIRS, SCENARIOS, Outcome, Run, runs


@pytest.fixture(scope="module")
def table() -> dict[str, Run]:
    return {run.scenario.name: run for run in runs()}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_outcome_is_what_the_table_says(table, scenario) -> None:  # type: ignore[no-untyped-def]
    run = table[scenario.name]
    assert run.verdict.reason is scenario.reason, run.verdict.words
    share = run.bits / run.honest_bits
    if scenario.outcome is Outcome.DISCARDED:
        assert run.bits == 0
        with pytest.raises(BlockRejected, match=scenario.reason.value):
            run.verdict.accept()
    elif scenario.outcome is Outcome.BOUNDED:
        assert 0.3 < share < 0.99
    else:
        # A length spreads by 0.31 % (seen over 40 runs): five deviations of two runs.
        assert share == pytest.approx(1.0, abs=0.022)
    if scenario.reason is None:
        assert run.verdict.accept() is run.verdict.key


def test_what_is_not_seen_is_said_to_be_not_seen(table) -> None:  # type: ignore[no-untyped-def]
    unseen = [name for name, run in table.items() if run.scenario.outcome is Outcome.UNSEEN]
    assert unseen == ["blinding, 0.5 %"]


@pytest.mark.parametrize(
    "detector",
    [
        Detector(),
        Detector(dead_time_gates=30),
        Detector(dead_time_gates=30, pixels=4),
        Detector(dead_time_gates=10, afterpulse_probability=0.03, afterpulse_mean_gates=50.0),
    ],
)
def test_the_test_of_double_clicks_leaves_an_honest_link_alone(detector: Detector) -> None:
    link = replace(HONEST, detector=detector)
    for seed in range(5):
        verdict = judge(run_events(link, 20_000_000, Randomness.seeded(seed)), link)
        assert verdict.reason is not Reason.DOUBLE_CLICKS, verdict.words
    blinded = replace(link, adversary=Blinding(1.0, 0.8))
    tally = run_events(blinded, 20_000_000, Randomness.seeded(9))
    if detector.afterpulse_probability == 0.0:
        assert tally.qber(0) < 0.1 * link.expected(1.0).qber(0)
    assert judge(tally, link).reason is Reason.DOUBLE_CLICKS


def test_a_block_too_short_for_a_key_is_not_called_an_attack() -> None:
    verdict = judge(run_counts(HONEST, 10**7, Randomness.seeded(1)), HONEST)
    assert verdict.reason is Reason.LENGTH
    assert "too few" in verdict.words
    pairs = judge_pairs(run_pairs(PAIRS, 2 * 10**5, Randomness.seeded(1)))
    assert pairs.reason is Reason.LENGTH


def test_a_block_at_the_edge_of_a_key_is_not_called_an_attack_either() -> None:
    # About half of such blocks have a key, and the others have nothing wrong with them.
    reasons = {
        judge(run_counts(HONEST, 345_000_000, Randomness.seeded(seed)), HONEST).reason
        for seed in range(40)
    }
    assert reasons == {None, Reason.LENGTH}


def test_nothing_at_all_is_a_denial() -> None:
    link = replace(HONEST, adversary=Denial(1.0), detector=Detector(0.8, 0.0))
    verdict = judge(run_counts(link, 10**9, Randomness.seeded(1)), HONEST)
    assert verdict.reason is Reason.CLICKS
    with pytest.raises(BlockRejected, match="0 of 1000000000 pulses clicked"):
        verdict.accept()
