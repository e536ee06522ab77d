"""What a magic state of a given error costs: qubits, rounds, space-time volume, retries.

A factory is laid out in tiles of (d + 1)^2 data qubits and as many for checks: five for the qubits
of `magic_distillation`, a bus of five along them, and three beyond the bus, two in which magic
states are injected and used up in turn, and one for the state |+i>. A rotation of several qubits
measures the product of their Z and that of a magic state through the bus, which takes d rounds; in
half of the cases it has gone the wrong way round and is put right by the same with a |+i>, which a
patch can be prepared in without injection (Gidney 2023, arXiv 2302.07395). So a rotation takes
1.5 d rounds in the mean, with 1.5 measurements of the bus. The four rotations of one qubit are
injected in place.

A measurement through the bus is taken to fail as often as that many patches do in d rounds: all
those of the bus and the magic state's; a |+i> to be wrong as often as one patch. Each of the five
patches is taken to have an error of X and of Z, each as often as a memory has in the rounds of a
step. A second level takes the states of factories of the first, of which there are as many as keep
it supplied. These are a model's figures: what `magic_density` says of the rates that are handed in
is exact, that the layout has them is not proved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.domain.errors import InputError
from bridge.quantum.codes.magic_density import FactoryNoise, simulate
from bridge.quantum.codes.magic_distillation import CHECKS, PRODUCTS, QUBITS
from bridge.quantum.codes.magic_rates import LogicalRate
from bridge.quantum.codes.noise import checked_probability

BUS = 5
MAGIC = 2
TILES = QUBITS + BUS + MAGIC + 1
CORRECTED = 1.5
"""Measurements of the bus for each rotation, in the mean."""
MOST_DISTANCE = 51


@dataclass(frozen=True, slots=True)
class RawState:
    """An injected magic state: its error, and how many of its attempts are kept.

    ``postselected``: the rounds of an attempt before it is known whether it is kept.
    """

    error: float
    acceptance: float
    postselected: int

    def __post_init__(self) -> None:
        checked_probability("error of an injected state", self.error)
        checked_probability("acceptance of an injection", self.acceptance)
        if self.acceptance == 0.0:
            raise InputError("acceptance of an injection: expected more than 0, got 0")
        if self.postselected < 0:
            raise InputError(f"postselected: expected at least 0 rounds, got {self.postselected}")

    def rounds(self, distance: int) -> float:
        """Rounds to a state in a patch of ``distance``, attempts that were not kept included."""
        return self.postselected / self.acceptance + distance


@dataclass(frozen=True, slots=True)
class Cost:
    """A state's error, and what it costs.

    ``distances`` of the levels, from the first; none when the injected state is good enough.
    ``qubits``: of all factories together. ``rounds``: between two states that are accepted, in the
    mean, retries included. ``acceptance``: of the last level. ``factories``: of the first level.
    """

    error: float
    distances: tuple[int, ...]
    acceptance: float
    qubits: int
    rounds: float
    factories: int

    @property
    def volume(self) -> float:
        """Qubits times rounds."""
        return self.qubits * self.rounds

    @property
    def attempts(self) -> float:
        """Attempts at the last level, for each state."""
        return 1.0 / self.acceptance

    @property
    def levels(self) -> int:
        """How often it is distilled."""
        return len(self.distances)


def tile_qubits(distance: int) -> int:
    """Qubits of a patch with its seams, data and checks."""
    return 2 * (distance + 1) ** 2


def injected_cost(raw: RawState, distance: int) -> Cost:
    """An injected state as it is, in a patch of ``distance``."""
    return Cost(
        raw.error, (), raw.acceptance, tile_qubits(distance), raw.rounds(distance), factories=0
    )


def factory_noise(magic: float, distance: int, logical_rate: LogicalRate) -> FactoryNoise:
    """The errors in a factory of ``distance``: of its states, its bus and its patches."""
    step = math.ceil(CORRECTED * distance)
    once = _rate(logical_rate, distance, distance)
    patches = CORRECTED * (BUS + 1) + 1 / 2
    rotation = -math.expm1(patches * math.log1p(-once)) if once < 1.0 else 1.0
    return FactoryNoise(magic, min(rotation, 0.5), _rate(logical_rate, distance, step))


def first_level(raw: RawState, distance: int, logical_rate: LogicalRate) -> Cost:
    """One factory that takes injected states."""
    result = simulate(factory_noise(raw.error, distance, logical_rate))
    ready = raw.rounds(distance)
    rotations = len(PRODUCTS) - CHECKS
    # A tile that injects and then is used up has two rotations' time, since there are two.
    each = max(CORRECTED * distance, (ready + distance) / MAGIC)
    return Cost(
        result.error,
        (distance,),
        result.acceptance,
        TILES * tile_qubits(distance),
        (ready + rotations * each) / result.acceptance,
        factories=1,
    )


def second_level(first: Cost, distance: int, logical_rate: LogicalRate) -> Cost:
    """One factory that takes the states of as many ``first`` ones as it needs."""
    result = simulate(factory_noise(first.error, distance, logical_rate))
    # A step for the four rotations of one qubit, then the others.
    run = distance + (len(PRODUCTS) - CHECKS) * CORRECTED * distance
    factories = math.ceil(len(PRODUCTS) * first.rounds / run)
    return Cost(
        result.error,
        (*first.distances, distance),
        result.acceptance,
        TILES * tile_qubits(distance) + factories * first.qubits,
        run / result.acceptance,
        factories,
    )


def cheapest(
    target: float,
    raw: RawState,
    logical_rate: LogicalRate,
    most_distance: int = MOST_DISTANCE,
) -> Cost:
    """The least space-time volume for a state of at most the error ``target``.

    `InputError` that names the least error in reach when it is above ``target``, or for a target
    that is not between 0 and 1.
    """
    if math.isnan(target) or not 0.0 < target < 1.0:
        raise InputError(f"target error: expected a number between 0 and 1, got {target!r}")
    if most_distance < 3:
        raise InputError(f"most distance: expected at least 3, got {most_distance}")
    reached = list(all_costs(raw, logical_rate, most_distance))
    enough = [cost for cost in reached if cost.error <= target]
    if not enough:
        best = min(reached, key=lambda cost: cost.error)
        raise InputError(
            f"target error: expected at least {best.error:.3g}, the least in reach with two levels "
            f"up to distance {most_distance} (here {best.distances}), got {target:g}"
        )
    return min(enough, key=lambda cost: cost.volume)


def all_costs(raw: RawState, logical_rate: LogicalRate, most_distance: int) -> Iterator[Cost]:
    """Every way of at most two levels up to a distance that is worth looking at."""
    distances = range(3, most_distance + 1, 2)
    yield injected_cost(raw, distances[0])
    firsts: list[Cost] = []
    for distance in distances:
        cost = first_level(raw, distance, logical_rate)
        yield cost
        # One that costs more and has no smaller an error feeds nothing.
        if all(cost.error < one.error for one in firsts):
            firsts.append(cost)
    for first in firsts:
        for distance in distances:
            if distance >= first.distances[0]:
                yield second_level(first, distance, logical_rate)


def _rate(logical_rate: LogicalRate, distance: int, rounds: int) -> float:
    return checked_probability(
        f"logical rate at distance {distance} over {rounds} rounds", logical_rate(distance, rounds)
    )
