"""What an audit says: figures of each route, and what does not agree with what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

LISTED = 1_000
"""So many disagreements are named; the others are counted."""


class Kind(StrEnum):
    """What does not agree. The names are in the command's JSON and never change."""

    OUTBOX_CONTRADICTS = "outbox_contradicts"
    DELIVERED_TWICE = "delivered_twice"
    DELIVERED_UNDISPATCHED = "delivered_undispatched"
    EVENT_WITHOUT_BIT = "event_without_bit"
    BIT_WITHOUT_EVENT = "bit_without_event"
    ROOT_UNKNOWN = "root_unknown"
    NOT_IN_JOURNAL = "not_in_journal"
    NOT_ON_CHAIN = "not_on_chain"
    DELIVERED_IN_JOURNAL_ONLY = "delivered_in_journal_only"
    DELIVERED_ON_CHAIN_ONLY = "delivered_on_chain_only"
    GIVEN_UP_BUT_DELIVERED = "given_up_but_delivered"
    CHECKPOINT_UNKNOWN = "checkpoint_unknown"
    NONCE_PASSED = "nonce_passed"
    NONCE_GAP = "nonce_gap"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One of them. ``origin`` and ``destination`` are names of chains, where it has them."""

    kind: Kind
    reason: str
    origin: str | None = None
    destination: str | None = None
    message: bytes | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is not delivered; its age in blocks of its origin."""

    id: bytes
    nonce: int
    age_blocks: int
    failed_attempts: int


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """What the chains say of a route; ``waiting`` are the oldest of the ``undelivered``."""

    origin: str
    destination: str
    dispatched: int
    delivered: int
    expired: int
    undelivered: int
    failed_attempts: int
    attested_roots: int
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class ChainFigures:
    """The blocks up to which a chain was read."""

    name: str
    latest: int
    finalized: int


@dataclass(frozen=True, slots=True)
class JournalFigures:
    """What the journal holds: messages by stage, and transactions under way."""

    stages: dict[str, int]
    open_transactions: int


@dataclass(slots=True)
class Findings:
    """Disagreements as they are found: all are counted, the first are kept."""

    listed: list[Disagreement] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)

    def add(self, found: Disagreement) -> None:
        """Count ``found``, and keep it while there is room."""
        self.counts[found.kind] += 1
        if len(self.listed) < LISTED:
            self.listed.append(found)


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found; ``journal`` is None where none was given.

    ``disagreements`` are at most ``LISTED``, ``counts`` has all by kind.
    """

    chains: tuple[ChainFigures, ...]
    routes: tuple[RouteFigures, ...]
    journal: JournalFigures | None
    disagreements: tuple[Disagreement, ...]
    counts: dict[Kind, int]

    @property
    def agrees(self) -> bool:
        """Whether nothing disagrees."""
        return not self.counts
