"""Verifications that are asked for and looked at later: a queue with an end, one worker each."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog

from bridge.chain.client import ChainClient
from bridge.domain.errors import BridgeError, InputError, MatchError, NoMatch, SourceRefused
from bridge.domain.verdicts import MatchKind
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.match.record import details, standing_from, summary
from bridge.verifier.match.request import Request, from_standard_json
from bridge.verifier.match.store import Store, Stored
from bridge.verifier.match.verifying import Verification, changes_since, stand, verify

MAX_WAITING = 64
SIMILAR = 8
"""Contracts of the same size that are tried for one that is like another."""

_log = structlog.stdlib.get_logger(__name__)
Work = Callable[[], Awaitable[Verification]]


class Jobs:
    """Takes verifications, runs ``workers`` at a time, and stores what comes of them.

    ``chains`` are the clients by chain id. Use as ``async with Jobs(...) as jobs``.
    """

    def __init__(
        self,
        chains: Mapping[int, ChainClient],
        compilers: Compilers,
        store: Store,
        workers: int = 1,
    ) -> None:
        self.chains = chains
        self.store = store
        self._compilers = compilers
        self._workers = workers
        self._waiting: asyncio.Queue[tuple[str, int, str, Work]] = asyncio.Queue(MAX_WAITING)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Jobs:
        for broken_off in await asyncio.to_thread(self.store.unfinished):
            error = failure("internal_error", "the server was stopped meanwhile")
            await asyncio.to_thread(self.store.finish, broken_off, 0, {}, error)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def client(self, chain_id: object) -> ChainClient:
        """The client of a chain; ``SourceRefused`` (unsupported_chain) for another one."""
        number = int(chain_id) if isinstance(chain_id, str) and chain_id.isdecimal() else chain_id
        if not isinstance(number, int) or number not in self.chains:
            raise SourceRefused(f"chain {str(chain_id)[:40]} not found", "unsupported_chain")
        return self.chains[number]

    async def submit(
        self, client: ChainClient, address: str, request: Request, transaction: bytes | None
    ) -> str:
        """The id of a job that verifies the contract.

        ``SourceRefused`` where both codes match exactly already; ``AlreadyRunning``.
        """

        async def work() -> Verification:
            return await verify(client, self._compilers, request, address, transaction)

        return await self._put(client, address, work)

    async def submit_similar(
        self, client: ChainClient, address: str, transaction: bytes | None
    ) -> str:
        """The id of a job that holds the contract against the sources of those that are like it."""

        async def work() -> Verification:
            standing = await stand(client, address)
            stored = await asyncio.to_thread(self.store.of_size, len(standing.code), SIMILAR)
            for one in stored:
                compilation = one.details["compilation"]
                request = from_standard_json(
                    one.details["stdJsonInput"],
                    compilation["compilerVersion"],
                    compilation["fullyQualifiedName"],
                )
                with suppress(NoMatch):
                    return await verify(client, self._compilers, request, address, transaction)
            raise NoMatch("no_similar_match_found", f"no verified contract is like {address}")

        return await self._put(client, address, work)

    async def changes(self, stored: Stored) -> tuple[str, ...]:
        """What of a stored contract is no longer as it was verified; nothing where all is."""
        standing = standing_from(stored.summary | stored.details)
        return await changes_since(self.client(standing.chain_id), standing)

    async def _put(self, client: ChainClient, address: str, work: Work) -> str:
        chain_id = client.settings.chain_id
        known = await asyncio.to_thread(self.store.contract, chain_id, address)
        exact = int(MatchKind.EXACT_MATCH)
        best = known is not None and known.runtime == exact and known.creation == exact
        if best and known is not None and not await self.changes(known):
            raise SourceRefused(
                f"contract {address} on chain {chain_id} is already verified, with exact matches "
                "of runtime and creation code",
                "already_verified",
            )
        identity = str(uuid.uuid4())
        await asyncio.to_thread(self.store.begin, identity, chain_id, address)
        try:
            self._waiting.put_nowait((identity, chain_id, address, work))
        except asyncio.QueueFull as error:
            problem = f"{MAX_WAITING} verifications wait already: try again later"
            ended = failure("too_many_requests", problem)
            await asyncio.to_thread(self.store.finish, identity, 0, {}, ended)
            raise SourceRefused(problem, "too_many_requests") from error
        return identity

    async def _work(self) -> None:
        while True:
            identity, chain_id, address, work = await self._waiting.get()
            started = time.monotonic()
            contract: Mapping[str, Any] = {}
            error = None
            try:
                contract = await self._verified(chain_id, address, work)
            except (MatchError, SourceRefused) as problem:
                error = failure(problem.code, str(problem))
            except BridgeError as problem:
                error = failure(_code_of(problem), str(problem))
            except Exception as problem:  # a defect here must end the job, and not the worker
                _log.error("verification.failed", error=type(problem).__name__, reason=str(problem))
                error = failure("internal_error", "the server met an unexpected error")
            took_ms = round(1000 * (time.monotonic() - started))
            await asyncio.to_thread(self.store.finish, identity, took_ms, contract, error)
            _log.info(
                "verification.done",
                chain_id=chain_id,
                address=address,
                match=contract.get("match"),
                error=error and error["customCode"],
                took_ms=took_ms,
            )

    async def _verified(self, chain_id: int, address: str, work: Work) -> Mapping[str, Any]:
        found = await work()
        known = await asyncio.to_thread(self.store.contract, chain_id, address)
        void = known is not None and bool(await self.changes(known))
        return await asyncio.to_thread(
            self.store.put,
            chain_id,
            address,
            (int(found.match), int(found.creation.kind)),
            ("0x" + found.standing.code_hash.hex(), len(found.standing.code)),
            summary(found),
            details(found),
            void,
        )


def failure(code: str, message: str) -> dict[str, str]:
    """An error as Sourcify tells it."""
    return {"customCode": code, "message": message, "errorId": str(uuid.uuid4())}


def _code_of(problem: BridgeError) -> str:
    if isinstance(problem, InputError):
        return "invalid_parameter"
    return "cannot_fetch_bytecode" if problem.exit_code == 3 else "internal_error"
