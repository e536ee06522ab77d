"""Entangled states in slots, and the fidelity that each has as time goes by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bridge.domain.errors import CoherenceExceeded
from bridge.quantum.memory.bell import BellDiagonal
from bridge.quantum.memory.decoherence import Coherence, aged, longest_hold
from bridge.quantum.memory.slots import Occupant, Place, Priority
from bridge.quantum.memory.states import Kind, kept_fidelity

HORIZON = 64.0
STEPS = 256


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

    def pair_at(self, now: float) -> BellDiagonal:
        """The pair's weights at a time."""
        assert self.pair is not None
        return aged(self.pair, max(0.0, now - self.stored_at), *self.memories)

    def fidelity_at(self, now: float) -> float:
        """See `Occupant`."""
        held_s = max(0.0, now - self.stored_at)
        if self.pair is not None:
            return self.pair_at(now).fidelity
        return self._kept(held_s)

    def spent_at(self, now: float) -> bool:
        """See `Occupant`; what counts is when the fidelity first fell below ``least``.

        A GHZ state decays to below 1/2 and, as |0...0>, is back at 1/2 in the end.
        """
        if self.pair is not None:  # which only falls
            return self.fidelity_at(now) < self.least
        longest = self.longest_s()
        return longest is None or now - self.stored_at > longest

    def require_useful(self, now: float) -> None:
        """Raise ``CoherenceExceeded`` when the fidelity has fallen below ``least``."""
        if self.spent_at(now):
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
        finite = [t for one in self.memories for t in (one.t1_s, one.t2_s) if not math.isinf(t)]
        if not finite:
            return math.inf
        low = 0.0
        for high in np.geomspace(1e-4 * min(finite), HORIZON * max(finite), STEPS):
            if self._kept(float(high)) < self.least:
                return self._crossing(low, float(high))
            low = float(high)
        return math.inf

    def _kept(self, held_s: float) -> float:
        return kept_fidelity(self.kind, held_s, self.memories, self.fidelity)

    def _crossing(self, low: float, high: float) -> float:
        for _halving in range(40):
            middle = (low + high) / 2.0
            low, high = (middle, high) if self._kept(middle) >= self.least else (low, middle)
        return low
