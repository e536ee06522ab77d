"""A proxy in front of a chain's RPC that fails and lies in every way that an endpoint may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from tests.loopback import LoopbackServer

Call = dict[str, Any]
Fault = Callable[["RpcProxy", Call], Any]
"""Gets a request; a coroutine that gives the HTTP response, or None to pass the request on."""
Lie = Callable[[Call, Any], Any]
"""Gets a request and its true result; gives the result that is told."""


class RpcProxy(LoopbackServer):
    """Stands before ``upstream``; ``calls`` are the requests that came.

    ``fault`` and ``lie`` may be set and taken away at any time.
    """

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self.upstream = upstream
        self.fault: Fault | None = None
        self.lie: Lie | None = None
        self.calls: list[Call] = []
        self.app.router.add_post("/{path:.*}", self._answer)

    async def opened(self) -> None:
        self._session = aiohttp.ClientSession()

    async def closed(self) -> None:
        await self._session.close()

    def heal(self) -> None:
        """Be an honest and quick endpoint again."""
        self.fault = self.lie = None

    def methods(self) -> list[str]:
        return [call["method"] for call in self.calls]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        call = json.loads(await request.read())
        self.calls.append(call)
        if self.fault is not None:
            response = await self.fault(self, {**call, "request": request})
            if response is not None:
                return response
        async with self._session.post(self.upstream, json=call) as answered:
            body = await answered.json(content_type=None)
        if self.lie is not None and "result" in body:
            body["result"] = self.lie(call, body["result"])
        return web.json_response(body)


# Faults


async def hangs(proxy: RpcProxy, call: Call) -> None:
    await asyncio.sleep(3600)


async def hangs_up(proxy: RpcProxy, call: Call) -> web.Response:
    call["request"].transport.abort()
    return web.Response()


async def too_many_requests(proxy: RpcProxy, call: Call) -> web.Response:
    return web.json_response({"error": "slow down"}, status=429)


async def server_error(proxy: RpcProxy, call: Call) -> web.Response:
    return web.Response(status=500, text="oops")


async def truncated_json(proxy: RpcProxy, call: Call) -> web.Response:
    return web.Response(text='{"jsonrpc":"2.0","id":1,"resu', content_type="application/json")


async def no_response(proxy: RpcProxy, call: Call) -> web.Response:
    return web.json_response({"hello": "world"})


def slow(seconds: float) -> Fault:
    async def late(proxy: RpcProxy, call: Call) -> None:
        await asyncio.sleep(seconds)

    return late


# Lies


def another_chain(call: Call, result: Any) -> Any:
    return "0x539" if call["method"] == "eth_chainId" else result


def stale_at(number: int, block_of: Callable[[int], Any]) -> Lie:
    """Nothing after block ``number`` exists; ``block_of`` gives the block of a number."""

    def told(call: Call, result: Any) -> Any:
        if call["method"] != "eth_getBlockByNumber" or result is None:
            return result
        if int(result["number"], 16) <= number:
            return result
        return None if call["params"][0].startswith("0x") else block_of(number)

    return told


def other_hashes(call: Call, result: Any) -> Any:
    if call["method"] == "eth_getBlockByNumber" and result is not None:
        return {**result, "hash": "0x" + "66" * 32}
    return result


def no_logs(call: Call, result: Any) -> Any:
    return [] if call["method"] == "eth_getLogs" else result


def other_logs(call: Call, result: Any) -> Any:
    """The last byte of each log is another: the message is forged."""
    if call["method"] != "eth_getLogs":
        return result
    return [{**log, "data": _flipped(log["data"])} for log in result]


def other_roots(call: Call, result: Any) -> Any:
    return _flipped(result) if call["method"] == "eth_call" else result


def _flipped(data: str) -> str:
    last = int(data[-2:], 16) ^ 1
    return f"{data[:-2]}{last:02x}"
