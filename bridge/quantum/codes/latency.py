"""How long the correction of one shot takes, through `Decoder.correct`."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.codes.decoders import Decoder
from bridge.quantum.codes.experiment import Packed


@dataclass(frozen=True, slots=True)
class Latency:
    """Times of single corrections, one after the other, in microseconds."""

    shots: int
    median_us: float
    p99_us: float
    largest_us: float


def correction_latency(decoder: Decoder, detection_events: Packed) -> Latency:
    """Each row of ``detection_events`` corrected by itself, and timed.

    The first hundred rows are corrected once before, and not timed.
    """
    if len(detection_events) < 1:
        raise InputError("detection events: expected at least 1 shot, got 0")
    for row in detection_events[:100]:
        decoder.correct(row)
    times_ns = np.empty(len(detection_events), dtype=np.int64)
    clock = time.perf_counter_ns
    for at, row in enumerate(detection_events):
        before = clock()
        decoder.correct(row)
        times_ns[at] = clock() - before
    median, p99 = np.percentile(times_ns, (50, 99)) / 1e3
    return Latency(len(times_ns), float(median), float(p99), float(times_ns.max()) / 1e3)
