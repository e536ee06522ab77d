"""Memory slots of some nodes: what holds which qubit until when, and who has to go for whom.

A slot is free, reserved or taken. Of a node's slots reserved ones go to whoever has the
reservation. When there are too few, states give way in this order: those that fell below the
fidelity they were admitted for, then those of a lower priority than the new one, the lowest
first and of these the one with the least fidelity. Nothing gives way to its equal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import uuid4

from bridge.domain.errors import InputError, MemoryFull
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.pauli import duration


class SimulatedTime:
    """A clock in seconds that stands until `wait` moves it: memories here are simulated, too."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._now += duration("wait", seconds)


class Priority(IntEnum):
    """Whom others give way to."""

    BACKGROUND = 0
    NORMAL = 1
    URGENT = 2


@dataclass(frozen=True, slots=True)
class Place:
    """One slot of one node."""

    node: str
    slot: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """Slots that are kept for whoever shows this, until ``expires_at`` on the bank's clock."""

    reservation_id: str
    priority: Priority
    places: tuple[Place, ...]
    expires_at: float


class Occupant(ABC):
    """What is in the bank's slots; the manager's states are these."""

    state_id: str
    places: tuple[Place, ...]
    priority: Priority

    @abstractmethod
    def fidelity_at(self, now: float) -> float:
        """The fidelity at a time of the bank's clock."""

    @abstractmethod
    def spent_at(self, now: float) -> bool:
        """Whether it is of no use any more."""


@dataclass(slots=True)
class MemoryBank:
    """The slots of ``nodes``, each with its coherence times; ``clock`` gives seconds.

    Not for several threads: its manager locks.
    """

    nodes: Mapping[str, Sequence[Coherence]]
    clock: Callable[[], float]
    _taken: dict[Place, Occupant] = field(default_factory=dict)
    _reserved: dict[str, Reservation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.nodes or not all(self.nodes.values()):
            raise InputError("memory bank: expected a slot at each of at least one node, got none")
        self.nodes = {name: tuple(slots) for name, slots in self.nodes.items()}

    def coherence(self, place: Place) -> Coherence:
        """The times of one slot."""
        return self.nodes[place.node][place.slot]

    def free(self, node: str) -> int:
        """How many slots of a node are neither taken nor reserved."""
        return len(self._free(node))

    def taken(self, node: str) -> int:
        """How many slots of a node hold a qubit."""
        self._known(node)
        return sum(place.node == node for place in self._taken)

    def occupants(self) -> list[Occupant]:
        """What is held, each once."""
        return list({one.state_id: one for one in self._taken.values()}.values())

    def reserve(
        self, wanted: Mapping[str, int], priority: Priority, for_s: float
    ) -> tuple[Reservation, list[Occupant]]:
        """Keep slots at some nodes, all or none; what had to give way for them."""
        duration("reservation", for_s)
        places, gone = self._find(wanted, priority, ())
        made = Reservation(str(uuid4()), priority, tuple(places), self.clock() + for_s)
        self._reserved[made.reservation_id] = made
        return made, gone

    def release(self, reservation: Reservation) -> None:
        """Let go of what was reserved; nothing where that has happened."""
        self._reserved.pop(reservation.reservation_id, None)

    def find(
        self, nodes: Sequence[str], priority: Priority, reservation: Reservation | None = None
    ) -> tuple[tuple[Place, ...], list[Occupant]]:
        """A slot at each of ``nodes``, in this order, and what had to give way for them.

        Those of a ``reservation`` come first, and it is used up. ``MemoryFull`` when there are too
        few, ``InputError`` for an unknown node or a reservation that ended.
        """
        own: tuple[Place, ...] = ()
        if reservation is not None:
            self._expire()
            held = self._reserved.get(reservation.reservation_id)
            if held is None:
                raise InputError(
                    f"reservation {reservation.reservation_id}: expected one that is held, it ended"
                )
            own = held.places
        wanted: dict[str, int] = {}
        for node in nodes:
            wanted[node] = wanted.get(node, 0) + 1
        places, gone = self._find(wanted, priority, own)
        if reservation is not None:
            self.release(reservation)
        by_node: dict[str, list[Place]] = {}
        for place in places:
            by_node.setdefault(place.node, []).append(place)
        return tuple(by_node[node].pop(0) for node in nodes), gone

    def occupy(self, occupant: Occupant) -> None:
        """Put what `find` made room for into its places."""
        for place in occupant.places:
            assert place not in self._taken
            self._taken[place] = occupant

    def vacate(self, occupant: Occupant) -> None:
        """Free its places."""
        for place in occupant.places:
            if self._taken.get(place) is occupant:
                del self._taken[place]

    def _find(
        self, wanted: Mapping[str, int], priority: Priority, own: Sequence[Place]
    ) -> tuple[list[Place], list[Occupant]]:
        """Places for all that is wanted; evicts nobody unless all can be had."""
        now = self.clock()
        chosen: list[Place] = []
        gone: dict[str, Occupant] = {}
        for node, count in wanted.items():
            self._known(node)
            if count < 1:
                raise InputError(f"memory at {node}: expected at least one slot, got {count}")
            found = [place for place in own if place.node == node] + self._free(node)
            weaker = self._weaker(node, priority, now) if len(found) < count else []
            for one in weaker:
                if len(found) >= count:
                    break
                gone[one.state_id] = one
                found += [place for place in one.places if place.node == node]
            if len(found) < count:
                raise MemoryFull(node, count, len(found), priority.name.lower())
            chosen += found[:count]
        for one in gone.values():
            self.vacate(one)
        return chosen, list(gone.values())

    def _weaker(self, node: str, priority: Priority, now: float) -> list[Occupant]:
        at = {one.state_id: one for place, one in self._taken.items() if place.node == node}
        spent = [one for one in at.values() if one.spent_at(now)]
        lower = [one for one in at.values() if one not in spent and one.priority < priority]
        lower.sort(key=lambda one: (one.priority, one.fidelity_at(now)))
        return spent + lower

    def _free(self, node: str) -> list[Place]:
        self._known(node)
        self._expire()
        kept = {place for one in self._reserved.values() for place in one.places}
        slots = (Place(node, slot) for slot in range(len(self.nodes[node])))
        # The slot that keeps longest is given first.
        return sorted(
            (place for place in slots if place not in self._taken and place not in kept),
            key=lambda place: -self.coherence(place).t2_s,
        )

    def _expire(self) -> None:
        now = self.clock()
        over = [key for key, one in self._reserved.items() if one.expires_at <= now]
        for key in over:
            del self._reserved[key]

    def _known(self, node: str) -> None:
        if node not in self.nodes:
            raise InputError(f"node: expected one of {', '.join(sorted(self.nodes))}, got {node!r}")
