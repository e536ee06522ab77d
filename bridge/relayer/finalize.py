"""finalize: messages in blocks that no reorg takes back. Everything later stands on these.

They are what as many endpoints say alike as attestors ask for: a log that one endpoint hid or
forged would stand in the tree for good, and nobody would sign its root.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bridge.chain.contracts import Dispatched, dispatched
from bridge.chain.events import Cursor, scan
from bridge.relayer.backfill import Pace
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Side
from bridge.relayer.watch import ChainSeen
from bridge.relayer.worker import Worker

log = structlog.get_logger()


MESSAGES_A_WRITE = 10_000
"""So many are noted in one transaction."""


async def finalize(
    side: Side, journal: Journal, worker: Worker, seen: ChainSeen, pace: Pace
) -> list[Entry]:
    """Messages that became final since the last call, as far as ``pace`` goes.

    How far it read is noted in ``seen``.
    """
    cursor = await worker.do(journal.cursor, side.domain, side.record.start_block)
    topics = [side.outbox.artifact.topic("Dispatch")]
    found = await scan(side.reading, cursor, side.outbox.address, topics, pace.blocks)
    if found.removed_from_block is not None:
        # Messages of those blocks keep their stage; their nonces are taken by what is read now.
        log.error("finalized_blocks_went", chain=side.name, from_block=found.removed_from_block)
        seen.reorged(cursor.next_block - found.removed_from_block)
    seen.next_block = found.cursor.next_block
    if not found.logs and found.cursor == cursor:
        return []
    pace.held(len(found.logs))
    expected = await worker.do(journal.next_nonce, side.domain)
    entries: list[Entry] = []
    for start in range(0, max(1, len(found.logs)), MESSAGES_A_WRITE):
        part = found.logs[start : start + MESSAGES_A_WRITE]
        whole = start + MESSAGES_A_WRITE >= len(found.logs)
        messages = [dispatched(one) for one in part]
        gap = _gap(messages, expected)
        if gap is not None:
            # The only endpoint hid logs: all is read again.
            log.error("logs_missing", chain=side.name, from_nonce=gap[0], to_nonce=gap[1] - 1)
            again = Cursor.at(side.record.start_block)
            seen.next_block = again.next_block
            return entries + await worker.do(journal.finalize, side.domain, [], again)
        # The cursor moves with the last part: a crash before it has the range read again.
        behind = found.cursor if whole else cursor
        entries += await worker.do(journal.finalize, side.domain, messages, behind)
        expected = max([expected, *(one.message.nonce + 1 for one in messages)])
    return entries


def _gap(messages: Sequence[Dispatched], expected: int) -> tuple[int, int] | None:
    """The first place where nonces are left out: the one expected and the one that came."""
    for one in messages:
        nonce = one.message.nonce
        if nonce > expected:
            return expected, nonce
        expected = max(expected, nonce + 1)
    return None
