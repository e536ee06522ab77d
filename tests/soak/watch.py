"""What a soak sees: when messages were dispatched and delivered, and what every process uses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from bridge.apps.devnet.layout import CHAINS
from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract, dispatched
from bridge.crypto.digests import message_id
from bridge.domain.delivery import Stage
from bridge.domain.errors import ChainError, JournalUnavailable
from bridge.domain.messages import Message
from bridge.relayer.journal import Journal
from bridge.relayer.worker import Worker
from tests.soak.network import FINALITY_BLOCKS, Network
from tests.soak.traffic import DELIVERED, Kind, Traffic

POLL_S = 0.5
SAMPLE_S = 10.0
BACK_BLOCKS = 2 * FINALITY_BLOCKS
"""So far behind the head logs are read again: a reorg may have changed them."""
UNDER_WAY = (Stage.OBSERVED, Stage.FINALIZED, Stage.BATCHED, Stage.ATTESTED)


@dataclass
class Seen:
    """A message as its chain showed it; times are of the monotonic clock."""

    message: Message
    kind: Kind
    at: float
    delivered_at: float | None = None
    delivered_in: bytes | None = None
    block: int = 0
    gone: bool = False
    """Whether a reorg took it; it may come back."""


@dataclass(frozen=True)
class Sample:
    """One look at everything, ``at`` seconds after the start."""

    at: float
    rss_mib: dict[str, float]
    cpu_s: dict[str, float]
    delivered: int
    dispatched: int
    oldest_s: float
    queues: dict[str, int]


@dataclass
class Watch:
    """Reads both chains past the proxies; a message that a reorg took is not counted at the end."""

    network: Network
    traffic: Traffic
    seen: dict[bytes, Seen] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    _next: dict[str, int] = field(default_factory=dict)
    _early: dict[bytes, tuple[float, bytes]] = field(default_factory=dict)
    """Deliveries of messages whose dispatch was not read yet."""

    async def chains(self) -> None:
        """Follow both chains until cancelled."""
        while True:
            for name in CHAINS:
                try:
                    await self.look(name)
                except ChainError:
                    continue  # away, or a reorg under the question
            self.network.trim()
            await asyncio.sleep(POLL_S)

    async def look(self, name: str) -> None:
        """Read what is new on one chain."""
        client = self.network.clients[name]
        side = self.network.deployment.sides[name]
        outbox = Contract.at(client, "Outbox", side.outbox)
        inbox = Contract.at(client, "Inbox", side.inbox)
        head = (await client.block("latest")).number
        first = max(side.start_block, self._next.get(name, 0) - BACK_BLOCKS)
        sent = await client.logs(outbox.address, [outbox.artifact.topic("Dispatch")], first, head)
        done = await client.logs(inbox.address, [inbox.artifact.topic("ProcessId")], first, head)
        now = time.monotonic()
        there = {message_id(dispatched(log).message) for log in sent}
        for identifier, one in self.seen.items():
            if one.message.origin == side.domain and one.block >= first:
                one.gone = identifier not in there
        for log in sent:
            message = dispatched(log).message
            kind = self.traffic.recipients["B" if name == "A" else "A"].kind(message)
            one = self.seen.setdefault(message_id(message), Seen(message, kind, now))
            one.block = log.block_number
            if (early := self._early.pop(message_id(message), None)) is not None:
                one.delivered_at, one.delivered_in = early
        for log in done:
            (identifier, place) = log.topics[1], log.block_hash
            if identifier not in self.seen:
                self._early.setdefault(identifier, (now, place))
            elif self.seen[identifier].delivered_in != place:
                self.seen[identifier].delivered_at = now
                self.seen[identifier].delivered_in = place
        self._next[name] = head + 1

    async def sampling(self) -> None:
        """Take samples until cancelled."""
        worker = Worker("soak")
        journal = Journal(self.network.journal_url)
        try:
            while True:
                began = time.monotonic()
                self.samples.append(await self.sample(journal, worker))
                await asyncio.sleep(max(0.0, SAMPLE_S - (time.monotonic() - began)))
        finally:
            worker.close()
            journal.close()

    async def sample(self, journal: Journal, worker: Worker) -> Sample:
        """One look; the queues are empty where the journal is away."""
        queues: dict[str, int] = {}
        try:
            for (origin, _, stage), (count, _) in (await worker.do(journal.queues)).items():
                if stage in (*UNDER_WAY, Stage.DEAD_LETTER):
                    queues[f"{stage.value} from {origin}"] = count
        except JournalUnavailable:
            pass
        usage = {name: one.usage() for name, one in self.network.processes.items()}
        now = time.monotonic()
        return Sample(
            at=now - self.started,
            rss_mib={
                **{name: used[0] for name, used in usage.items() if used},
                "soak": psutil.Process().memory_info().rss / 2**20,
            },
            cpu_s={name: used[1] for name, used in usage.items() if used},
            delivered=sum(one.delivered_at is not None for one in self.seen.values()),
            dispatched=len(self.seen),
            oldest_s=self.oldest_s(now),
            queues=queues,
        )

    def oldest_s(self, now: float) -> float:
        """Age of the oldest message that has a right to arrive and has not."""
        return max((now - one.at for one in self.waiting()), default=0.0)

    def waiting(self) -> Sequence[Seen]:
        """Messages that have a right to arrive and have not."""
        return [
            one
            for one in self.seen.values()
            if one.delivered_at is None and one.kind in DELIVERED and not one.gone
        ]

    async def drop_gone(self) -> int:
        """Leave out messages that no chain has any more; how many."""
        there: set[bytes] = set()
        for name, client in self.network.clients.items():
            there |= set(await dispatches(self.network, name, client))
        gone = self.seen.keys() - there
        for identifier in gone:
            del self.seen[identifier]
        return len(gone)


async def dispatches(network: Network, name: str, client: ChainClient) -> dict[bytes, Message]:
    """All messages of a chain's Outbox as the chain has them now, by id."""
    side = network.deployment.sides[name]
    outbox = Contract.at(client, "Outbox", side.outbox)
    head = (await client.block("latest")).number
    topics = [outbox.artifact.topic("Dispatch")]
    logs = await client.logs(side.outbox, topics, side.start_block, head)
    found = [dispatched(log).message for log in logs]
    return {message_id(one): one for one in found}


def as_json(sample: Sample) -> dict[str, Any]:
    """A sample for the report."""
    return {
        "at_s": round(sample.at, 1),
        "rss_mib": {name: round(value, 1) for name, value in sample.rss_mib.items()},
        "cpu_s": {name: round(value, 1) for name, value in sample.cpu_s.items()},
        "delivered": sample.delivered,
        "dispatched": sample.dispatched,
        "oldest_s": round(sample.oldest_s, 1),
        "queues": sample.queues,
    }
