"""Fills a pool from a source in a worker thread, between its water marks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from bridge.domain.errors import (
    BlockRejected,
    BridgeError,
    InputError,
    KeyServiceError,
    SourceUnhealthy,
)
from bridge.keyservice.audit import AuditLog
from bridge.keyservice.linkblock import KeySource
from bridge.keyservice.pool import KeyPool, PoolLimits

_log = structlog.stdlib.get_logger(__name__)

LOOK_S = 1.0
"""How often the database is asked what others took from it."""


class LinkState(StrEnum):
    """What the link is doing."""

    FILLING = "filling"
    FULL = "full"
    FAILED = "link under attack or broken"
    UNHEALTHY = "randomness failed its health test"

    @property
    def stopped(self) -> bool:
        """Whether the link gives nothing until an operator resets it."""
        return self in (LinkState.FAILED, LinkState.UNHEALTHY)


@dataclass(frozen=True, slots=True)
class BlockReport:
    """What is told about a block; its key is not. None where the source does not tell."""

    block_id: str
    qber: float
    limit: float | None
    leak_bits: int
    epsilon: float
    secret_fraction: float | None


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The link and its pool at one moment; ``reason`` is why it stopped, where it did.

    ``oldest_at`` is when the oldest bits came that are there to take, in Unix seconds.
    """

    state: LinkState
    pool_bits: int
    target_bits: int
    blocks_distilled: int
    blocks_rejected: int
    last_block: BlockReport | None
    last_rejection: str | None
    simulated: bool = True
    reason: str | None = None
    entropy_failures: int = 0
    oldest_at: float | None = None
    limits: PoolLimits = field(default_factory=PoolLimits)


class PoolFiller:
    """Keeps a pool between its water marks: from below the low one it fills up to the high one.

    After ``patience`` rejections in a row, and at once when the source's randomness failed a health
    test, it stops, says so in ``audit``, and stays so until `reset`. A source that cannot be
    reached is asked again every ``LOOK_S``. All methods belong to one event loop.
    """

    def __init__(
        self,
        pool: KeyPool,
        source: KeySource,
        patience: int,
        simulated: bool = True,
        audit: AuditLog | None = None,
    ) -> None:
        if patience < 1:
            raise InputError(f"link: expected a patience of at least 1 block, got {patience}")
        self._pool = pool
        self._source = source
        self._patience = patience
        self._simulated = simulated
        self._audit = audit
        self._changed = asyncio.Condition()
        self._bits = 0
        self._oldest_at: float | None = None
        self._low = True
        self._stopped: LinkState | None = None
        self._reason: str | None = None
        self._entropy_failures = 0
        self._distilled = 0
        self._rejected = 0
        self._rejected_in_a_row = 0
        self._last_block: BlockReport | None = None
        self._last_rejection: str | None = None

    def status(self) -> LinkStatus:
        """The link and its pool, as far as it was looked at."""
        target = self._pool.limits.high_bits
        state = LinkState.FULL if self._bits >= target else LinkState.FILLING
        return LinkStatus(
            state=self._stopped or state,
            pool_bits=self._bits,
            target_bits=target,
            blocks_distilled=self._distilled,
            blocks_rejected=self._rejected,
            last_block=self._last_block,
            last_rejection=self._last_rejection,
            simulated=self._simulated,
            reason=self._reason,
            entropy_failures=self._entropy_failures,
            oldest_at=self._oldest_at,
            limits=self._pool.limits,
        )

    async def run(self) -> None:
        """Fills the pool whenever it is low; returns when the link has stopped."""
        while self._stopped is None:
            await self.wake()
            if self._low:
                await self._run_block()
                continue
            try:
                async with asyncio.timeout(LOOK_S), self._changed:
                    await self._changed.wait_for(lambda: self._low)
            except TimeoutError:
                continue

    async def wait_for(self, bits: int, timeout_s: float) -> None:
        """Return when the pool holds ``bits`` bits, the link has stopped, or the time is over."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self._stopped or self._bits >= bits)
        except TimeoutError:
            return

    async def reset(self) -> bool:
        """Let a link that has stopped start anew; whether it had. Who calls it runs `run` again."""
        if self._stopped is None:
            return False
        await asyncio.to_thread(self._source.restart)
        await self._note("link.reset", after=self._stopped.value)
        self._stopped = self._reason = None
        self._rejected_in_a_row = 0
        _log.warning("link.reset")
        return True

    async def wake(self) -> None:
        """Look at the pool: bits were taken or came."""
        level = await asyncio.to_thread(self._pool.level)
        bits, limits = level.bits, self._pool.limits
        async with self._changed:
            self._bits, self._oldest_at = bits, level.oldest_at
            if bits >= limits.high_bits:
                self._low = False
            elif bits < limits.low_bits:
                self._low = True
            self._changed.notify_all()

    async def _run_block(self) -> None:
        try:
            block = await asyncio.to_thread(self._source.next_block)
            await asyncio.to_thread(self._pool.deposit, block)
        except SourceUnhealthy as error:
            self._entropy_failures += 1
            await self._stop(LinkState.UNHEALTHY, str(error))
            return
        except (BlockRejected, KeyServiceError) as error:
            self._last_rejection = str(error)
            if isinstance(error, KeyServiceError) and error.retryable:
                _log.warning("link.source_unreachable", reason=str(error))
                await asyncio.sleep(LOOK_S)
            else:
                await self._reject(error)
            return
        history = block.history
        self._distilled += 1
        self._rejected_in_a_row = 0
        self._last_block = BlockReport(
            block_id=history.block_id,
            qber=history.qber,
            limit=block.limit,
            leak_bits=history.leak_bits,
            epsilon=history.epsilon,
            secret_fraction=block.secret_fraction,
        )
        _log.info(
            "link.block_distilled",
            block_id=history.block_id,
            qber=round(history.qber, 5),
            key_bits=8 * len(block.key),
            simulated=history.simulated,
        )

    async def _reject(self, error: BridgeError) -> None:
        self._rejected += 1
        self._rejected_in_a_row += 1
        _log.warning("link.block_rejected", reason=str(error), total=self._rejected)
        if self._rejected_in_a_row >= self._patience:
            reason = f"{self._rejected_in_a_row} blocks in a row gave no key, the last: {error}"
            await self._stop(LinkState.FAILED, reason)

    async def _stop(self, state: LinkState, reason: str) -> None:
        self._stopped, self._reason = state, reason
        _log.error("link.stopped", state=state.value, reason=reason)
        await self._note("link.stopped", state=state.value, reason=reason)
        await self.wake()

    async def _note(self, event: str, **detail: object) -> None:
        if self._audit is not None:
            await asyncio.to_thread(self._audit.note, event, **detail)
