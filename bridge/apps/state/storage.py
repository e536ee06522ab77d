"""A study: the secret fraction against storage time, for bare memories and for encoded ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bridge.domain.errors import InputError, LinkError
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.distribution.generation import QuantumKeyDistribution
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.memory.bell import secret_fraction
from bridge.quantum.memory.correction import QuantumErrorCorrection
from bridge.quantum.memory.holding import PatchMemory
from bridge.quantum.memory.lane import MemoryLane
from bridge.quantum.memory.protection import LogicalErrors, rounds_of
from bridge.quantum.memory.rates import key_fraction

BLOCK = LinkParameters(block_bits=1 << 14, sample_size=1024)
BARE_TIMES_S = (0.5e-6, 1e-6, 2e-6, 4e-6, 6e-6, 10e-6, 50e-6)
ENCODED_TIMES_S = (5e-6, 20e-6, 50e-6, 100e-6, 200e-6)
FINER = 60


@dataclass(frozen=True, slots=True)
class StoragePoint:
    """One block: the counted QBER and the secret fraction; None and 0 where it gave no key.

    ``why`` says why it gave none.
    """

    held_s: float
    qber: float | None
    secret_fraction: float
    why: str | None = None


@dataclass(frozen=True, slots=True)
class StorageSeries:
    """One kind of memory: ``distance`` 0 is a bare one.

    ``curve`` is by theory: time, secret fraction of such a block, and of an endless string.
    """

    name: str
    distance: int
    qubits: int
    points: tuple[StoragePoint, ...]
    curve: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class StorageStudy:
    """All series, and what they have in common."""

    block_bits: int
    noise: CircuitNoise
    cycle_s: float
    series: tuple[StorageSeries, ...]


def storage_study(
    noise: CircuitNoise,
    logical_errors: LogicalErrors,
    distances: Sequence[int],
    bare: MemoryLane,
    cycle_s: float = 1e-6,
    bare_times_s: Sequence[float] = BARE_TIMES_S,
    encoded_times_s: Sequence[float] = ENCODED_TIMES_S,
    advance: Callable[[], None] = lambda: None,
    longest_s: float | None = None,
) -> StorageStudy:
    """Simulated blocks at each time, on the curves that ``logical_errors`` give.

    Each block is made by the memory lane and corrected: no figure is reckoned. The lanes differ
    from ``bare`` in their memories and in nothing else. Curves go to ``longest_s``, else a quarter
    past the last block.
    """
    if not bare_times_s or not encoded_times_s:
        raise InputError("study: expected times for either kind of memory, got none of one")
    longest = longest_s or 1.25 * max(*bare_times_s, *encoded_times_s)

    def bare_at(held_s: float) -> MemoryLane:
        return bare.over(held_s)

    series = [_series("bare", 0, 1, bare_at, bare_times_s, longest, cycle_s / 10.0, advance)]
    for distance in distances:
        PatchMemory(distance, 1, noise)

        def encoded_at(held_s: float, distance: int = distance) -> MemoryLane:
            patch = PatchMemory(distance, rounds_of(held_s, cycle_s), noise)
            return replace(
                bare, memory=patch, held_s=patch.rounds * cycle_s, logical_errors=logical_errors
            )

        name = f"encoded, d = {distance}"
        qubits = 2 * distance**2 - 1
        series.append(
            _series(name, distance, qubits, encoded_at, encoded_times_s, longest, cycle_s, advance)
        )
    return StorageStudy(BLOCK.block_bits, noise, cycle_s, tuple(series))


def block_at(lane: MemoryLane, parameters: LinkParameters = BLOCK) -> StoragePoint:
    """One block of a lane, corrected."""
    system = QuantumKeyDistribution(
        parameters=parameters,
        memory=replace(lane, tries_hopeless=True),
        attempts=1,
        pause_s=0.0,
    )
    try:
        keys = asyncio.run(system.generate_keys())
        corrected = QuantumErrorCorrection().apply_correction(keys)
    except LinkError as error:
        return StoragePoint(lane.held_s, None, 0.0, str(error))
    return StoragePoint(lane.held_s, corrected.qber, corrected.secret_fraction)


def _series(
    name: str,
    distance: int,
    qubits: int,
    lane_at: Callable[[float], MemoryLane],
    times_s: Sequence[float],
    longest_s: float,
    shortest_s: float,
    advance: Callable[[], None],
) -> StorageSeries:
    points = []
    for held_s in times_s:
        points.append(block_at(lane_at(held_s)))
        advance()
    at = np.geomspace(shortest_s, longest_s, FINER)
    curve = tuple(_by_theory(lane_at(float(held_s)), float(held_s)) for held_s in at)
    return StorageSeries(name, distance, qubits, tuple(points), curve)


def _by_theory(lane: MemoryLane, held_s: float) -> tuple[float, float, float]:
    qber = lane.expected_qber()
    return held_s, key_fraction(BLOCK, qber), secret_fraction(qber, qber)
