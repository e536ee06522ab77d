"""Presets: within 15 % of what their experiments published, and honest about their parameters."""

from dataclasses import replace

import pytest

from bridge.domain.errors import InputError
from bridge.quantum.link.events import run_events
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.presets import (
    GRUENENFELDER_10,
    GRUENENFELDER_102,
    LI_2023,
    PRESETS,
    PROTOCOLS,
    Figure,
    Origin,
    preset,
)
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.rates.comparison import block_pulses, compare
from bridge.quantum.rates.optimum import best_one_decoy


@pytest.mark.parametrize("name", PRESETS)
def test_simulation_gives_the_published_figures_within_15_percent(name: str) -> None:
    for comparison in compare(PRESETS[name], Randomness.seeded(1)):
        assert abs(comparison.deviation) < 0.15, comparison


def test_the_records_are_among_them() -> None:
    assert LI_2023.figures[0].value == 115.8e6
    assert GRUENENFELDER_10.figures[0].value == 64e6
    assert GRUENENFELDER_102.figures[0].value == 3.0e6


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_cites_its_experiment_and_says_what_was_fitted(name: str) -> None:
    chosen = PRESETS[name]
    assert "20" in chosen.citation
    origins = {parameter.origin for parameter in chosen.parameters}
    assert origins - {Origin.ASSUMED, Origin.CHOSEN}
    # Where a rate is compared, something was fitted to it, and that is said.
    assert bool(chosen.figures) == (Origin.FITTED in origins)


def test_both_distances_of_one_experiment_share_what_was_fitted() -> None:
    near, far = GRUENENFELDER_10.link, GRUENENFELDER_102.link
    assert isinstance(near, OpticalLink)
    assert isinstance(far, OpticalLink)
    assert near.channel.insertion_loss_db == far.channel.insertion_loss_db
    assert (near.detector, near.protocol) == (far.detector, far.protocol)


@pytest.mark.parametrize("chosen", [LI_2023, GRUENENFELDER_10, GRUENENFELDER_102])
def test_intensities_and_biases_are_the_best_of_the_grid(chosen) -> None:  # type: ignore[no-untyped-def]
    best, rate = best_one_decoy(chosen.link, chosen.block)
    assert best == chosen.link.protocol
    assert rate > 0
    with pytest.raises(InputError, match="block"):
        best_one_decoy(chosen.link, 0)


def test_the_rates_by_counts_stand_where_detectors_are_slow() -> None:
    # The counts take the mean live fraction; at 10 km a tenth of the clicks is lost to dead time.
    link = LI_2023.link
    assert isinstance(link, OpticalLink)
    tally = run_events(link, 10_000_000, Randomness.seeded(2))
    expected = link.expected(1e7)
    assert tally.clicks.sum() == pytest.approx(expected.clicks.sum(), rel=0.005)
    assert tally.qber(0) == pytest.approx(expected.qber(0), rel=0.03)
    assert block_pulses(link, chosen_block := 10**6) > chosen_block


def test_an_unknown_preset_lists_those_there_are() -> None:
    assert preset("li-2023") is LI_2023
    with pytest.raises(InputError, match="li-2023, gruenenfelder-2023"):
        preset("lee-2023")
    odd = replace(LI_2023, figures=(Figure("colour", 1.0, ""),))
    with pytest.raises(InputError, match="colour"):
        list(compare(odd, Randomness.seeded(3)))
    assert set(PROTOCOLS) == {"decoy", "one-decoy", "bbm92", "e91"}
