"""A request's body has a limit, whether it says its length or not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _TooLong(Exception):
    pass


class BodyLimit:
    """Answers ``refusal()`` to a body of more than ``limit`` bytes, which is not read further."""

    def __init__(self, app: ASGIApp, limit: int, refusal: Callable[[], Response]) -> None:
        self._app = app
        self._limit = limit
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if stated.isdigit() and int(stated) > self._limit:
            await self._refusal()(scope, receive, send)
            return
        got = 0
        answered = False

        async def limited() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._limit:
                raise _TooLong
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            if got <= self._limit:  # else whatever it makes of the exception is not what is said
                answered = True
                await send(message)

        with contextlib.suppress(_TooLong):
            await self._app(scope, limited, watched)
        if got > self._limit and not answered:
            await self._refusal()(scope, receive, send)
