"""Corrected keys under management: admitted with fidelity, age and provenance, given out once.

What is admitted goes to a ``pool``, where there is one: the key service's, behind a seam, since
nothing here knows it. Then this store keeps the record and no bit of the key.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

from bridge.domain.errors import InputError, StateUnusable
from bridge.domain.keys import Provenance
from bridge.quantum.memory.corrected import CorrectedKeys
from bridge.quantum.memory.slots import Priority

_admitted: weakref.WeakSet[CorrectedKeys] = weakref.WeakSet()
_admitting = threading.Lock()


class ManagedPool(Protocol):
    """Where admitted keys go to be used."""

    def admit(self, state_id: str, keys: CorrectedKeys) -> None:
        """Keep the key under the block id ``state_id``, a UUID; kept when it returns."""
        ...


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What is admitted: a fidelity of at least ``least_fidelity``, no older than ``most_age_s``.

    ``capacity_bits`` bounds what is held here. The default fidelity is that of a QBER of 11 %.
    """

    least_fidelity: float = 0.835
    most_age_s: float = 24 * 3600.0
    capacity_bits: int = 1 << 26

    def __post_init__(self) -> None:
        if not 0.0 <= self.least_fidelity <= 1.0:
            raise InputError(f"least_fidelity: expected 0 to 1, got {self.least_fidelity}")
        if not self.most_age_s > 0.0:
            raise InputError(f"most_age_s: expected above 0 s, got {self.most_age_s}")
        if self.capacity_bits < 8:
            raise InputError(f"capacity_bits: expected at least 8, got {self.capacity_bits}")


@dataclass(frozen=True, slots=True)
class ManagedKey:
    """An admitted key: everything but the key. ``fidelity`` is that of the pairs it came of."""

    state_id: str
    key_bits: int
    fidelity: float
    held_s: float
    provenance: Provenance
    priority: Priority
    created_at: float

    def age_s(self, now: float) -> float:
        """Seconds since the pairs were measured."""
        return max(0.0, now - self.created_at)


@dataclass(slots=True)
class KeyStore:
    """The managed keys, the most important and oldest first. Its manager locks."""

    limits: KeyLimits
    pool: ManagedPool | None
    clock: Callable[[], float] = time.time
    _keys: dict[str, ManagedKey] = field(default_factory=dict)
    _bits: dict[str, bytes] = field(default_factory=dict, repr=False)

    def admit(self, keys: CorrectedKeys, priority: Priority) -> ManagedKey:
        """Keep a key; ``InputError`` for anything else, ``StateUnusable`` for one below the limits.

        Where the store is full, the oldest keys of lower priority go first, then the new one does.
        """
        if not isinstance(keys, CorrectedKeys):
            raise InputError(f"state: expected CorrectedKeys, got {type(keys).__name__}")
        state_id = str(uuid4())
        self._require_good(state_id, keys)
        with _admitting:
            if keys in _admitted:
                raise StateUnusable(state_id, "the same key was admitted before")
            _admitted.add(keys)
        try:
            if self.pool is None:
                self._make_room(keys.key_bits, priority, state_id)
                self._bits[state_id] = keys.key
            else:
                self.pool.admit(state_id, keys)
        except BaseException:
            _admitted.discard(keys)  # nobody has it, so it may be tried again
            raise
        self._keys[state_id] = ManagedKey(
            state_id=state_id,
            key_bits=keys.key_bits,
            fidelity=keys.fidelity,
            held_s=keys.held_s,
            provenance=provenance(state_id, keys),
            priority=priority,
            created_at=keys.created_at,
        )
        return self._keys[state_id]

    def list(self) -> list[ManagedKey]:
        """Those that are held or went to the pool, and are not too old."""
        self.expire()
        return sorted(self._keys.values(), key=lambda one: (-one.priority, one.created_at))

    def take(self, state_id: str) -> bytes:
        """A key, once. ``StateUnusable`` when it went to the pool, was taken or is too old."""
        self.expire()
        key = self._bits.pop(state_id, None)
        if key is None:
            here = state_id in self._keys
            why = "the pool has it" if here else "it was taken, is too old, or never was"
            raise StateUnusable(state_id, why)
        del self._keys[state_id]
        return key

    def expire(self) -> int:
        """Drop what is too old; how many."""
        now = self.clock()
        old = [key for key, one in self._keys.items() if one.age_s(now) > self.limits.most_age_s]
        for key in old:
            del self._keys[key]
            self._bits.pop(key, None)
        return len(old)

    def _require_good(self, state_id: str, keys: CorrectedKeys) -> None:
        limits, age = self.limits, self.clock() - keys.created_at
        if not keys.fidelity >= limits.least_fidelity:
            raise StateUnusable(
                state_id,
                f"expected a fidelity of at least {limits.least_fidelity:g}, "
                f"got {keys.fidelity:.4f}",
            )
        if not age <= limits.most_age_s:
            raise StateUnusable(
                state_id, f"expected a key of at most {limits.most_age_s:g} s, got {age:.0f} s"
            )

    def _make_room(self, bits: int, priority: Priority, state_id: str) -> None:
        self.expire()
        held = 8 * sum(len(key) for key in self._bits.values())
        weaker = [one for one in reversed(self.list()) if one.priority < priority]
        going = []
        for one in sorted(weaker, key=lambda one: (one.priority, one.created_at)):
            if held + bits <= self.limits.capacity_bits:
                break
            held -= one.key_bits
            going.append(one.state_id)
        if held + bits > self.limits.capacity_bits:
            raise StateUnusable(
                state_id,
                f"expected at most {max(0, self.limits.capacity_bits - held)} bits, "
                f"which are free, got {bits}",
            )
        for one_id in going:
            del self._keys[one_id], self._bits[one_id]


def provenance(block_id: str, keys: CorrectedKeys) -> Provenance:
    """What the pool and everything made of the key say of where it came from."""
    created = datetime.fromtimestamp(keys.created_at, UTC).isoformat(timespec="seconds")
    return Provenance(
        source=keys.lane.value,
        simulated=keys.simulated,
        block_id=block_id,
        qber=keys.qber,
        leak_bits=keys.leak_bits,
        epsilon=keys.epsilon,
        created_at=created,
    )
