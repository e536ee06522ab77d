"""Entangled states in slots, and the fidelity that each has as time goes by."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.errors import CoherenceExceeded
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.decoherence import Coherence, aged, longest_hold
from bridge.quantum.memory.slots import Occupant, Place, Priority
from bridge.quantum.memory.states import Kind, kept_fidelity


@dataclass(slots=True, eq=False)
class HeldState(Occupant):
    """A state of ``kind`` with one qubit in each of ``places``, of ``fidelity`` at ``stored_at``.

    A pair has its Bell weights in ``pair``. A half that a swap or a purification left has aged
    already: the state is stored anew with what it has then. ``least`` is the fidelity below which
    it is of no use, and gives way to anything.
    """

    state_id: str
    kind: Kind
    places: tuple[Place, ...]
    memories: tuple[Coherence, ...]
    priority: Priority
    stored_at: float
    fidelity: float
    least: float
    pair: BellDiagonal | None = None

    @property
    def least_fidelity(self) -> float:
        """See `Occupant`."""
        return self.least

    def pair_at(self, now: float) -> BellDiagonal:
        """The pair's weights at a time."""
        assert self.pair is not None
        return aged(self.pair, max(0.0, now - self.stored_at), *self.memories)

    def fidelity_at(self, now: float) -> float:
        """See `Occupant`."""
        held_s = max(0.0, now - self.stored_at)
        if self.pair is not None:
            return self.pair_at(now).fidelity
        return kept_fidelity(self.kind, held_s, self.memories, self.fidelity)

    def require_useful(self, now: float) -> None:
        """Raise ``CoherenceExceeded`` when less than ``least`` of the fidelity is left."""
        if self.fidelity_at(now) < self.least:
            raise CoherenceExceeded(
                f"state {self.state_id}: a fidelity of {self.least:g}",
                now - self.stored_at,
                self.longest_s(),
            )

    def longest_s(self) -> float | None:
        """How long from when it was stored it is of use; None when it never was."""
        if self.pair is not None:
            return longest_hold(self.pair, self.least, *self.memories)
        if self.fidelity < self.least:
            return None
        low, high = 0.0, 64.0 * max(max(one.t1_s, one.t2_s) for one in self.memories)
        if kept_fidelity(self.kind, high, self.memories, self.fidelity) >= self.least:
            return high
        for _halving in range(60):
            middle = (low + high) / 2.0
            kept = kept_fidelity(self.kind, middle, self.memories, self.fidelity)
            low, high = (middle, high) if kept >= self.least else (low, middle)
        return low
