"""The relayer's loops: every side is read, every route is worked, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby, islice, permutations

import structlog

from bridge.chain.newheads import NewHeads
from bridge.chain.records import Receipt
from bridge.chain.transactions import Account
from bridge.domain.delivery import Stage
from bridge.domain.errors import AccountEmpty, BridgeError, JournalUnavailable
from bridge.relayer.admit import Admission
from bridge.relayer.attest import Attester
from bridge.relayer.attestor_client import AttestorClient
from bridge.relayer.backfill import Backfill, Pace
from bridge.relayer.batch import Trees, batch
from bridge.relayer.confirm import confirm
from bridge.relayer.deliver import Deliverer
from bridge.relayer.finalize import finalize
from bridge.relayer.heads import Heads
from bridge.relayer.journal import Entry, Journal, Purpose, Submission
from bridge.relayer.journal.sharing import BEAT_S
from bridge.relayer.observe import observe
from bridge.relayer.probe import PROBE_INTERVAL_S, Probe
from bridge.relayer.quorum import Quorum
from bridge.relayer.route import Route, Side
from bridge.relayer.submit import Submitter
from bridge.relayer.tracing import NoTracing, Tracing, begin
from bridge.relayer.watch import Watch
from bridge.relayer.worker import Worker

log = structlog.get_logger()

LONGEST_PAUSE_S = 10.0
MESSAGES_A_LINE = 200
SUBMIT_POLL_S = 0.1
"""Between two looks for receipts, while a transaction is under way."""

IDLE_POLL_S = 1.0
"""Between two looks of a stage for work that nothing woke it for: another replica's, or a retry."""
WAKE_FLOOR_S = 0.02
"""Whoever wakes a loop all the time does not keep it busy."""
FOLLOWED_BY = {
    Stage.FINALIZED: ("attest",),
    Stage.ATTESTED: ("attest", "deliver"),
    Stage.DELIVERED: ("deliver",),
}
"""Who has work when messages come to a stage."""

Once = Callable[[], Awaitable[None]]


class Relayer:
    """Every route between ``sides``, one journal, one submitting account on each chain.

    Several may share a journal, each with a name and an account of its own: a task that is done
    once for all (reading a chain, attesting a route) is whose lease it is, deliveries are shared.
    What is noted on the way is in ``watch``, ``probe`` and the parts, for whoever measures.
    """

    def __init__(
        self,
        sides: Sequence[Side],
        journal: Journal,
        attestors: Sequence[AttestorClient],
        account: Account,
        poll_interval_s: float,
        replica: str = "relayer",
        sockets: Mapping[int, str] | None = None,
        tracing: Tracing | None = None,
        admission: Admission | None = None,
    ) -> None:
        """``sockets`` are WebSocket addresses by domain, whose new heads wake what waits.

        With ``admission`` messages between endpoints that are not verified are held.
        """
        self._admission = admission
        self.sides = tuple(sides)
        self.attestors = tuple(attestors)
        self.account = account
        self.replica = replica
        self.watch = Watch()
        self.heads = {
            side.domain: NewHeads(
                side.name, sockets[side.domain], partial(self._woken_by_head, side)
            )
            for side in sides
            if sockets is not None and side.domain in sockets
        }
        self._tracing: Tracing = tracing or NoTracing()
        self._wakes: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._journal = journal
        self._poll_interval_s = poll_interval_s
        self._worker = Worker("journal")
        self._trees = Trees(journal)
        self.submitters = {
            side.domain: Submitter(side.client, account, journal, self._worker, self._settle)
            for side in sides
        }
        self._attesters: dict[tuple[int, int], Attester] = {}
        self.deliverers: dict[tuple[int, int], Deliverer] = {}
        self.routes = [Route(a, b) for a, b in permutations(sides, 2)]
        self.probe = Probe(self.sides, self.attestors, account, self.watch)
        for route in self.routes:
            ends = route.origin.domain, route.destination.domain
            submitter = self.submitters[route.destination.domain]
            self._attesters[ends] = Attester(
                route, journal, Quorum(tuple(attestors)), submitter, self._worker
            )
            self.deliverers[ends] = Deliverer(
                route, journal, self._trees, submitter, self._worker, replica, admission
            )

    async def run(self) -> None:
        """Relay until cancelled."""
        await self._worker.do(self._journal.beat, self.replica)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._for_ever("beat", self._beat, BEAT_S))
                for what, look in self.probe.looks().items():
                    group.create_task(self._for_ever(what, look, PROBE_INTERVAL_S))
                for listener in self.heads.values():
                    group.create_task(listener.run())
                for side in self.sides:
                    once = self._leased(f"read {side.name}", self._reading(side))
                    group.create_task(self._for_ever(f"read {side.name}", once))
                    advance = self.submitters[side.domain].advance
                    pause_s = min(SUBMIT_POLL_S, self._poll_interval_s)
                    group.create_task(self._for_ever(f"submit {side.name}", advance, pause_s))
                pause_s = max(IDLE_POLL_S, self._poll_interval_s)
                for route in self.routes:
                    if self._admission is not None:
                        once = self._leased(f"hold {route}", self._holding(route))
                        look_s = self._admission.policy.recheck_s
                        group.create_task(self._for_ever(f"hold {route}", once, look_s))
                    for what, once in self._working(route).items():
                        group.create_task(self._for_ever(f"{what} {route}", once, pause_s))
        finally:
            with suppress(JournalUnavailable):  # then it is taken for dead a little later
                await self._worker.do(self._journal.leave, self.replica)
            self._worker.close()

    async def _beat(self) -> None:
        await self._worker.do(self._journal.beat, self.replica)

    def _leased(self, task: str, once: Once) -> Once:
        """``once``, where this replica has the lease on the task."""

        async def leased() -> None:
            if await self._worker.do(self._journal.lease, task, self.replica):
                try:
                    await once()
                except AccountEmpty:  # another replica's account may not be
                    await self._worker.do(self._journal.give_up, task, self.replica)
                    raise

        return leased

    def _reading(self, side: Side) -> Once:
        heads, seen = Heads(), self.watch.chains[side.domain]
        pace, backfill = Pace(), Backfill(side.name)
        woken_at: int | None = None  # not in ``seen``, which others write too

        async def once() -> None:
            nonlocal woken_at
            self._report(await observe(side, self._journal, self._worker, heads, seen))
            if seen.finalized != woken_at:
                woken_at = seen.finalized
                self._wake_confirming(side)
            while seen.next_block is None or seen.next_block <= (seen.finalized or 0):
                before = seen.next_block
                read = await finalize(side, self._journal, self._worker, seen, pace)
                self._report(read)
                assert seen.next_block is not None
                assert seen.finalized is not None
                if before is not None:
                    backfill.read(before, seen.next_block, seen.finalized, len(read))
                if seen.next_block == before:
                    return
                if not await self._worker.do(
                    self._journal.lease, f"read {side.name}", self.replica
                ):
                    return  # far behind, it may go on for long

        return once

    def _working(self, route: Route) -> dict[str, Once]:
        """What is done for a route, side by side: signers that fail hold up no delivery."""
        ends = route.origin.domain, route.destination.domain
        attester, deliverer = self._attesters[ends], self.deliverers[ends]
        journal, worker = self._journal, self._worker
        seen = self.watch.chains[route.destination.domain]

        async def attesting() -> None:
            self._report(await worker.do(batch, route, journal, self._trees))
            self._report(await attester.attest())

        async def delivering() -> None:
            await deliverer.deliver()

        async def confirming() -> None:
            self._report(await confirm(route, journal, worker, seen))

        return {
            "attest": self._leased(f"attest {route}", attesting),
            "deliver": delivering,
            "confirm": self._leased(f"confirm {route}", confirming),
        }

    def _holding(self, route: Route) -> Once:
        ends = route.origin.domain, route.destination.domain

        async def once() -> None:
            if await self.deliverers[ends].look_at_held():
                self._wakes[f"deliver {route}"].set()

        return once

    async def _settle(self, submission: Submission, receipt: Receipt) -> None:
        subject = submission.draft.subject
        ends = subject["origin"], subject["destination"]
        settlers: dict[Purpose, Mapping[tuple[int, int], Attester | Deliverer]] = {
            Purpose.ATTEST: self._attesters,
            Purpose.DELIVER: self.deliverers,
        }
        settler = settlers[submission.draft.purpose].get(ends)
        if settler is None:
            return  # a route that is not configured any more is nobody's
        moved = await settler.settle(submission, receipt)
        self._wakes[f"deliver {self._name(ends[0])}->{self._name(ends[1])}"].set()  # there is room
        self._report(moved, transaction="0x" + receipt.transaction_hash.hex())
        self.watch.paid(ends[1], submission.draft.purpose, receipt)
        with suppress(JournalUnavailable):  # a figure less
            await self._measure(moved)

    async def _measure(self, moved: Sequence[Entry]) -> None:
        """Note how long those that were delivered took."""
        delivered = {one.id: one for one in moved if one.stage is Stage.DELIVERED}
        final = await self._worker.do(self._journal.reached_at, Stage.FINALIZED, list(delivered))
        for identifier, at in final.items():
            one = delivered[identifier]
            ends = one.origin, one.destination
            self.watch.took(ends, one.since - at)

    async def _for_ever(self, what: str, once: Once, interval_s: float | None = None) -> None:
        """Repeat ``once``, sooner where something wakes it.

        After an error of the bridge's own with a pause that doubles and that nothing cuts short.
        """
        interval_s = self._poll_interval_s if interval_s is None else interval_s
        pause_s = interval_s
        wake = self._wakes[what]
        while True:
            wake.clear()
            begin()
            try:
                await once()
                pause_s = interval_s
                self.watch.worked(what)
            except BridgeError as error:
                self.watch.failed(what, error)
                self._tracing.failed(what, error)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                log.warning(
                    "failed",
                    what=what,
                    error=type(error).__name__,
                    reason=str(error),
                    retryable=error.retryable,
                    pause_s=pause_s,
                )
                await asyncio.sleep(pause_s)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await wake.wait()
                        await asyncio.sleep(WAKE_FLOOR_S)

    def _woken_by_head(self, side: Side) -> None:
        """A block of ``side`` is there: it may have messages, and make deliveries final."""
        self._wakes[f"read {side.name}"].set()
        self._wake_confirming(side)

    def _wake_confirming(self, side: Side) -> None:
        for route in self.routes:
            if route.destination is side:
                self._wakes[f"confirm {route}"].set()

    def _woken_by(self, entries: Sequence[Entry]) -> None:
        """Whoever works on what these messages have come to need not wait for its time."""
        places = {(one.origin, one.destination, one.stage) for one in entries}
        for origin, destination, stage in places:
            for what in FOLLOWED_BY.get(stage, ()):
                route = f"{self._name(origin)}->{self._name(destination)}"
                self._wakes[f"{what} {route}"].set()

    def _report(self, entries: Sequence[Entry], **more: object) -> None:
        """A line for what happened to each message, or to many by the same act."""
        self.watch.moved(entries)
        self._tracing.did(entries, **more)
        self._woken_by(entries)
        for group in _by_act(entries):
            first, last = group[0], group[-1]
            which: dict[str, object] = {"message": "0x" + first.id.hex(), "nonce": first.nonce}
            if len(group) > 1:
                ids = ["0x" + one.id.hex() for one in group]
                nonces = [first.nonce, last.nonce]
                which = {"messages": ids, "nonces": nonces, "count": len(group)}
            log.info(
                first.stage.value,
                route=f"{self._name(first.origin)}->{self._name(first.destination)}",
                origin=first.origin,
                destination=first.destination,
                block=first.delivery_block or first.block_number,
                **({} if first.root is None else {"root": "0x" + first.root.hex()}),
                **which,
                **more,
            )

    def _name(self, domain: int) -> str:
        return next((side.name for side in self.sides if side.domain == domain), str(domain))


def _by_act(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Messages that one line can tell of: of one route, at one stage, in one block."""

    def act(one: Entry) -> tuple[object, ...]:
        return one.stage, one.origin, one.destination, one.delivery_block or one.block_number

    for _, group in groupby(entries, key=act):
        while part := list(islice(group, MESSAGES_A_LINE)):
            yield part
