"""Many circuits at once, in batches over workers; the counts do not depend on who ran them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache

from bridge.domain.errors import ExtraMissing, InputError
from bridge.quantum.circuits.backend import ProfileBackend
from bridge.quantum.circuits.profile import HardwareProfile
from bridge.quantum.montecarlo.ordered import ordered
from bridge.quantum.montecarlo.seeds import derived_seed
from bridge.quantum.montecarlo.workers import Workers

try:
    from qiskit.circuit import QuantumCircuit
except ImportError:
    raise ExtraMissing("qiskit", "circuits") from None

CountsOf = dict[str, int]
"""How often each result came, as Qiskit writes it: bit 0 is the last character."""


def run_batches(
    circuits: Sequence[QuantumCircuit],
    profile: HardwareProfile,
    shots: int,
    seed: int,
    workers: Workers,
    *,
    batch: int = 16,
    progress: Callable[[int], None] | None = None,
    timeout_s: float = 600.0,
    called_off: threading.Event | None = None,
) -> list[CountsOf]:
    """The counts of each circuit on the simulated processor, in order.

    ``circuits`` are compiled for ``profile``. Each has a seed of its own by its place, so neither
    ``batch`` nor the workers make a difference. ``progress`` gets how many are done. Raises
    ``InputError`` for a circuit that the profile cannot run, and as ``ordered`` does.
    """
    if batch < 1:
        raise InputError(f"batch: expected at least 1 circuit, got {batch}")
    if not circuits:
        raise InputError("batches: expected at least 1 circuit, got 0")
    seeds = [derived_seed(seed, "circuit", number) for number in range(len(circuits))]
    calls = [
        (profile, list(circuits[start : start + batch]), shots, seeds[start : start + batch])
        for start in range(0, len(circuits), batch)
    ]
    done: list[CountsOf] = []
    for result in ordered(run_seeded, calls, workers, timeout_s=timeout_s, called_off=called_off):
        done += result
        if progress is not None:
            progress(len(done))
    return done


def run_seeded(
    profile: HardwareProfile,
    circuits: Sequence[QuantumCircuit],
    shots: int,
    seeds: Sequence[int],
) -> list[CountsOf]:
    """The counts of each circuit, run with its own seed, in this process."""
    backend = _backend(profile)
    return [
        backend.run(circuit, shots=shots, seed_simulator=seed).result().get_counts()
        for circuit, seed in zip(circuits, seeds, strict=True)
    ]


@lru_cache(maxsize=8)
def _backend(profile: HardwareProfile) -> ProfileBackend:
    # Whoever has a profile below the minimum refuses it where the processor is chosen.
    return ProfileBackend(profile, minimum=None)
