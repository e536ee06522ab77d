"""An attestor: signs a root only after it has built the same one from the chain itself.

It has no key. The key service signs, after its record against equivocation is on disk.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import structlog

from bridge.crypto.digests import checkpoint_digest
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import BridgeError, InputError, RootMismatch, UnknownKey
from bridge.domain.keys import PublicKeyRecord
from bridge.keyservice.client import KeyServiceClient
from bridge.relayer.attestor_client import SIGNED
from bridge.relayer.route import Route
from bridge.relayer.view import OriginView

log = structlog.get_logger()

CACHED_SIGNATURES = 1_024
"""At most 8 KB each."""
KEY_SERVICE_POLL_S = 2.0

Check = Callable[[Route, Checkpoint, OriginView], Awaitable[None]]
"""Asked before anything is signed; raises a ``BridgeError`` where it must not be.

The view is that of the route's origin: its tree, its messages, the final block it was read to.
"""


class Attestor:
    """Signs with the keys ``records`` what ``views`` and ``checks`` agree to.

    Use it as an async context manager: inside, ``sign`` may be called by many at once, and the
    views are read every ``poll_interval_s``. ``outcomes`` counts signatures made, and refusals by
    their error, for whoever measures; ``key_service_problem`` is why nothing can be signed now.
    """

    def __init__(
        self,
        views: Sequence[OriginView],
        records: Sequence[PublicKeyRecord],
        service: KeyServiceClient,
        poll_interval_s: float,
        checks: tuple[Check, ...] = (),
    ) -> None:
        self.views: Mapping[int, OriginView] = {view.side.domain: view for view in views}
        self.records = tuple(records)
        self._service = service
        self._poll_interval_s = poll_interval_s
        self._checks = checks
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._signing: dict[tuple[str, bytes], asyncio.Future[bytes]] = {}
        self._signed: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()
        self.outcomes: Counter[str] = Counter()
        self.key_service_problem: str | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        for view in self.views.values():
            self._start(self._read(view))
        self._start(self._ask_key_service())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        if isinstance(error, asyncio.CancelledError):
            await self._group.__aexit__(kind, error, traceback)
        else:  # an error of the body stays itself, and is not put into a group
            await self._group.__aexit__(None, None, None)

    def ready(self) -> bool:
        """Whether every chain was read to its final block, and the key service answers."""
        read = all(view.current and view.stopped is None for view in self.views.values())
        return read and self.key_service_problem is None

    async def sign(self, checkpoint: Checkpoint, key_ids: Sequence[str]) -> dict[str, bytes]:
        """The signatures of these keys over ``checkpoint``.

        Raises ``UnknownKey`` for a key that is not this attestor's, ``InputError`` for a route
        that is not the bridge's, ``NotFinalized``, ``RootMismatch`` when the final messages of
        the chain, read here, give another root, and what checks, chain and key service raise.
        """
        try:
            for key_id in key_ids:
                if key_id not in {record.key_id for record in self.records}:
                    raise UnknownKey(key_id)
            route = self._route(checkpoint)
        except BridgeError as error:
            self.outcomes[type(error).__name__] += 1
            raise
        digest = checkpoint_digest(checkpoint)
        found = await asyncio.gather(
            *(self._of_key(key_id, route, checkpoint, digest) for key_id in key_ids)
        )
        return dict(zip(key_ids, found, strict=True))

    async def _of_key(
        self, key_id: str, route: Route, checkpoint: Checkpoint, digest: bytes
    ) -> bytes:
        place = key_id, digest
        known = self._signed.get(place)
        if known is not None:
            self._signed.move_to_end(place)
            return known
        signing = self._signing.get(place)
        if signing is None:
            signing = self._signing[place] = asyncio.get_running_loop().create_future()
            signing.add_done_callback(_retrieve)
            self._start(self._sign_into(signing, place, route, checkpoint))
        # Who asked may go away; the others who wait for the same signature may not.
        return await asyncio.shield(signing)

    async def _sign_into(
        self,
        signing: asyncio.Future[bytes],
        place: tuple[str, bytes],
        route: Route,
        checkpoint: Checkpoint,
    ) -> None:
        try:
            signature = await self._sign(place[0], route, checkpoint)
        except BridgeError as error:
            self.outcomes[type(error).__name__] += 1
            signing.set_exception(error)
        except BaseException:
            signing.cancel()
            raise
        else:
            self.outcomes[SIGNED] += 1
            self._signed[place] = signature
            while len(self._signed) > CACHED_SIGNATURES:
                self._signed.popitem(last=False)
            signing.set_result(signature)
        finally:
            del self._signing[place]

    async def _sign(self, key_id: str, route: Route, checkpoint: Checkpoint) -> bytes:
        view = self.views[route.origin.domain]
        tree = await view.reach(checkpoint.size)
        own = tree.root(checkpoint.size)
        if own != checkpoint.root:
            raise RootMismatch(self._label(key_id), checkpoint.size, own, checkpoint.root)
        for check in self._checks:
            await check(route, checkpoint, view)
        signature = await self._service.sign_checkpoint(key_id, checkpoint)
        log.info(
            "checkpoint_signed",
            signer=self._label(key_id),
            route=str(route),
            size=checkpoint.size,
            root="0x" + checkpoint.root.hex(),
            digest="0x" + checkpoint_digest(checkpoint).hex(),
            epoch=checkpoint.epoch,
        )
        return signature

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _label(self, key_id: str) -> str:
        return next(record.label for record in self.records if record.key_id == key_id)

    def _route(self, checkpoint: Checkpoint) -> Route:
        """The route that a checkpoint is about, every address and chain id of it checked."""
        ends = []
        for domain in (checkpoint.origin_domain, checkpoint.destination_domain):
            if domain not in self.views:
                known = ", ".join(str(one) for one in sorted(self.views))
                raise InputError(f"checkpoint: expected domains of {known}, got {domain}")
            ends.append(self.views[domain].side)
        route = Route(*ends)
        expected = route.checkpoint(checkpoint.root, checkpoint.size, checkpoint.epoch)
        if route.origin is route.destination or expected != checkpoint:
            raise InputError(f"checkpoint: expected one of {route}, {expected}, got {checkpoint}")
        return route

    async def _ask_key_service(self) -> None:
        """See again and again whether there is somebody who signs."""
        while True:
            try:
                await self._service.health()
                self.key_service_problem = None
            except BridgeError as error:
                if self.key_service_problem is None:
                    log.warning("key_service_away", reason=str(error))
                self.key_service_problem = str(error)
            await asyncio.sleep(KEY_SERVICE_POLL_S)

    async def _read(self, view: OriginView) -> None:
        """Read a view again and again, so that what is asked for is mostly there."""
        last = ""
        while view.stopped is None:
            try:
                await view.grow()
                last = ""
            except BridgeError as error:
                if str(error) != last and view.stopped is None:
                    last = str(error)
                    log.warning(
                        "chain_unread",
                        chain=view.side.name,
                        error=type(error).__name__,
                        reason=last,
                    )
            await asyncio.sleep(self._poll_interval_s)


def _retrieve(signing: asyncio.Future[bytes]) -> None:
    """Look at the error, so that asyncio does not complain where nobody waited for it."""
    if not signing.cancelled():
        signing.exception()
