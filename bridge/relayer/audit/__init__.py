"""audit: whether all that was dispatched was delivered once, from the chains alone.

And where there is a journal, whether it says what the chains say. Nothing is believed that a chain
does not show, and nothing is written.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from itertools import permutations

from bridge.chain.records import BlockRef
from bridge.domain.errors import ChainUnreachable
from bridge.relayer.audit.checks import (
    Found,
    check_deliveries,
    check_journal,
    check_nonces,
    check_roots,
    route_figures,
)
from bridge.relayer.audit.findings import (
    Audit,
    ChainFigures,
    Disagreement,
    Findings,
    JournalFigures,
    Kind,
    RouteFigures,
    Waiting,
)
from bridge.relayer.audit.ledger import Ledger
from bridge.relayer.audit.reading import (
    Nonces,
    Watch,
    next_nonces,
    read_bits,
    read_inbox,
    read_journal,
    read_outbox,
)
from bridge.relayer.journal import Journal
from bridge.relayer.route import Side
from bridge.relayer.worker import Worker

__all__ = [
    "Audit",
    "ChainFigures",
    "Disagreement",
    "JournalFigures",
    "Kind",
    "RouteFigures",
    "Waiting",
    "audit",
]

ATTEMPTS = 3


class _Reorged(Exception):
    """A block that was read up to is not on its chain any more."""

    def __init__(self, side: Side) -> None:
        super().__init__(side.name)
        self.side = side


async def audit(
    sides: Sequence[Side], journal: Journal | None = None, watch: Watch = lambda *_: None
) -> Audit:
    """What the chains of ``sides`` say of all routes between them, and whether ``journal`` agrees.

    Everything may go on meanwhile: what is not final is not held against the journal. A relayer
    that is a moment behind what is final is named for it; asked again a little later it agrees.
    Raises ``ChainUnreachable`` where a chain was reorged during each of three attempts, and what
    chains and journal raise.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with Ledger() as ledger, closing(Worker("audit")) as worker:
            try:
                return await _Auditor(sides, journal, ledger, worker, watch).run()
            except _Reorged as error:
                if attempt == ATTEMPTS:
                    settings = error.side.client.settings
                    raise ChainUnreachable(
                        settings.name,
                        settings.rpc_url,
                        f"the chain was reorged during each of {ATTEMPTS} audits",
                    ) from None
    raise AssertionError


class _Auditor:
    def __init__(
        self,
        sides: Sequence[Side],
        journal: Journal | None,
        ledger: Ledger,
        worker: Worker,
        watch: Watch,
    ) -> None:
        self._sides = sides
        self._journal = journal
        self._ledger = ledger
        self._worker = worker
        self._watch = watch
        self._names = {side.domain: side.name for side in sides}
        self._findings = Findings()

    async def run(self) -> Audit:
        final = {side.domain: (await side.client.finalized()).number for side in self._sides}
        accounts, held = await self._read_journal()
        inboxes = await self._heads()
        for side in self._sides:
            others = [one for one in self._sides if one is not side]
            head = inboxes[side.domain]
            await read_bits(side, head, others, self._ledger, self._watch)
            await read_inbox(side, head, self._ledger, self._watch)
        outboxes = await self._heads()
        for side in self._sides:
            head = outboxes[side.domain]
            await read_outbox(side, head, self._ledger, self._watch)
            await self._check_roots(side, head)
        for side in self._sides:
            for head in (inboxes[side.domain], outboxes[side.domain]):
                now = await side.client.find_block(head.number)
                if now is None or now.hash != head.hash:
                    raise _Reorged(side)
        await self._find(check_deliveries(self._ledger, self._names))
        if held is not None:
            await self._find(check_journal(self._ledger, self._names, final))
            await self._find(check_nonces(accounts))
        routes = [
            await asyncio.to_thread(
                route_figures,
                self._ledger,
                self._names,
                origin.domain,
                destination.domain,
                outboxes[origin.domain].number,
            )
            for origin, destination in permutations(self._sides, 2)
        ]
        return Audit(
            tuple(
                ChainFigures(side.name, outboxes[side.domain].number, final[side.domain])
                for side in self._sides
            ),
            tuple(routes),
            held,
            tuple(self._findings.listed),
            dict(self._findings.counts),
        )

    async def _heads(self) -> dict[int, BlockRef]:
        return {side.domain: await side.client.block("latest") for side in self._sides}

    async def _check_roots(self, side: Side, head: BlockRef) -> None:
        size = await side.outbox.call("count", block=head.number)
        root = await side.outbox.call("root", block=head.number) if size else None
        await self._find(check_roots(self._ledger, self._names, side.domain, size, root))

    async def _find(self, found: Found) -> None:
        def work() -> None:
            for one in found:
                self._findings.add(one)

        await asyncio.to_thread(work)

    async def _read_journal(self) -> tuple[list[Nonces], JournalFigures | None]:
        journal, worker = self._journal, self._worker
        if journal is None:
            return [], None
        earlier = await worker.do(journal.all_open_transactions)
        before = await next_nonces(self._sides, earlier)
        transactions = await worker.do(journal.all_open_transactions)
        await read_journal(journal, worker, self._ledger)
        after = await next_nonces(self._sides, transactions)
        stages = await worker.do(
            lambda: dict(
                self._ledger.ask("SELECT stage, COUNT(*) FROM held GROUP BY stage ORDER BY stage")
            )
        )
        nonces: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
        for one in transactions:
            nonces[one.chain_id, one.account].append(one.nonce)
        chains = {side.record.chain_id: side.name for side in self._sides}
        accounts = [
            Nonces(chains[place[0]], place[1], before.get(place, 0), number, tuple(nonces[place]))
            for place, number in after.items()
        ]
        return accounts, JournalFigures(stages, len(transactions))
