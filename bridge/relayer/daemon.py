"""The relayer's loops: every side is read, every route is worked, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import permutations

import structlog

from bridge.chain.transactions import Account
from bridge.domain.errors import BridgeError
from bridge.relayer.attest import attest
from bridge.relayer.attestor_client import AttestorClient
from bridge.relayer.batch import Trees, batch
from bridge.relayer.confirm import confirm
from bridge.relayer.deliver import deliver
from bridge.relayer.finalize import finalize
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.observe import observe
from bridge.relayer.quorum import Quorum
from bridge.relayer.route import Route, Side

log = structlog.get_logger()

LONGEST_PAUSE_S = 30.0


class Relayer:
    """Every route between ``sides``, one journal, one submitting account."""

    def __init__(
        self,
        sides: Sequence[Side],
        journal: Journal,
        attestors: Sequence[AttestorClient],
        account: Account,
        poll_interval_s: float,
    ) -> None:
        self._sides = sides
        self._routes = [Route(a, b) for a, b in permutations(sides, 2)]
        self._attestors = tuple(attestors)
        self._journal = journal
        self._account = account
        self._poll_interval_s = poll_interval_s

    async def run(self) -> None:
        """Relay until cancelled."""
        async with asyncio.TaskGroup() as group:
            for side in self._sides:
                group.create_task(self._for_ever(f"read {side.name}", self._reading(side)))
            for route in self._routes:
                for what, once in self._working(route).items():
                    group.create_task(self._for_ever(f"{what} {route}", once))

    def _reading(self, side: Side) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            _report(await observe(side, self._journal))
            _report(await finalize(side, self._journal))

        return once

    def _working(self, route: Route) -> dict[str, Callable[[], Awaitable[None]]]:
        """What is done for a route, side by side: signers that fail hold up no delivery."""
        trees, quorum = Trees(self._journal), Quorum(self._attestors)
        journal, account = self._journal, self._account

        async def attesting() -> None:
            _report(batch(route, journal, trees))
            _report(await attest(route, journal, quorum, account))

        async def delivering() -> None:
            _report(await deliver(route, journal, trees, account))

        async def confirming() -> None:
            _report(await confirm(route, journal))

        return {"attest": attesting, "deliver": delivering, "confirm": confirming}

    async def _for_ever(self, what: str, once: Callable[[], Awaitable[None]]) -> None:
        """Repeat ``once``; after an error of the bridge's own with a pause that doubles."""
        pause_s = self._poll_interval_s
        while True:
            try:
                await once()
                pause_s = self._poll_interval_s
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
    for entry in entries:
        log.info(
            entry.stage.value,
            message="0x" + entry.id.hex(),
            origin=entry.message.origin,
            destination=entry.message.destination,
            nonce=entry.message.nonce,
        )
