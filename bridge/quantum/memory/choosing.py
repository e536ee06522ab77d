"""The memory to hold a pair in: left alone, decoupled, or encoded, by what it keeps."""

from __future__ import annotations

from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.holding import BareMemory, DecoupledMemory, Memory, PatchMemory
from bridge.quantum.memory.protection import (
    LogicalErrors,
    Protection,
    SlowNoise,
    best_protection,
    rounds_of,
)


def best_memory(
    held_s: float,
    noise: SlowNoise,
    coherence: Coherence,
    pulse_error: float = 0.0,
    circuit_noise: CircuitNoise | None = None,
    logical_errors: LogicalErrors | None = None,
    distances: tuple[int, ...] = (),
    cycle_s: float = 1e-6,
) -> tuple[Protection, Memory]:
    """The protection with the least error over ``held_s``, and the memory that has it.

    ``noise`` is the slow part of decoherence, ``coherence`` the fast part. A patch is a choice for
    each of ``distances``, under ``circuit_noise``, as ``logical_errors`` say.

    >>> best_memory(20e-6, SlowNoise(4e4, 500e-6), Coherence(1.0, 1.0), 1e-4)[0].name
    '2 pulses'
    """
    best = best_protection(
        noise,
        held_s,
        pulse_error,
        logical_errors=logical_errors,
        distances=distances if circuit_noise is not None else (),
        cycle_s=cycle_s,
        floor=coherence.twirled(held_s),
    )[0]
    if best.distance:
        assert circuit_noise is not None
        return best, PatchMemory(best.distance, rounds_of(held_s, cycle_s), circuit_noise)
    if best.pulses or noise.sigma_rad_s > 0.0:
        return best, DecoupledMemory(held_s, coherence, noise, best.pulses, pulse_error)
    return best, BareMemory(held_s, coherence)
