"""A network of nodes: what each can hold, and what each link makes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bridge.domain.errors import InputError, NoPath
from bridge.quantum.codes.libraries import require
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.purification import IDEAL, GateNoise

MINIMUM = Coherence(100e-6, 100e-6)

FIBRE_KM_PER_S = 200_000.0
"""Light in fibre: c / 1.5, rounded."""


@dataclass(frozen=True, slots=True)
class Node:
    """``slots`` memories of one ``coherence``, and ``gates`` to purify and swap with."""

    name: str
    slots: int = 4
    coherence: Coherence = MINIMUM
    gates: GateNoise = IDEAL

    def __post_init__(self) -> None:
        if not self.name or self.slots < 1:
            raise InputError(
                f"node {self.name!r}: expected a name and at least one slot, got {self.slots}"
            )


@dataclass(frozen=True, slots=True)
class Link:
    """``attempts_per_s`` on each of ``channels``, of which ``heralded`` give ``pair``."""

    first: str
    second: str
    pair: BellDiagonal
    attempts_per_s: float = 1e6
    heralded: float = 0.5
    length_km: float = 0.0
    channels: int = 4

    def __post_init__(self) -> None:
        if not 0.0 < self.attempts_per_s < math.inf:
            raise InputError(f"link: expected attempts above 0 a second, got {self.attempts_per_s}")
        if not 0.0 < self.heralded <= 1.0:
            raise InputError(f"link: expected heralded above 0 and up to 1, got {self.heralded}")
        if not 0.0 <= self.length_km < math.inf:
            raise InputError(f"link: expected a length of 0 km or more, got {self.length_km}")
        if self.channels < 1 or self.first == self.second:
            raise InputError(
                f"link: expected a channel between two nodes, got {self.channels} between "
                f"{self.first} and {self.second}"
            )

    @property
    def pairs_per_s(self) -> float:
        """Heralded pairs of one channel."""
        return self.attempts_per_s * self.heralded


class Network:
    """Nodes and links, at most one between two nodes.

    >>> net = Network([Node("a"), Node("b")], [Link("a", "b", BellDiagonal.werner(0.98))])
    >>> net.paths("a", "b")
    [('a', 'b')]
    """

    def __init__(self, nodes: Iterable[Node], links: Iterable[Link]) -> None:
        self.graph: Any = require("networkx").Graph()
        for node in nodes:
            if node.name in self.graph:
                raise InputError(f"network: expected each node once, got {node.name} again")
            self.graph.add_node(node.name, node=node)
        for link in links:
            self.node(link.first), self.node(link.second)
            if self.graph.has_edge(link.first, link.second):
                raise InputError(
                    f"network: expected one link between {link.first} and {link.second}, got two"
                )
            self.graph.add_edge(link.first, link.second, link=link)

    def node(self, name: str) -> Node:
        """A node; ``InputError`` for a name that none has."""
        if name not in self.graph:
            known = ", ".join(sorted(self.graph))
            raise InputError(f"node: expected one of {known}, got {name!r}")
        found: Node = self.graph.nodes[name]["node"]
        return found

    def link(self, first: str, second: str) -> Link:
        """The link between two nodes."""
        self.node(first), self.node(second)
        if not self.graph.has_edge(first, second):
            raise InputError(f"network: expected a link between {first} and {second}, got none")
        found: Link = self.graph.edges[first, second]["link"]
        return found

    def paths(self, source: str, target: str, most_hops: int = 8) -> list[tuple[str, ...]]:
        """All paths that visit no node twice, the shortest first; ``NoPath`` when there is none."""
        self.node(source), self.node(target)
        if source == target:
            raise InputError(f"path: expected two nodes, got {source} twice")
        found = require("networkx").all_simple_paths(self.graph, source, target, cutoff=most_hops)
        paths = sorted((tuple(path) for path in found), key=lambda path: (len(path), path))
        if not paths:
            raise NoPath(source, target, f"no chain of at most {most_hops} links joins them")
        return paths
