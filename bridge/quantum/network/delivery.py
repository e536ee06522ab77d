"""Key between two nodes of a network: the best path first, and the next when it gives none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.domain.errors import LinkError, NoPath
from bridge.quantum.distribution.generation import DEFAULT, QuantumKeyDistribution
from bridge.quantum.ends.end import LinkParameters
from bridge.quantum.memory.corrected import CorrectedKeys
from bridge.quantum.memory.correction import QuantumErrorCorrection
from bridge.quantum.memory.holding import BareMemory
from bridge.quantum.memory.lane import MemoryLane
from bridge.quantum.network.routing import Route, routes
from bridge.quantum.network.topology import Network

LaneOf = Callable[[Route], MemoryLane]
"""The lane of a route's pairs. What happened before they were joined is in the pair already."""


def lane_of(network: Network, held_s: float = 0.0) -> LaneOf:
    """Lanes whose pairs wait ``held_s`` more in the bare memories of the path's first node."""

    def make(route: Route) -> MemoryLane:
        coherence = network.node(route.path[0]).coherence
        return MemoryLane(BareMemory(held_s, coherence), held_s, route.pair, heralded=1.0)

    return make


async def deliver(
    network: Network,
    source: str,
    target: str,
    lane: LaneOf,
    parameters: LinkParameters = DEFAULT,
    attempts: int = 2,
    correction: QuantumErrorCorrection | None = None,
) -> tuple[Route, CorrectedKeys]:
    """A key and the route that it came by.

    Each path's blocks are tried ``attempts`` times, then the next path. Raises ``NoPath`` with what
    happened on each when none gave key; errors that are not the link's at once.
    """
    corrector = correction or QuantumErrorCorrection()
    failures = []
    for route in routes(network, source, target):
        try:
            system = QuantumKeyDistribution(
                parameters=parameters, memory=lane(route), attempts=attempts, pause_s=0.01
            )
            keys = await system.generate_keys()
            return route, await asyncio.to_thread(corrector.apply_correction, keys)
        except LinkError as error:
            failures.append(f"{' - '.join(route.path)}: {error}")
    raise NoPath(source, target, "; ".join(failures))
