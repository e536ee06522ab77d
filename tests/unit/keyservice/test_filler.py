import asyncio

import pytest

from bridge.domain.errors import InputError
from bridge.keyservice.filler import LinkState, PoolFiller
from bridge.keyservice.pool import KeyPool
from bridge.quantum.distillation.pipeline import BlockParameters
from bridge.quantum.link.adversary import InterceptResend
from bridge.quantum.link.transmission import Link

SMALL = BlockParameters(pulses=1 << 16)
TAPPED = BlockParameters(pulses=1 << 16, link=Link(adversary=InterceptResend(1.0)))


async def test_the_pool_is_filled_to_its_target_and_again_after_a_take() -> None:
    pool = KeyPool()
    filler = PoolFiller(pool, SMALL, target_bits=10_000, patience=3)
    assert filler.status().state is LinkState.FILLING
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(filler.run())
        await filler.wait_for(10_000, timeout_s=20)
        status = filler.status()
        assert status.state is LinkState.FULL
        assert status.pool_bits == pool.bits >= 10_000
        assert status.simulated
        assert status.last_block is not None
        assert 0 < status.last_block.qber < status.last_block.limit
        before = status.blocks_distilled
        pool.take(pool.bits // 8 * 8)
        await filler.wake()
        await filler.wait_for(10_000, timeout_s=20)
        assert filler.status().blocks_distilled > before
        assert filler.status().blocks_rejected == 0
        task.cancel()


async def test_the_event_loop_stays_free_while_a_block_is_distilled() -> None:
    filler = PoolFiller(KeyPool(), BlockParameters(), target_bits=8, patience=1)
    ticks = 0
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(filler.run())
        while filler.status().blocks_distilled == 0:
            await asyncio.sleep(0.001)
            ticks += 1
        task.cancel()
    assert ticks > 3


async def test_a_tapped_link_is_reported_and_not_tried_for_ever() -> None:
    pool = KeyPool()
    filler = PoolFiller(pool, TAPPED, target_bits=10_000, patience=3)
    async with asyncio.timeout(30):
        await filler.run()
    status = filler.status()
    assert status.state is LinkState.FAILED
    assert status.state.value == "link under attack or broken"
    assert (status.blocks_distilled, status.blocks_rejected, status.pool_bits) == (0, 3, 0)
    assert status.last_rejection is not None
    assert "QBER 2" in status.last_rejection
    await filler.wait_for(8, timeout_s=20)


async def test_waiting_for_bits_has_a_deadline() -> None:
    filler = PoolFiller(KeyPool(), SMALL, target_bits=8, patience=1)
    async with asyncio.timeout(5):
        await filler.wait_for(8, timeout_s=0.01)


def test_a_target_or_patience_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="target"):
        PoolFiller(KeyPool(), SMALL, target_bits=0, patience=1)
    with pytest.raises(InputError, match="patience"):
        PoolFiller(KeyPool(), SMALL, target_bits=8, patience=0)
