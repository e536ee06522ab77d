"""Which waiting job is next: priority, then fair shares, then who came first.

Start-time fair queueing (Goyal, Vin and Cheng 1996) over owners: each has a virtual time, which
runs on by a job's cost divided by the owner's weight, and the owner who is furthest behind is next.
Who was away starts at the least time of those who were not, so that no share is saved up. A job
gains a priority for each ``aging_s`` that it waits, so that none starves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bridge.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job in the order: what it is known by, and what decides its turn."""

    id: str
    owner: str
    priority: int
    cost: float
    since_s: float
    number: int


class FairOrder:
    """Jobs that wait. ``weights`` are owners' shares; who has none has 1."""

    def __init__(self, weights: Mapping[str, float] | None = None, aging_s: float = 300.0) -> None:
        self._weights = dict(weights or {})
        for owner, weight in self._weights.items():
            if not 0.0 < weight < float("inf"):
                raise InputError(f"share of {owner}: expected above 0, got {weight}")
        if not aging_s > 0.0:
            raise InputError(f"aging: expected above 0 s, got {aging_s}")
        self._aging_s = aging_s
        self._waiting: dict[str, Waiting] = {}
        self._times: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(list(self._waiting.values()))

    def add(self, job: Waiting) -> None:
        """Let ``job`` wait."""
        present = {one.owner for one in self._waiting.values()}
        if job.owner not in present:
            floor = min((self._times[owner] for owner in present), default=0.0)
            self._times[job.owner] = max(self._times.get(job.owner, 0.0), floor)
        self._waiting[job.id] = job

    def take(self, now_s: float, fits: Callable[[Waiting], bool]) -> Waiting | None:
        """The next job that ``fits``, which waits no longer and is charged to its owner."""
        able = [one for one in self._waiting.values() if fits(one)]
        if not able:
            return None
        job = min(able, key=lambda one: self._turn(one, now_s))
        del self._waiting[job.id]
        self._times[job.owner] += job.cost / self._weight(job.owner)
        return job

    def give_back(self, job: Waiting) -> None:
        """Let a job that was taken and not served wait again, in its old place, for nothing."""
        self._times[job.owner] -= job.cost / self._weight(job.owner)
        self._waiting[job.id] = job

    def remove(self, job_id: str) -> Waiting | None:
        """The job, which waits no longer; None when it did not."""
        return self._waiting.pop(job_id, None)

    def _turn(self, job: Waiting, now_s: float) -> tuple[float, float, int]:
        aged = job.priority + (now_s - job.since_s) // self._aging_s
        return (-aged, self._times[job.owner], job.number)

    def _weight(self, owner: str) -> float:
        return self._weights.get(owner, 1.0)
