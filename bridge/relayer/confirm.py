"""confirm: deliveries in blocks that no reorg takes back; others are delivered again."""

from __future__ import annotations

from collections import defaultdict

from bridge.domain.delivery import Stage
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Route
from bridge.relayer.watch import ChainSeen
from bridge.relayer.worker import Worker

WORD = 256
"""Messages whose delivery is one word of bits in the Inbox."""
MESSAGES_A_ROUND = 10_000


async def confirm(route: Route, journal: Journal, worker: Worker, seen: ChainSeen) -> list[Entry]:
    """Messages whose delivery is final. The final block is noted in ``seen``."""
    origin, destination = route.origin.domain, route.destination.domain
    waiting = await worker.do(
        journal.at_stage, Stage.DELIVERED, origin, destination, MESSAGES_A_ROUND
    )
    if not waiting:
        return []
    finalized = await route.destination.client.finalized()
    seen.saw_final(finalized.number)
    words: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in waiting:
        assert entry.delivery_block is not None
        if entry.delivery_block <= finalized.number:
            words[entry.nonce // WORD].append(entry)
    stands: list[bytes] = []
    gone: list[bytes] = []
    for word, entries in words.items():
        bits = await route.destination.inbox.call(
            "deliveredWord", origin, word, block=finalized.number
        )
        for entry in entries:
            (stands if bits >> entry.nonce % WORD & 1 else gone).append(entry.id)
    await worker.do(journal.undelivered, gone)
    return await worker.do(journal.confirmed, stands, {"finalized": finalized.number})
