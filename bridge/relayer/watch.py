"""What a relayer's loops note as they go, for whoever measures. Belongs to one event loop."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.chain.records import Receipt
from bridge.domain.delivery import Stage
from bridge.relayer.attestor_client import Durations
from bridge.relayer.journal import Entry, Purpose

LATENCY_BOUNDS_S = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
Ends = tuple[int, int]
"""Origin and destination domain."""


@dataclass(slots=True)
class ChainSeen:
    """How far a chain was seen and read. ``answered_at`` is on the monotonic clock."""

    head: int | None = None
    finalized: int | None = None
    next_block: int | None = None
    answered_at: float = field(default_factory=time.monotonic)
    reorgs: int = 0
    last_reorg_depth: int = 0
    largest_reorg_depth: int = 0

    def saw(self, head: int, finalized: int) -> None:
        """Note that the chain answered with its head and its newest final block."""
        self.head = head
        self.saw_final(finalized)
        self.answered_at = time.monotonic()

    def saw_final(self, number: int) -> None:
        """Note a final block. Loops ask side by side: an older answer may come later."""
        self.finalized = max(number, self.finalized or 0)

    def reorged(self, depth: int) -> None:
        """Note that blocks went, ``depth`` of them."""
        self.reorgs += 1
        self.last_reorg_depth = depth
        self.largest_reorg_depth = max(depth, self.largest_reorg_depth)


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """The submitting account on a chain: ``nonce`` is the next that a block takes."""

    balance_wei: int
    nonce: int
    max_fee_wei: int


@dataclass(frozen=True, slots=True)
class Failing:
    """What a loop failed with the last time, ``since`` the monotonic clock's time."""

    error: str
    reason: str
    since: float


def _latencies() -> defaultdict[Ends, Durations]:
    return defaultdict(lambda: Durations(LATENCY_BOUNDS_S))


@dataclass(slots=True)
class Watch:
    """Counts since the start, and what was seen last.

    ``failures`` by loop and error, ``reached`` by route and stage, ``spent_wei`` and ``used_gas``
    by destination and purpose, ``latency`` from finalized to delivered by route.
    """

    started_at: float = field(default_factory=time.monotonic)
    chains: defaultdict[int, ChainSeen] = field(default_factory=lambda: defaultdict(ChainSeen))
    accounts: dict[int, AccountSeen] = field(default_factory=dict)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    failing: dict[str, Failing] = field(default_factory=dict)
    reached: Counter[tuple[int, int, Stage]] = field(default_factory=Counter)
    spent_wei: Counter[tuple[int, Purpose]] = field(default_factory=Counter)
    used_gas: Counter[tuple[int, Purpose]] = field(default_factory=Counter)
    latency: defaultdict[Ends, Durations] = field(default_factory=_latencies)

    @property
    def uptime_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started_at

    def worked(self, task: str) -> None:
        """Note that a loop came through."""
        self.failing.pop(task, None)

    def failed(self, task: str, error: Exception) -> None:
        """Note what a loop failed with."""
        name = type(error).__name__
        self.failures[task, name] += 1
        before = self.failing.get(task)
        since = before.since if before else time.monotonic()
        self.failing[task] = Failing(name, str(error), since)

    def moved(self, entries: Iterable[Entry]) -> None:
        """Note that messages reached the stages at which they stand."""
        for one in entries:
            self.reached[one.origin, one.destination, one.stage] += 1

    def paid(self, domain: int, purpose: Purpose, receipt: Receipt) -> None:
        """Note a transaction that is in a block of ``domain``."""
        self.spent_wei[domain, purpose] += receipt.gas_used * receipt.effective_gas_price
        self.used_gas[domain, purpose] += receipt.gas_used

    def took(self, ends: Ends, seconds: float) -> None:
        """Note how long a message took from finalized to delivered."""
        self.latency[ends].add(max(0.0, seconds))
