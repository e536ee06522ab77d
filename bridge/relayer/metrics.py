"""What a relayer measures. docs/operations.md has the table, which a test holds against this file.

Everything is read from objects that are there when somebody asks. The journal is asked through a
connection and in a thread of its own, at most every ``FRESH_S``, so that nobody who reads metrics
holds up the relaying.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path

from bridge.domain.delivery import Stage
from bridge.domain.errors import BridgeError
from bridge.keyservice.exposition import Family, Kind, Measured, Samples
from bridge.relayer.attestor_metrics import ENDPOINTS, measure_endpoints
from bridge.relayer.daemon import Relayer
from bridge.relayer.journal import Journal, Standing
from bridge.relayer.journal.measuring import COUNTED
from bridge.relayer.route import Route, Side
from bridge.relayer.worker import Worker

FRESH_S = 2.0
"""How old an answer of the journal may be."""
ANSWER_S = 3.0
"""How long somebody who reads metrics waits for the journal; then what was known is told."""
WEI_AN_ETHER = 10**18

ROUTE, CHAIN = ("origin", "destination"), ("chain",)

JOURNAL_UP = Family(
    "astralink_journal_up", Kind.GAUGE, "0 while the journal's database does not answer."
)
JOURNAL_SIZE = Family("astralink_journal_size_bytes", Kind.GAUGE, "What the journal takes on disk.")
QUEUE = Family(
    "astralink_queue_messages",
    Kind.GAUGE,
    "Messages that stand at a stage, confirmed ones left out.",
    (*ROUTE, "stage"),
)
OLDEST = Family(
    "astralink_oldest_undelivered_seconds",
    Kind.GAUGE,
    "Since when the oldest message that is not delivered is final; 0 where none waits.",
    ROUTE,
)
RETRYING = Family(
    "astralink_retrying_messages",
    Kind.GAUGE,
    "Messages that were refused and wait for their next attempt.",
    ROUTE,
)
REACHED = Family(
    "astralink_messages_total",
    Kind.COUNTER,
    "Messages that this relayer brought to a stage.",
    (*ROUTE, "stage"),
)
REFUSED = Family(
    "astralink_deliveries_refused_total",
    Kind.COUNTER,
    "Attempts to deliver that a recipient or the Inbox refused.",
    ROUTE,
)
HELD = Family(
    "astralink_messages_held_total",
    Kind.COUNTER,
    "Messages that were held since an endpoint has no verdict that is asked for.",
    ROUTE,
)
LATENCY = Family(
    "astralink_delivery_latency_seconds",
    Kind.HISTOGRAM,
    "From finalized on the origin to delivered on the destination, as this relayer wrote it down.",
    ROUTE,
)
HEAD = Family("astralink_chain_head_block", Kind.GAUGE, "The newest block that was seen.", CHAIN)
FINALIZED = Family(
    "astralink_chain_finalized_block", Kind.GAUGE, "The newest final block that was seen.", CHAIN
)
BEHIND = Family(
    "astralink_chain_unread_blocks",
    Kind.GAUGE,
    "Final blocks that were not read for messages yet.",
    CHAIN,
)
SILENCE = Family(
    "astralink_chain_silence_seconds", Kind.GAUGE, "Since when a chain gave no answer.", CHAIN
)
NEW_HEADS = Family(
    "astralink_new_heads_connected",
    Kind.GAUGE,
    "1 while new heads of a chain are announced over its WebSocket, 0 while it is polled only.",
    CHAIN,
)
REORGS = Family("astralink_reorgs_total", Kind.COUNTER, "Reorgs that were seen.", CHAIN)
REORG_DEPTH = Family(
    "astralink_reorg_depth_blocks", Kind.GAUGE, "Blocks that the last reorg took.", CHAIN
)
REORG_LARGEST = Family(
    "astralink_reorg_largest_depth_blocks",
    Kind.GAUGE,
    "Blocks that the deepest reorg took since the start.",
    CHAIN,
)
ATTESTOR_UP = Family(
    "astralink_attestor_ready", Kind.GAUGE, "1 where an attestor says that it can sign.", ("url",)
)
ATTESTOR_ASKED = Family(
    "astralink_attestor_requests_total",
    Kind.COUNTER,
    "Times that an attestor was asked to sign, by what came of it; lied is a wrong signature.",
    ("url", "outcome"),
)
ATTESTOR_LATENCY = Family(
    "astralink_attestor_latency_seconds",
    Kind.HISTOGRAM,
    "How long an attestor took, whatever came of it.",
    ("url",),
)
ATTESTOR_DISAGREEMENTS = Family(
    "astralink_attestor_disagreements_total",
    Kind.COUNTER,
    "Times that an attestor has another root than the relayer, or gave a wrong signature.",
    ("url",),
)
QUORUM_WEIGHT = Family(
    "astralink_quorum_ready_weight",
    Kind.GAUGE,
    "Weight of the signers of a destination's epoch that say that they can sign.",
    CHAIN,
)
QUORUM_THRESHOLD = Family(
    "astralink_quorum_threshold_weight",
    Kind.GAUGE,
    "Weight that a destination's epoch asks for.",
    CHAIN,
)
BALANCE = Family(
    "astralink_account_balance_ether", Kind.GAUGE, "Balance of the submitting account.", CHAIN
)
GAS_PRICE = Family(
    "astralink_gas_price_wei", Kind.GAUGE, "What is offered for a unit of gas at most.", CHAIN
)
SPENT = Family(
    "astralink_spent_ether_total",
    Kind.COUNTER,
    "What mined transactions cost, by purpose.",
    (*CHAIN, "purpose"),
)
GAS = Family(
    "astralink_gas_used_total",
    Kind.COUNTER,
    "Gas that mined transactions used, by purpose.",
    (*CHAIN, "purpose"),
)
TRANSACTIONS = Family(
    "astralink_transactions",
    Kind.GAUGE,
    "Transactions of this account in the journal, by state; lost ones had their nonce taken.",
    (*CHAIN, "state"),
)
REPLACED = Family(
    "astralink_transactions_replaced_total",
    Kind.COUNTER,
    "Transactions that went out again, mostly with more for their gas.",
    CHAIN,
)
NONCE = Family(
    "astralink_account_nonce", Kind.GAUGE, "The account's next nonce on the chain.", CHAIN
)
NONCE_GAP = Family(
    "astralink_nonce_gap",
    Kind.GAUGE,
    "First open nonce of the journal less the chain's: above 0 nothing can be mined, below 0 a "
    "receipt is awaited.",
    CHAIN,
)
FAILURES = Family(
    "astralink_loop_failures_total",
    Kind.COUNTER,
    "Times that a loop of the relayer failed, by its error.",
    ("task", "error"),
)
FAILING = Family(
    "astralink_loop_failing_seconds",
    Kind.GAUGE,
    "Since when a loop of the relayer fails each time.",
    ("task",),
)
UPTIME = Family("astralink_uptime_seconds", Kind.GAUGE, "Since the relayer was started.")

FAMILIES = (
    *(JOURNAL_UP, JOURNAL_SIZE, QUEUE, OLDEST, RETRYING, REACHED, REFUSED, HELD, LATENCY),
    *(HEAD, FINALIZED, BEHIND, SILENCE, NEW_HEADS, REORGS, REORG_DEPTH, REORG_LARGEST),
    *(ATTESTOR_UP, ATTESTOR_ASKED, ATTESTOR_LATENCY, ATTESTOR_DISAGREEMENTS),
    *(QUORUM_WEIGHT, QUORUM_THRESHOLD),
    *(BALANCE, GAS_PRICE, SPENT, GAS, TRANSACTIONS, REPLACED, NONCE, NONCE_GAP),
    *(FAILURES, FAILING, UPTIME),
    *ENDPOINTS,
)

DISAGREEMENTS = ("lied", "root_mismatch", "equivocation")
"""Outcomes of ``Dealings`` in which an attestor and the relayer see different things."""


class RelayerMetrics:
    """The figures of one relayer, whose journal is at ``where``."""

    def __init__(self, relayer: Relayer, where: Path | str) -> None:
        self.relayer = relayer
        self.journal_up = False
        self.measured = Measured(FAMILIES, self._measure)
        self._where = where
        self._journal: Journal | None = None
        self._worker = Worker("metrics")
        self._standing = Standing()
        self._asked_at = -FRESH_S
        self._asking: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Have the journal's figures anew where they are old; waits ``ANSWER_S`` at most."""
        if self._asking is None or self._asking.done():
            if time.monotonic() - self._asked_at < FRESH_S:
                return
            self._asking = asyncio.create_task(self._ask())
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await asyncio.shield(self._asking)
                return
        self.journal_up = False  # it hangs; the question stays and may be answered yet

    async def close(self) -> None:
        """Wait for a question that is under way, and close."""
        if self._asking is not None:
            await asyncio.wait([self._asking])
        if self._journal is not None:
            self._journal.close()
        self._worker.close()

    async def _ask(self) -> None:
        routes = [_ends(route) for route in self.relayer.routes]
        address = self.relayer.account.address
        try:
            if self._journal is None:
                self._journal = await self._worker.do(Journal, self._where, read_only=True)
            self._standing = await self._worker.do(self._journal.standing, routes, address)
            self.journal_up = True
        except BridgeError:
            self.journal_up = False
        self._asked_at = time.monotonic()

    def _measure(self, samples: Samples) -> None:
        samples.add(JOURNAL_UP, self.journal_up)
        samples.add(JOURNAL_SIZE, self._standing.size_bytes or None)
        samples.add(UPTIME, self.relayer.watch.uptime_s)
        for route in self.relayer.routes:
            self._measure_route(samples, route)
        for side in self.relayer.sides:
            self._measure_chain(samples, side)
            self._measure_account(samples, side)
        self._measure_attestors(samples)
        watch = self.relayer.watch
        for (task, error), count in watch.failures.items():
            samples.add(FAILURES, count, task, error)
        for task, failing in watch.failing.items():
            samples.add(FAILING, time.monotonic() - failing.since, task)
        measure_endpoints(samples, (side.client for side in self.relayer.sides))

    def _measure_route(self, samples: Samples, route: Route) -> None:
        ends, labels = _ends(route), (route.origin.name, route.destination.name)
        standing, watch = self._standing, self.relayer.watch
        for stage in COUNTED:
            samples.add(QUEUE, standing.queues.get((*ends, stage), 0), *labels, stage.value)
        for stage in Stage:
            samples.add(REACHED, watch.reached[*ends, stage], *labels, stage.value)
        since = standing.finalized_at.get(ends)
        samples.add(OLDEST, 0.0 if since is None else max(0.0, time.time() - since), *labels)
        samples.add(RETRYING, standing.refused.get(ends, 0), *labels)
        samples.add(REFUSED, self.relayer.deliverers[ends].refused, *labels)
        samples.add(HELD, self.relayer.deliverers[ends].held, *labels)
        spent = watch.latency[ends]
        samples.spread(LATENCY, spent.counts, spent.bounds, spent.sum_s, *labels)

    def _measure_chain(self, samples: Samples, side: Side) -> None:
        seen, name = self.relayer.watch.chains[side.domain], side.name
        samples.add(HEAD, seen.head, name)
        samples.add(FINALIZED, seen.finalized, name)
        # Where another replica reads the chain, the journal knows how far it is.
        known = (seen.next_block, self._standing.next_blocks.get(side.domain))
        next_block = max((one for one in known if one is not None), default=None)
        if seen.finalized is not None and next_block is not None:
            samples.add(BEHIND, max(0, seen.finalized + 1 - next_block), name)
        samples.add(SILENCE, time.monotonic() - seen.answered_at, name)
        socket = self.relayer.heads.get(side.domain)
        samples.add(NEW_HEADS, None if socket is None else socket.connected, name)
        samples.add(REORGS, seen.reorgs, name)
        samples.add(REORG_DEPTH, seen.last_reorg_depth, name)
        samples.add(REORG_LARGEST, seen.largest_reorg_depth, name)
        quorum = self.relayer.probe.quorums.get(side.domain)
        if quorum is not None:
            samples.add(QUORUM_WEIGHT, quorum.weight, name)
            samples.add(QUORUM_THRESHOLD, quorum.threshold, name)

    def _measure_account(self, samples: Samples, side: Side) -> None:
        name, chain_id = side.name, side.client.settings.chain_id
        watch = self.relayer.watch
        for (domain, purpose), wei in watch.spent_wei.items():
            if domain == side.domain:
                samples.add(SPENT, wei / WEI_AN_ETHER, name, purpose.value)
                samples.add(GAS, watch.used_gas[domain, purpose], name, purpose.value)
        for (where, state), count in self._standing.transactions.items():
            if where == chain_id:
                samples.add(TRANSACTIONS, count, name, state.value)
        samples.add(REPLACED, self.relayer.submitters[side.domain].replaced, name)
        account = watch.accounts.get(side.domain)
        if account is None:
            return
        samples.add(BALANCE, account.balance_wei / WEI_AN_ETHER, name)
        samples.add(GAS_PRICE, account.max_fee_wei, name)
        samples.add(NONCE, account.nonce, name)
        first = self._standing.lowest_open_nonce.get(chain_id, account.nonce)
        samples.add(NONCE_GAP, first - account.nonce, name)

    def _measure_attestors(self, samples: Samples) -> None:
        for client in self.relayer.attestors:
            ready = self.relayer.probe.attestors[client].problem is None
            samples.add(ATTESTOR_UP, ready, client.url)
            dealings = client.dealings
            for outcome, count in dealings.outcomes.items():
                samples.add(ATTESTOR_ASKED, count, client.url, outcome)
            wrong = sum(dealings.outcomes[one] for one in DISAGREEMENTS)
            samples.add(ATTESTOR_DISAGREEMENTS, wrong, client.url)
            spent = dealings.durations
            samples.spread(ATTESTOR_LATENCY, spent.counts, spent.bounds, spent.sum_s, client.url)


def _ends(route: Route) -> tuple[int, int]:
    return route.origin.domain, route.destination.domain
