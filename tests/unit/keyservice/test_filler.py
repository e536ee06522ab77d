import asyncio
import os
from collections.abc import Callable

import pytest

from bridge.domain.errors import InputError, KmeLied, KmeUnreachable, SourceUnhealthy
from bridge.keyservice.filler import LinkState, PoolFiller
from bridge.keyservice.linkblock import LinkBlock, SimulatedLink
from bridge.keyservice.pool import LOCAL, KeyPool, PoolLimits
from bridge.keyservice.store import KeyStore
from bridge.quantum.distillation.pipeline import BlockParameters
from bridge.quantum.entropy.source import CheckedSource
from bridge.quantum.link.adversary import InterceptResend
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.link.transmission import Link

SMALL = BlockParameters(pulses=1 << 16)
TAPPED = BlockParameters(pulses=1 << 16, link=Link(adversary=InterceptResend(1.0)))


def marks(high_bits: int, low_bits: int) -> PoolLimits:
    return PoolLimits(high_bits, low_bits)


async def test_the_pool_is_filled_to_its_target_and_again_after_a_take(store: KeyStore) -> None:
    pool = KeyPool(store.database, limits=marks(10_000, 10_000))
    filler = PoolFiller(pool, SimulatedLink(SMALL, LOCAL), patience=3)
    assert filler.status().state is LinkState.FILLING
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        task = group.create_task(filler.run())
        await filler.wait_for(10_000, timeout_s=100)
        status = filler.status()
        assert status.state is LinkState.FULL
        assert status.pool_bits == pool.bits >= 10_000
        assert status.simulated
        assert status.last_block is not None
        assert 0 < status.last_block.qber < status.last_block.limit
        before = status.blocks_distilled
        pool.take(pool.bits, "id")
        await filler.wake()
        await filler.wait_for(10_000, timeout_s=100)
        assert filler.status().blocks_distilled > before
        assert filler.status().blocks_rejected == 0
        task.cancel()


async def test_a_full_pool_is_left_alone_until_it_is_low(store: KeyStore) -> None:
    pool = KeyPool(store.database, limits=marks(4000, 2000))
    filler = PoolFiller(pool, SimulatedLink(SMALL, LOCAL), patience=3)
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        task = group.create_task(filler.run())
        await filler.wait_for(4000, timeout_s=100)
        made = filler.status().blocks_distilled
        pool.take(pool.bits - 2400, "id")
        await filler.wake()
        await asyncio.sleep(0.3)
        assert filler.status().blocks_distilled == made
        assert filler.status().state is LinkState.FILLING
        pool.take(800, "id")
        await filler.wake()
        await filler.wait_for(4000, timeout_s=100)
        assert filler.status().blocks_distilled > made
        task.cancel()


class Breaks:
    """A source that raises what it is given, then gives a block."""

    def __init__(self, block: LinkBlock, *errors: Exception) -> None:
        self._block = block
        self._errors = list(errors)

    def next_block(self) -> LinkBlock:
        if self._errors:
            raise self._errors.pop(0)
        return self._block

    def restart(self) -> None:
        self._errors.clear()


async def test_a_source_that_is_away_is_asked_again_and_one_that_lies_counts(
    store: KeyStore, blocks: tuple[LinkBlock, LinkBlock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.keyservice.filler.LOOK_S", 0.01)
    away, lie = KmeUnreachable("https://kme", "gone"), KmeLied("https://kme", "a key", "none")
    source = Breaks(blocks[0], away, away, lie)
    filler = PoolFiller(KeyPool(store.database, limits=marks(8, 8)), source, patience=2)
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        task = group.create_task(filler.run())
        await filler.wait_for(8, timeout_s=100)
        task.cancel()
    assert (filler.status().blocks_distilled, filler.status().blocks_rejected) == (1, 1)

    always = PoolFiller(
        KeyPool(store.database, limits=marks(1 << 20, 1 << 20)),
        Breaks(blocks[0], lie, lie),
        patience=2,
    )
    async with asyncio.timeout(120):
        await always.run()
    assert always.status().state is LinkState.FAILED
    assert always.status().last_rejection == "KME https://kme: expected a key, got none"


async def test_the_event_loop_stays_free_while_a_block_is_distilled(store: KeyStore) -> None:
    pool = KeyPool(store.database, limits=marks(8, 8))
    filler = PoolFiller(pool, SimulatedLink(BlockParameters(), LOCAL), patience=1)
    ticks = 0
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        task = group.create_task(filler.run())
        while filler.status().blocks_distilled == 0:
            await asyncio.sleep(0.001)
            ticks += 1
        task.cancel()
    assert ticks > 3


async def test_a_tapped_link_is_reported_and_not_tried_for_ever(store: KeyStore) -> None:
    pool = KeyPool(store.database, limits=marks(10_000, 10_000))
    filler = PoolFiller(pool, SimulatedLink(TAPPED, LOCAL), patience=3)
    async with asyncio.timeout(120):
        await filler.run()
    status = filler.status()
    assert status.state is LinkState.FAILED
    assert status.state.value == "link under attack or broken"
    assert (status.blocks_distilled, status.blocks_rejected, status.pool_bits) == (0, 3, 0)
    assert status.last_rejection is not None
    assert "QBER 2" in status.last_rejection
    await filler.wait_for(8, timeout_s=100)


class Failing:
    """A source of bytes that is the system's for so many of them, and then fails for good."""

    def __init__(self, good_bytes: int, then: Callable[[int], bytes]) -> None:
        self._left = good_bytes
        self._then = then

    def __call__(self, count: int) -> bytes:
        self._left -= count
        return os.urandom(count) if self._left >= 0 else self._then(count)


def counting(count: int) -> bytes:
    """Two bits that count, and six that are stuck: no byte comes three times in a row."""
    return bytes(number & 0b11 for number in range(count))


def biased(count: int) -> bytes:
    """One byte comes 17 times as often as it should."""
    return bytes(0xAA if byte < 16 else byte for byte in os.urandom(count))


def stuck(count: int) -> bytes:
    """One byte for ever."""
    return b"\x5a" * count


@pytest.mark.parametrize(
    ("then", "test"),
    [
        (stuck, "repetition count"),
        (counting, "adaptive proportion"),
        (biased, "adaptive proportion"),
    ],
)
@pytest.mark.parametrize("good_bytes", [0, 5_000_000])
async def test_a_source_that_fails_stops_the_link_until_it_is_reset(
    store: KeyStore, then: Callable[[int], bytes], test: str, good_bytes: int
) -> None:
    sources = [Failing(good_bytes, then), os.urandom]

    def randomness() -> Randomness:
        return Randomness(CheckedSource(sources.pop(0)), reproducible=False)

    pool = KeyPool(store.database, limits=marks(1 << 15, 1 << 15))
    link = SimulatedLink(SMALL, LOCAL, randomness=randomness)
    filler = PoolFiller(pool, link, patience=9, audit=store.audit)
    async with asyncio.timeout(120):
        await filler.run()
    status = filler.status()
    assert status.state is LinkState.UNHEALTHY
    assert status.state.stopped
    assert status.entropy_failures == 1
    assert status.reason is not None
    assert f"{test} test failed" in status.reason
    assert (status.blocks_distilled > 0) is (good_bytes > 0)
    (entry,) = store.audit.entries()
    told = entry.data()
    assert (told["event"], told["state"]) == ("link.stopped", status.state.value)
    assert told["reason"] == status.reason

    async with asyncio.timeout(10):
        await filler.run()  # it does not go on by itself
    with pytest.raises(SourceUnhealthy, match=test):
        link.next_block()
    assert pool.bits < 1 << 15

    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        assert await filler.reset()
        assert not await filler.reset()
        task = group.create_task(filler.run())
        await filler.wait_for(1 << 15, timeout_s=100)
        task.cancel()
    status = filler.status()
    assert (status.state, status.reason, status.entropy_failures) == (LinkState.FULL, None, 1)
    events = [entry.data()["event"] for entry in store.audit.entries()]
    assert events == ["link.stopped", "link.reset"]


def test_a_links_key_is_drawn_from_one_tested_source_and_from_no_seed() -> None:
    made = []

    def randomness() -> Randomness:
        made.append(CheckedSource(os.urandom))
        return Randomness(made[-1], reproducible=False)

    link = SimulatedLink(SMALL, LOCAL, randomness=randomness)
    link.next_block()
    before = made[0].tested
    link.next_block()
    assert len(made) == 1
    assert before > 2 * (1 << 16) // 8  # a bit and two bases for each pulse go through the tests
    assert made[0].tested > before
    with pytest.raises(InputError, match="got a seeded one"):
        SimulatedLink(SMALL, LOCAL, randomness=lambda: Randomness.seeded(1)).next_block()
    assert isinstance(SimulatedLink(SMALL, LOCAL).randomness()._stream, CheckedSource)


async def test_waiting_for_bits_has_a_deadline(store: KeyStore) -> None:
    filler = PoolFiller(KeyPool(store.database), SimulatedLink(SMALL, LOCAL), patience=1)
    async with asyncio.timeout(60):
        await filler.wait_for(8, timeout_s=0.01)


def test_a_patience_of_nothing_is_refused(store: KeyStore) -> None:
    with pytest.raises(InputError, match="patience"):
        PoolFiller(KeyPool(store.database), SimulatedLink(SMALL, LOCAL), patience=0)
