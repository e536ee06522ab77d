"""Dead time and afterpulses: which clicks are lost, and which appear with no light.

A click at gate g leaves what clicked dead for the ``dead_time_gates`` after g. Of a receiver whose
detectors have one pixel each, both detectors are taken out: with one of them dead the next bit
would be known to anybody who sees the time (Burenkov et al. 2010). Of a detector with several
pixels, only the pixel is, and light falls on a random pixel; then the bits of clicks that follow
each other closely are not quite independent, by about one part in the number of pixels, which the
length of the key does not pay for.

With ``afterpulse_probability`` a click leaves a trapped charge, which fires the same detector at
the first live gate plus an exponential delay. A detector holds one charge at most: a later one
takes the place of an earlier one. The basis of an afterpulse is the receiver's at its own gate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numba
import numpy as np
import numpy.typing as npt

from bridge.quantum.link.detector import Detector
from bridge.quantum.link.randomness import Randomness

Gates = npt.NDArray[np.int64]
Masks = npt.NDArray[np.uint8]
"""Which detector fired at a gate: bit 0 for the detector of bit 0, bit 1 for that of bit 1."""

_NEVER = np.iinfo(np.int64).max


@dataclass(slots=True, eq=False)
class Memory:
    """What a receiver remembers from one stretch of gates to the next."""

    live_from: npt.NDArray[np.int64]
    pending: npt.NDArray[np.int64]
    pending_pixel: npt.NDArray[np.int64]
    lost: int = field(default=0)

    @classmethod
    def fresh(cls, detector: Detector) -> Memory:
        """A receiver that has been dark for long."""
        return cls(
            live_from=np.zeros((2, detector.pixels), dtype=np.int64),
            pending=np.full(2, _NEVER, dtype=np.int64),
            pending_pixel=np.zeros(2, dtype=np.int64),
        )


def recover(
    gates: Gates, masks: Masks, until: int, detector: Detector, memory: Memory, rng: Randomness
) -> tuple[Gates, Masks, npt.NDArray[np.int64]]:
    """The clicks of a stretch of gates that ends before ``until``, given what light would fire.

    ``gates`` rise. Returns the gates that clicked, their masks, and for each the index into
    ``gates``, or -1 where light would not have fired at all.
    """
    if not detector.remembers:
        return gates, masks, np.arange(len(gates), dtype=np.int64)
    seed = np.array([rng.noise.integers(0, 1 << 63)], dtype=np.uint64)
    out_gates, out_masks, sources, lost = _recover(
        gates,
        masks,
        until,
        detector.dead_time_gates,
        detector.afterpulse_probability,
        detector.afterpulse_mean_gates,
        memory.live_from,
        memory.pending,
        memory.pending_pixel,
        seed,
    )
    memory.lost += int(lost)
    return out_gates, out_masks, sources


@numba.njit(cache=True)
def _uniform(state: npt.NDArray[np.uint64]) -> float:
    """SplitMix64 (Steele, Lea and Flood 2014), as a number in [0, 1). Noise, not secrets."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) / 9007199254740992.0


@numba.njit(cache=True)
def _recover(
    gates: Gates,
    masks: Masks,
    until: int,
    dead: int,
    afterpulse: float,
    delay: float,
    live_from: npt.NDArray[np.int64],
    pending: npt.NDArray[np.int64],
    pending_pixel: npt.NDArray[np.int64],
    state: npt.NDArray[np.uint64],
) -> tuple[Gates, Masks, npt.NDArray[np.int64], int]:
    never = np.int64(9223372036854775807)
    pixels = live_from.shape[1]
    room = len(gates) + 64
    out_gates = np.empty(room, dtype=np.int64)
    out_masks = np.empty(room, dtype=np.uint8)
    sources = np.empty(room, dtype=np.int64)
    hit = np.empty(2, dtype=np.int64)
    filled, index, lost = 0, 0, 0
    while True:
        gate = never
        if index < len(gates):
            gate = gates[index]
        for d in range(2):
            if pending[d] < until and pending[d] < gate:
                gate = pending[d]
        if gate == never:
            break
        mask, source = 0, -1
        if index < len(gates) and gates[index] == gate:
            mask, source = int(masks[index]), index
            index += 1
        fired = 0
        for d in range(2):
            hit[d] = -1
            if mask >> d & 1:
                pixel = int(_uniform(state) * pixels) if pixels > 1 else 0
                if live_from[d, pixel] <= gate:
                    hit[d] = pixel
                    fired |= 1 << d
            if pending[d] == gate:
                pixel = pending_pixel[d]
                pending[d] = never
                if live_from[d, pixel] <= gate and not fired >> d & 1:
                    hit[d] = pixel
                    fired |= 1 << d
        if mask and fired & mask == 0:
            lost += 1
        if fired == 0:
            continue
        for d in range(2):
            if not fired >> d & 1:
                continue
            if pixels == 1:
                live_from[0, 0] = gate + dead + 1
                live_from[1, 0] = gate + dead + 1
            else:
                live_from[d, hit[d]] = gate + dead + 1
            if afterpulse > 0.0 and _uniform(state) < afterpulse:
                wait = int(-math.log(1.0 - _uniform(state)) * delay)
                pending[d] = gate + dead + 1 + wait
                pending_pixel[d] = hit[d]
        if filled == room:
            room *= 2
            more_gates = np.empty(room, dtype=np.int64)
            more_masks = np.empty(room, dtype=np.uint8)
            more_sources = np.empty(room, dtype=np.int64)
            more_gates[:filled] = out_gates
            more_masks[:filled] = out_masks
            more_sources[:filled] = sources
            out_gates, out_masks, sources = more_gates, more_masks, more_sources
        out_gates[filled] = gate
        out_masks[filled] = fired
        sources[filled] = source
        filled += 1
    return out_gates[:filled], out_masks[:filled], sources[:filled], lost
