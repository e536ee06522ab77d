"""A study: key rate against distance, QBER or block size, simulated and by theory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.link.adversary import Nobody
from bridge.quantum.link.counts import run_counts
from bridge.quantum.link.optics import OpticalLink
from bridge.quantum.link.pairs import PairLink, expected_pairs, run_pairs
from bridge.quantum.link.presets import KEY_RATE, Preset
from bridge.quantum.link.protocols import Z
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.rates import decoy, entangled
from bridge.quantum.rates.asymptotic import decoy_rate, pair_rate
from bridge.quantum.rates.security import KeyLength, Security


class Over(Enum):
    """What a study varies."""

    DISTANCE = "distance"
    QBER = "qber"
    BLOCK = "block"


RANGES = {
    Over.DISTANCE: (0.0, 200.0),
    Over.QBER: (0.0, 0.12),
    Over.BLOCK: (1e4, 1e10),
}
MOST_PULSES = 10**17
"""A block that takes more is not simulated: no laser sends it in a year."""


@dataclass(frozen=True, slots=True)
class Point:
    """One abscissa: what the runs gave, and what both theories say.

    Secret bits a second when the clock is known and the study is over distance, else secret bits
    for each sifted bit, or for each pulse over distance. ``seen`` is the abscissa of each run.
    """

    at: float
    seen: tuple[float, ...]
    simulated: tuple[float, ...]
    finite: float
    endless: float


FINER = 5
"""The theory's curves are drawn through so many points for each simulated one."""


@dataclass(frozen=True, slots=True)
class Study:
    """All points of a study, with what a picture needs to say."""

    over: Over
    title: str
    unit: str
    block: int
    points: tuple[Point, ...]
    curve: tuple[Point, ...]
    published: tuple[float, float] | None


def grid(over: Over, start: float | None, stop: float | None, points: int) -> list[float]:
    """The abscissas: even ones, or for block sizes even in the logarithm."""
    low = RANGES[over][0] if start is None else start
    high = RANGES[over][1] if stop is None else stop
    if not 0.0 <= low < high or (over is Over.QBER and high > 0.5):
        raise InputError(
            f"{over.value}: expected a range that rises from 0 on, got {low} to {high}"
        )
    if over is Over.BLOCK:
        if low < 1.0:
            raise InputError(f"block: expected at least 1 bit, got {low}")
        return [float(round(x)) for x in np.geomspace(low, high, points)]
    return [float(x) for x in np.linspace(low, high, points)]


def study(
    link: OpticalLink | PairLink,
    title: str,
    over: Over,
    at: list[float],
    block: int,
    runs: int,
    security: Security,
    rng: Randomness,
    preset: Preset | None,
    step: Callable[[], None],
) -> Study:
    """The study; ``step`` is called after each point."""
    if isinstance(link, OpticalLink):
        if link.detector.afterpulse_probability > 0.0:
            raise InputError("a study runs by counts: expected no afterpulses")
        link = replace(link, adversary=Nobody())
    clock = preset.clock_hz if preset and over is Over.DISTANCE else None
    points = tuple(_points(link, over, at, block, runs, security, rng, clock, step))
    between = _between(at, over is Over.BLOCK)
    curve = tuple(_points(link, over, between, block, 0, security, rng, clock, lambda: None))
    published = None
    if preset and over is Over.DISTANCE:
        for figure in preset.figures:
            if figure.what == KEY_RATE:
                published = (preset.link.channel.length_km, figure.value)
    if over is Over.DISTANCE:
        unit = "bit/s" if clock else "bits a pulse"
    else:
        unit = "secret bits a sifted bit"
    return Study(over, title, unit, block, points, curve, published)


def _points(
    link: OpticalLink | PairLink,
    over: Over,
    at: list[float],
    block: int,
    runs: int,
    security: Security,
    rng: Randomness,
    clock: float | None,
    step: Callable[[], None],
) -> Iterator[Point]:
    for x in at:
        here, size = _moved(link, over, x), int(x) if over is Over.BLOCK else block
        sifted = _sifted_share(here)
        pulses = round(size / sifted) if sifted > 0.0 else MOST_PULSES + 1
        scale = (clock or 1.0) / pulses if over is Over.DISTANCE else 1.0 / size
        endless = _endless(here, security)
        endless *= (clock or 1.0) if over is Over.DISTANCE else 1.0 / max(sifted, 1e-300)
        keys = [_simulated(here, pulses, security, rng) for _ in range(runs)]
        if pulses > MOST_PULSES:
            keys = []
        yield Point(
            at=_qber(here) if over is Over.QBER else x,
            seen=tuple(key.qber if over is Over.QBER else x for key in keys),
            simulated=tuple(key.bits * scale for key in keys),
            finite=_expected(here, float(pulses), security).bits * scale,
            endless=endless,
        )
        step()


def _between(at: list[float], logarithmic: bool) -> list[float]:
    """The abscissas of the curves: those of the points, and some between them."""
    values = np.log(at) if logarithmic else np.array(at)
    steps = np.arange((len(at) - 1) * FINER + 1) / FINER
    fine = np.interp(steps, np.arange(len(at)), values)
    return [float(x) for x in (np.exp(fine) if logarithmic else fine)]


def _moved(link: OpticalLink | PairLink, over: Over, x: float) -> OpticalLink | PairLink:
    if over is Over.DISTANCE:
        return replace(link, channel=replace(link.channel, length_km=x))
    if over is Over.QBER:
        return replace(link, channel=replace(link.channel, misalignment=x, depolarising=0.0))
    return link


def _sifted_share(link: OpticalLink | PairLink) -> float:
    if isinstance(link, OpticalLink):
        return float(link.expected(1.0).key_clicks().sum())
    return float(expected_pairs(link, 1.0).coincidences[Z, Z])


def _qber(link: OpticalLink | PairLink) -> float:
    if isinstance(link, OpticalLink):
        return link.expected(1.0).qber(Z)
    return expected_pairs(link, 1.0).qber(Z)


def _simulated(
    link: OpticalLink | PairLink, pulses: int, security: Security, rng: Randomness
) -> KeyLength:
    pulses = min(pulses, MOST_PULSES)
    if isinstance(link, OpticalLink):
        return decoy.key_length(run_counts(link, pulses, rng), link.protocol, security)
    return entangled.key_length(run_pairs(link, pulses, rng), security)


def _expected(link: OpticalLink | PairLink, pulses: float, security: Security) -> KeyLength:
    if isinstance(link, OpticalLink):
        return decoy.key_length(link.expected(pulses), link.protocol, security)
    return entangled.key_length(expected_pairs(link, pulses), security)


def _endless(link: OpticalLink | PairLink, security: Security) -> float:
    return (
        decoy_rate(link, security) if isinstance(link, OpticalLink) else pair_rate(link, security)
    )
