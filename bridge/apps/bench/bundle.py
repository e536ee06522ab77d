"""A bundle of simulated links between two processes, and what each process does of it.

Each process holds one end of every link; the sender of one link sits beside the receiver of the
next, so that both processes have the same to do. A link is one thread at either end and one stream
socket between them.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import psutil

from bridge.domain.errors import BlockRejected, LinkError
from bridge.keyservice.database import open_database
from bridge.keyservice.intake import Overflow, PoolIntake, PoolSink
from bridge.keyservice.pool import PoolLimits
from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.ends.authentication import BLOCK_BYTES, OneTimeKeys
from bridge.quantum.ends.channel import RING_WORDS, ClassicalChannel
from bridge.quantum.ends.end import TAG_BITS, LinkParameters
from bridge.quantum.ends.halves import KeyBlock
from bridge.quantum.ends.medium import Light, Medium
from bridge.quantum.ends.receiver import ReceiverEnd
from bridge.quantum.ends.sender import SenderEnd
from bridge.quantum.ends.turns import together
from bridge.quantum.link.randomness import Randomness

POOL_BLOCKS = 64


@dataclass(frozen=True, slots=True)
class Host:
    """What one process is started with: its ends' sockets and all that both ends share."""

    side: int
    sockets: tuple[socket.socket, ...]
    rings: tuple[Path, ...]
    sends: tuple[bool, ...]
    seeds: tuple[bytes, ...]
    shared_keys: tuple[bytes, ...]
    permutation_keys: tuple[bytes, ...]
    sessions: tuple[UUID, ...]
    parameters: LinkParameters
    light: Light
    folder: Path


@dataclass(frozen=True, slots=True)
class Counted:
    """What one end saw of one timed block."""

    latency_s: float
    key_bits: int
    used_bits: int
    leak_bits: int
    shannon_bits: float
    rounds: int
    pulses: int
    sifted: int


def hosts(light: Light, links: int, parameters: LinkParameters, folder: Path) -> tuple[Host, Host]:
    """Both processes' parts of a bundle under fresh keys; their files go under ``folder``."""
    pairs = [socket.socketpair() for _ in range(links)]
    folder.mkdir(parents=True, exist_ok=True)
    rings = tuple(folder / f"rings-{link}" for link in range(links))
    for path in rings:
        np.zeros(2 * RING_WORDS, dtype=np.uint64).tofile(path)
    seeds = tuple(os.urandom(32) for _ in range(links))
    keys = tuple(os.urandom(64 * BLOCK_BYTES) for _ in range(links))
    orders = tuple(os.urandom(32) for _ in range(links))
    sessions = tuple(uuid4() for _ in range(links))
    sides = []
    for side in (0, 1):
        place = folder / f"side-{side}"
        place.mkdir(parents=True, exist_ok=True)
        sides.append(
            Host(
                side=side,
                sockets=tuple(pair[side] for pair in pairs),
                rings=rings,
                sends=tuple((link + side) % 2 == 0 for link in range(links)),
                seeds=seeds,
                shared_keys=keys,
                permutation_keys=orders,
                sessions=sessions,
                parameters=parameters,
                light=light,
                folder=place,
            )
        )
    return sides[0], sides[1]


def _end(host: Host, link: int) -> SenderEnd | ReceiverEnd:
    kind: type[SenderEnd] | type[ReceiverEnd] = SenderEnd if host.sends[link] else ReceiverEnd
    rings = np.asarray(np.memmap(host.rings[link], dtype=np.uint64, shape=(2, RING_WORDS)))
    return kind(
        host.parameters,
        ClassicalChannel(host.sockets[link], rings=(rings[host.side], rings[1 - host.side])),
        Medium(host.light, host.seeds[link]),
        OneTimeKeys(host.shared_keys[link]),
        Randomness.system(),
        host.permutation_keys[link],
    )


class _Runner:
    """The ends that one process holds, and their pool; two at a time run in one thread."""

    def __init__(self, host: Host) -> None:
        self.ends = [_end(host, link) for link in range(len(host.sockets))]
        self.database = open_database(host.folder / "pool.sqlite", host.folder / "sealing-key")
        most = POOL_BLOCKS * host.parameters.block_bits
        # The keys are taken as fast as they come, so that a long run needs no more room.
        limits = PoolLimits(high_bits=most, low_bits=most // 2)
        self.intake = PoolIntake(self.database, limits, Overflow.DROP_OLDEST)
        self.sinks = [
            PoolSink(self.intake, f"simulated-{link}", session)
            for link, session in enumerate(host.sessions)
        ]

    def run(self, blocks: int) -> dict[str, Any]:
        """Run so many blocks of each link, all links at once."""
        counted: list[Counted] = []
        rejected: list[str] = []
        failures: list[LinkError] = []
        for end in self.ends:
            end.stages.seconds.clear()

        def keep(outcomes: dict[int, KeyBlock | BlockRejected], start: float) -> None:
            rejected.extend(str(one) for one in outcomes.values() if isinstance(one, BlockRejected))
            blocks = {n: one for n, one in outcomes.items() if isinstance(one, KeyBlock)}
            with self.ends[next(iter(outcomes))].stages.measure("store"):
                self.intake.put_all([self.sinks[n].named(one) for n, one in blocks.items()])
            latency = time.perf_counter() - start
            counted.extend(_count(block, latency) for block in blocks.values())

        def drive(links: list[int]) -> None:
            senders = [link for link in links if isinstance(self.ends[link], SenderEnd)]
            try:
                for _ in range(blocks):
                    start = time.perf_counter()
                    if len(links) == 2 and len(senders) == 1:
                        order = sorted(links, key=senders.count, reverse=True)
                        both = together(*(self.ends[link].turns() for link in order))
                        keep(dict(zip(order, both, strict=True)), start)
                        continue
                    for link in links:
                        try:
                            keep({link: self.ends[link].run_block()}, start)
                        except BlockRejected as rejection:
                            keep({link: rejection}, start)
            except LinkError as failure:
                failures.append(failure)
                for link in links:
                    self.ends[link].channel.close()

        count = len(self.ends)
        threads = [
            threading.Thread(target=drive, args=([*range(link, min(link + 2, count))],))
            for link in range(0, count, 2)
        ]
        processor_before = time.process_time()
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        stages: dict[str, float] = {}
        for end in self.ends:
            for name, spent in end.stages.seconds.items():
                stages[name] = stages.get(name, 0.0) + spent
        return {
            "seconds": time.perf_counter() - start,
            "processor_s": time.process_time() - processor_before,
            "blocks": counted,
            "rejected": rejected,
            "stages": stages,
            "rss": psutil.Process().memory_info().rss,
        }

    def close(self) -> None:
        """Close sockets and files."""
        for end in self.ends:
            end.channel.close()
        self.intake.close()
        self.database.close()


def _count(block: KeyBlock, latency_s: float) -> Counted:
    return Counted(
        latency_s=latency_s,
        key_bits=block.key_bits,
        used_bits=block.length + block.sample_size,
        leak_bits=block.leak_bits - TAG_BITS,
        shannon_bits=block.length * binary_entropy(block.errors / block.length),
        rounds=block.rounds,
        pulses=block.pulses,
        sifted=block.sifted,
    )


def run_host(host: Host, orders: Connection) -> None:
    """A process: run as many blocks as it is told, until it is told none."""
    runner = _Runner(host)
    try:
        while blocks := orders.recv():
            try:
                orders.send(runner.run(blocks))
            except LinkError as error:
                orders.send(error)
                return
    finally:
        runner.close()


def compile_kernels(light: Light, folder: Path) -> None:
    """Compile every kernel, once, by a small block in this process."""
    parameters = LinkParameters(block_bits=1 << 14, sample_size=1024)
    first, second = (_Runner(host) for host in hosts(light, 2, parameters, folder))
    other = threading.Thread(target=first.run, args=(1,))
    other.start()
    second.run(1)
    other.join()
    first.close()
    second.close()
