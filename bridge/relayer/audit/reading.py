"""Reading the chains and the journal into the ledger, so that what is read last has seen the rest.

First the blocks that are final, then the journal, then each Inbox, then each Outbox. So whatever
the journal calls done is on a chain when that is asked, and whatever an Inbox delivered is in an
Outbox, while everything goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from bridge.chain.contracts import Contract, dispatched
from bridge.chain.records import BlockRef, Log
from bridge.crypto.digests import message_id
from bridge.relayer.audit.ledger import INBOX, JOURNAL, Ledger
from bridge.relayer.confirm import WORD
from bridge.relayer.journal import Journal
from bridge.relayer.journal.records import Submission
from bridge.relayer.route import Side
from bridge.relayer.worker import Worker

PAGE_BLOCKS = 2_000
WIDEST_PAGE_BLOCKS = 10_000
FULL_PAGE = 10_000
"""Logs. A page with more is followed by one of half its blocks, one with few by a wider one."""
PAGE_ENTRIES = 5_000

Watch = Callable[[str, int, int], None]
"""Hears what is read, how many blocks of it were, and how many there are."""


@dataclass(frozen=True, slots=True)
class Nonces:
    """Nonces of one account under way, and its next before and after the journal was read."""

    chain: str
    account: str
    before: int
    after: int
    open: tuple[int, ...]


async def read_outbox(side: Side, head: BlockRef, ledger: Ledger, watch: Watch) -> None:
    """Messages of ``side`` up to ``head``."""
    async for logs in _pages(side.outbox, side, ["Dispatch"], head, "Outbox", watch):
        found = [dispatched(log) for log in logs]
        rows = [
            (
                side.domain,
                one.message.nonce,
                one.message.destination,
                message_id(one.message),
                one.log.block_number,
            )
            for one in found
        ]
        await asyncio.to_thread(ledger.dispatched, rows)


async def read_inbox(side: Side, head: BlockRef, ledger: Ledger, watch: Watch) -> None:
    """What the Inbox of ``side`` said of deliveries and roots up to ``head``."""
    events = ["ProcessId", "DeliveryFailed", "Expired", "Attested"]
    async for logs in _pages(side.inbox, side, events, head, "Inbox", watch):
        await asyncio.to_thread(_keep_inbox, side, logs, ledger)


def _keep_inbox(side: Side, logs: Sequence[Log], ledger: Ledger) -> None:
    here = side.domain
    delivered: list[tuple[int, bytes, int]] = []
    failed: list[tuple[int, bytes]] = []
    expired: list[tuple[int, bytes]] = []
    attested: list[tuple[int, int, int, bytes]] = []
    for log in logs:
        event = side.inbox.artifact.event(log.topics, log.data)
        assert event is not None
        said = event.arguments
        if event.name == "ProcessId":
            delivered.append((here, said["messageId"], log.block_number))
        elif event.name == "DeliveryFailed":
            failed.append((here, said["messageId"]))
        elif event.name == "Expired":
            expired.append((here, said["messageId"]))
        else:
            attested.append((here, said["origin"], said["size"], said["root"]))
    ledger.delivered(delivered)
    ledger.failed(failed)
    ledger.expired(expired)
    ledger.attested(attested, INBOX)


async def read_bits(
    side: Side, head: BlockRef, origins: Sequence[Side], ledger: Ledger, watch: Watch
) -> None:
    """The bits of the Inbox of ``side`` for all that ``origins`` dispatched, and a word more.

    So a bit for a message that no Outbox has is seen where it is most likely.
    """
    for origin in origins:
        size = await origin.outbox.call("count")
        words = size // WORD + 2
        for word in range(words):
            bits = await side.inbox.call("deliveredWord", origin.domain, word, block=head.number)
            watch(f"bits of {side.name}", word + 1, words)
            if bits:
                rows = [
                    (side.domain, origin.domain, WORD * word + place)
                    for place in range(WORD)
                    if bits >> place & 1
                ]
                await asyncio.to_thread(ledger.closed, rows)


async def _pages(
    contract: Contract, side: Side, events: Sequence[str], head: BlockRef, what: str, watch: Watch
) -> AsyncIterator[Sequence[Log]]:
    topics = [[contract.artifact.topic(name) for name in events]]
    first, blocks = side.record.start_block, PAGE_BLOCKS
    total = head.number - first + 1
    while first <= head.number:
        last = min(head.number, first + blocks - 1)
        logs = await contract.client.logs(contract.address, topics, first, last)
        yield logs
        if len(logs) > FULL_PAGE:
            blocks = max(1, blocks // 2)
        elif len(logs) < FULL_PAGE // 4:
            blocks = min(2 * blocks, WIDEST_PAGE_BLOCKS)
        first = last + 1
        watch(f"{what} of {side.name}", total - (head.number - last), total)


async def read_journal(journal: Journal, worker: Worker, ledger: Ledger) -> None:
    """All messages and checkpoints of the journal."""
    after = (-1, -1)
    while entries := await worker.do(journal.page, after, PAGE_ENTRIES):
        after = (entries[-1].message.origin, entries[-1].message.nonce)
        rows = [
            (
                one.id,
                one.message.origin,
                one.message.nonce,
                one.message.destination,
                one.stage.value,
                one.block_number,
                one.delivery_block,
            )
            for one in entries
        ]
        await worker.do(ledger.held, rows)
    batches = await worker.do(journal.checkpoints)
    said = [(one.destination, one.origin, one.size, one.root) for one in batches]
    await worker.do(ledger.attested, said, JOURNAL)


async def next_nonces(
    sides: Sequence[Side], transactions: Sequence[Submission]
) -> dict[tuple[int, str], int]:
    """The next nonce of each account that has ``transactions``, by chain id and account."""
    clients = {side.record.chain_id: side.client for side in sides}
    places = {(one.chain_id, one.account) for one in transactions if one.chain_id in clients}
    return {
        (chain_id, account): await clients[chain_id].nonce(account, "latest")
        for chain_id, account in places
    }
