"""Distilled keys a second over a bundle of simulated links, end to end, in two processes.

Each process holds one end of every link; the sender of one link sits beside the receiver of the
next, so that both processes have the same to do. A link is one thread at either end and one stream
socket between them. What is timed, for each block: light with loss, noise, sifting, estimation,
reconciliation, verification, authentication, amplification at both ends, and a sealed container
written to each end's ring. Compiling is not: a block in one process comes before.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bridge.domain.errors import BlockRejected, LinkError, ProcessError
from bridge.quantum.distillation.bounds import binary_entropy
from bridge.quantum.ends.authentication import BLOCK_BYTES, OneTimeKeys
from bridge.quantum.ends.cascade import Pair
from bridge.quantum.ends.channel import ClassicalChannel
from bridge.quantum.ends.end import TAG_BITS, LinkParameters
from bridge.quantum.ends.halves import KeyBlock
from bridge.quantum.ends.medium import Light, Medium
from bridge.quantum.ends.receiver import ReceiverEnd
from bridge.quantum.ends.sender import SenderEnd
from bridge.quantum.ends.sink import ContainerRing
from bridge.quantum.kernels.processor import processor
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.randomness import Randomness

KEY_BITS = 256
RATES = (0.001, 0.01, 0.03)
AIMS = {"0.001": 2_500_000, "0.01": 1_500_000, "0.03": 700_000}
LINKS, SECONDS = 2, 10.0
WARM_UP_BLOCKS = 4
RING_SLOTS = 32

PUBLISHED = {
    "links": [
        {
            "who": "Li et al. 2023, arXiv 2307.02364",
            "what": "secret key over 10 km of fibre",
            "mbit_per_s": 115.8,
        },
        {
            "who": "Gruenenfelder et al. 2023, doi 10.1038/s41566-023-01168-2",
            "what": "secret key over 10 km of fibre",
            "mbit_per_s": 64.0,
        },
    ],
    "post_processing": [
        {
            "who": "Mao et al. 2021, arXiv 2101.12565",
            "what": "Cascade on a CPU, efficiency 1.038",
            "mbit_per_s": 570.0,
        },
        {"who": "modular hashing on a CPU", "what": "amplification", "mbit_per_s": 261.0},
        {"who": "FFT on a CPU", "what": "amplification", "mbit_per_s": 71.0},
    ],
}


@dataclass(frozen=True, slots=True)
class _Host:
    """What one process is started with: its ends' sockets and all that both ends share."""

    sockets: tuple[socket.socket, ...]
    sends: tuple[bool, ...]
    seeds: tuple[bytes, ...]
    shared_keys: tuple[bytes, ...]
    permutation_keys: tuple[bytes, ...]
    parameters: LinkParameters
    light: Light
    folder: Path


@dataclass(frozen=True, slots=True)
class _Counted:
    """What one end saw of one timed block."""

    latency_s: float
    key_bits: int
    used_bits: int
    leak_bits: int
    shannon_bits: float
    rounds: int
    pulses: int
    sifted: int


def measure(
    update: Callable[[str], None],
    rates: tuple[float, ...] = RATES,
    links: int = LINKS,
    seconds: float = SECONDS,
    block_bits: int = 1 << 20,
) -> dict[str, Any]:
    """The figures under stable names; ``update`` is told what is going on."""
    parameters = LinkParameters(block_bits=block_bits)
    update("compiling the kernels")
    with tempfile.TemporaryDirectory(prefix="astralink-bench-") as folder:
        _compile(Path(folder))
        figures: dict[str, Any] = {
            "simulated": True,
            "statement": f"simulated, a bundle of {links} links",
            "links": links,
            "processes": 2,
            "block_bits": block_bits,
            "sample_bits": parameters.sample_size,
            "epsilon_secrecy": parameters.epsilon_secrecy,
            "epsilon_correctness": parameters.epsilon_correctness,
            "link": _link_words(),
            "rates": {},
            "cascade": {},
            "aims_keys_per_s": AIMS,
            "published": PUBLISHED,
            "machine": _machine(),
        }
        for rate in rates:
            update(f"QBER {rate:.1%}: {links} links for {seconds:g} s")
            one, cascade = _measure_rate(rate, links, seconds, parameters, Path(folder))
            figures["rates"][f"{rate:g}"] = one
            figures["cascade"][f"{rate:g}"] = cascade
    return figures


def _light(rate: float) -> Light:
    channel, detector = Channel(), Detector()
    return Light(
        click=channel.transmittance * detector.efficiency,
        misalignment=rate,
        dark_count_probability=detector.dark_count_probability,
    )


def _link_words() -> dict[str, float]:
    channel, detector = Channel(), Detector()
    return {
        "length_km": channel.length_km,
        "loss_db_per_km": channel.loss_db_per_km,
        "detector_efficiency": detector.efficiency,
        "dark_count_probability": detector.dark_count_probability,
    }


def _machine() -> dict[str, Any]:
    features = processor()
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "bit_extract": features.bit_extract,
        "carry_less_multiply": features.carry_less,
        "wide_carry_less_multiply": features.wide_carry_less,
    }


def _hosts(
    rate: float, links: int, parameters: LinkParameters, folder: Path
) -> tuple[_Host, _Host]:
    pairs = [socket.socketpair() for _ in range(links)]
    seeds = tuple(os.urandom(32) for _ in range(links))
    keys = tuple(os.urandom(64 * BLOCK_BYTES) for _ in range(links))
    orders = tuple(os.urandom(32) for _ in range(links))
    sides = []
    for side in (0, 1):
        place = folder / f"{rate:g}-{side}"
        place.mkdir(exist_ok=True)
        sides.append(
            _Host(
                sockets=tuple(pair[side] for pair in pairs),
                sends=tuple((link + side) % 2 == 0 for link in range(links)),
                seeds=seeds,
                shared_keys=keys,
                permutation_keys=orders,
                parameters=parameters,
                light=_light(rate),
                folder=place,
            )
        )
    return sides[0], sides[1]


def _end(host: _Host, link: int) -> SenderEnd | ReceiverEnd:
    kind: type[SenderEnd] | type[ReceiverEnd] = SenderEnd if host.sends[link] else ReceiverEnd
    return kind(
        host.parameters,
        ClassicalChannel(host.sockets[link]),
        Medium(host.light, host.seeds[link]),
        OneTimeKeys(host.shared_keys[link]),
        Randomness.system(),
        host.permutation_keys[link],
    )


class _Runner:
    """The ends that one process holds, each with its ring."""

    def __init__(self, host: _Host) -> None:
        self.ends = [_end(host, link) for link in range(len(host.sockets))]
        for first, second in zip(self.ends[::2], self.ends[1::2], strict=False):
            first.cascade.pair = second.cascade.pair = Pair()
        slot = host.parameters.block_bits // 8 + 64
        self.rings = [
            ContainerRing(host.folder / f"link-{link}", os.urandom(32), RING_SLOTS, slot)
            for link in range(len(self.ends))
        ]

    def run(self, blocks: int) -> dict[str, Any]:
        """Run so many blocks of each link, all links at once."""
        counted: list[_Counted] = []
        rejected: list[str] = []
        failures: list[LinkError] = []
        for end in self.ends:
            end.stages.seconds.clear()

        def drive(link: int) -> None:
            end, ring = self.ends[link], self.rings[link]
            for _ in range(blocks):
                start = time.perf_counter()
                try:
                    block = end.run_block()
                except BlockRejected as rejection:
                    rejected.append(str(rejection))
                    continue
                except LinkError as failure:
                    failures.append(failure)
                    end.channel.close()
                    return
                with end.stages.measure("store"):
                    ring.put(block)
                counted.append(_count(block, time.perf_counter() - start))

        threads = [threading.Thread(target=drive, args=(link,)) for link in range(len(self.ends))]
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
        for ring in self.rings:
            ring.close()


def _count(block: KeyBlock, latency_s: float) -> _Counted:
    return _Counted(
        latency_s=latency_s,
        key_bits=block.key_bits,
        used_bits=block.length + block.sample_size,
        leak_bits=block.leak_bits - TAG_BITS,
        shannon_bits=block.length * binary_entropy(block.errors / block.length),
        rounds=block.rounds,
        pulses=block.pulses,
        sifted=block.sifted,
    )


def _host(host: _Host, orders: Connection) -> None:
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


def _compile(folder: Path) -> None:
    """Compile every kernel, once, by a small block in this process."""
    parameters = LinkParameters(block_bits=1 << 14, sample_size=1024)
    first, second = (_Runner(host) for host in _hosts(0.01, 2, parameters, folder))
    other = threading.Thread(target=first.run, args=(1,))
    other.start()
    second.run(1)
    other.join()
    first.close()
    second.close()


def _measure_rate(
    rate: float, links: int, seconds: float, parameters: LinkParameters, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    context = multiprocessing.get_context("spawn")
    hosts = _hosts(rate, links, parameters, folder)
    pipes = [context.Pipe() for _ in hosts]
    processes = [
        context.Process(target=_host, args=(host, pipe[1]), daemon=True)
        for host, pipe in zip(hosts, pipes, strict=True)
    ]
    try:
        for process in processes:
            process.start()
        for host in hosts:
            for connection in host.sockets:
                connection.close()

        def order(blocks: int) -> list[dict[str, Any]]:
            for ours, _ in pipes:
                ours.send(blocks)
            deadline = time.monotonic() + 60.0 + 20.0 * seconds
            answers = []
            for ours, _ in pipes:
                if not ours.poll(deadline - time.monotonic()):
                    raise ProcessError("an end of the links did not finish its blocks in time")
                answer = ours.recv()
                if isinstance(answer, LinkError):
                    raise answer
                answers.append(answer)
            return answers

        order(WARM_UP_BLOCKS)
        warm = order(WARM_UP_BLOCKS)
        each = max(run["seconds"] for run in warm) / WARM_UP_BLOCKS
        timed = order(max(8, round(seconds / each)))
        for ours, _ in pipes:
            ours.send(0)
        for process in processes:
            process.join(10.0)
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
    return _figures(warm, timed), _cascade(timed)


def _figures(warm: list[dict[str, Any]], timed: list[dict[str, Any]]) -> dict[str, Any]:
    elapsed = max(run["seconds"] for run in timed)
    # Either end of a link delivers the same keys: they are counted at one of them.
    bits = sum(block.key_bits for run in timed for block in run["blocks"]) / 2
    used = sum(block.used_bits for run in timed for block in run["blocks"]) / 2
    blocks = sum(len(run["blocks"]) for run in timed) / 2
    latencies = 1e3 * np.array([block.latency_s for run in timed for block in run["blocks"]])
    stages: dict[str, float] = {}
    for run in timed:
        for name, spent in run["stages"].items():
            stages[name] = stages.get(name, 0.0) + spent
    processor_s = sum(run["processor_s"] for run in timed)
    stages["other"] = max(0.0, processor_s - sum(stages.values()))
    whole = sum(stages.values())
    return {
        "keys_per_s": round(bits / KEY_BITS / elapsed),
        "key_mbit_per_s": round(bits / elapsed / 1e6, 1),
        "secret_fraction": round(bits / used, 4),
        "block_latency_ms": {
            "p50": round(float(np.percentile(latencies, 50)), 2),
            "p99": round(float(np.percentile(latencies, 99)), 2),
        },
        "stages": {name: round(spent / whole, 4) for name, spent in sorted(stages.items())},
        "processor_ms_per_block": round(1e3 * processor_s / blocks, 2),
        "pulses_per_s": round(
            sum(block.pulses for run in timed for block in run["blocks"]) / 2 / elapsed
        ),
        "blocks": round(blocks),
        "rejected": max(len(run["rejected"]) for run in timed),
        "seconds": round(elapsed, 2),
        "memory_mib": round(sum(run["rss"] for run in timed) / 2**20),
        "memory_growth_mib": round(
            sum(after["rss"] - before["rss"] for before, after in zip(warm, timed, strict=True))
            / 2**20,
            1,
        ),
    }


def _cascade(timed: list[dict[str, Any]]) -> dict[str, Any]:
    blocks = [block for run in timed for block in run["blocks"]]
    leak = sum(block.leak_bits for block in blocks)
    return {
        "efficiency": round(leak / sum(block.shannon_bits for block in blocks), 4),
        # The same transcript with the receiver's parities counted as well.
        "efficiency_both_directions": round(
            2 * leak / sum(block.shannon_bits for block in blocks), 4
        ),
        "rounds": round(sum(block.rounds for block in blocks) / len(blocks), 1),
    }
