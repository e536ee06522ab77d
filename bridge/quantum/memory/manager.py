"""`QuantumStateManager`: entangled states in memories, and the keys that came of some."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import numpy as np

from bridge.domain.errors import InputError, PurificationFailed, StateUnusable
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.corrected import CorrectedKeys
from bridge.quantum.memory.decoherence import Coherence
from bridge.quantum.memory.heldstates import HeldState
from bridge.quantum.memory.keystore import KeyLimits, KeyStore, ManagedKey, ManagedPool
from bridge.quantum.memory.pauli import Matrix
from bridge.quantum.memory.purification import IDEAL, GateNoise, dejmps
from bridge.quantum.memory.slots import (
    MemoryBank,
    Place,
    Priority,
    Reservation,
    SimulatedTime,
)
from bridge.quantum.memory.states import Kind, parties
from bridge.quantum.memory.swapping import swap
from bridge.quantum.memory.teleportation import Teleported, teleport

ENTANGLED = 0.5
"""The fidelity above which a Bell-diagonal or GHZ state is entangled."""

DEFAULT_NODES = {"alice": (Coherence(),) * 8, "bob": (Coherence(),) * 8}


@dataclass(frozen=True, slots=True)
class ManagerStatus:
    """How much is held: slots by node as (taken, free), states, keys; what was evicted so far."""

    slots: Mapping[str, tuple[int, int]]
    states: int
    keys: int
    key_bits: int
    evicted: int


class QuantumStateManager:
    """Holds states of ``nodes``' memories and corrected keys; for several threads.

    ``pool`` is where admitted keys go (`keystore.ManagedPool`); without one they are held here.
    ``gates`` is the noise of the nodes' own gates. ``clock`` times the memories, in seconds: by
    default one that stands until `wait`. ``wall`` dates the keys; ``rng`` draws what measurements
    show.

    >>> manager = QuantumStateManager()
    >>> pair = manager.prepare(Kind.BELL, ["alice", "bob"], 0.98)
    >>> manager.wait(10e-6)
    >>> round(manager.fidelity(pair.state_id), 4)
    0.8477
    """

    def __init__(
        self,
        *,
        nodes: Mapping[str, Sequence[Coherence]] | None = None,
        pool: ManagedPool | None = None,
        limits: KeyLimits | None = None,
        gates: GateNoise = IDEAL,
        clock: Callable[[], float] | None = None,
        wall: Callable[[], float] = time.time,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._clock = clock or SimulatedTime()
        self.bank = MemoryBank(DEFAULT_NODES if nodes is None else nodes, self._clock)
        self.gates = gates
        self._keys = KeyStore(limits or KeyLimits(), pool, wall)
        self._rng = rng or np.random.default_rng()
        self._lock = threading.RLock()
        self._states: dict[str, HeldState] = {}
        self._evicted = 0

    def wait(self, seconds: float) -> None:
        """Let simulated time pass; ``InputError`` where the clock is somebody else's."""
        if not isinstance(self._clock, SimulatedTime):
            raise InputError("wait: expected simulated time, the manager was given a clock")
        with self._lock:
            self._clock.wait(seconds)

    # keys

    def initialize_state(
        self, corrected_keys: CorrectedKeys, priority: Priority = Priority.NORMAL
    ) -> ManagedKey:
        """Admit corrected keys with their fidelity, age and provenance; the record of them.

        ``InputError`` for anything that is not `CorrectedKeys`, ``StateUnusable`` for keys that are
        below the limits, too old, or were admitted before; what the pool raises.
        """
        with self._lock:
            return self._keys.admit(corrected_keys, priority)

    def keys(self) -> list[ManagedKey]:
        """The records of admitted keys, the most important and oldest first."""
        with self._lock:
            return self._keys.list()

    def take_key(self, state_id: str) -> bytes:
        """A key that is held here, once; ``StateUnusable`` for one that is not."""
        with self._lock:
            return self._keys.take(state_id)

    # states

    def prepare(
        self,
        kind: Kind,
        nodes: Sequence[str],
        fidelity: float = 1.0,
        priority: Priority = Priority.NORMAL,
        least: float = ENTANGLED,
        reservation: Reservation | None = None,
    ) -> HeldState:
        """Store a state of ``fidelity`` with a qubit at each of ``nodes``, which may repeat.

        White noise makes up what the fidelity lacks. Raises ``MemoryFull`` when neither free slots
        nor weaker states are enough.
        """
        parties(kind, len(nodes))
        pair = BellDiagonal.werner(fidelity) if kind is Kind.BELL else None
        if not 0.5 ** len(nodes) <= fidelity <= 1.0:
            raise InputError(
                f"fidelity of a {kind.value} state: expected {0.5 ** len(nodes):.3g} to 1, "
                f"got {fidelity}"
            )
        return self._store(kind, nodes, pair, fidelity, priority, least, reservation)

    def store_pair(
        self,
        pair: BellDiagonal,
        nodes: tuple[str, str],
        priority: Priority = Priority.NORMAL,
        least: float = ENTANGLED,
        reservation: Reservation | None = None,
    ) -> HeldState:
        """Store a pair that is more than its fidelity."""
        return self._store(Kind.BELL, nodes, pair, pair.fidelity, priority, least, reservation)

    def reserve(
        self,
        slots: Mapping[str, int],
        for_s: float,
        priority: Priority = Priority.NORMAL,
    ) -> Reservation:
        """Keep slots at some nodes for ``for_s`` seconds, all or none of them."""
        with self._lock:
            made, gone = self.bank.reserve(slots, priority, for_s)
            self._forget(gone)
            return made

    def release(self, reservation: Reservation) -> None:
        """Let go of reserved slots."""
        with self._lock:
            self.bank.release(reservation)

    def state(self, state_id: str) -> HeldState:
        """A state that is held; ``StateUnusable`` for one that is not."""
        with self._lock:
            held = self._states.get(state_id)
            if held is None:
                raise StateUnusable(state_id, "it was consumed, evicted, or never was held")
            return held

    def fidelity(self, state_id: str) -> float:
        """A state's fidelity now."""
        with self._lock:
            return self.state(state_id).fidelity_at(self._clock())

    def discard(self, state_id: str) -> None:
        """Free a state's slots."""
        with self._lock:
            self._consume(self.state(state_id))

    def sweep(self) -> list[str]:
        """Evict the states that are of no use any more; their ids."""
        with self._lock:
            now = self._clock()
            spent = [s for s in self._states.values() if s.spent_at(now)]
            for one in spent:
                self._consume(one)
            self._evicted += len(spent)
            self._keys.expire()
            return [one.state_id for one in spent]

    def purify(self, kept_id: str, spent_id: str) -> HeldState:
        """One step of DEJMPS over two pairs of the same nodes: the better pair, stored anew.

        The second pair's slots are free again. ``PurificationFailed`` when the ends' bits differ,
        which happens as often as it does for such pairs: then both pairs are gone.
        """
        with self._lock:
            now = self._clock()
            kept, spent = self._pair(kept_id, now), self._pair(spent_id, now)
            ends = [place.node for place in kept.places]
            if kept is spent or sorted(ends) != sorted(place.node for place in spent.places):
                raise InputError(
                    f"purification: expected two pairs between {ends[0]} and {ends[1]}, got "
                    f"{kept_id} and {spent_id}"
                )
            step = dejmps(kept.pair_at(now), spent.pair_at(now), self.gates)
            self._consume(spent)
            if self._rng.random() >= step.success:
                self._consume(kept)
                raise PurificationFailed(
                    f"purification: the two ends measured different bits, as happens to "
                    f"{1.0 - step.success:.1%} of such pairs: both pairs are gone"
                )
            return self._renew(kept, kept.places, step.pair, now)

    def swap(self, first_id: str, second_id: str) -> HeldState:
        """Join two pairs at the node that they share; the pair between the two other nodes."""
        with self._lock:
            now = self._clock()
            first, second = self._pair(first_id, now), self._pair(second_id, now)
            shared = {p.node for p in first.places} & {p.node for p in second.places}
            if first is second or len(shared) != 1:
                raise InputError(
                    "swapping: expected two pairs that meet at one node, got "
                    f"{first_id} and {second_id}, which meet at {len(shared)}"
                )
            middle = shared.pop()
            ends = [p for one in (first, second) for p in one.places if p.node != middle]
            if len(ends) != 2:
                raise InputError(f"swapping: expected two ends beside {middle}, got {len(ends)}")
            joined = swap(first.pair_at(now), second.pair_at(now), self.gates)
            self._consume(second)
            self._consume(first)
            return self._renew(first, tuple(ends), joined, now)

    def swap_chain(self, state_ids: Sequence[str]) -> HeldState:
        """`swap` along a chain of pairs, from one end to the other."""
        if len(state_ids) < 2:
            raise InputError(f"swapping: expected at least two pairs, got {len(state_ids)}")
        held = self.state(state_ids[0])
        for state_id in state_ids[1:]:
            held = self.swap(held.state_id, state_id)
        return held

    def teleport(self, state: Matrix, pair_id: str) -> Teleported:
        """Send one qubit's density matrix through a pair, which is used up."""
        with self._lock:
            now = self._clock()
            held = self._pair(pair_id, now)
            sent = teleport(state, held.pair_at(now), self._rng, self.gates)
            self._consume(held)
            return sent

    def status(self) -> ManagerStatus:
        """How much is held."""
        with self._lock:
            keys = self._keys.list()
            slots = {
                node: (self.bank.taken(node), self.bank.free(node)) for node in self.bank.nodes
            }
            bits = sum(one.key_bits for one in keys)
            return ManagerStatus(slots, len(self._states), len(keys), bits, self._evicted)

    def __repr__(self) -> str:
        return f"QuantumStateManager({len(self._states)} states, redacted)"

    # within the lock

    def _store(
        self,
        kind: Kind,
        nodes: Sequence[str],
        pair: BellDiagonal | None,
        fidelity: float,
        priority: Priority,
        least: float,
        reservation: Reservation | None,
    ) -> HeldState:
        if not 0.0 <= least <= 1.0 or math.isnan(fidelity):
            raise InputError(f"least fidelity: expected 0 to 1, got {least}")
        if fidelity < least:
            raise InputError(
                f"{kind.value} state: expected a fidelity of at least {least:g}, got {fidelity:g}"
            )
        with self._lock:
            places, gone = self.bank.find(nodes, priority, reservation)
            self._forget(gone)
            held = HeldState(
                state_id=str(uuid4()),
                kind=kind,
                places=places,
                memories=tuple(self.bank.coherence(place) for place in places),
                priority=priority,
                stored_at=self._clock(),
                fidelity=fidelity,
                least=least,
                pair=pair,
            )
            self._keep(held)
            return held

    def _pair(self, state_id: str, now: float) -> HeldState:
        held = self.state(state_id)
        if held.pair is None:
            raise InputError(f"state {state_id}: expected a pair, got a {held.kind.value} state")
        held.require_useful(now)
        return held

    def _renew(
        self, old: HeldState, places: tuple[Place, ...], pair: BellDiagonal, now: float
    ) -> HeldState:
        """What two pairs became, under a new id."""
        if old.state_id in self._states:
            self._consume(old)
        held = HeldState(
            state_id=str(uuid4()),
            kind=Kind.BELL,
            places=places,
            memories=tuple(self.bank.coherence(place) for place in places),
            priority=old.priority,
            stored_at=now,
            fidelity=pair.fidelity,
            least=old.least,
            pair=pair,
        )
        self._keep(held)
        return held

    def _keep(self, held: HeldState) -> None:
        self.bank.occupy(held)
        self._states[held.state_id] = held

    def _consume(self, held: HeldState) -> None:
        self.bank.vacate(held)
        del self._states[held.state_id]

    def _forget(self, gone: Sequence[object]) -> None:
        for one in gone:
            assert isinstance(one, HeldState)
            del self._states[one.state_id]
        self._evicted += len(gone)
