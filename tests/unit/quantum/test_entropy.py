"""Health tests and estimates of SP 800-90B: cut-offs, sources that fail, sources of known worth."""

import math
import os

import numpy as np
import pytest
from scipy import stats

from bridge.domain.errors import InputError, SourceUnhealthy
from bridge.quantum.distillation.pipeline import BlockParameters, distil_block
from bridge.quantum.entropy.assess import LEAST_BITS, assess
from bridge.quantum.entropy.health import (
    WINDOW,
    HealthTests,
    proportion_cutoff,
    repetition_cutoff,
)
from bridge.quantum.entropy.source import CheckedSource, checked_randomness
from bridge.quantum.link.randomness import Randomness

LONG = 1_000_000 if os.environ.get("LINK_STATISTICS") else 60_000


@pytest.mark.parametrize(
    ("min_entropy", "false_alarm", "cutoff"),
    [(1.0, 2.0**-20, 21), (1.0, 2.0**-30, 31), (8.0, 2.0**-20, 4), (0.5, 2.0**-30, 61)],
)
def test_the_repetition_cutoff_is_the_standards(
    min_entropy: float, false_alarm: float, cutoff: int
) -> None:
    assert repetition_cutoff(min_entropy, false_alarm) == cutoff


def test_the_proportion_cutoff_is_the_standards() -> None:
    # 325 and 422 are the cut-offs of the Linux kernel's jitter source for H = 1 and 1/2.
    assert proportion_cutoff(1.0, 2.0**-30) == 325
    assert proportion_cutoff(0.5, 2.0**-30) == 422
    for min_entropy in (0.2, 1.0, 3.5, 7.0, 8.0):
        for false_alarm in (2.0**-20, 2.0**-40):
            critical = stats.binom.isf(false_alarm, WINDOW, 2.0**-min_entropy)
            assert proportion_cutoff(min_entropy, false_alarm) == 1 + critical


def by_hand(samples: bytes, repetition: int, proportion: int) -> str | None:
    """The standard's own steps, one sample at a time: the test that fails first, if any."""
    last, run = -1, 0
    for start in range(0, len(samples), WINDOW):
        count = 0
        for sample in samples[start : start + WINDOW]:
            run = run + 1 if sample == last else 1
            last = sample
            if run >= repetition:
                return "repetition count"
            count += sample == samples[start]
            if count >= proportion:
                return "adaptive proportion"
    return None


@pytest.mark.parametrize("seed", range(12))
def test_the_tests_fail_where_the_standards_steps_do_however_the_stream_is_cut(seed: int) -> None:
    noise = np.random.default_rng(seed)
    likely = (0.0, 0.02, 0.15, 0.3)[seed % 4]
    samples = np.where(noise.random(20_000) < likely, 7, noise.integers(0, 256, 20_000))
    data = samples.astype(np.uint8).tobytes()
    tests = HealthTests(6.0, 2.0**-20)
    expected = by_hand(data, repetition_cutoff(6.0, 2.0**-20), proportion_cutoff(6.0, 2.0**-20))
    failed = None
    position = 0
    try:
        while position < len(data):
            step = int(noise.integers(0, 700))
            tests.feed(np.frombuffer(data[position : position + step], dtype=np.uint8))
            position += step
    except SourceUnhealthy as failure:
        failed = failure.test
    assert failed == expected
    assert (likely >= 0.15) == (failed is not None)


def test_a_sound_source_passes_and_gives_its_own_bytes() -> None:
    given = np.random.default_rng(1).bytes(1 << 20)
    position = 0

    def source(count: int) -> bytes:
        nonlocal position
        position += count
        return given[position - count : position]

    tested = CheckedSource(source)
    assert tested.read(1000) == given[1024:2024]
    assert tested.read(0) == b""
    assert tested.tested == 2024
    words = np.zeros(3, dtype=np.uint64)
    tested.fill(words)
    assert words.tobytes() == given[2024:2048]


@pytest.mark.parametrize(
    ("bad", "test"),
    [
        (lambda n: b"\x00" * n, "repetition count"),
        (lambda n: (b"\x00\xff" * n)[:n], "adaptive proportion"),
        (lambda n: bytes(b & 1 for b in os.urandom(n)), "repetition|proportion"),
    ],
)
def test_a_broken_source_never_starts(bad, test: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SourceUnhealthy, match=test):
        CheckedSource(bad)


def test_a_source_that_breaks_stops_the_link_and_stays_stopped() -> None:
    drawn = 0

    def source(count: int) -> bytes:
        nonlocal drawn
        drawn += count
        return os.urandom(count) if drawn < 200_000 else b"\x55" * count

    tested = CheckedSource(source)
    rng = Randomness(tested, reproducible=False)
    with pytest.raises(SourceUnhealthy, match="expected fewer than"):
        distil_block(BlockParameters(), rng)
    before = drawn
    with pytest.raises(SourceUnhealthy):
        rng.secret_bytes(1)
    assert drawn == before
    assert not SourceUnhealthy.retryable


def test_a_block_runs_on_checked_randomness() -> None:
    block = distil_block(BlockParameters(), checked_randomness())
    assert block.counts.key_bits > 4096


@pytest.mark.parametrize(
    "build",
    [
        lambda: repetition_cutoff(0.0),
        lambda: repetition_cutoff(9.0),
        lambda: proportion_cutoff(1.0, false_alarm=0.6),
        lambda: proportion_cutoff(1.0, window=1),
        lambda: assess(np.zeros(LEAST_BITS - 1, dtype=np.uint8)),
        lambda: assess(np.full(LEAST_BITS, 2, dtype=np.uint8)),
        lambda: assess(np.zeros(LEAST_BITS, dtype=np.int64)),
    ],
)
def test_what_cannot_be_tested_is_refused(build) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="expected"):
        build()


def test_an_ideal_source_is_worth_nearly_a_bit() -> None:
    bits = np.random.default_rng(2).integers(0, 2, LONG, dtype=np.uint8)
    seen = assess(bits)
    assert len(seen.estimates) == 10
    assert all(0.0 <= value <= 1.0 for value in seen.estimates.values())
    # The compression estimate is far below for short sequences, as the standard's own tool has it.
    assert 0.6 < seen.min_entropy < 0.95
    for name in ("most common value", "Markov", "MultiMCW", "lag", "MultiMMC", "LZ78Y"):
        assert seen.estimates[name] > 0.95


@pytest.mark.parametrize("p", [0.6, 0.75, 0.9])
def test_a_biased_source_is_worth_no_more_than_its_bias(p: float) -> None:
    bits = (np.random.default_rng(3).random(LONG) < p).astype(np.uint8)
    truth = -math.log2(p)
    seen = assess(bits)
    assert seen.min_entropy <= truth * 1.01
    assert seen.min_entropy > 0.3 * truth
    for name in ("most common value", "collision", "Markov", "t-tuple", "MultiMCW", "LZ78Y"):
        assert seen.estimates[name] == pytest.approx(truth, abs=0.08)


def test_a_sticky_source_is_caught_by_what_looks_at_order() -> None:
    flips = np.random.default_rng(4).random(LONG) < 0.25
    bits = (np.cumsum(flips) % 2).astype(np.uint8)
    seen = assess(bits).estimates
    truth = -math.log2(0.75)
    assert seen["most common value"] > 0.9
    for name in ("Markov", "lag", "MultiMMC", "LZ78Y"):
        assert seen[name] == pytest.approx(truth, abs=0.05)


def test_a_periodic_source_is_worth_nothing() -> None:
    noise = np.random.default_rng(5).integers(0, 2, 100, dtype=np.uint8)
    seen = assess(np.tile(noise, LONG // 100))
    assert seen.estimates["most common value"] > 0.7
    assert seen.estimates["lag"] < 0.01
    assert seen.min_entropy < 0.01
    assert assess(np.zeros(LEAST_BITS, dtype=np.uint8)).min_entropy == 0.0
