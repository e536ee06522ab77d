"""The work queue: jobs to backends, with failover when one is lost.

    waiting -> running -> done
       ^          |
       +- lost ---+        a backend was lost: the job goes to another, first in its order

A job's counts do not depend on which backend ran it, or on how often it was moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from bridge.domain.errors import (
    BackendLost,
    BackendsLost,
    BridgeError,
    InputError,
    JobCancelled,
    JobFailed,
    QueueFull,
)
from bridge.quantum.circuits.clock import Clock, SystemClock
from bridge.quantum.circuits.work.jobs import Job, JobResult
from bridge.quantum.circuits.work.machines import Machine
from bridge.quantum.circuits.work.order import FairOrder, Waiting

log = structlog.get_logger()

PROBES_S = (1.0, 5.0, 30.0, 120.0)
"""Waits before a lost backend is asked again, after the first, second and further losses."""
CHECK_S = 30.0
"""How long a backend may take to say that it is there."""


@dataclass(slots=True, eq=False)
class _Backend:
    machine: Machine
    running: int = 0
    losses: int = 0
    down: bool = False
    reason: str = ""
    down_since: float = 0.0

    @property
    def free(self) -> bool:
        return not self.down and self.running < self.machine.slots


@dataclass(slots=True, eq=False)
class Ticket:
    """A job that was handed in. ``result`` waits for it; ``cancel`` calls it off."""

    job: Job
    _queue: WorkQueue
    _done: asyncio.Future[JobResult]
    _entry: Waiting
    _able: list[_Backend]
    _lost: list[str] = field(default_factory=list)
    _avoid: set[str] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None

    async def result(self) -> JobResult:
        """The counts; raises what became of the job when it gave none.

        ``JobFailed`` or the job's own ``BridgeError`` when it raised, ``BackendsLost``,
        ``JobCancelled``. Who stops waiting does not call the job off.
        """
        return await asyncio.shield(self._done)

    @property
    def done(self) -> bool:
        """Whether it is over, one way or another."""
        return self._done.done()

    def cancel(self) -> bool:
        """Call the job off, waiting or running; False when it was over already."""
        return self._queue._cancel(self, "by its owner")


class WorkQueue:
    """Gives jobs to ``machines`` while ``async with`` it is open.

    ``weights`` are the owners' shares. A lost backend is asked again after ``PROBES_S``. A job is
    moved at most ``moves`` times, and fails when every backend that could run it has been down for
    ``patience_s``. At most ``most_waiting`` jobs wait.
    """

    def __init__(
        self,
        machines: Sequence[Machine],
        *,
        weights: Mapping[str, float] | None = None,
        aging_s: float = 300.0,
        moves: int = 5,
        patience_s: float = 300.0,
        most_waiting: int = 10_000,
        clock: Clock | None = None,
    ) -> None:
        names = [one.name for one in machines]
        if not names or len(set(names)) != len(names):
            raise InputError(f"queue: expected backends of different names, got {names}")
        if moves < 0 or most_waiting < 1 or not patience_s >= 0.0:
            raise InputError(
                f"queue: expected moves from 0, room for at least 1 and patience from 0 s, got "
                f"{moves}, {most_waiting}, {patience_s}"
            )
        self._backends = {one.name: _Backend(one) for one in machines}
        self._order = FairOrder(weights, aging_s)
        self._moves = moves
        self._patience_s = patience_s
        self._most_waiting = most_waiting
        self._clock = clock or SystemClock()
        self._tickets: dict[str, Ticket] = {}
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self._open = False

    async def __aenter__(self) -> WorkQueue:
        await self._group.__aenter__()
        self._open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        """Whatever waits or runs is cancelled, and its owner told."""
        self._open = False
        for ticket in list(self._tickets.values()):
            self._cancel(ticket, "the queue was closed")
        for task in list(self._tasks):
            task.cancel()
        await self._group.__aexit__(None, None, None)
        for one in self._backends.values():
            await one.machine.close()

    def submit(self, job: Job) -> Ticket:
        """Hand in ``job``; needs a running loop.

        Raises ``InputError`` for an id that is in the queue already or a profile that no backend
        has, ``QueueFull`` when too many wait, ``JobCancelled`` when the queue is closed.
        """
        if not self._open:
            raise JobCancelled(job.id, "the queue is not open")
        if job.id in self._tickets:
            raise InputError(f"job {job.id}: another with that id is in the queue")
        able = [one for one in self._backends.values() if one.machine.profile == job.profile]
        if not able:
            raise InputError(
                f"job {job.id}: no backend has the profile {job.profile.name}: "
                f"{', '.join(self._backends)}"
            )
        if len(self._order) >= self._most_waiting:
            raise QueueFull(job.id, self._most_waiting)
        self._count += 1
        entry = Waiting(
            job.id, job.owner, job.priority, float(job.cost), self._clock.now(), self._count
        )
        ticket = Ticket(job, self, asyncio.get_running_loop().create_future(), entry, able)
        self._tickets[job.id] = ticket
        self._order.add(entry)
        self._hand_out()
        return ticket

    def states(self) -> dict[str, str]:
        """Each backend: ``up``, or why it is down."""
        return {name: one.reason if one.down else "up" for name, one in self._backends.items()}

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._order)

    def _hand_out(self) -> None:
        for backend in self._backends.values():
            while backend.free and (entry := self._next(backend)) is not None:
                ticket = self._tickets[entry.id]
                backend.running += 1
                ticket._task = self._start(self._execute(ticket, backend))
                # Not in the task: one that is cancelled before its first step runs nothing.
                ticket._task.add_done_callback(partial(self._release, backend))

    def _release(self, backend: _Backend, _: asyncio.Task[None]) -> None:
        backend.running -= 1
        if self._open:
            self._hand_out()

    def _next(self, backend: _Backend) -> Waiting | None:
        def fits(entry: Waiting) -> bool:
            ticket = self._tickets[entry.id]
            if backend not in ticket._able:
                return False
            # A backend that lost the job gets it again only where no other is up.
            return backend.machine.name not in ticket._avoid or all(
                one.down or one.machine.name in ticket._avoid for one in ticket._able
            )

        return self._order.take(self._clock.now(), fits)

    async def _execute(self, ticket: Ticket, backend: _Backend) -> None:
        job, name = ticket.job, backend.machine.name
        try:
            async with asyncio.timeout(job.timeout_s):
                counts = await backend.machine.run(job)
            if len(counts) != len(job.circuits):
                raise BackendLost(
                    name, f"expected counts of {len(job.circuits)} circuits, got {len(counts)}"
                )
        except asyncio.CancelledError:
            self._finish(ticket, error=JobCancelled(job.id, "while it ran"))
            raise
        except TimeoutError:
            self._lose(ticket, backend, f"no answer within {job.timeout_s:g} s")
        except BackendLost as error:
            self._lose(ticket, backend, str(error))
        except BridgeError as error:
            self._finish(ticket, error=error)
        except Exception as error:  # a job may raise anything, and the queue goes on
            reason = f"{type(error).__name__}: {error}"
            self._finish(ticket, error=JobFailed(job.id, name, reason))
        else:
            backend.losses = 0
            self._finish(ticket, JobResult(job.id, tuple(counts), name, tuple(ticket._lost)))

    def _lose(self, ticket: Ticket, backend: _Backend, reason: str) -> None:
        log.warning("backend_lost", backend=backend.machine.name, job=ticket.job.id, reason=reason)
        ticket._lost.append(reason)
        ticket._avoid.add(backend.machine.name)
        if not backend.down:
            backend.down, backend.reason = True, reason
            backend.down_since = self._clock.now()
            self._start(self._probe(backend))
        if ticket.done:
            return
        if len(ticket._lost) > self._moves:
            self._finish(ticket, error=BackendsLost(ticket.job.id, ticket._lost))
            return
        ticket._task = None
        self._order.give_back(ticket._entry)

    async def _probe(self, backend: _Backend) -> None:
        while backend.down:
            pause = PROBES_S[min(backend.losses, len(PROBES_S) - 1)]
            backend.losses += 1
            left = backend.down_since + self._patience_s - self._clock.now()
            await self._clock.sleep(min(pause, left) if left > 0.0 else pause)
            try:
                async with asyncio.timeout(CHECK_S):
                    await backend.machine.check()
            except Exception as error:  # whatever a backend raises, it is not there
                backend.reason = str(error) or type(error).__name__
                self._give_up()
                continue
            backend.down, backend.reason = False, ""
            log.info("backend_back", backend=backend.machine.name)
            self._hand_out()

    def _give_up(self) -> None:
        """Fail the jobs whose backends have all been down for longer than the patience."""
        limit = self._clock.now() - self._patience_s
        for entry in self._order:
            ticket = self._tickets[entry.id]
            if all(one.down and one.down_since <= limit for one in ticket._able):
                self._order.remove(entry.id)
                reasons = [f"{one.machine.name}: {one.reason}" for one in ticket._able]
                self._finish(ticket, error=BackendsLost(ticket.job.id, reasons))

    def _cancel(self, ticket: Ticket, why: str) -> bool:
        if ticket.done:
            return False
        self._order.remove(ticket.job.id)
        self._finish(ticket, error=JobCancelled(ticket.job.id, why))
        if ticket._task is not None:
            ticket._task.cancel()
        return True

    def _finish(
        self, ticket: Ticket, result: JobResult | None = None, error: BridgeError | None = None
    ) -> None:
        self._tickets.pop(ticket.job.id, None)
        if ticket.done:
            return
        if error is not None:
            ticket._done.set_exception(error)
            ticket._done.exception()  # nobody may be waiting, which is no mistake
        elif result is not None:
            ticket._done.set_result(result)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
