"""finalize: messages in blocks that no reorg takes back. Everything later stands on these."""

from __future__ import annotations

import structlog

from bridge.chain.contracts import dispatched
from bridge.chain.events import scan
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Side
from bridge.relayer.watch import ChainSeen
from bridge.relayer.worker import Worker

log = structlog.get_logger()


async def finalize(side: Side, journal: Journal, worker: Worker, seen: ChainSeen) -> list[Entry]:
    """Messages that became final since the last call. How far it read is noted in ``seen``."""
    cursor = await worker.do(journal.cursor, side.domain, side.record.start_block)
    topics = [side.outbox.artifact.topic("Dispatch")]
    found = await scan(side.client, cursor, side.outbox.address, topics)
    if found.removed_from_block is not None:
        # Messages of those blocks keep their stage; their nonces are taken by what is read now.
        log.error("finalized_blocks_went", chain=side.name, from_block=found.removed_from_block)
        seen.reorged(cursor.next_block - found.removed_from_block)
    seen.next_block = found.cursor.next_block
    if not found.logs and found.cursor == cursor:
        return []
    messages = [dispatched(one) for one in found.logs]
    return await worker.do(journal.finalize, side.domain, messages, found.cursor)
