"""The relayer's loops: every side is read, every route is worked, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby, islice, permutations

import structlog

from bridge.chain.records import Receipt
from bridge.chain.transactions import Account
from bridge.domain.errors import BridgeError, JournalUnavailable
from bridge.relayer.attest import Attester
from bridge.relayer.attestor_client import AttestorClient
from bridge.relayer.batch import Trees, batch
from bridge.relayer.confirm import confirm
from bridge.relayer.deliver import Deliverer
from bridge.relayer.finalize import finalize
from bridge.relayer.journal import Entry, Journal, Purpose, Submission
from bridge.relayer.journal.sharing import BEAT_S
from bridge.relayer.observe import observe
from bridge.relayer.quorum import Quorum
from bridge.relayer.route import Route, Side
from bridge.relayer.submit import Submitter
from bridge.relayer.worker import Worker

log = structlog.get_logger()

LONGEST_PAUSE_S = 30.0
MESSAGES_A_LINE = 200
SUBMIT_POLL_S = 0.1
"""Between two looks for receipts, while a transaction is under way."""

Once = Callable[[], Awaitable[None]]


class Relayer:
    """Every route between ``sides``, one journal, one submitting account on each chain.

    Several may share a journal, each with a name and an account of its own: a task that is done
    once for all (reading a chain, attesting a route) is whose lease it is, deliveries are shared.
    """

    def __init__(
        self,
        sides: Sequence[Side],
        journal: Journal,
        attestors: Sequence[AttestorClient],
        account: Account,
        poll_interval_s: float,
        replica: str = "relayer",
    ) -> None:
        self._sides = sides
        self._journal = journal
        self._poll_interval_s = poll_interval_s
        self._replica = replica
        self._worker = Worker("journal")
        self._trees = Trees(journal)
        self._submitters = {
            side.domain: Submitter(side.client, account, journal, self._worker, self._settle)
            for side in sides
        }
        self._attesters: dict[tuple[int, int], Attester] = {}
        self._deliverers: dict[tuple[int, int], Deliverer] = {}
        self._routes = [Route(a, b) for a, b in permutations(sides, 2)]
        for route in self._routes:
            ends = route.origin.domain, route.destination.domain
            submitter = self._submitters[route.destination.domain]
            self._attesters[ends] = Attester(
                route, journal, Quorum(tuple(attestors)), submitter, self._worker
            )
            self._deliverers[ends] = Deliverer(
                route, journal, self._trees, submitter, self._worker, replica
            )

    async def run(self) -> None:
        """Relay until cancelled."""
        await self._worker.do(self._journal.beat, self._replica)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._for_ever("beat", self._beat, BEAT_S))
                for side in self._sides:
                    once = self._leased(f"read {side.name}", self._reading(side))
                    group.create_task(self._for_ever(f"read {side.name}", once))
                    advance = self._submitters[side.domain].advance
                    pause_s = min(SUBMIT_POLL_S, self._poll_interval_s)
                    group.create_task(self._for_ever(f"submit {side.name}", advance, pause_s))
                for route in self._routes:
                    for what, once in self._working(route).items():
                        group.create_task(self._for_ever(f"{what} {route}", once))
        finally:
            with suppress(JournalUnavailable):  # then it is taken for dead a little later
                await self._worker.do(self._journal.leave, self._replica)
            self._worker.close()

    async def _beat(self) -> None:
        await self._worker.do(self._journal.beat, self._replica)

    def _leased(self, task: str, once: Once) -> Once:
        """``once``, where this replica has the lease on the task."""

        async def leased() -> None:
            if await self._worker.do(self._journal.lease, task, self._replica):
                await once()

        return leased

    def _reading(self, side: Side) -> Once:
        async def once() -> None:
            _report(await observe(side, self._journal, self._worker))
            _report(await finalize(side, self._journal, self._worker))

        return once

    def _working(self, route: Route) -> dict[str, Once]:
        """What is done for a route, side by side: signers that fail hold up no delivery."""
        ends = route.origin.domain, route.destination.domain
        attester, deliverer = self._attesters[ends], self._deliverers[ends]
        journal, worker = self._journal, self._worker

        async def attesting() -> None:
            _report(await worker.do(batch, route, journal, self._trees))
            _report(await attester.attest())

        async def delivering() -> None:
            await deliverer.deliver()

        async def confirming() -> None:
            _report(await confirm(route, journal, worker))

        return {
            "attest": self._leased(f"attest {route}", attesting),
            "deliver": delivering,
            "confirm": self._leased(f"confirm {route}", confirming),
        }

    async def _settle(self, submission: Submission, receipt: Receipt) -> None:
        subject = submission.draft.subject
        ends = subject["origin"], subject["destination"]
        settlers: dict[Purpose, Mapping[tuple[int, int], Attester | Deliverer]] = {
            Purpose.ATTEST: self._attesters,
            Purpose.DELIVER: self._deliverers,
        }
        settler = settlers[submission.draft.purpose].get(ends)
        if settler is not None:  # a route that is not configured any more is nobody's
            _report(await settler.settle(submission, receipt))

    async def _for_ever(self, what: str, once: Once, interval_s: float | None = None) -> None:
        """Repeat ``once``; after an error of the bridge's own with a pause that doubles."""
        interval_s = self._poll_interval_s if interval_s is None else interval_s
        pause_s = interval_s
        while True:
            try:
                await once()
                pause_s = interval_s
            except BridgeError as error:
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


def _report(entries: list[Entry]) -> None:
    """A line for what happened to each message, or to many by the same act."""
    by_act = groupby(entries, key=lambda one: (one.stage, one.origin, one.destination))
    for (stage, origin, destination), group in by_act:
        for part in _parts(group, MESSAGES_A_LINE):
            first, last = part[0].nonce, part[-1].nonce
            which: dict[str, object] = {"message": "0x" + part[0].id.hex(), "nonce": first}
            if len(part) > 1:
                ids = ["0x" + one.id.hex() for one in part]
                which = {"messages": ids, "nonces": [first, last], "count": len(part)}
            log.info(stage.value, origin=origin, destination=destination, **which)


def _parts(entries: Iterable[Entry], most: int) -> Iterator[list[Entry]]:
    """``entries`` in lists of at most ``most``."""
    rest = iter(entries)
    while part := list(islice(rest, most)):
        yield part
