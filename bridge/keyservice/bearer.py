"""The bearer token that a server asks for before it reads anything of a request."""

from __future__ import annotations

import hmac

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.keyservice.wire import ErrorBody, ErrorDetail


class BearerToken:
    """Answers 401 to who does not bring ``token``; the paths in ``open_paths`` are for anybody.

    ``name`` is what people call the server.
    """

    def __init__(self, app: ASGIApp, token: str, name: str, open_paths: frozenset[str]) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._name = name
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or refuses it."""
        if scope["type"] == "http" and scope["path"] not in self._open_paths:
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                await _refusal(self._name)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refusal(name: str) -> JSONResponse:
    detail = ErrorDetail(code="unauthorized", message=f"expected the {name}'s bearer token")
    return JSONResponse(
        ErrorBody(error=detail).model_dump(exclude_none=True),
        401,
        headers={"WWW-Authenticate": "Bearer"},
    )
