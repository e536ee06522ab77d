"""confirm: deliveries in blocks that no reorg takes back; others are delivered again."""

from __future__ import annotations

from bridge.domain.delivery import Stage
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Route


async def confirm(route: Route, journal: Journal) -> list[Entry]:
    """Messages whose delivery is final."""
    waiting = journal.at_stage(Stage.DELIVERED, route.origin.domain, route.destination.domain)
    if not waiting:
        return []
    finalized = await route.destination.client.finalized()
    moved: list[Entry | None] = []
    for entry in waiting:
        assert entry.delivery_block is not None
        if entry.delivery_block > finalized.number:
            continue
        message = entry.message
        stands = await route.destination.inbox.call(
            "delivered", message.origin, message.nonce, block=finalized.number
        )
        if stands:
            moved.append(journal.confirmed(entry.id, {"finalized": finalized.number}))
        else:
            journal.undelivered(entry.id)
    return [entry for entry in moved if entry is not None]
