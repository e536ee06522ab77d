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


def _measure_rate(
    rate: float, links: int, seconds: float, parameters: LinkParameters, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
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
        "keys_per_processor_s": round(bits / KEY_BITS / processor_s),
        "processors_busy": round(processor_s / elapsed, 3),
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
