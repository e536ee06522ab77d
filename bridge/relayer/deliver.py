"""deliver: each attested message to its recipient, with its proof, once.

A message that its recipient refuses waits for its next attempt and holds up no other. That a
message is delivered once is the Inbox's doing; here it is only asked first, to save the gas.
"""

from __future__ import annotations

import time
from typing import Any

import structlog

from bridge.chain.transactions import Account
from bridge.domain.errors import TransactionReverted, TransactionTooHeavy
from bridge.relayer.batch import Trees
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.retry import delay_s
from bridge.relayer.route import Route

log = structlog.get_logger()


async def deliver(route: Route, journal: Journal, trees: Trees, account: Account) -> list[Entry]:
    """Messages that were delivered."""
    inbox = route.destination.inbox
    moved: list[Entry] = []
    for entry in journal.due(route.origin.domain, route.destination.domain):
        if await inbox.call("delivered", entry.message.origin, entry.message.nonce):
            moved += await _found_delivered(route, journal, entry)
            continue
        metadata = proof_metadata(trees, entry)
        try:
            receipt = await inbox.send(account, "process", metadata, entry.message.encode())
        except (TransactionReverted, TransactionTooHeavy) as error:
            reason = error.error if isinstance(error, TransactionReverted) else str(error)
            wait_s = delay_s(entry.attempts + 1)
            log.warning(
                "delivery_refused", message="0x" + entry.id.hex(), reason=reason, wait_s=wait_s
            )
            journal.failed(entry.id, reason, time.time() + wait_s)
            continue
        detail = {
            "block": receipt.block_number,
            "transaction": "0x" + receipt.transaction_hash.hex(),
            "gas": receipt.gas_used,
        }
        done = journal.delivered(entry.id, receipt.block_number, detail)
        moved += [done] if done is not None else []
    return moved


def proof_siblings(trees: Trees, entry: Entry) -> tuple[bytes, ...]:
    """The siblings of a batched message under its root, the lowest first."""
    assert entry.size is not None
    return trees.grown(entry.message.origin).proof(entry.message.nonce, entry.size)


def proof_metadata(trees: Trees, entry: Entry) -> bytes:
    """What ``process`` takes beside the message: the attested root and the siblings under it."""
    assert entry.root is not None
    return entry.root + b"".join(proof_siblings(trees, entry))


async def _found_delivered(route: Route, journal: Journal, entry: Entry) -> list[Entry]:
    """The message, which somebody delivered already: an earlier run of this relayer or another."""
    side = route.destination
    head = await side.client.block("latest")
    topics = [side.inbox.artifact.topic("ProcessId"), entry.id]
    logs = await side.client.logs(side.inbox.address, topics, side.record.start_block, head.number)
    if not logs:
        return []  # a reorg took it between the two questions
    detail: dict[str, Any] = {
        "block": logs[-1].block_number,
        "transaction": "0x" + logs[-1].transaction_hash.hex(),
        "found": True,
    }
    done = journal.delivered(entry.id, logs[-1].block_number, detail)
    return [done] if done is not None else []
