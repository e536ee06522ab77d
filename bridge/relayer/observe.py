"""observe: messages in blocks that are not yet final, so that their way is seen from its start.

Nothing is built on them. What a reorg takes away is dropped here and comes back, if it does, with
its new block.
"""

from __future__ import annotations

import structlog

from bridge.chain.contracts import dispatched
from bridge.crypto.digests import message_id
from bridge.relayer.heads import Heads
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Side
from bridge.relayer.watch import ChainSeen
from bridge.relayer.worker import Worker

log = structlog.get_logger()


async def observe(
    side: Side, journal: Journal, worker: Worker, heads: Heads, seen_of: ChainSeen
) -> list[Entry]:
    """Messages that were new between ``finalized`` and the head of the chain.

    Blocks that a reorg took since the last call are noted in ``seen_of``, and in the log.
    """
    finalized = await side.client.finalized()
    head = await side.client.block("latest")
    seen_of.saw(head.number, finalized.number)
    if heads.are_done(head, finalized):
        return []
    depth = await heads.gone(side.client, head)
    if depth:
        seen_of.reorged(depth)
        log.warning("reorg", chain=side.name, depth=depth, head=head.number)
    topics = [side.outbox.artifact.topic("Dispatch")]
    logs = await side.client.logs(side.outbox.address, topics, finalized.number + 1, head.number)
    found = [dispatched(log) for log in logs]
    seen = {message_id(one.message) for one in found}
    await worker.do(journal.forget_observed, side.domain, seen, finalized.number)
    fresh = await worker.do(journal.observe, found)
    heads.done(head, finalized)
    return fresh
