"""Routes and allocations, each against all choices there are."""

import asyncio
import itertools
import sys

import numpy as np
import pytest

from bridge.domain.errors import InputError, NoPath
from bridge.quantum.basis import Basis
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.memory.bell import BellDiagonal, secret_fraction
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.holding import BareMemory
from bridge.quantum.memory.lane import MemoryLane
from bridge.quantum.memory.purification import GateNoise
from bridge.quantum.memory.slots import Priority
from bridge.quantum.network.allocation import (
    Demand,
    allocate,
    links_used,
    options,
    slots_used,
)
from bridge.quantum.network.delivery import deliver, lane_of
from bridge.quantum.network.routing import Route, best_route, evaluate, routes
from bridge.quantum.network.topology import Link, Network, Node

LONG = Coherence(10e-3, 10e-3)
SMALL = LinkParameters(block_bits=1 << 14, sample_size=1024)
NAN = float("nan")


def random_network(seed: int, size: int = 5, slots: int = 4) -> Network:
    rng = np.random.default_rng(seed)
    names = [chr(ord("a") + n) for n in range(size)]
    nodes = [Node(n, slots, LONG, GateNoise(0.001, 0.001)) for n in names]
    links = [
        Link(
            *hop,
            BellDiagonal.werner(float(rng.uniform(0.8, 0.99))),
            attempts_per_s=float(rng.uniform(1e4, 1e6)),
            length_km=float(rng.uniform(0, 20)),
            channels=int(rng.integers(1, 4)),
        )
        for hop in itertools.combinations(names, 2)
        if rng.random() < 0.7
    ]
    return Network(nodes, links)


def walks(network: Network, source: str, target: str) -> list[tuple[str, ...]]:
    """All paths, by trying every order of every set of nodes between."""
    others = [n for n in network.graph if n not in (source, target)]
    found = []
    for count in range(len(others) + 1):
        for between in itertools.permutations(others, count):
            path = (source, *between, target)
            if all(network.graph.has_edge(*hop) for hop in itertools.pairwise(path)):
                found.append(path)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_best_route_is_the_best_of_all(seed: int) -> None:
    network = random_network(seed)
    found = walks(network, "a", "e")
    assert sorted(found) == sorted(network.paths("a", "e"))
    best = max(
        evaluate(network, path, rounds).key_rate
        for path in found
        for rounds in itertools.product(range(3), repeat=len(path) - 1)
    )
    ranked = routes(network, "a", "e", most_rounds=2)
    assert ranked[0].key_rate == pytest.approx(best)
    assert best > 0.0
    rates = [one.key_rate for one in ranked]
    assert rates == sorted(rates, reverse=True)
    assert len({one.path for one in ranked}) == len(ranked)


def test_purification_is_chosen_where_it_pays() -> None:
    def net(fidelity: float) -> Network:
        nodes = [Node("a", 4, LONG), Node("b", 4, LONG)]
        return Network(nodes, [Link("a", "b", BellDiagonal.werner(fidelity))])

    assert best_route(net(0.99), "a", "b").rounds == (0,)
    assert best_route(net(0.84), "a", "b").rounds != (0,)
    with pytest.raises(NoPath, match="none of 1 paths leaves a secret bit, however purified"):
        best_route(net(0.5), "a", "b")


def test_the_long_way_round_is_taken_when_it_is_cleaner() -> None:
    nodes = [Node(n, 4, LONG) for n in "abc"]
    good, bad = BellDiagonal.werner(0.99), BellDiagonal.werner(0.7)
    links = [Link("a", "b", good), Link("b", "c", good), Link("a", "c", bad)]
    assert best_route(Network(nodes, links), "a", "c").path == ("a", "b", "c")
    links[2] = Link("a", "c", good)
    assert best_route(Network(nodes, links), "a", "c").path == ("a", "c")


def test_a_route_is_reckoned_from_waits_and_swaps() -> None:
    pair = BellDiagonal.werner(0.98)
    nodes = [Node(n, 4, LONG) for n in "abc"]
    links = [Link("a", "b", pair, 1e5, 0.1, 10.0), Link("b", "c", pair, 1e6, 0.5, 10.0)]
    route = evaluate(Network(nodes, links), ("a", "b", "c"), (0, 0))
    assert route.pairs_per_s == pytest.approx(1e4)
    assert route.wait_s == pytest.approx(1e-4 + 20 / 2e5)
    shrink = np.exp(-2 * route.wait_s / 10e-3) * (4 * 0.98 - 1) / 3
    assert route.pair.fidelity == pytest.approx((1 + 3 * shrink**2) / 4)
    errors = (route.pair.error_rate(Basis.Z), route.pair.error_rate(Basis.X))
    assert route.key_rate == pytest.approx(1e4 * secret_fraction(*errors))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda n: best_route(n, "a", "z"), InputError, "node: expected one of a, b, c, got 'z'"),
        (lambda n: best_route(n, "a", "a"), InputError, "expected two nodes, got a twice"),
        (lambda n: best_route(n, "a", "c"), NoPath, "no chain of at most 8 links joins them"),
        (lambda n: n.link("a", "c"), InputError, "a link between a and c, got none"),
        (lambda n: evaluate(n, ("a", "b"), ()), InputError, "rounds for each of 1 links"),
        (lambda n: allocate(n, []), InputError, "at least one demand, got none"),
    ],
)
def test_questions_without_an_answer(make, error, message) -> None:  # type: ignore[no-untyped-def]
    pair = BellDiagonal.werner(0.99)
    network = Network([Node("a"), Node("b"), Node("c")], [Link("a", "b", pair)])
    with pytest.raises(error, match=message):
        make(network)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: Link("a", "b", p, attempts_per_s=NAN), "attempts above 0 a second, got nan"),
        (lambda p: Link("a", "b", p, heralded=NAN), "heralded above 0 and up to 1, got nan"),
        (lambda p: Link("a", "b", p, length_km=-1.0), "length of 0 km or more, got -1.0"),
        (lambda p: Link("a", "a", p), "a channel between two nodes"),
        (lambda p: Node("a", 0), "at least one slot, got 0"),
        (lambda p: Network([Node("a"), Node("a")], []), "each node once, got a again"),
        (
            lambda p: Network([Node("a"), Node("b")], [Link("a", "b", p), Link("b", "a", p)]),
            "one link between b and a, got two",
        ),
        (lambda p: Network([Node("a")], [Link("a", "b", p)]), "expected one of a, got 'b'"),
        (lambda p: Demand("a", "b", weight=NAN), "a weight above 0, got nan"),
        (lambda p: Demand("a", "b", least=3, most=2), "at most 2 channels, got 3"),
    ],
)
def test_networks_that_make_no_sense_are_refused(make, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        make(BellDiagonal.werner(0.99))


def brute_force(network: Network, demands: list[Demand], admitted: list[int]) -> float | None:
    """The best value over all whole numbers of channels; None when the least cannot be had."""
    choices = [(n, route) for n in admitted for route in options(network, demands[n])]
    ranges = []
    for n, route in choices:
        fits = [network.node(name).slots // used for name, used in slots_used(route).items()]
        fits += [network.link(*hop).channels for hop in links_used(route)]
        ranges.append(range(min(*fits, demands[n].most) + 1))
    best = None
    for counts in itertools.product(*ranges):
        if _fits(network, choices, counts) and all(
            demands[n].least
            <= sum(c for c, (m, _) in zip(counts, choices, strict=True) if m == n)
            <= demands[n].most
            for n in admitted
        ):
            value = sum(
                c * r.key_rate * demands[n].weight
                for c, (n, r) in zip(counts, choices, strict=True)
            )
            best = value if best is None else max(best, value)
    return best


def _fits(network: Network, choices: list[tuple[int, Route]], counts: tuple[int, ...]) -> bool:
    slots: dict[str, int] = {}
    links: dict[tuple[str, str], int] = {}
    for count, (_, route) in zip(counts, choices, strict=True):
        for name, used in slots_used(route).items():
            slots[name] = slots.get(name, 0) + count * used
        for hop in links_used(route):
            links[hop] = links.get(hop, 0) + count
    return all(network.node(n).slots >= used for n, used in slots.items()) and all(
        network.link(*hop).channels >= used for hop, used in links.items()
    )


@pytest.mark.parametrize("seed", range(6))
def test_an_allocation_is_the_best_of_all(seed: int) -> None:
    network = random_network(seed, size=4, slots=3)
    demands = [
        Demand("a", "d", weight=2.0, least=1),
        Demand("b", "c", most=2),
        Demand("a", "c", weight=0.5, least=1, priority=Priority.BACKGROUND),
    ]
    got = allocate(network, demands)
    admitted: list[int] = []
    for n in (0, 1, 2):
        trial = [*admitted, n]
        if options(network, demands[n]) and brute_force(network, demands, trial) is not None:
            admitted = trial
    assert got.refused == tuple(n for n in range(3) if n not in admitted)
    best = brute_force(network, demands, admitted) if admitted else 0.0
    assert got.value == pytest.approx(best, rel=1e-6)
    assert got.value == pytest.approx(
        sum(got.key_rate(n) * demands[n].weight for n in range(3)), rel=1e-9
    )


def test_the_urgent_come_before_the_earlier_and_who_cannot_have_its_least_has_none() -> None:
    pair = BellDiagonal.werner(0.99)
    network = Network([Node("a", 2, LONG), Node("b", 8, LONG)], [Link("a", "b", pair)])
    demands = [
        Demand("a", "b", weight=100.0, least=2),
        Demand("a", "b", least=1, most=1, priority=Priority.URGENT),
    ]
    got = allocate(network, demands)
    assert got.refused == (0,)
    assert got.key_rate(1) > 0.0
    assert got.key_rate(0) == 0.0
    both = allocate(network, [Demand("a", "b", weight=100.0, least=1), demands[1]])
    assert both.refused == ()
    assert [share.channels for share in both.shares] == [1, 1]


def test_delivery_takes_another_path_when_the_first_gives_nothing() -> None:
    good = BellDiagonal.werner(0.99)
    nodes = [Node(n, 4, LONG) for n in "abc"]
    links = [Link("a", "c", good), Link("a", "b", good), Link("b", "c", good)]
    network = Network(nodes, links)
    plain = lane_of(network)

    def worn(route: Route) -> MemoryLane:
        """The direct path's memories are worse than anybody knows."""
        if len(route.path) > 2:
            return plain(route)
        memory = BareMemory(50e-6, Coherence(100e-6, 100e-6))
        return MemoryLane(memory, 50e-6, route.pair, tries_hopeless=True)

    route, keys = asyncio.run(deliver(network, "a", "c", plain, SMALL))
    assert route.path == ("a", "c")
    route, keys = asyncio.run(deliver(network, "a", "c", worn, SMALL))
    assert route.path == ("a", "b", "c")
    assert keys.key_bits > 1000
    assert abs(keys.qber - route.pair.qber) < 0.01

    def hopeless(route: Route) -> MemoryLane:
        return MemoryLane.bare(50e-6, pair=route.pair)

    with pytest.raises(NoPath, match=r"a - c: memory: a QBER.*; a - b - c: memory: a QBER"):
        asyncio.run(deliver(network, "a", "c", hopeless, SMALL))


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(
        InputError, match=r"expected the library networkx, it is not installed: .*\[codes\]"
    ):
        Network([], [])
