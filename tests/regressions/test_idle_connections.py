"""A server that closes an idle connection first can lose a request that is on its way."""

import asyncio

import httpx
from starlette.types import Receive, Scope, Send

from bridge.keyservice.listener import KEEP_ALIVE_S, bound, serving

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def empty(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_a_connection_idle_for_as_long_as_a_client_keeps_it_still_answers() -> None:
    kept_s = httpx.Limits().keepalive_expiry
    assert kept_s is not None
    assert kept_s + 10 < KEEP_ALIVE_S
    listener = bound("test", "127.0.0.1", 0)
    async with asyncio.timeout(120), serving(empty, listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        for pause_s in (0.0, kept_s + 1):
            await asyncio.sleep(pause_s)
            writer.write(REQUEST)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        writer.close()
        await writer.wait_closed()
