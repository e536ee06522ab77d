"""Who gets how many channels: the most weighted key for all demands together, by integer programme.

A channel of a route takes a slot at each end and two at each node between, for each pair that is
being purified one more, and a channel of each of its links. HiGHS (in scipy) solves it and proves
the optimum.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import InputError, NoPath
from bridge.quantum.codes.libraries import require
from bridge.quantum.memory.slots import Priority
from bridge.quantum.network.routing import Route, routes
from bridge.quantum.network.topology import Network


@dataclass(frozen=True, slots=True)
class Demand:
    """Key for two nodes: at least ``least`` channels or none at all, at most ``most``.

    ``weight`` is what a bit of it is worth beside a bit of another.
    """

    source: str
    target: str
    weight: float = 1.0
    least: int = 0
    most: int = 64
    priority: Priority = Priority.NORMAL

    def __post_init__(self) -> None:
        if not 0.0 < self.weight < float("inf"):
            raise InputError(f"demand: expected a weight above 0, got {self.weight}")
        if not 0 <= self.least <= self.most:
            raise InputError(
                f"demand: expected at least 0 and at most {self.most} channels, got {self.least}"
            )


@dataclass(frozen=True, slots=True)
class Share:
    """``channels`` of one route for the demand of number ``demand``."""

    demand: int
    route: Route
    channels: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """What each demand got, which were ``refused``, and the weighted key rate of all."""

    shares: tuple[Share, ...]
    refused: tuple[int, ...]
    value: float

    def key_rate(self, demand: int) -> float:
        """Secret bits a second for one demand."""
        return sum(s.channels * s.route.key_rate for s in self.shares if s.demand == demand)


def slots_used(route: Route) -> dict[str, int]:
    """Slots of one channel at each node: a link purified k times holds k + 1 pairs at once."""
    used = dict.fromkeys(route.path, 0)
    for (first, second), rounds in zip(itertools.pairwise(route.path), route.rounds, strict=True):
        used[first] += rounds + 1
        used[second] += rounds + 1
    return used


def links_used(route: Route) -> list[tuple[str, str]]:
    """The links of a route, each by its two nodes in order."""
    return [(min(hop), max(hop)) for hop in itertools.pairwise(route.path)]


def options(network: Network, demand: Demand, most_paths: int = 8) -> list[Route]:
    """The routes that a demand may use; none where no path gives key."""
    try:
        return routes(network, demand.source, demand.target)[:most_paths]
    except NoPath:
        return []


def allocate(network: Network, demands: Sequence[Demand], most_paths: int = 8) -> Allocation:
    """The allocation of the greatest weighted key rate.

    A demand whose ``least`` channels cannot be had beside those of higher priority is refused;
    of equal priority the earlier comes first. It may still have its ``most`` of what is left over
    only when it has its ``least``.
    """
    if not demands:
        raise InputError("allocation: expected at least one demand, got none")
    choices = [options(network, demand, most_paths) for demand in demands]
    order = sorted(range(len(demands)), key=lambda n: (-demands[n].priority, n))
    admitted: list[int] = []
    refused: list[int] = []
    for number in order:
        trial = [*admitted, number]
        if choices[number] and _solve(network, demands, choices, trial) is not None:
            admitted = trial
        else:
            refused.append(number)
    solved = _solve(network, demands, choices, admitted) if admitted else {}
    assert solved is not None
    shares = tuple(
        Share(number, choices[number][place], count)
        for (number, place), count in sorted(solved.items())
        if count
    )
    value = sum(s.channels * s.route.key_rate * demands[s.demand].weight for s in shares)
    return Allocation(shares, tuple(sorted(refused)), value)


def _solve(
    network: Network,
    demands: Sequence[Demand],
    choices: Sequence[Sequence[Route]],
    admitted: Sequence[int],
) -> dict[tuple[int, int], int] | None:
    """Channels for each (demand, route); None when the least of all cannot be had."""
    optimize = require("scipy.optimize")
    columns = [(n, place) for n in admitted for place in range(len(choices[n]))]
    gain = np.array([demands[n].weight * choices[n][place].key_rate for n, place in columns])
    rows, low, high = [], [], []
    for name in network.graph:
        rows.append([slots_used(choices[n][place]).get(name, 0) for n, place in columns])
        low.append(0)
        high.append(network.node(name).slots)
    for first, second in network.graph.edges:
        edge = (min(first, second), max(first, second))
        rows.append([links_used(choices[n][place]).count(edge) for n, place in columns])
        low.append(0)
        high.append(network.link(first, second).channels)
    for number in admitted:
        rows.append([int(n == number) for n, _ in columns])
        low.append(demands[number].least)
        high.append(demands[number].most)
    scale = float(gain.max())
    result = optimize.milp(
        -gain / scale,
        constraints=optimize.LinearConstraint(np.array(rows), low, high),
        integrality=np.ones(len(columns)),
        bounds=optimize.Bounds(0, np.inf),
        options={"mip_rel_gap": 0.0},
    )
    if result.status == 2:
        return None
    assert result.status == 0, result.message
    return {one: round(count) for one, count in zip(columns, result.x, strict=True)}
