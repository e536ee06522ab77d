"""JSON-RPC 2.0 over HTTP: one request, one response, nothing retried and nothing interpreted."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import count
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector

from bridge.domain.version import VERSION

HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"astralink-bridge/{VERSION}",
}
# asyncio lets a TLS connection leak whose other end does not close it; Python 3.12.7 does not.
ABORTS_CLOSED = sys.version_info < (3, 12, 7)


class JsonRpc:
    """Requests to one address, from one event loop."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout = ClientTimeout(total=timeout_s)
        self._numbers = count()
        self._session: ClientSession | None = None

    async def post(self, method: str, params: Sequence[object]) -> object:
        """The response's JSON value, whatever it is.

        Raises ``ClientError`` (of aiohttp; an HTTP error too), ``OSError``, ``TimeoutError``, or
        ``ValueError`` for what is no JSON.
        """
        request: dict[str, Any] = {
            "jsonrpc": "2.0",
            "id": next(self._numbers),
            "method": method,
            "params": list(params),
        }
        if self._session is None:
            # A connection for each request: on one that the other end has just closed, a
            # transaction would be lost, and nobody could say whether it was taken.
            connector = TCPConnector(force_close=True, enable_cleanup_closed=ABORTS_CLOSED)
            self._session = ClientSession(
                connector=connector,
                headers=HEADERS,
                timeout=self._timeout,
                raise_for_status=True,
            )
        async with self._session.post(self._url, data=json.dumps(request).encode()) as response:
            return json.loads(await response.read())

    async def close(self) -> None:
        """Close what is open; a later request opens it again."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
