"""How fast a relayer is: messages a second, memory, what it adds to a message's way.

Everything is real: two Anvils, the key service, three attestors and the relayer, each a process of
the development network on this machine, and the load takes its share of the same cores. Messages
go both ways at once. A transaction dispatches hundreds of them; each is delivered, and its
recipient writes a word of storage.
"""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bridge.apps.bench.swarm import DISPATCHES_A_TRANSACTION, Delivered, Swarm
from bridge.apps.devnet.layout import ANY_PORTS, SENDER, Layout, read_deployment
from bridge.apps.devnet.world import (
    BLOCK_TIME_S,
    FINALITY_BLOCKS,
    ChainKind,
    World,
    attestor_name,
    chain_client,
)
from bridge.chain.anvil import anvil_version, find_anvil
from bridge.chain.client import ChainClient
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account
from bridge.domain.errors import ProcessError
from bridge.relayer.route import Side

BACKLOGS = (1_000, 10_000, 100_000)
SUSTAINED_S = 60.0
OFFERED_A_SECOND = 1_000
"""More than is delivered, so that what is measured is the relayer and not the load."""
SAMPLES = 60
SPACING_S = 0.75
"""Between two messages at light load."""
POLL_S = 0.25
EDGE_POLL_S = 0.015
"""Between two looks for a message that is timed: what the times are off by at most, twice."""
STALL_S = 120.0
MIB = 1 << 20

Announce = Callable[[str], None]


@dataclass(slots=True)
class Watch:
    """What the processes used while it was watching: seconds of a core, and the largest memory."""

    seconds: dict[str, float] = field(default_factory=dict)
    largest: dict[str, int] = field(default_factory=dict)


class Bench:
    """A development network under load."""

    def __init__(
        self,
        world: World,
        sides: dict[str, Side],
        announce: Announce,
        offered: int = OFFERED_A_SECOND,
    ) -> None:
        self._world = world
        self._sides = sides
        self._announce = announce
        self._offered = offered
        self._sent = dict.fromkeys(sides, 0)
        self._bodies = dict.fromkeys(sides, 0)
        self._swarms: dict[str, Swarm] = {}
        self._delivered: dict[str, Delivered] = {}

    async def deploy(self) -> None:
        """The contracts of the load, both ways."""
        account = Account.from_key(bytes(development_accounts()[SENDER].key))
        a, b = self._sides.values()
        for origin, destination in ((a, b), (b, a)):
            self._swarms[origin.name] = await Swarm.between(origin, destination, account)
            self._delivered[origin.name] = Delivered(origin, destination)

    async def dispatch(self, count: int) -> dict[str, int]:
        """Dispatch half of ``count`` messages each way; the block of the last, by origin."""

        async def one_way(name: str) -> int:
            left = count // 2
            block = 0
            while left:
                part = min(left, DISPATCHES_A_TRANSACTION)
                block = await self._swarms[name].dispatch(part, self._bodies[name])
                self._bodies[name] += part
                self._sent[name] += part
                left -= part
            return block

        blocks = await asyncio.gather(*(one_way(name) for name in self._sides))
        return dict(zip(self._sides, blocks, strict=True))

    async def delivered(self) -> int:
        """How many messages are delivered, both ways."""
        counts = [await self._delivered[name].count(self._sent[name]) for name in self._sides]
        return sum(counts)

    async def drain(self, what: str) -> None:
        """Return when all that was dispatched is delivered; ``ProcessError`` when nothing moves."""
        last, moved = -1, time.monotonic()
        wanted = sum(self._sent.values())
        while (done := await self.delivered()) < wanted:
            if done != last:
                last, moved = done, time.monotonic()
            if time.monotonic() - moved > STALL_S:
                tail = self._world.processes.log_tail("relayer")
                raise ProcessError(
                    f"relayer: {wanted - done} messages stand still for {STALL_S:g} s:\n{tail}"
                )
            self._announce(f"{what}: {wanted - done:,} to go")
            await asyncio.sleep(POLL_S)

    async def final(self, blocks: dict[str, int]) -> None:
        """Return when these blocks are final."""
        for name, block in blocks.items():
            client = self._sides[name].client
            await _until(lambda: _is_final(client, block), POLL_S)  # noqa: B023

    async def backlog(self, count: int) -> dict[str, Any]:
        """How long a relayer takes from its start for ``count`` messages that wait for it."""
        self._world.processes.stop("relayer")
        self._announce(f"backlog of {count:,}: dispatching")
        await self.final(await self.dispatch(count))
        async with self.watching() as watch:
            began = time.monotonic()
            await self._world.up(ANY_PORTS, ChainKind.ANVIL)
            await self.drain(f"backlog of {count:,}")
            seconds = time.monotonic() - began
        return {
            "seconds": round(seconds, 2),
            "messages_per_s": round(count / seconds, 1),
            "rss_mib": round(watch.largest["relayer"] / MIB, 1),
            "cpu_s_per_1000": {
                name: round(used * 1_000 / count, 2) for name, used in watch.seconds.items()
            },
        }

    async def sustained(self, seconds: float) -> dict[str, Any]:
        """Messages delivered a second while more are dispatched than that."""
        began = time.monotonic()
        before = sum(self._sent.values())
        stop = asyncio.Event()

        async def load() -> None:
            while not stop.is_set():
                await self.dispatch(2 * DISPATCHES_A_TRANSACTION)
                due = began + (sum(self._sent.values()) - before) / self._offered
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), max(0.0, due - time.monotonic()))

        loading = asyncio.create_task(load())
        try:
            await _until(self._begun(before), POLL_S)
            async with self.watching() as watch:
                first, at = await self.delivered(), time.monotonic()
                while time.monotonic() - at < seconds:
                    self._announce(f"sustained: {seconds - (time.monotonic() - at):.0f} s to go")
                    await asyncio.sleep(POLL_S)
                last, until = await self.delivered(), time.monotonic()
                offered = (sum(self._sent.values()) - before) / (until - began)
        finally:
            stop.set()
            await loading
        await self.drain("sustained: what is left")
        count = last - first
        return {
            "messages_per_s": round(count / (until - at), 1),
            "offered_per_s": round(offered, 1),
            "seconds": round(until - at, 1),
            "rss_mib": round(watch.largest["relayer"] / MIB, 1),
            "cpu_s_per_1000": {
                name: round(used * 1_000 / count, 2) for name, used in watch.seconds.items()
            },
        }

    async def latency(self, samples: int) -> dict[str, float]:
        """Seconds from a message's block being final to the message being delivered."""
        found: list[float] = []
        for number in range(samples):
            self._announce(f"light load: {samples - number} to go")
            origin = list(self._sides)[number % 2]
            found.append(await self._one(origin))
            await asyncio.sleep(SPACING_S * (0.5 + number * 0.618 % 1))  # at any time of a poll
        return {
            "median": round(median(found), 3),
            "p99": round(quantiles(found, n=100, method="inclusive")[98], 3),
            "largest": round(max(found), 3),
        }

    async def _one(self, name: str) -> float:
        swarm = self._swarms[name]
        origin, destination = swarm.origin, swarm.destination
        nonce = self._sent[name]
        block = await swarm.dispatch(1, self._bodies[name])
        self._bodies[name] += 1
        self._sent[name] += 1
        await _until(lambda: _is_final(origin.client, block), EDGE_POLL_S)
        final = time.monotonic()
        while True:
            bits = await destination.inbox.call("deliveredWord", origin.domain, nonce // 256)
            if bits >> nonce % 256 & 1:
                return time.monotonic() - final
            if time.monotonic() - final > STALL_S:
                raise ProcessError(f"relayer: message {nonce} not delivered in {STALL_S:g} s")
            await asyncio.sleep(EDGE_POLL_S)

    def _begun(self, before: int) -> Callable[[], Awaitable[bool]]:
        """Whether more than ``before`` are delivered."""

        async def begun() -> bool:
            return await self.delivered() > before

        return begun

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Watch]:
        """What the processes use while the block inside runs."""
        watch = Watch()
        since = time.time()
        known: dict[str, psutil.Process] = {}
        began: dict[str, float] = {}

        def look() -> None:
            for name, record in self._world.processes.records().items():
                try:
                    if name not in known or known[name].pid != record.pid:
                        known[name] = psutil.Process(record.pid)
                        began[name] = _seconds(known[name]) if record.started < since else 0.0
                    watch.seconds[name] = _seconds(known[name]) - began[name]
                    rss = known[name].memory_info().rss
                    watch.largest[name] = max(watch.largest.get(name, 0), rss)
                except psutil.NoSuchProcess:
                    continue

        look()

        async def again() -> None:
            while True:
                await asyncio.sleep(POLL_S)
                look()

        looking = asyncio.create_task(again())
        try:
            yield watch
        finally:
            looking.cancel()
            look()


async def _until(true: Callable[[], Awaitable[bool]], pause_s: float) -> None:
    while not await true():  # noqa: ASYNC110 - a chain tells nobody
        await asyncio.sleep(pause_s)


async def _is_final(client: ChainClient, block: int) -> bool:
    return (await client.block("finalized")).number >= block


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def measure(
    announce: Announce,
    backlogs: tuple[int, ...] = BACKLOGS,
    sustained_s: float = SUSTAINED_S,
    samples: int = SAMPLES,
    offered: int = OFFERED_A_SECOND,
) -> dict[str, Any]:
    """All figures, by the names of ``astralink bench relay --json``."""
    binary = find_anvil()
    if binary is None:
        raise ProcessError("Anvil: not found; install Node.js, then run: make tools")
    with TemporaryDirectory(prefix="astralink-bench-") as folder:
        world = World(Layout(Path(folder) / "state"), announce, lasting=False)
        try:
            await world.up(ANY_PORTS, ChainKind.ANVIL)
            async with AsyncExitStack() as stack:
                config = world.config()
                records = read_deployment(config.relayer.deployment).sides
                sides = {
                    name: Side.of(
                        await stack.enter_async_context(chain_client(config, name)), record
                    )
                    for name, record in records.items()
                }
                bench = Bench(world, sides, announce, offered)
                await bench.deploy()
                figures: dict[str, Any] = {
                    "machine": {
                        "cores": os.cpu_count(),
                        "processor": platform.processor() or platform.machine(),
                        "anvil": anvil_version(binary),
                        "block_time_s": BLOCK_TIME_S,
                        "finality_blocks": FINALITY_BLOCKS,
                        "signers": "3, quorum 2",
                    },
                    "added_latency_s": await bench.latency(samples),
                }
                attestor = attestor_name(config.attestors[0])
                world.processes.stop(attestor)
                figures["added_latency_slh_dsa_s"] = await bench.latency(samples // 2)
                await world.up(ANY_PORTS, ChainKind.ANVIL)
                sustained = await bench.sustained(sustained_s)
                figures["messages_per_s"] = sustained["messages_per_s"]
                figures["sustained"] = sustained
                figures["backlog"] = {}
                for count in backlogs:
                    figures["backlog"][str(count)] = await bench.backlog(count)
                loads = [sustained, *figures["backlog"].values()]
                figures["rss_mib"] = max(one["rss_mib"] for one in loads)
                return figures
        finally:
            world.down()
