"""deliver: attested messages to their recipients, in ranges under one proof, each once.

A message that its recipient refuses waits for its next attempt, by itself, and holds up no other.
That a message is delivered once is the Inbox's doing; here it is only asked first, to save the gas.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bridge.chain.abi import decode, selector, split_signature
from bridge.chain.records import Receipt
from bridge.chain.transactions import TRANSACTION_GAS_CAP
from bridge.domain.errors import TransactionReverted, TransactionTooHeavy
from bridge.domain.messages import DEFAULT_GAS_LIMIT
from bridge.relayer.admit import Admission
from bridge.relayer.batch import Trees
from bridge.relayer.confirm import WORD
from bridge.relayer.journal import Batch, Draft, Entry, Journal, Purpose, Submission
from bridge.relayer.retry import next_attempts_at
from bridge.relayer.route import Route
from bridge.relayer.submit import Submitter
from bridge.relayer.worker import Worker

log = structlog.get_logger()

LONGEST_RANGE = 400
WIDEST_GAP = 16
"""Messages in a row that a range may leave out: each costs its identifier, 32 bytes."""
RETRIES_A_ROUND = 8
"""So many messages that failed before are tried for each round of fresh ones."""
IN_FLIGHT = 4
"""Transactions of a route that wait for a block at the same time."""
RANGE_GAS = 15_000_000
BASE_GAS = 150_000
"""A transaction's own cost, the proof and a word of flags, and to spare."""
FIRST_GAS_A_MESSAGE = 60_000
"""What a message is taken to use before any was delivered; then it is what they used."""
SPARE_PERCENT = 150
OWN_GAS = 60_000
"""What the Inbox needs for a message beside its recipient's gas, and to spare."""
BYTE_GAS = 40
"""Calldata at EIP-7623's floor."""
POSTPONE_S = 5.0
TAKE_OVER_S = 1.0
LOOKED_AT = 1_000
"""Held messages of a route, the first by nonce, that somebody else may have delivered."""
RECIPIENT_REVERTED = "RecipientReverted(address,bytes)"


@dataclass(frozen=True, slots=True)
class Range:
    """Messages that go into one transaction, by nonce, all under ``batch``."""

    batch: Batch
    entries: tuple[Entry, ...]
    gas: int

    @property
    def first(self) -> int:
        """The nonce of the first message."""
        return self.entries[0].nonce

    @property
    def count(self) -> int:
        """How many leaves the range has, left out ones among them."""
        return self.entries[-1].nonce - self.first + 1


class Deliverer:
    """The deliveries of one route by one replica."""

    def __init__(
        self,
        route: Route,
        journal: Journal,
        trees: Trees,
        submitter: Submitter,
        worker: Worker,
        replica: str,
        admission: Admission | None = None,
    ) -> None:
        """Without ``admission`` messages between any endpoints are delivered."""
        self._route = route
        self._admission = admission
        self._journal = journal
        self._trees = trees
        self._submitter = submitter
        self._worker = worker
        self._replica = replica
        self._gas_a_message = FIRST_GAS_A_MESSAGE
        self._longest = LONGEST_RANGE
        self._cap = TRANSACTION_GAS_CAP
        """Gas that a transaction may have: the cap of EIP-7825, or the block's where it is less."""
        self.refused = 0
        self.held = 0
        self._looked_at = -TAKE_OVER_S

    async def deliver(self) -> int:
        """Send what is due; how many messages went on their way."""
        await self._take_over()
        room = IN_FLIGHT - self._submitter.open
        if room <= 0:
            return 0
        fresh = await self._claim(room * self._longest, fresh=True)
        retries = await self._claim(RETRIES_A_ROUND, fresh=False)
        if not fresh and not retries:
            return 0
        sent = 0
        try:
            due = await self._due(await self._admitted(fresh), await self._admitted(retries))
            for one in due:
                if self._submitter.open >= IN_FLIGHT + RETRIES_A_ROUND:
                    break
                sent += await self._send(one)
        finally:
            # What is under way stays; the rest is whoever's can send it.
            await self._worker.do(self._journal.release, [one.id for one in fresh + retries])
        return sent

    async def look_at_held(self) -> int:
        """Have messages whose endpoints are verified now delivered; how many."""
        assert self._admission is not None
        origin, destination = self._route.origin.domain, self._route.destination.domain
        look = await self._worker.do(self._journal.held, origin, destination, LOOKED_AT)
        await self._undelivered(look)  # what somebody else delivered is noted
        released = 0
        for ends in await self._worker.do(self._journal.held_endpoints, origin, destination):
            reason = await self._admission.obstacle(self._route, *ends)
            if reason is not None:
                place = (origin, destination, *ends)
                await self._worker.do(self._journal.held_for, *place, reason)
                continue
            moved = await self._worker.do(self._journal.release_held, origin, destination, *ends)
            released += len(moved)
            if moved:
                log.info(
                    "messages_released",
                    route=str(self._route),
                    sender="0x" + ends[0].hex(),
                    recipient="0x" + ends[1].hex(),
                    count=len(moved),
                )
        return released

    async def _admitted(self, entries: list[Entry]) -> list[Entry]:
        """Those between verified endpoints; the others are held, with the reason."""
        if self._admission is None or not entries:
            return entries
        reasons = await self._admission.refused(self._route, entries)
        if not reasons:
            return entries
        moved = await self._worker.do(self._journal.hold, reasons)
        self.held += len(moved)
        for reason in sorted(set(reasons.values())):
            group = [one for one in moved if one.error == reason]
            if group:
                log.warning(
                    "messages_held",
                    route=str(self._route),
                    reason=reason,
                    count=len(group),
                    nonces=[group[0].nonce, group[-1].nonce],
                )
        return [one for one in entries if one.id not in reasons]

    async def _take_over(self) -> None:
        """Every second, have what a dead replica had under way delivered."""
        if time.monotonic() - self._looked_at < TAKE_OVER_S:
            return
        self._looked_at = time.monotonic()
        origin, destination = self._route.origin.domain, self._route.destination.domain
        account = self._submitter.account.address
        freed = await self._worker.do(self._journal.take_over, origin, destination, account)
        if freed:
            log.warning("deliveries_taken_over", route=str(self._route), messages=freed)

    async def _due(self, fresh: list[Entry], retries: list[Entry]) -> list[Range]:
        """Ranges of those that are undelivered, under the largest root that is attested."""
        origin, destination = self._route.origin.domain, self._route.destination.domain
        batch = await self._worker.do(self._journal.attested_batch, origin, destination)
        if batch is None or not await self._stands(batch):
            return []
        self._cap = min(TRANSACTION_GAS_CAP, await self._route.destination.client.block_gas_limit())
        ranges = [Range(batch, (one,), _alone(one)) for one in await self._undelivered(retries)]
        return ranges + self._ranges(batch, await self._undelivered(fresh))

    async def settle(self, submission: Submission, receipt: Receipt) -> list[Entry]:
        """Write down what a mined delivery did to each of its messages; the delivered ones."""
        members = await self._worker.do(self._journal.members, submission.number)
        if not members:
            return []
        if not receipt.status:
            # It passed a moment ago, so something changed under it: a smaller one next time.
            self._longest = max(1, len(members) // 2)
            log.warning(
                "range_reverted", route=str(self._route), messages=len(members), next=self._longest
            )
            wait = time.time() + POSTPONE_S
            await self._worker.do(self._journal.postpone, [one.id for one in members], wait)
            return []
        delivered, failures = self._outcome(receipt)
        detail = {
            "block": receipt.block_number,
            "transaction": "0x" + receipt.transaction_hash.hex(),
            "gas": receipt.gas_used,
            "messages": len(delivered),
        }
        if len(members) > 1:
            self._gas_a_message = max(30_000, receipt.gas_used // len(members))
            self._longest = min(LONGEST_RANGE, 2 * self._longest)
        ours = {one.id for one in members}
        moved = await self._worker.do(
            self._journal.delivered,
            [one for one in delivered if one in ours],
            receipt.block_number,
            detail,
        )
        await self._failed({one: reason for one, reason in failures.items() if one in ours})
        rest = [one for one in members if one.id not in delivered and one.id not in failures]
        still = await self._undelivered(rest)
        wait = time.time() + POSTPONE_S
        await self._worker.do(self._journal.postpone, [one.id for one in still], wait)
        return moved

    async def _claim(self, limit: int, fresh: bool) -> list[Entry]:
        origin, destination = self._route.origin.domain, self._route.destination.domain
        return await self._worker.do(
            self._journal.claim, origin, destination, self._replica, limit, fresh
        )

    async def _stands(self, batch: Batch) -> bool:
        """Whether the root is attested on the chain; noted where a reorg took that back."""
        inbox = self._route.destination.inbox
        size = await inbox.call("attestedSize", batch.origin, batch.root)
        if size == batch.size:
            return True
        log.warning("attestation_gone", route=str(self._route), size=batch.size)
        await self._worker.do(self._journal.unattest, batch)
        return False

    async def _undelivered(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that the Inbox has not delivered; the others are noted as found delivered."""
        words: defaultdict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            words[entry.nonce // WORD].append(entry)
        left: list[Entry] = []
        found: list[Entry] = []
        for word, members in words.items():
            bits = await self._route.destination.inbox.call(
                "deliveredWord", self._route.origin.domain, word
            )
            for entry in members:
                (found if bits >> entry.nonce % WORD & 1 else left).append(entry)
        for entry in found:
            await self._found(entry)
        return left

    async def _found(self, entry: Entry) -> None:
        """Note a message that somebody delivered: an earlier run of this relayer or another."""
        side = self._route.destination
        head = await side.client.block("latest")
        topics = [side.inbox.artifact.topic("ProcessId"), entry.id]
        logs = await side.client.logs(
            side.inbox.address, topics, side.record.start_block, head.number
        )
        if not logs:
            await self._worker.do(self._journal.release, [entry.id])
            return  # a reorg took it between the two questions
        detail: dict[str, Any] = {
            "block": logs[-1].block_number,
            "transaction": "0x" + logs[-1].transaction_hash.hex(),
            "found": True,
        }
        await self._worker.do(self._journal.delivered, [entry.id], logs[-1].block_number, detail)

    def _ranges(self, batch: Batch, entries: Sequence[Entry]) -> list[Range]:
        """Ranges by nonce, each within its gas and without wide gaps."""
        ranges: list[Range] = []
        current: list[Entry] = []
        gas, largest = BASE_GAS, 0
        most = min(RANGE_GAS, self._cap * 9 // 10)
        for entry in sorted(entries, key=lambda one: one.nonce):
            cost, allowed = self._cost(entry), _allowed(entry)
            if current and (
                entry.nonce - current[-1].nonce > WIDEST_GAP
                or entry.nonce - current[0].nonce >= self._longest
                or gas + cost + max(largest, allowed) > most
            ):
                ranges.append(self._range(batch, current))
                current, gas, largest = [], BASE_GAS, 0
            current.append(entry)
            gas += cost
            largest = max(largest, allowed)
        if current:
            ranges.append(self._range(batch, current))
        return ranges

    def _range(self, batch: Batch, entries: Sequence[Entry]) -> Range:
        if len(entries) == 1:
            return Range(batch, (entries[0],), _alone(entries[0]))
        # Two recipients may use all that their messages allow before the rest is short of gas.
        gas = BASE_GAS + sum(map(self._cost, entries)) + 2 * max(map(_allowed, entries))
        return Range(batch, tuple(entries), min(gas, self._cap))

    def _cost(self, entry: Entry) -> int:
        used = self._gas_a_message * SPARE_PERCENT // 100
        return used + BYTE_GAS * len(entry.encoded)

    async def _send(self, one: Range) -> int:
        """Try a range without a transaction, then with one; how many messages are under way."""
        inbox = self._route.destination.inbox
        if one.gas > self._cap:
            (entry,) = one.entries
            error = TransactionTooHeavy("delivery", one.gas, self._cap)
            await self._failed({entry.id: str(error)})
            return 0
        data = await self._worker.do(self._call_data, one)
        account = self._submitter.account.address
        identifiers = [entry.id for entry in one.entries]
        try:
            await inbox.client.call(inbox.address, data, sender=account, gas=one.gas)
        except TransactionReverted as error:
            if len(one.entries) == 1:
                await self._failed({identifiers[0]: self._reason(error)})
                return 0
            half = len(one.entries) // 2
            sent = 0
            for part in (one.entries[:half], one.entries[half:]):
                sent += await self._send(self._range(one.batch, part))
            return sent
        subject = {
            "origin": self._route.origin.domain,
            "destination": self._route.destination.domain,
            "first": one.first,
            "count": one.count,
        }
        draft = Draft(Purpose.DELIVER, subject, inbox.address, data, one.gas)
        await self._submitter.submit(draft, identifiers)
        return len(identifiers)

    def _call_data(self, one: Range) -> bytes:
        artifact = self._route.destination.inbox.artifact
        tree = self._trees.grown(one.batch.origin)
        size = one.batch.size
        if len(one.entries) == 1:
            (entry,) = one.entries
            metadata = one.batch.root + b"".join(tree.proof(entry.nonce, size))
            return artifact.call_data("process", metadata, entry.encoded)
        given = [tree.leaf(one.first + index) for index in range(one.count)]
        for entry in one.entries:
            given[entry.nonce - one.first] = entry.encoded
        siblings = tree.range_proof(one.first, one.count, size)
        root = one.batch.root
        return artifact.call_data(
            "processRange", one.batch.origin, root, one.first, given, list(siblings)
        )

    def _outcome(self, receipt: Receipt) -> tuple[set[bytes], dict[bytes, str]]:
        """The ids that were delivered, and the reasons of those that were not."""
        delivered: set[bytes] = set()
        failures: dict[bytes, str] = {}
        explain = self._route.destination.client.decoder
        inbox = self._route.destination.inbox
        one, other = (inbox.artifact.topic(name) for name in ("ProcessId", "DeliveryFailed"))
        logs = [log for log in receipt.logs if log.topics and log.topics[0] in (one, other)]
        for log in logs:  # a range has hundreds, and all that is asked of most is a topic
            if log.topics[0] == one and log.address.lower() == inbox.address.lower():
                delivered.add(log.topics[1])
        for event in inbox.events([log for log in logs if log.topics[0] == other]):
            failures[event.arguments["messageId"]] = explain(event.arguments["reason"])
        return delivered, failures

    def _reason(self, error: TransactionReverted) -> str:
        """Why a single delivery fails, in the words in which a range would have it."""
        client = self._route.destination.client
        if error.data[:4] != selector(RECIPIENT_REVERTED):
            return error.error
        _, reason = decode(split_signature(RECIPIENT_REVERTED)[1], error.data[4:])
        return client.decoder(reason)

    async def _failed(self, reasons: dict[bytes, str]) -> None:
        times = next_attempts_at(time.time())
        self.refused += len(reasons)
        dead = await self._worker.do(self._journal.failed, reasons, times)
        for identifier, reason in reasons.items():
            log.warning(
                "delivery_refused",
                message="0x" + identifier.hex(),
                route=str(self._route),
                reason=reason,
            )
        for entry in dead:
            log.error(
                "dead_letter",
                message="0x" + entry.id.hex(),
                route=str(self._route),
                reason=entry.error,
            )


def _alone(entry: Entry) -> int:
    """Gas that one message needs by itself, whatever its recipient does."""
    return BASE_GAS + OWN_GAS + _allowed(entry) * 64 // 63 + BYTE_GAS * len(entry.encoded)


def _allowed(entry: Entry) -> int:
    """The gas that a message's recipient may use."""
    return entry.message.gas_limit or DEFAULT_GAS_LIMIT


def proof_siblings(trees: Trees, entry: Entry) -> tuple[bytes, ...]:
    """The siblings of a batched message under its root, the lowest first."""
    assert entry.size is not None
    return trees.grown(entry.origin).proof(entry.nonce, entry.size)
