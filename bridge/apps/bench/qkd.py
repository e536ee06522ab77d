"""Distilled keys a second over a bundle of simulated links, end to end, in two processes.

What is timed, for each block: light with loss, noise, sifting, estimation, reconciliation,
verification, authentication, amplification at both ends, and the key put into each process's pool
on disk. Compiling is not: a block in one process comes before. A machine that does other work
too is slower by the clock, so keys are also counted for each second of a processor.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import tempfile
import time
from array import array
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bridge.apps.bench.bundle import compile_kernels, hosts, run_host
from bridge.domain.errors import LinkError, ProcessError
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.ends.medium import Light
from bridge.quantum.kernels.processor import processor
from bridge.quantum.link.channel import Channel
from bridge.quantum.link.detector import Detector

KEY_BITS = 256
RATES = (0.001, 0.01, 0.03)
AIMS = {"0.001": 2_500_000, "0.01": 1_500_000, "0.03": 700_000}
LINKS, SECONDS = 2, 10.0
WARM_UP_BLOCKS = 4
# A long measurement is ordered in parts: between them it says how far it is and reads the memory.
PART_S = 20.0
FIRST_S = 60.0
LEAST_BLOCKS = 8
MIB = 2**20
SUMMED = ("key_bits", "used_bits", "leak_bits", "shannon_bits", "rounds", "pulses")

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
            "who": "Mao et al. 2021, arXiv 2101.12565 (preprint; its journal version is retracted)",
            "what": "Cascade on a CPU, efficiency 1.038",
            "mbit_per_s": 570.0,
        },
        {"who": "modular hashing on a CPU", "what": "amplification", "mbit_per_s": 261.0},
        {"who": "FFT on a CPU", "what": "amplification", "mbit_per_s": 71.0},
    ],
}


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
        compile_kernels(_light(0.01), Path(folder) / "compiling")
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
            timed = _measure_rate(update, rate, links, seconds, parameters, Path(folder))
            figures["rates"][f"{rate:g}"] = _figures(timed)
            figures["cascade"][f"{rate:g}"] = _cascade(timed)
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


class Timed:
    """What was timed, part by part: sums over both processes, and each part's memory in bytes."""

    def __init__(self) -> None:
        self.elapsed = self.processor_s = 0.0
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.stages: defaultdict[str, float] = defaultdict(float)
        self.latencies_s = array("d")
        self.rejected = 0
        self.memory: list[int] = []

    @property
    def blocks(self) -> float:
        """Blocks of all links. Both ends of a link deliver the same: they are counted at one."""
        return len(self.latencies_s) / 2

    def half(self, name: str) -> float:
        """A sum over blocks, counted at one end of each link."""
        return self.sums[name] / 2

    def add(self, runs: list[dict[str, Any]]) -> None:
        """Add one part, as both processes answered it."""
        self.elapsed += max(run["seconds"] for run in runs)
        self.processor_s += sum(run["processor_s"] for run in runs)
        self.rejected += max(len(run["rejected"]) for run in runs)
        self.memory.append(sum(run["rss"] for run in runs))
        for run in runs:
            for name, spent in run["stages"].items():
                self.stages[name] += spent
            for block in run["blocks"]:
                self.latencies_s.append(block.latency_s)
                for name in SUMMED:
                    self.sums[name] += getattr(block, name)


def _measure_rate(
    update: Callable[[str], None],
    rate: float,
    links: int,
    seconds: float,
    parameters: LinkParameters,
    folder: Path,
) -> Timed:
    words = f"QBER {rate:.1%}: {links} links"
    context = multiprocessing.get_context("spawn")
    sides = hosts(_light(rate), links, parameters, folder / f"{rate:g}")
    pipes = [context.Pipe() for _ in sides]
    processes = [
        context.Process(target=run_host, args=(host, pipe[1]), daemon=True)
        for host, pipe in zip(sides, pipes, strict=True)
    ]
    try:
        for process in processes:
            process.start()
        for host in sides:
            for connection in host.sockets:
                connection.close()

        def order(blocks: int, within_s: float) -> list[dict[str, Any]]:
            for ours, _ in pipes:
                ours.send(blocks)
            deadline = time.monotonic() + within_s
            answers = []
            for ours, _ in pipes:
                if not ours.poll(deadline - time.monotonic()):
                    raise ProcessError("an end of the links did not finish its blocks in time")
                answer = ours.recv()
                if isinstance(answer, LinkError):
                    raise answer
                answers.append(answer)
            return answers

        order(WARM_UP_BLOCKS, FIRST_S)
        warm = order(WARM_UP_BLOCKS, FIRST_S)
        each = max(run["seconds"] for run in warm) / WARM_UP_BLOCKS
        timed = Timed()
        while timed.elapsed < seconds:
            done = f": {timed.elapsed / seconds:.0%}" if timed.blocks else ""
            update(f"{words} for {seconds:g} s{done}")
            length = min(PART_S, seconds - timed.elapsed)
            blocks = max(LEAST_BLOCKS, round(length / each))
            part = order(blocks, FIRST_S + 20.0 * length)
            timed.add(part)
            each = max(run["seconds"] for run in part) / blocks
        for ours, _ in pipes:
            ours.send(0)
        for process in processes:
            process.join(10.0)
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
    return timed


def _figures(timed: Timed) -> dict[str, Any]:
    bits = timed.half("key_bits")
    latencies = 1e3 * np.array(timed.latencies_s)
    stages = dict(timed.stages)
    stages["other"] = max(0.0, timed.processor_s - sum(stages.values()))
    whole = sum(stages.values())
    return {
        "keys_per_s": round(bits / KEY_BITS / timed.elapsed),
        "keys_per_processor_s": round(bits / KEY_BITS / timed.processor_s),
        "processors_busy": round(timed.processor_s / timed.elapsed, 3),
        "key_mbit_per_s": round(bits / timed.elapsed / 1e6, 1),
        "secret_fraction": round(bits / timed.half("used_bits"), 4),
        "block_latency_ms": {
            "p50": round(float(np.percentile(latencies, 50)), 2),
            "p99": round(float(np.percentile(latencies, 99)), 2),
        },
        "stages": {name: round(spent / whole, 4) for name, spent in sorted(stages.items())},
        "processor_ms_per_block": round(1e3 * timed.processor_s / timed.blocks, 2),
        "pulses_per_s": round(timed.half("pulses") / timed.elapsed),
        "blocks": round(timed.blocks),
        "rejected": timed.rejected,
        "seconds": round(timed.elapsed, 2),
        # Of both processes together, after the last part, and how much it grew since the first.
        "memory_mib": round(timed.memory[-1] / MIB, 1),
        "memory_growth_mib": round((timed.memory[-1] - timed.memory[0]) / MIB, 1),
        "memory_most_mib": round(max(timed.memory) / MIB, 1),
    }


def _cascade(timed: Timed) -> dict[str, Any]:
    efficiency = timed.sums["leak_bits"] / timed.sums["shannon_bits"]
    return {
        "efficiency": round(efficiency, 4),
        # The same transcript with the receiver's parities counted as well.
        "efficiency_both_directions": round(2 * efficiency, 4),
        "rounds": round(timed.sums["rounds"] / len(timed.latencies_s), 1),
    }
