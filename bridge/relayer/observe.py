"""observe: messages in blocks that are not yet final, so that their way is seen from its start.

Nothing is built on them. What a reorg takes away is dropped here and comes back, if it does, with
its new block.
"""

from __future__ import annotations

from bridge.chain.contracts import dispatched
from bridge.crypto.digests import message_id
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Side
from bridge.relayer.worker import Worker


async def observe(side: Side, journal: Journal, worker: Worker) -> list[Entry]:
    """Messages that were new between ``finalized`` and the head of the chain."""
    finalized = await side.client.finalized()
    head = await side.client.block("latest")
    topics = [side.outbox.artifact.topic("Dispatch")]
    logs = await side.client.logs(side.outbox.address, topics, finalized.number + 1, head.number)
    found = [dispatched(log) for log in logs]
    seen = {message_id(one.message) for one in found}
    await worker.do(journal.forget_observed, side.domain, seen, finalized.number)
    return await worker.do(journal.observe, found)
