"""A run pulse by pulse, photon by photon: slow, and what the fast simulations are held against.

It shares with them only what the adversary does. Photons are counted, lost and sent to detectors
one binomial draw a pulse at a time, and dead time and afterpulses are stepped gate by gate.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.link.detector import Detector
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.randomness import Bits, Randomness
from bridge.quantum.link.tally import Tally


def run_gates(link: OpticalLink, pulses: int, rng: Randomness) -> Tally:
    """The counts of ``pulses`` pulses, each simulated."""
    if pulses < 1:
        raise InputError(f"pulses: expected at least 1, got {pulses}")
    protocol, detector = link.protocol, link.detector
    share = np.cumsum(protocol.intensity_probabilities)
    intensities = np.minimum(
        np.searchsorted(share, rng.noise.random(pulses), side="right"), len(share) - 1
    )
    sender = (rng.noise.random(pulses) >= protocol.sender_z).astype(np.uint8)
    receiver = (rng.noise.random(pulses) >= protocol.receiver_z).astype(np.uint8)
    bits = rng.bits(pulses)
    zero, one = _fired(link, intensities, sender, receiver, bits, rng)
    if detector.remembers:
        zero, one = _step(zero, one, detector, rng)
    clicked, doubles = zero | one, zero & one
    seen = np.where(doubles, rng.bits(pulses), one).astype(np.uint8)
    shape = (len(share), 2, 2)

    def count(selected: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        result = np.zeros(shape)
        np.add.at(result, (intensities[selected], sender[selected], receiver[selected]), 1.0)
        return result

    return Tally(
        sent=count(np.ones(pulses, dtype=bool)),
        clicks=count(clicked),
        errors=count(clicked & (seen != bits)),
        doubles=count(doubles),
    )


def _fired(
    link: OpticalLink,
    intensities: npt.NDArray[np.int64],
    sender: Bits,
    receiver: Bits,
    bits: Bits,
    rng: Randomness,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which of the two detectors light or a dark count fires, pulse by pulse."""
    noise, channel, detector = rng.noise, link.channel, link.detector
    pulses = len(bits)
    zero = noise.random(pulses) < detector.dark_count_probability
    one = noise.random(pulses) < detector.dark_count_probability
    for k in range(len(link.protocol.intensities)):
        chosen = np.flatnonzero(intensities == k)
        branches = link.branches(k)
        which = noise.choice(len(branches), len(chosen), p=[b.weight for b in branches])
        for number, branch in enumerate(branches):
            here = chosen[which == number]
            light = branch.light
            basis = sender[here] ^ np.uint8(light.turned)
            bit = rng.bits(len(here)) if light.turned else bits[here]
            aligned = basis == receiver[here]
            if light.bright:
                zero[here] = aligned & (bit == 0)
                one[here] = aligned & (bit == 1)
                continue
            photons = light.photons.sample(len(here), rng)
            arrived = noise.binomial(photons, min(1.0, channel.transmittance * light.gain))
            pauli = noise.random(len(here)) < channel.depolarising / 2.0
            absorbed = noise.binomial(arrived, detector.efficiency)
            to_one = np.where(
                aligned,
                np.where((bit ^ pauli) == 1, 1.0 - channel.misalignment, channel.misalignment),
                0.5,
            )
            at_one = noise.binomial(absorbed, to_one)
            one[here] |= at_one > 0
            zero[here] |= absorbed > at_one
    return zero, one


def _step(
    zero: npt.NDArray[np.bool_],
    one: npt.NDArray[np.bool_],
    detector: Detector,
    rng: Randomness,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Dead time and afterpulses, gate by gate, with a countdown for each pixel."""
    noise = rng.noise
    out = [np.zeros(len(zero), dtype=bool), np.zeros(len(zero), dtype=bool)]
    countdown = [[0] * detector.pixels for _ in range(2)]
    charges: list[tuple[int, int] | None] = [None, None]
    for gate, fired in enumerate(zip(zero, one, strict=True)):
        clicked: list[tuple[int, int]] = []
        for d in range(2):
            hits = []
            if fired[d]:
                hits.append(int(noise.integers(detector.pixels)))
            charge = charges[d]
            if charge is not None and charge[0] == gate:
                hits.append(charge[1])
                charges[d] = None
            live = [pixel for pixel in hits if countdown[d][pixel] == 0]
            if live:
                out[d][gate] = True
                clicked.append((d, live[0]))
        for d, row in enumerate(countdown):
            countdown[d] = [max(0, left - 1) for left in row]
        for d, pixel in clicked:
            dead = range(2) if detector.pixels == 1 else (d,)
            for other in dead:
                countdown[other][pixel] = detector.dead_time_gates
            if noise.random() < detector.afterpulse_probability:
                delay = math.floor(noise.exponential(detector.afterpulse_mean_gates))
                charges[d] = (gate + detector.dead_time_gates + 1 + delay, pixel)
    return out[0], out[1]
