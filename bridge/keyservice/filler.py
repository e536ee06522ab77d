"""Runs the link in a worker thread until the pool holds its target."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

import structlog

from bridge.domain.errors import BlockRejected, InputError
from bridge.keyservice.pool import KeyPool
from bridge.quantum.distillation.pipeline import BlockParameters, distil_block
from bridge.quantum.link.randomness import Randomness

_log = structlog.stdlib.get_logger(__name__)


class LinkState(StrEnum):
    """What the link is doing."""

    FILLING = "filling"
    FULL = "full"
    FAILED = "link under attack or broken"


@dataclass(frozen=True, slots=True)
class BlockReport:
    """What is told about a block; its key is not."""

    block_id: str
    qber: float
    limit: float
    leak_bits: int
    epsilon: float
    secret_fraction: float


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The link and its pool at one moment."""

    state: LinkState
    pool_bits: int
    target_bits: int
    blocks_distilled: int
    blocks_rejected: int
    last_block: BlockReport | None
    last_rejection: str | None
    simulated: bool = True


class PoolFiller:
    """Keeps a pool at its target. After ``patience`` rejections in a row it gives up and says so.

    All methods belong to one event loop.
    """

    def __init__(
        self, pool: KeyPool, parameters: BlockParameters, target_bits: int, patience: int
    ) -> None:
        if target_bits < 8 or patience < 1:
            raise InputError(
                "pool: expected a target of at least 8 bits and a patience of at least 1 block, "
                f"got {target_bits} and {patience}"
            )
        self._pool = pool
        self._parameters = parameters
        self._target_bits = target_bits
        self._patience = patience
        self._changed = asyncio.Condition()
        self._failed = False
        self._distilled = 0
        self._rejected = 0
        self._rejected_in_a_row = 0
        self._last_block: BlockReport | None = None
        self._last_rejection: str | None = None

    def status(self) -> LinkStatus:
        """The link and its pool now."""
        bits = self._pool.bits
        state = LinkState.FULL if bits >= self._target_bits else LinkState.FILLING
        return LinkStatus(
            state=LinkState.FAILED if self._failed else state,
            pool_bits=bits,
            target_bits=self._target_bits,
            blocks_distilled=self._distilled,
            blocks_rejected=self._rejected,
            last_block=self._last_block,
            last_rejection=self._last_rejection,
        )

    async def run(self) -> None:
        """Fills the pool whenever it is below its target; returns when the link has failed."""
        while not self._failed:
            async with self._changed:
                await self._changed.wait_for(lambda: self._pool.bits < self._target_bits)
            await self._run_block()
            async with self._changed:
                self._changed.notify_all()

    async def wait_for(self, bits: int, timeout_s: float) -> None:
        """Return when the pool holds ``bits`` bits, the link has failed, or the time is over."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self._failed or self._pool.bits >= bits)
        except TimeoutError:
            return

    async def wake(self) -> None:
        """Say that bits were taken."""
        async with self._changed:
            self._changed.notify_all()

    async def _run_block(self) -> None:
        try:
            block = await asyncio.to_thread(distil_block, self._parameters, Randomness.system())
        except BlockRejected as rejection:
            self._rejected += 1
            self._rejected_in_a_row += 1
            self._last_rejection = str(rejection)
            self._failed = self._rejected_in_a_row >= self._patience
            _log.warning("link.block_rejected", reason=str(rejection), total=self._rejected)
            if self._failed:
                _log.error("link.failed", rejected_in_a_row=self._rejected_in_a_row)
            return
        provenance = self._pool.deposit(block)
        self._distilled += 1
        self._rejected_in_a_row = 0
        self._last_block = BlockReport(
            block_id=provenance.block_id,
            qber=block.qber,
            limit=block.limit,
            leak_bits=block.leak_bits,
            epsilon=block.epsilon,
            secret_fraction=block.secret_fraction,
        )
        _log.info(
            "link.block_distilled",
            block_id=provenance.block_id,
            qber=round(block.qber, 5),
            key_bits=block.counts.key_bits,
            simulated=True,
        )
