"""Injection of a magic state into a patch, by Clifford proxies that stim can simulate.

One data qubit is brought into the state, the others into |0> or |+>, so that the logical Z, its
row, and the logical X, its column, are those of the one qubit (Li 2015, arXiv 1410.7808). Then the
checks are measured. The two on either side of the qubit begin at random and see nothing of its
errors: of the first rounds only those runs are kept in which no other check saw any.

What stim cannot simulate is the state (|0> + exp(i pi/4) |1>) / sqrt(2) itself. But the errors are
Pauli errors, and what the checks see of them does not depend on the state. An error of Z makes the
state orthogonal to itself; one of X or of Y leaves half of it. So its error is p_Z + (p_X + p_Y) /
2, the mean of the error of |+>, p_Y + p_Z, and of |+i>, p_X + p_Z, which stim can simulate. Each
proxy is made by a reset and two gates, as the state would be by H and T; a depolarising error
commutes with the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.codes.confidence import both_bounds
from bridge.quantum.codes.libraries import require
from bridge.quantum.codes.noise import CircuitNoise
from bridge.quantum.codes.patches import Block, Coordinate, checked_distance
from bridge.quantum.codes.surgery_rates import BATCH
from bridge.quantum.codes.syndrome_rounds import SyndromeRounds

if TYPE_CHECKING:
    import pymatching
    import stim
else:
    stim, pymatching = require("stim"), require("pymatching")

GATES = {"X": ("H", "X"), "Y": ("H", "S")}
"""The gates after the reset that make each proxy, an eigenstate of its letter."""


class Site(StrEnum):
    """Where in the patch the state is injected."""

    CORNER = "corner"
    MIDDLE = "middle"


def checked_site(name: str) -> Site:
    """The site of that name; `InputError` for any other."""
    try:
        return Site(name)
    except ValueError:
        raise InputError(f"site: expected corner or middle, got {name!r}") from None


@dataclass(frozen=True, slots=True)
class Injection:
    """A way to inject: into a patch of distance ``start`` that grows to ``distance``.

    The small patch is kept for ``postselected`` rounds in which no check may see anything, the
    large one for ``distance`` rounds. Without post-selection ``postselected`` is 0 and the patch
    begins at its full distance.
    """

    distance: int
    start: int
    postselected: int = 2
    site: Site = Site.CORNER

    def __post_init__(self) -> None:
        checked_distance(self.distance)
        checked_distance(self.start)
        if self.start > self.distance:
            raise InputError(
                f"start: expected at most the distance {self.distance}, got {self.start}"
            )
        rounds = self.postselected
        if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 0:
            raise InputError(f"postselected: expected at least 0 rounds, got {rounds!r}")
        if rounds == 0 and self.start != self.distance:
            raise InputError(
                f"start: expected {self.distance}, the distance, where nothing is post-selected, "
                f"got {self.start}"
            )
        checked_site(self.site)

    @property
    def rounds(self) -> int:
        """Rounds until the state is there, in a run that is kept."""
        return self.postselected + self.distance


@dataclass(frozen=True, slots=True)
class InjectionCount:
    """Runs of one proxy: how many there were, how many were kept, how many of those were wrong."""

    shots: int
    kept: int
    errors: int

    def __add__(self, other: InjectionCount) -> InjectionCount:
        return InjectionCount(
            self.shots + other.shots, self.kept + other.kept, self.errors + other.errors
        )


@dataclass(frozen=True, slots=True)
class Injected:
    """What injection gives: a count for each proxy."""

    injection: Injection
    counts: Mapping[str, InjectionCount]

    @property
    def acceptance(self) -> float:
        """The share of runs that were kept."""
        total = sum(self.counts.values(), InjectionCount(0, 0, 0))
        return total.kept / total.shots

    @property
    def error(self) -> float:
        """The error of the magic state: the mean of those of the proxies."""
        return sum(one.errors / one.kept for one in self.counts.values()) / len(self.counts)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Bounds on ``error``: the mean of the proxies' own bounds, each at half the risk."""
        each = 1.0 - (1.0 - confidence) / len(self.counts)
        bounds = [both_bounds(one.errors, one.kept, each) for one in self.counts.values()]
        return (
            sum(lower for lower, _ in bounds) / len(bounds),
            sum(upper for _, upper in bounds) / len(bounds),
        )


def injection_circuit(
    injection: Injection, proxy: str, noise: CircuitNoise | None = None
) -> stim.Circuit:
    """The injection of a proxy, X or Y, and at last a perfect measurement of checks and state.

    Its one observable is wrong when the state is. A detector's third coordinate is its round.
    """
    if proxy not in GATES:
        raise InputError(f"proxy: expected X or Y, got {proxy!r}")
    small = Block(0, 0, injection.start, injection.start)
    large = Block(0, 0, injection.distance, injection.distance)
    at = 0 if injection.site is Site.CORNER else injection.start // 2
    place = (2 * at + 1, 2 * at + 1)
    rounds = SyndromeRounds()
    rounds.inject(place, GATES[proxy])
    fresh = {other: _around(other, place) for other in small.data() if other != place}
    for _ in range(injection.postselected):
        rounds.round(small.checks(), fresh)
        fresh = {}
    fresh |= {other: _around(other, (1, 1)) for other in large.data() if other not in small.data()}
    for _ in range(injection.distance):
        rounds.round(large.checks(), fresh)
        fresh = {}
    rounds.perfect_round(large.checks())
    column, row = large.column(at), large.row(at)
    factors = dict.fromkeys(column, "X")
    if proxy == "Y":
        factors |= dict.fromkeys(row, "Z") | {place: "Y"}
    rounds.observable(0, frozenset((rounds.perfect_product(factors.items()),)))
    return rounds.circuit(noise)


def _around(place: Coordinate, centre: Coordinate) -> Basis:
    """Z in the two wedges along the row of the centre, X in those along its column."""
    across, along = abs(place[0] - centre[0]), abs(place[1] - centre[1])
    return Basis.Z if across >= along else Basis.X


def inject(
    injection: Injection,
    noise: CircuitNoise,
    shots: int,
    seed: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Injected:
    """``shots`` runs of each proxy; those that are kept are decoded by matching.

    `InputError` if no run is kept. ``progress`` is told the shots of each batch.
    """
    if isinstance(shots, bool) or not isinstance(shots, int) or shots < 1:
        raise InputError(f"shots: expected at least 1, got {shots!r}")
    counts = {}
    for proxy in GATES:
        circuit = injection_circuit(injection, proxy, noise)
        counts[proxy] = _count(circuit, injection, shots, seed, progress)
        if counts[proxy].kept == 0:
            raise InputError(
                f"post-selection: expected a run in which no check sees an error, got none of "
                f"{shots} at distance {injection.start}"
            )
    return Injected(injection, counts)


def _count(
    circuit: stim.Circuit,
    injection: Injection,
    shots: int,
    seed: int | None,
    progress: Callable[[int], None],
) -> InjectionCount:
    matching = pymatching.Matching.from_detector_error_model(
        circuit.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True)
    )
    watched = watched_detectors(circuit, injection)
    sampler = circuit.compile_detector_sampler(seed=seed)
    total = InjectionCount(0, 0, 0)
    while total.shots < shots:
        batch = min(BATCH, shots - total.shots)
        events, flips = sampler.sample(batch, separate_observables=True)
        kept = ~events[:, watched].any(axis=1)
        wrong = 0
        if kept.any():
            predicted = matching.decode_batch(events[kept])
            wrong = int((predicted[:, 0].astype(np.bool_) ^ flips[kept][:, 0]).sum())
        total += InjectionCount(batch, int(kept.sum()), wrong)
        progress(batch)
    return total


def watched_detectors(circuit: stim.Circuit, injection: Injection) -> list[int]:
    """The numbers of the detectors in the rounds that are post-selected."""
    places = circuit.get_detector_coordinates()
    return [number for number, at in places.items() if at[2] < injection.postselected]


def unseen_errors(injection: Injection, noise: CircuitNoise) -> float:
    """The leading order of the error after post-selection: single faults that nothing sees.

    The mean over the proxies of the probabilities of those faults that flip the observable and no
    detector at all, from the circuit's error model.
    """
    total = 0.0
    for proxy in GATES:
        model = injection_circuit(injection, proxy, noise).detector_error_model().flattened()
        for at in range(len(model)):
            one = model[at]
            if isinstance(one, stim.DemInstruction) and one.type == "error":
                targets = (t for t in one.targets_copy() if isinstance(t, stim.DemTarget))
                if all(target.is_logical_observable_id() for target in targets):
                    total += one.args_copy()[0]
    return total / len(GATES)
