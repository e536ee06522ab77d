"""finalize: messages in blocks that no reorg takes back. Everything later stands on these.

They are what as many endpoints say alike as attestors ask for: a log that one endpoint hid or
forged would stand in the tree for good, and nobody would sign its root.
"""

from __future__ import annotations

import structlog

from bridge.chain.contracts import dispatched
from bridge.chain.events import Cursor, scan
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Side
from bridge.relayer.worker import Worker

log = structlog.get_logger()


async def finalize(side: Side, journal: Journal, worker: Worker) -> list[Entry]:
    """Messages that became final since the last call."""
    cursor = await worker.do(journal.cursor, side.domain, side.record.start_block)
    topics = [side.outbox.artifact.topic("Dispatch")]
    found = await scan(side.reading, cursor, side.outbox.address, topics)
    if found.removed_from_block is not None:
        # Messages of those blocks keep their stage; their nonces are taken by what is read now.
        log.error("finalized_blocks_went", chain=side.name, from_block=found.removed_from_block)
    if not found.logs and found.cursor == cursor:
        return []
    messages = [dispatched(one) for one in found.logs]
    expected = await worker.do(journal.next_nonce, side.domain)
    for one in messages:
        nonce = one.message.nonce
        if nonce > expected:
            # The only endpoint hid logs: all is read again.
            log.error("logs_missing", chain=side.name, from_nonce=expected, to_nonce=nonce - 1)
            start = Cursor.at(side.record.start_block)
            return await worker.do(journal.finalize, side.domain, [], start)
        expected = max(expected, nonce + 1)
    return await worker.do(journal.finalize, side.domain, messages, found.cursor)
