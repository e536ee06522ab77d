"""How much of an old chain is read at once, and what is told of it."""

import pytest
from structlog.testing import capture_logs

from bridge.chain.events import BLOCKS_A_SCAN
from bridge.relayer import backfill
from bridge.relayer.backfill import FIRST_BLOCKS, MANY_MESSAGES, Backfill, Pace


def test_an_empty_chain_is_read_in_ever_larger_ranges():
    pace = Pace()
    for _ in range(20):
        pace.held(0)
    assert pace.blocks == BLOCKS_A_SCAN


def test_a_range_that_held_many_is_halved_down_to_a_block():
    pace = Pace()
    pace.held(MANY_MESSAGES + 1)
    assert pace.blocks == FIRST_BLOCKS // 2
    pace.held(MANY_MESSAGES)
    assert pace.blocks == FIRST_BLOCKS // 2
    for _ in range(20):
        pace.held(1_000_000)
    assert pace.blocks == 1


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(backfill.time, "monotonic", lambda: Clock.now)
    return Clock


def test_progress_is_told_every_few_seconds_and_the_end_once(clock):
    one = Backfill("A")
    with capture_logs() as lines:
        for number in range(0, 4_000, 400):
            one.read(number, number + 400, 3_999, 10)
            clock.now += 1.0
    assert [line["event"] for line in lines] == ["backfill", "backfill_done"]
    first, last = lines
    assert first["chain"] == "A"
    assert (first["blocks"], first["of_blocks"], first["messages"]) == (2_400, 4_000, 60)
    assert (first["blocks_per_s"], first["left_s"]) == (480.0, 3)
    assert (last["blocks"], last["messages"]) == (4_000, 100)


def test_a_chain_that_is_near_is_not_told_of(clock):
    one = Backfill("A")
    with capture_logs() as lines:
        for number in range(3_500, 4_000, 100):
            one.read(number, number + 100, 3_999, 1)
            clock.now += 10.0
    assert lines == []
