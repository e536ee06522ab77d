"""What memories say of the pairs they held: detection events, one record for each end.

A record travels with the sifted bits that it belongs to. It holds no key: whoever reads it learns
where errors were, not what the bits are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.domain.errors import InputError
from bridge.quantum.basis import Basis
from bridge.quantum.memory.holding import Memory

Events = npt.NDArray[np.uint8]
"""Detection events, a row for each pair: detector i is bit i % 8 of byte i // 8, as stim packs."""

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class MemoryRecord:
    """One end's ``memory``, and what it recorded of each of the pairs that the bits came of.

    ``bases`` has 0 for Z and 1 for X, in the order of the bits. The pairs measured in one basis
    have their rows in that basis's ``events``, in the same order.
    """

    memory: Memory
    bases: Events
    events: Mapping[Basis, Events]

    def __post_init__(self) -> None:
        if self.bases.ndim != 1 or (self.bases.size and int(self.bases.max()) > 1):
            raise InputError("memory record: expected a basis of 0 or 1 for each pair, got others")
        for number, basis in enumerate(Basis):
            rows = int(np.count_nonzero(self.bases == number))
            expected = (rows, -(-self.memory.detectors(basis) // 8))
            if self.events[basis].shape != expected or self.events[basis].dtype != np.uint8:
                raise InputError(
                    f"memory record: expected events of shape {expected} in {basis.value}, "
                    f"got {self.events[basis].shape}"
                )

    def __len__(self) -> int:
        return len(self.bases)

    def select(self, places: Places) -> MemoryRecord:
        """The record of the pairs at ``places``, in this order."""
        bases = self.bases[places]
        events = {}
        for number, basis in enumerate(Basis):
            rows = np.cumsum(self.bases == number) - 1
            events[basis] = self.events[basis][rows[places[bases == number]]]
        return MemoryRecord(self.memory, bases, events)

    def __repr__(self) -> str:
        size = sum(rows.nbytes for rows in self.events.values())
        return f"MemoryRecord({len(self)} pairs in {self.memory}, {size} bytes)"


def joined(records: Sequence[MemoryRecord]) -> MemoryRecord:
    """One record of several parts, one after the other."""
    if not records:
        raise InputError("memory record: expected at least one part, got none")
    return MemoryRecord(
        records[0].memory,
        np.concatenate([one.bases for one in records]),
        {basis: np.concatenate([one.events[basis] for one in records]) for basis in Basis},
    )


@dataclass(frozen=True, slots=True, eq=False)
class SyndromeRecord:
    """Both ends' records of one block, ``held_s`` how long its pairs were held."""

    sender: MemoryRecord
    receiver: MemoryRecord
    held_s: float

    def __post_init__(self) -> None:
        if len(self.sender) != len(self.receiver):
            raise InputError(
                "syndrome record: expected as many pairs at either end, got "
                f"{len(self.sender)} and {len(self.receiver)}"
            )
        if (self.sender.bases != self.receiver.bases).any():
            raise InputError("syndrome record: expected pairs measured in one basis, got two")

    def __len__(self) -> int:
        return len(self.sender)
