"""The settings of a decoy protocol that give the most key on a link, out of a coarse grid."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from bridge.domain.errors import InputError
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.protocols import DecoyBB84
from bridge.quantum.rates import decoy
from bridge.quantum.rates.comparison import block_pulses
from bridge.quantum.rates.security import Security

SIGNALS = (0.3, 0.4, 0.5, 0.6, 0.7)
DECOY_RATIOS = (0.2, 0.3, 0.4)
SIGNAL_PROBABILITIES = (0.6, 0.7, 0.8, 0.9)
BIASES = (0.8, 0.85, 0.9, 0.95)


def best_one_decoy(
    link: OpticalLink, block: int, security: Security | None = None
) -> tuple[DecoyBB84, float]:
    """The one-decoy protocol with the most secret bits for each pulse, and how many.

    Blocks have ``block`` sifted key bits. The grid is `SIGNALS` times `DECOY_RATIOS` times
    `SIGNAL_PROBABILITIES` times `BIASES`, the bias being that of both ends.
    """
    if block < 1:
        raise InputError(f"block: expected at least 1 bit, got {block}")
    best: tuple[DecoyBB84, float] | None = None
    grid = product(SIGNALS, DECOY_RATIOS, SIGNAL_PROBABILITIES, BIASES)
    for signal, ratio, share, bias in grid:
        protocol = DecoyBB84(
            (signal, round(signal * ratio, 3)), (share, round(1.0 - share, 3)), bias, bias
        )
        tried = replace(link, protocol=protocol)
        pulses = block_pulses(tried, block)
        rate = decoy.key_length(tried.expected(pulses), protocol, security).bits / pulses
        if best is None or rate > best[1]:
            best = (protocol, rate)
    assert best is not None
    return best
