import asyncio

import pytest

from bridge.domain.errors import InputError, KmeLied, KmeUnreachable
from bridge.keyservice.filler import LinkState, PoolFiller
from bridge.keyservice.linkblock import LinkBlock, SimulatedLink
from bridge.keyservice.pool import LOCAL, KeyPool, PoolLimits
from bridge.keyservice.store import KeyStore
from bridge.quantum.distillation.pipeline import BlockParameters
from bridge.quantum.link.adversary import InterceptResend
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


async def test_waiting_for_bits_has_a_deadline(store: KeyStore) -> None:
    filler = PoolFiller(KeyPool(store.database), SimulatedLink(SMALL, LOCAL), patience=1)
    async with asyncio.timeout(60):
        await filler.wait_for(8, timeout_s=0.01)


def test_a_patience_of_nothing_is_refused(store: KeyStore) -> None:
    with pytest.raises(InputError, match="patience"):
        PoolFiller(KeyPool(store.database), SimulatedLink(SMALL, LOCAL), patience=0)
