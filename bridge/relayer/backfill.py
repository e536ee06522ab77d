"""Reading a chain that is far ahead: how much at once, and how far it is.

How many messages a range of blocks holds is not known before it is read. So the range is small
first, doubles while it holds few and halves where it held many.
"""

from __future__ import annotations

import time

import structlog

from bridge.chain.events import BLOCKS_A_SCAN

log = structlog.get_logger()

FIRST_BLOCKS = 64
FEW_MESSAGES, MANY_MESSAGES = 2_500, 10_000
FAR_BLOCKS = 1_000
"""Behind by more than this, progress is told."""
TOLD_EVERY_S = 5.0


class Pace:
    """How many blocks of one chain are read at once."""

    def __init__(self) -> None:
        self.blocks = FIRST_BLOCKS

    def held(self, messages: int) -> None:
        """Note how many messages the last range held."""
        if messages > MANY_MESSAGES:
            self.blocks = max(1, self.blocks // 2)
        elif messages < FEW_MESSAGES:
            self.blocks = min(2 * self.blocks, BLOCKS_A_SCAN)


class Backfill:
    """Tells in the log how far the reading of a chain is, where it is far behind."""

    def __init__(self, chain: str) -> None:
        self._chain = chain
        self._first: int | None = None
        self._began = self._told = 0.0
        self._messages = 0

    def read(self, from_block: int, next_block: int, finalized: int, messages: int) -> None:
        """Note that a range was read, of a chain with its final block at ``finalized``."""
        now = time.monotonic()
        if self._first is None:
            if finalized - from_block < FAR_BLOCKS:
                return
            self._first, self._began, self._told, self._messages = from_block, now, now, 0
        self._messages += messages
        done, total = next_block - self._first, finalized + 1 - self._first
        if next_block > finalized:
            self._first = None
            log.info(
                "backfill_done",
                chain=self._chain,
                blocks=done,
                messages=self._messages,
                seconds=round(now - self._began, 1),
            )
        elif now - self._told >= TOLD_EVERY_S:
            self._told = now
            rate = done / (now - self._began)
            log.info(
                "backfill",
                chain=self._chain,
                blocks=done,
                of_blocks=total,
                messages=self._messages,
                blocks_per_s=round(rate, 1),
                left_s=round((total - done) / rate) if rate > 0 else None,
            )
