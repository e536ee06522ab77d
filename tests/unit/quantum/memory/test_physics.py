"""What takes many shots: short here, long under PHYSICS=1."""

import asyncio
import os

import numpy as np
import pytest

from bridge.apps.state.storage import storage_study
from bridge.domain.errors import BlockRejected
from bridge.quantum.basis import Basis
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.distribution.generation import QuantumKeyDistribution
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.memory.correction import QuantumErrorCorrection
from bridge.quantum.memory.frame import MATCHING, Decoder
from bridge.quantum.memory.holding import PatchMemory
from bridge.quantum.memory.lane import MemoryLane
from bridge.quantum.memory.measured import MeasuredErrors, measure
from bridge.quantum.memory.protection import SlowNoise, phase_variance, sampled_coherence

LONG = os.environ.get("PHYSICS") == "1"
long_run = pytest.mark.skipif(not LONG, reason="long: make verify-physics runs it")
pytestmark = [pytest.mark.usefixtures("compiled"), pytest.mark.timeout(1800 if LONG else 300)]

P01 = CircuitNoise.uniform(1e-3)
SMALL = LinkParameters(block_bits=1 << 14, sample_size=1024)


def compose(distance: int, shots: int) -> None:
    """The flip of one round, from a short wait, foretells a long one within five deviations."""
    rng = np.random.default_rng(distance)
    for basis in Basis:
        short = measure(PatchMemory(distance, 4 * distance, P01), basis, shots, rng)
        long = measure(PatchMemory(distance, 16 * distance, P01), basis, shots, rng)
        expected = short.over(16 * distance)
        spread = (expected / shots + 16 * short.per_shot / shots) ** 0.5
        # The first and the last round are not like the others: a twentieth beside the spread.
        assert abs(long.per_shot - expected) < 5 * spread + 0.05 * expected


def test_rounds_compose() -> None:
    compose(3, 20_000)


@long_run
@pytest.mark.parametrize("distance", [3, 5])
def test_rounds_compose_long(distance: int) -> None:
    compose(distance, 400_000)


def agree(block_bits: int, blocks: int) -> None:
    """The counted QBER of encoded blocks is the formula's, block after block."""
    lane = MemoryLane.encoded(
        PatchMemory(3, 30, P01), logical_errors=MeasuredErrors(P01, shots=200_000)
    )
    parameters = LinkParameters(block_bits, 1024)
    errors = 0
    for _ in range(blocks):
        system = QuantumKeyDistribution(parameters=parameters, memory=lane)
        keys = QuantumErrorCorrection().apply_correction(asyncio.run(system.generate_keys()))
        errors += keys.block.errors
    expected = lane.expected_qber() * block_bits * blocks
    assert abs(errors - expected) < 5 * expected**0.5 + 0.03 * expected


def test_the_qber_is_the_formulas() -> None:
    agree(1 << 14, 1)


@long_run
def test_the_qber_is_the_formulas_long() -> None:
    agree(1 << 17, 8)


def never_a_key(blocks: int) -> None:
    """Frames that are wrong in a share of the pairs, from none to all: the same key or no key."""
    rng = np.random.default_rng(3)
    lane = MemoryLane.encoded(PatchMemory(3, 10, P01))
    outcomes = []
    for number in range(blocks):
        share = number / (2.0 * (blocks - 1))

        def careless(model: object, share: float = share) -> object:
            right = MATCHING.compile(model)
            return lambda events: right(events) ^ (rng.random(len(events)) < share)

        decoder = Decoder(f"careless {share}", careless)  # type: ignore[arg-type]
        system = QuantumKeyDistribution(parameters=SMALL, memory=lane)
        keys = asyncio.run(system.generate_keys())
        try:
            # `CorrectedKeys.of` compares both ends' keys bit by bit, which no real end could.
            corrected = QuantumErrorCorrection(decoders=[decoder]).apply_correction(keys)
            outcomes.append(corrected.key_bits)
        except BlockRejected:
            outcomes.append(0)
    assert outcomes[0] > 5000
    assert not any(outcomes[blocks // 4 :])  # a frame wrong in an eighth of the pairs, and worse


def test_a_wrong_frame_never_ends_in_two_keys() -> None:
    never_a_key(6)


@long_run
def test_a_wrong_frame_never_ends_in_two_keys_long() -> None:
    never_a_key(200)


@long_run
def test_encoded_pairs_outlive_bare_ones_by_orders() -> None:
    study = storage_study(
        P01,
        MeasuredErrors(P01, shots=400_000),
        (3, 5, 7),
        MemoryLane.bare(0.0),
        encoded_times_s=(50e-6, 200e-6, 500e-6),
    )
    kept = {s.distance: [p.secret_fraction > 0.0 for p in s.points] for s in study.series}
    assert kept[0] == [True, True, True, True, True, False, False]
    assert kept[3] == [True, False, False]
    assert kept[5] == [True, True, True]
    assert kept[7] == [True, True, True]
    for series in study.series:
        at, finite, _ = np.array(series.curve).T
        for point in series.points:
            expected = float(np.interp(point.held_s, at, finite))
            assert point.secret_fraction == pytest.approx(expected, abs=0.06)


@long_run
@pytest.mark.parametrize("pulses", [0, 1, 2, 5, 32])
@pytest.mark.parametrize("tau", [1e-6, 20e-6, 1e-3])
def test_a_million_wanders(pulses: int, tau: float) -> None:
    noise = SlowNoise(3e4, tau)
    rng = np.random.default_rng(pulses)
    mean, error = sampled_coherence(noise, 80e-6, pulses, 1_000_000, rng)
    assert abs(mean - np.exp(-phase_variance(noise, 80e-6, pulses) / 2)) < 5 * error
