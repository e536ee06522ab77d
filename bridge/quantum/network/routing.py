"""Which path, and how much purification on each of its links, gives the most key.

All links of a path make pairs at once. A pair waits for the slowest link, one period of it in the
mean, and for light to tell; the nodes between then swap. So with R the pairs a second of the
slowest link after purification,

    key rate = R (1 - 2 h(Q)),   Q of the pair that is left after the waits and the swaps.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from bridge.domain.errors import InputError, NoPath, PurificationFailed
from bridge.quantum.basis import Basis
from bridge.quantum.memory.bell import BellDiagonal, secret_fraction
from bridge.quantum.memory.decoherence import aged
from bridge.quantum.memory.purification import GateNoise, Purified, purify
from bridge.quantum.memory.swapping import swap
from bridge.quantum.network.topology import FIBRE_KM_PER_S, Network


@dataclass(frozen=True, slots=True)
class Route:
    """A path with ``rounds`` of purification on each of its links, and what comes of it.

    ``pair`` is what the two ends share, ``pairs_per_s`` of one channel, each ``wait_s`` old.
    """

    path: tuple[str, ...]
    rounds: tuple[int, ...]
    pair: BellDiagonal
    pairs_per_s: float
    wait_s: float

    @property
    def key_rate(self) -> float:
        """Secret bits a second of one channel, in an endless string."""
        errors = (self.pair.error_rate(Basis.Z), self.pair.error_rate(Basis.X))
        return self.pairs_per_s * secret_fraction(*errors)


def evaluate(network: Network, path: tuple[str, ...], rounds: tuple[int, ...]) -> Route:
    """What a path gives. Each end of a link purifies with the worse of its two nodes' gates."""
    hops = list(itertools.pairwise(path))
    if len(rounds) != len(hops) or not hops:
        raise InputError(f"route: expected rounds for each of {len(hops)} links, got {rounds}")
    links = [network.link(*hop) for hop in hops]
    made = [_purified(network, hop, count) for hop, count in zip(hops, rounds, strict=True)]
    rates = [
        link.pairs_per_s * one.success / 2**count
        for link, one, count in zip(links, made, rounds, strict=True)
    ]
    slowest = min(rates)
    wait_s = 1.0 / slowest + sum(link.length_km for link in links) / FIBRE_KM_PER_S
    joined: BellDiagonal | None = None
    for (first, second), one in zip(hops, made, strict=True):
        ends = (network.node(first), network.node(second))
        pair = aged(one.pair, wait_s, ends[0].coherence, ends[1].coherence)
        joined = pair if joined is None else swap(joined, pair, ends[0].gates)
    assert joined is not None
    return Route(path, rounds, joined, slowest, wait_s)


def _purified(network: Network, hop: tuple[str, str], rounds: int) -> Purified:
    gates = [network.node(name).gates for name in hop]
    worse = GateNoise(max(one.two_qubit for one in gates), max(one.measurement for one in gates))
    return purify(network.link(*hop).pair, rounds, worse)


def routes(
    network: Network, source: str, target: str, most_rounds: int = 3, most_hops: int = 8
) -> list[Route]:
    """The best route of each path that gives key, the best path first.

    Raises ``NoPath`` when no path gives any, ``InputError`` for an unknown node.
    """
    found = []
    paths = network.paths(source, target, most_hops)
    for path in paths:
        best = _best_of(network, path, most_rounds)
        if best is not None:
            found.append(best)
    if not found:
        raise NoPath(
            source, target, f"none of {len(paths)} paths leaves a secret bit, however purified"
        )
    return sorted(found, key=lambda one: (-one.key_rate, len(one.path), one.path))


def best_route(
    network: Network, source: str, target: str, most_rounds: int = 3, most_hops: int = 8
) -> Route:
    """The first of `routes`."""
    return routes(network, source, target, most_rounds, most_hops)[0]


def _best_of(network: Network, path: tuple[str, ...], most_rounds: int) -> Route | None:
    """The best purification for a path; None where none gives key.

    A choice whose slowest link makes no more pairs than the best has key bits is not looked at:
    a pair gives one bit at most.
    """
    hops = list(itertools.pairwise(path))
    speeds = []
    for hop in hops:
        of_hop = []
        for count in range(most_rounds + 1):
            try:
                success = _purified(network, hop, count).success
            except PurificationFailed:
                success = 0.0
            of_hop.append(network.link(*hop).pairs_per_s * success / 2**count)
        speeds.append(of_hop)
    best: Route | None = None
    for rounds in itertools.product(range(most_rounds + 1), repeat=len(hops)):
        bound = min(of_hop[count] for of_hop, count in zip(speeds, rounds, strict=True))
        if bound <= (best.key_rate if best is not None else 0.0):
            continue
        route = evaluate(network, path, rounds)
        if route.key_rate > (best.key_rate if best is not None else 0.0):
            best = route
    return best
