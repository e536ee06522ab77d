"""The work queue: order, failover, and an end that is clear whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from math import nan

import psutil
import pytest

pytest.importorskip("qiskit_aer")

from qiskit import QuantumCircuit, transpile

from bridge.domain.errors import (
    BackendLost,
    BackendsLost,
    InputError,
    JobCancelled,
    JobFailed,
    QueueFull,
)
from bridge.quantum.circuits.backend import ProfileBackend
from bridge.quantum.circuits.batches import CountsOf, run_batches, run_seeded
from bridge.quantum.circuits.presets import even, preset
from bridge.quantum.circuits.work.jobs import Job
from bridge.quantum.circuits.work.machines import Machine, QiskitMachine, SimulatedMachine
from bridge.quantum.circuits.work.order import FairOrder, Waiting
from bridge.quantum.circuits.work.queue import PROBES_S, WorkQueue
from bridge.quantum.montecarlo.workers import here, processes

PROFILE = even("three", "a test", 1, 3, preset("minimum").qubits[0], 0.999, 40.0)
OTHER = even("two", "a test", 1, 2, preset("minimum").qubits[0], 0.999, 40.0)
BACKEND = ProfileBackend(PROFILE, minimum=None)


def ghz(angle: float = 1.0) -> QuantumCircuit:
    circuit = QuantumCircuit(3, 3)
    circuit.ry(angle, 0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.measure(range(3), range(3))
    return transpile(circuit, BACKEND, optimization_level=1, seed_transpiler=1)


CIRCUITS = tuple(ghz(angle) for angle in (0.5, 1.0, 1.5))


def job(name: str, owner: str = "ann", **changes: object) -> Job:
    values = {"circuits": CIRCUITS, "shots": 500, "seed": 9, **changes}
    return Job(id=name, owner=owner, profile=PROFILE, **values)  # type: ignore[arg-type]


EXPECTED = tuple(run_seeded(PROFILE, CIRCUITS, 500, job("any").seeds))


class SetClock:
    """A clock that the test sets; who sleeps wakes when its time has come."""

    def __init__(self) -> None:
        self.time = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.time + seconds, woken))
        await woken.wait()

    async def forward(self, seconds: float) -> None:
        self.time += seconds
        due = [one for one in self._sleepers if one[0] <= self.time]
        self._sleepers = [one for one in self._sleepers if one[0] > self.time]
        for _, woken in due:
            woken.set()
        for _ in range(10):
            await asyncio.sleep(0)


class Manual:
    """A backend whose jobs end when the test says so, and how."""

    def __init__(self, name: str, slots: int = 1) -> None:
        self.name, self.slots, self.profile = name, slots, PROFILE
        self.began: list[str] = []
        self.ends: dict[str, asyncio.Future[Sequence[CountsOf]]] = {}
        self.there = True
        self.checks = 0

    async def run(self, job: Job) -> Sequence[CountsOf]:
        self.began.append(job.id)
        self.ends[job.id] = asyncio.get_running_loop().create_future()
        return await self.ends[job.id]

    async def check(self) -> None:
        self.checks += 1
        if not self.there:
            raise BackendLost(self.name, "still away")

    async def close(self) -> None:
        pass

    async def end(self, name: str, error: Exception | None = None) -> None:
        if error is None:
            self.ends[name].set_result([{"000": 1}] * 3)
        else:
            self.ends[name].set_exception(error)
        for _ in range(10):
            await asyncio.sleep(0)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def simulated() -> AsyncIterator[SimulatedMachine]:
    machine = SimulatedMachine("aer", PROFILE)
    yield machine
    await machine.close()


# --- the order


def waiting(name: str, owner: str, number: int, priority: int = 0, cost: float = 1.0) -> Waiting:
    return Waiting(name, owner, priority, cost, 0.0, number)


def drained(order: FairOrder, now_s: float = 0.0) -> list[str]:
    taken = []
    while (one := order.take(now_s, lambda _: True)) is not None:
        taken.append(one.id)
    return taken


def test_priority_goes_first_and_then_who_came_first() -> None:
    order = FairOrder()
    for number, priority in enumerate((0, 5, 0, 5)):
        order.add(waiting(f"{number}", "ann", number, priority))
    assert drained(order) == ["1", "3", "0", "2"]


def test_owners_take_turns_by_what_they_had_and_not_by_how_much_they_hand_in() -> None:
    order = FairOrder()
    for number in range(6):
        order.add(waiting(f"a{number}", "ann", number))
    for number in range(2):
        order.add(waiting(f"b{number}", "bob", 10 + number))
    assert drained(order)[:4] == ["a0", "b0", "a1", "b1"]
    # A job of three times the cost is worth three turns.
    order.add(waiting("dear", "cat", 20, cost=3.0))
    for number in range(4):
        order.add(waiting(f"d{number}", "dan", 30 + number))
    assert drained(order) == ["dear", "d0", "d1", "d2", "d3"]


def test_shares_are_as_the_weights_are() -> None:
    order = FairOrder({"ann": 3.0})
    for number in range(400):
        order.add(waiting(f"a{number}", "ann", number))
        order.add(waiting(f"b{number}", "bob", 1000 + number))
    first = drained(order)[:400]
    assert sum(name.startswith("a") for name in first) == 300


def test_who_was_away_has_saved_no_share_up() -> None:
    order = FairOrder()
    for number in range(20):
        order.add(waiting(f"a{number}", "ann", number))
    for _ in range(10):
        order.take(0.0, lambda _: True)
    for number in range(10):
        order.add(waiting(f"b{number}", "bob", 100 + number))
    assert sum(name.startswith("b") for name in drained(order)[:10]) == 5


def test_a_job_that_waits_long_enough_is_next() -> None:
    order = FairOrder(aging_s=100.0)
    order.add(waiting("low", "ann", 1, priority=-1))
    order.add(Waiting("high", "bob", 1, 1.0, 190.0, 2))
    assert drained(order, 199.0) == ["high", "low"]
    order.add(waiting("low", "ann", 1, priority=-1))
    order.add(Waiting("high", "bob", 1, 1.0, 290.0, 2))
    assert drained(order, 300.0) == ["low", "high"]


def test_a_job_given_back_costs_nothing() -> None:
    order = FairOrder()
    order.add(waiting("a", "ann", 1, cost=5.0))
    order.add(waiting("b", "bob", 2))
    taken = order.take(0.0, lambda _: True)
    assert taken is not None
    order.give_back(taken)
    assert drained(order) == ["a", "b"]
    for weight in (0.0, nan, -1.0):
        with pytest.raises(InputError, match="share of ann: expected above 0"):
            FairOrder({"ann": weight})
    with pytest.raises(InputError, match="aging"):
        FairOrder(aging_s=nan)


# --- real backends


async def test_counts_do_not_depend_on_who_runs_the_job(simulated: SimulatedMachine) -> None:
    other = QiskitMachine("qiskit", BACKEND, PROFILE)
    for machine in (simulated, other):
        async with WorkQueue([machine]) as queue:
            result = await queue.submit(job("one")).result()
        assert result.backend == machine.name
        assert result.counts == EXPECTED
        assert result.lost == ()
    assert tuple(run_batches(CIRCUITS, PROFILE, 500, 9, here())) == EXPECTED
    with processes(2) as workers:
        assert tuple(run_batches(CIRCUITS, PROFILE, 500, 9, workers, batch=1)) == EXPECTED
        assert tuple(run_batches(CIRCUITS, PROFILE, 500, 9, workers, batch=2)) == EXPECTED
        assert tuple(run_batches(CIRCUITS, PROFILE, 500, 8, workers)) != EXPECTED


async def test_a_killed_process_moves_the_job_and_changes_nothing() -> None:
    """SIGKILL while it runs: the job goes to the other backend, with the same counts."""
    machines = [SimulatedMachine("first", PROFILE), SimulatedMachine("second", PROFILE)]
    long = job("long", shots=20_000, circuits=CIRCUITS * 4)
    async with WorkQueue(machines) as queue:
        assert (await queue.submit(job("short")).result()).backend == "first"
        (pid,) = machines[0].pids
        ticket = queue.submit(long)
        await settle()
        os.kill(pid, signal.SIGKILL)
        result = await asyncio.wait_for(ticket.result(), 240)
        assert result.backend == "second"
        assert len(result.lost) == 1
        assert result.lost[0].startswith("backend first is lost: its process ended")
        # The first is asked again, and is there.
        await until(lambda: queue.states() == {"first": "up", "second": "up"})
    alone = run_seeded(PROFILE, long.circuits, long.shots, long.seeds)
    assert list(result.counts) == alone


async def test_a_running_job_that_is_cancelled_leaves_no_process() -> None:
    machine = SimulatedMachine("aer", PROFILE)
    async with WorkQueue([machine]) as queue:
        await queue.submit(job("short")).result()
        (pid,) = machine.pids
        ticket = queue.submit(job("long", shots=100_000_000))
        await settle()
        assert ticket.cancel()
        assert not ticket.cancel()
        with pytest.raises(JobCancelled, match="job long was cancelled: by its owner"):
            await ticket.result()
        await until(lambda: not psutil.pid_exists(pid))
        # The slot is free for the next.
        assert (await asyncio.wait_for(queue.submit(job("next")).result(), 120)).counts == EXPECTED


async def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # of another process, which sets no event here
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.02)


# --- failover and endings


async def test_a_lost_backends_jobs_go_to_another_and_it_comes_back() -> None:
    clock, first, second = SetClock(), Manual("first"), Manual("second")
    async with WorkQueue([first, second], clock=clock) as queue:
        a, b, c = (queue.submit(job(name)) for name in "abc")
        await settle()
        assert (first.began, second.began) == (["a"], ["b"])
        first.there = False
        await first.end("a", BackendLost("first", "unplugged"))
        assert queue.states()["first"] == "backend first is lost: unplugged"
        await second.end("b")
        assert second.began == ["b", "a"]  # in its old place, before c
        await clock.forward(PROBES_S[0])
        assert first.checks == 1
        assert first.began == ["a"]
        first.there = True
        await clock.forward(PROBES_S[1])
        assert queue.states()["first"] == "up"
        assert first.began == ["a", "c"]
        await second.end("a")
        await first.end("c")
        assert (await a.result()).lost == ("backend first is lost: unplugged",)
        assert (await a.result()).backend == "second"
        assert (await b.result()).lost == ()
        assert (await c.result()).backend == "first"


async def test_when_every_backend_is_gone_for_long_the_job_fails_clearly() -> None:
    clock, first, second = SetClock(), Manual("first"), Manual("second")
    async with WorkQueue([first, second], clock=clock, patience_s=60.0) as queue:
        a, b = queue.submit(job("a")), queue.submit(job("b"))
        await settle()
        for machine, name in ((first, "a"), (second, "b")):
            machine.there = False
            await machine.end(name, BackendLost(machine.name, "unplugged"))
        for _ in range(30):
            await clock.forward(1.0)
        assert not a.done
        for _ in range(40):
            await clock.forward(1.0)
        for ticket in (a, b):
            with pytest.raises(BackendsLost, match=r"no backend is left: first: .*; second: ") as e:
                await ticket.result()
            assert e.value.retryable
        assert queue.waiting == 0


async def test_a_job_that_loses_backend_after_backend_is_given_up() -> None:
    clock, machine = SetClock(), Manual("only")
    async with WorkQueue([machine], clock=clock, moves=2) as queue:
        ticket = queue.submit(job("a"))
        for _ in range(3):
            await settle()
            await machine.end("a", BackendLost("only", "tripped"))
            await clock.forward(PROBES_S[-1])
        assert machine.began == ["a"] * 3
        with pytest.raises(BackendsLost, match="tripped"):
            await ticket.result()


class Quick(Manual):
    """A backend that is done at once."""

    async def run(self, job: Job) -> Sequence[CountsOf]:
        return [{"000": 1}] * 3


async def test_a_backend_that_does_not_answer_is_lost() -> None:
    async with WorkQueue([Manual("first"), Quick("second")]) as queue:
        result = await queue.submit(job("a", timeout_s=0.1)).result()
        assert result.lost == ("no answer within 0.1 s",)
        assert result.backend == "second"


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ZeroDivisionError("no"), JobFailed, "job a raised on only: ZeroDivisionError: no"),
        (InputError("expected two, got 3"), InputError, "expected two, got 3"),
    ],
)
async def test_a_job_that_raises_is_not_tried_elsewhere(
    error: Exception, kind: type[Exception], words: str
) -> None:
    machine = Manual("only")
    async with WorkQueue([machine]) as queue:
        ticket, other = queue.submit(job("a")), queue.submit(job("b"))
        await settle()
        await machine.end("a", error)
        with pytest.raises(kind, match=words):
            await ticket.result()
        assert machine.began == ["a", "b"]
        assert queue.states() == {"only": "up"}
        await machine.end("b")
        assert (await other.result()).backend == "only"


async def test_a_backend_that_answers_with_too_little_is_lost() -> None:
    first, second = Manual("first"), Manual("second")
    async with WorkQueue([first, second]) as queue:
        ticket = queue.submit(job("a"))
        await settle()
        first.ends["a"].set_result([{"000": 1}])
        await settle()
        await second.end("a")
        assert "expected counts of 3 circuits, got 1" in (await ticket.result()).lost[0]


async def test_waiting_jobs_can_be_cancelled_and_so_can_those_just_begun() -> None:
    machine = Manual("only")
    async with WorkQueue([machine]) as queue:
        begun, waits = queue.submit(job("a")), queue.submit(job("b"))
        # Its task has not had its first step.
        assert begun.cancel()
        assert waits.cancel()
        await settle()
        assert machine.began == []
        last = queue.submit(job("c"))
        await settle()
        assert machine.began == ["c"]
        await machine.end("c")
        assert (await last.result()).backend == "only"


async def test_closing_the_queue_tells_everybody() -> None:
    machine = Manual("only")
    async with WorkQueue([machine]) as queue:
        tickets = [queue.submit(job(name)) for name in "ab"]
        waiter = asyncio.create_task(tickets[1].result())
        await settle()
    with pytest.raises(JobCancelled, match="the queue was closed"):
        await waiter
    with pytest.raises(JobCancelled, match="the queue was closed"):
        await tickets[0].result()
    with pytest.raises(JobCancelled, match="the queue is not open"):
        queue.submit(job("late"))


async def test_who_stops_waiting_does_not_call_the_job_off() -> None:
    machine = Manual("only")
    async with WorkQueue([machine]) as queue:
        ticket = queue.submit(job("a"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ticket.result(), 0.05)
        await machine.end("a")
        assert (await ticket.result()).backend == "only"


async def test_priorities_and_shares_hold_over_backends() -> None:
    machine = Manual("only")
    async with WorkQueue([machine]) as queue:
        for number in range(3):
            queue.submit(job(f"a{number}"))
        queue.submit(job("b0", "bob"))
        queue.submit(job("urgent", "ann", priority=5))
        for _ in range(5):
            await settle()
            await machine.end(machine.began[-1])
    assert machine.began == ["a0", "urgent", "b0", "a1", "a2"]


async def test_bad_input_is_named() -> None:
    machine: Machine = Manual("only")
    async with WorkQueue([machine], most_waiting=1) as queue:
        queue.submit(job("a"))
        queue.submit(job("b"))
        with pytest.raises(QueueFull, match="job c: 1 jobs wait already"):
            queue.submit(job("c"))
        with pytest.raises(InputError, match="job a: another with that id"):
            queue.submit(job("a"))
        with pytest.raises(InputError, match="no backend has the profile two: only"):
            queue.submit(Job("d", "ann", OTHER, (QuantumCircuit(1),), 1, 0))
    with pytest.raises(InputError, match="backends of different names"):
        WorkQueue([machine, machine])
    with pytest.raises(InputError, match="backends of different names"):
        WorkQueue([])
    with pytest.raises(InputError, match="patience"):
        WorkQueue([machine], patience_s=nan)
    for changes, words in (
        ({"shots": 0}, "shots"),
        ({"circuits": ()}, "at least 1 circuit"),
        ({"priority": 11}, "priority: expected -10 to 10, got 11"),
        ({"timeout_s": nan}, "timeout"),
        ({"owner": ""}, "owner"),
        ({"circuits": (QuantumCircuit(4),)}, "4 qubits, profile three has 3"),
        ({"seed": -1}, "seed"),
    ):
        with pytest.raises(InputError, match=words):
            job("a", **{"owner": "ann", **changes})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="slots"):
        SimulatedMachine("none", PROFILE, slots=0)
    with pytest.raises(InputError, match="batch"):
        run_batches(CIRCUITS, PROFILE, 1, 0, here(), batch=0)
    with pytest.raises(InputError, match="at least 1 circuit"):
        run_batches([], PROFILE, 1, 0, here())
