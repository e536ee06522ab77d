"""Correction measured: latency of a shot, logical errors however rare, Lambda, streaming.

All under uniform depolarising noise, on rotated surface codes for as many rounds as their distance,
by plain matching. Errors are measured by strata, and counted too where plain counting sees them.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bridge.apps.qec.threshold_study import GOOGLE, study_threshold
from bridge.domain.errors import InputError
from bridge.quantum.codes.confidence import CONFIDENCE, Rate
from bridge.quantum.codes.counting import count_failures
from bridge.quantum.codes.decoders import compile_decoder
from bridge.quantum.codes.experiment import check_memory
from bridge.quantum.codes.latency import Latency, correction_latency
from bridge.quantum.codes.memory_rates import METHOD, measured_memory
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.surface import surface_memory
from bridge.quantum.codes.threshold import suppression
from bridge.quantum.codes.windows import WindowedDecoder

NOISE = 0.001
DISTANCES = (3, 5, 7, 9, 11, 13)
SHOTS = {3: 500_000, 5: 1_000_000, 7: 3_000_000, 9: 6_000_000, 11: 20_000_000, 13: 100_000_000}
"""Of the strata, with ``scale`` 1."""
COUNTED = {3: 500_000, 5: 1_000_000, 7: 2_000_000}
"""Of plain counting beside them."""
LATENCY_SHOTS, LATENCY_RUNS = 10_000, 3
AIMS = {
    "latency_p99_us": 200.0,
    "latency_median_us": 40.0,
    "per_shot_13": 1e-7,
    "per_round_11": 1e-7,
}
THRESHOLD_NOISE = (0.004, 0.006, 0.008, 0.01, 0.011, 0.012, 0.014)
PATCHES, STREAM_ROUNDS, CYCLE_US = 64, 130, 1.1
"""Both ends of 32 stored pairs: a channel's patches. The cycle is Google's."""

Update = Callable[[str, float], None]
"""Is told what is going on, and what share of it all is done."""


def measure(
    update: Update,
    distances: tuple[int, ...] = DISTANCES,
    noise: float = NOISE,
    scale: float = 1.0,
    seed: int = 1,
) -> dict[str, Any]:
    """The figures under stable names; ``scale`` multiplies the numbers of shots."""
    uniform = CircuitNoise.uniform(noise)
    if not 0.0 < scale <= 100.0:
        raise InputError(f"scale: expected above 0, at most 100, got {scale}")
    for distance in distances:
        check_memory(distance, distance)
    update("latency", 0.0)
    latency = {str(d): _latency(d, uniform, seed) for d in distances}
    update("streaming", 0.0)
    streaming = _streaming(max(distances), uniform, seed)
    errors = _errors(distances, uniform, scale, seed, update)
    update("threshold", 1.0)
    return {
        "simulated": True,
        "code": "rotated surface code, memory in Z, as many rounds as the distance",
        "decoder": "matching",
        "noise": noise,
        "confidence": CONFIDENCE,
        "latency": {d: asdict(one) for d, one in latency.items()},
        "logical_error": {d: one for d, (one, _) in errors.items()},
        "lambda": _lambda({int(d): rate for d, (_, rate) in errors.items()}),
        "threshold": _threshold(scale, seed),
        "streaming": streaming,
        "aims": AIMS,
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
    }


def _latency(distance: int, noise: CircuitNoise, seed: int) -> Latency:
    """The run with the smallest 99th percentile: the others shared the processor."""
    memory = surface_memory(distance, distance, noise)
    decoder = compile_decoder("matching", memory.circuit)
    events, _ = memory.sample(LATENCY_SHOTS, seed)
    runs = [correction_latency(decoder, events) for _ in range(LATENCY_RUNS)]
    return min(runs, key=lambda run: run.p99_us)


def _errors(
    distances: tuple[int, ...], noise: CircuitNoise, scale: float, seed: int, update: Update
) -> dict[str, tuple[dict[str, Any], Rate]]:
    plan = {d: max(5_000, round(scale * SHOTS.get(d, max(SHOTS.values())))) for d in distances}
    # A shot's time grows about with the patch's volume.
    total = sum(shots * d**3 for d, shots in plan.items())
    done = 0.0
    found = {}
    for distance, shots in plan.items():

        def step(count: int, distance: int = distance) -> None:
            nonlocal done
            done += count * distance**3
            update(f"rare failures at distance {distance}", min(done / total, 1.0))

        result = measured_memory(distance, noise, shots, seed, step)
        rate = result.rate()
        a_round = rate.per_round(distance)
        one = {
            "per_shot": rate.value,
            "per_round": a_round.value,
            "lower_95": rate.lower,
            "upper_95": rate.upper,
            "per_round_upper_95": a_round.upper,
            "method": METHOD,
            "shots": result.shots,
            "failures": result.failures,
            "rounds": distance,
            "qubits": 2 * distance**2 - 1,
        }
        if distance in COUNTED:
            memory = surface_memory(distance, distance, noise)
            decoder = compile_decoder("matching", memory.circuit)
            counted = count_failures(memory, decoder, round(scale * COUNTED[distance]) or 1, seed)
            plain = counted.rate()
            one["counted"] = {
                "shots": counted.shots,
                "failures": counted.failures,
                "per_shot": plain.value,
                "lower_95": plain.lower,
                "upper_95": plain.upper,
            }
        found[str(distance)] = (one, a_round)
    return found


def _lambda(rates: dict[int, Rate]) -> dict[str, Any]:
    seen = {d: rate for d, rate in rates.items() if rate.value > 0.0}
    fit = suppression(seen) if len(seen) > 1 else None
    return {
        "value": None if fit is None else fit.factor,
        "standard_error": None if fit is None else fit.standard_error,
        "distances": sorted(seen),
        "published": GOOGLE,
    }


def _threshold(scale: float, seed: int) -> dict[str, Any]:
    shots = max(2_000, round(20_000 * min(scale, 1.0)))
    study = study_threshold((5, 7, 9), THRESHOLD_NOISE, shots, "matching", seed, lambda _: None)
    return {
        "crossings": {f"{a},{b}": p for (a, b), p in study.crossings().items()},
        "points": {
            str(d): {f"{p:g}": rate.value for p, rate in zip(study.noise, rates, strict=True)}
            for d, rates in study.rates.items()
        },
    }


def _streaming(distance: int, noise: CircuitNoise, seed: int) -> dict[str, Any]:
    windows = WindowedDecoder(distance, noise)
    memory = surface_memory(distance, STREAM_ROUNDS, noise)
    events, _ = memory.sample(PATCHES, seed)
    windows.decode_batch(events, STREAM_ROUNDS)
    seconds = []
    for _ in range(LATENCY_RUNS):
        before = time.perf_counter()
        windows.decode_batch(events, STREAM_ROUNDS)
        seconds.append(time.perf_counter() - before)
    us = 1e6 * min(seconds) / PATCHES / STREAM_ROUNDS
    return {
        "distance": distance,
        "commit": windows.commit,
        "buffer": windows.buffer,
        "patches": PATCHES,
        "us_per_round_per_patch": us,
        "patch_rounds_per_s": 1e6 / us,
        "rounds_per_s_all_patches": 1e6 / us / PATCHES,
        "cycle_us": CYCLE_US,
        "cores_for_all_patches": PATCHES * us / CYCLE_US,
    }
