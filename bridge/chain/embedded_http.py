"""The embedded chain over HTTP: one worker thread has the chain, requests wait for it."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.chain.embedded import EmbeddedChain
from bridge.chain.embedded_rpc import EmbeddedRpc, RpcFailure
from bridge.chain.embedded_settings import EmbeddedSettings
from bridge.domain.errors import InputError, PortInUse
from bridge.domain.jsontext import parsed_json

HOST = "127.0.0.1"
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_BATCH = 1000
MAX_CONNECTIONS = 256
"""Requests wait for the worker; more than these at once get HTTP 503."""
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

T = TypeVar("T")


class EmbeddedServer:
    """Takes requests over HTTP and has one worker thread answer them in their order.

    Execution is CPU bound, and the chain belongs to one thread. A transaction's hash is answered
    once it was checked; the block with it is the worker's next task, so a receipt that is asked
    for afterwards is there.
    """

    def __init__(self, settings: EmbeddedSettings) -> None:
        self._settings = settings
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chain")
        self._chain = self._worker.submit(
            EmbeddedChain, settings.chain_id, settings.finality, settings.state
        ).result()
        self._rpc = EmbeddedRpc(self._chain, settings.log_range)
        self._mining: set[asyncio.Future[int]] = set()

    def application(self) -> Starlette:
        """The ASGI application: POST / and nothing else."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with asyncio.TaskGroup() as tasks:
                ticker = tasks.create_task(self._tick())
                yield
                ticker.cancel()

        return Starlette(routes=[Route("/", self._post, methods=["POST"])], lifespan=lifespan)

    def close(self) -> None:
        """Finish the worker's tasks and close the state file."""
        self._worker.submit(self._chain.close).result()
        self._worker.shutdown()

    async def _run(self, task: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, task)

    async def _tick(self) -> None:
        """Mine an empty block at each interval; one that comes late does not pile up."""
        interval_s = self._settings.block_time_s
        while interval_s > 0:
            await asyncio.sleep(interval_s)
            await self._run(self._mine_tick)

    def _mine_tick(self) -> None:
        if not self._chain.mine_waiting():
            self._chain.mine_empty()

    async def _post(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_BODY_BYTES:
            return JSONResponse(
                _error(None, INVALID_REQUEST, f"body of {len(body)} bytes: limit {MAX_BODY_BYTES}"),
                status_code=413,
            )
        try:
            parsed = parsed_json(body)
        except ValueError:
            return JSONResponse(_error(None, PARSE_ERROR, "parse error: the body is no JSON"))
        if not isinstance(parsed, list):
            answer = await self._answer(parsed)
            return Response(status_code=204) if answer is None else JSONResponse(answer)
        if not 0 < len(parsed) <= MAX_BATCH:
            message = f"batch: expected 1 to {MAX_BATCH} requests, got {len(parsed)}"
            return JSONResponse(_error(None, INVALID_REQUEST, message))
        answers = [answer for one in parsed if (answer := await self._answer(one)) is not None]
        return JSONResponse(answers) if answers else Response(status_code=204)

    async def _answer(self, request: object) -> dict[str, object] | None:
        """The response to one request; None for a notification, which has no id."""
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, INVALID_REQUEST, "expected an object with a method")
        identity, method = request.get("id"), request["method"]
        params = request.get("params") or []
        if not isinstance(params, list):
            return _error(identity, INVALID_PARAMS, f"{method}: expected params as a list")
        try:
            result = await self._run(lambda: self._rpc.answer(method, params))
        except RpcFailure as error:
            answer = _error(identity, error.code, error.message, error.revert_data)
        except Exception as error:  # a defect here must answer, and leave the chain running
            answer = _error(identity, INTERNAL_ERROR, f"{type(error).__name__}: {error}")
        else:
            answer = {"jsonrpc": "2.0", "id": identity, "result": result}
            if method in ("eth_sendRawTransaction", "eth_sendTransaction"):
                self._mine_soon()
        return answer if "id" in request else None

    def _mine_soon(self) -> None:
        mining = asyncio.get_running_loop().run_in_executor(self._worker, self._chain.mine_waiting)
        self._mining.add(mining)
        mining.add_done_callback(self._mining.discard)


def _error(
    identity: object, code: int, message: str, revert_data: str | None = None
) -> dict[str, object]:
    error: dict[str, object] = {"code": code, "message": message}
    if revert_data is not None:
        error["data"] = revert_data
    return {"jsonrpc": "2.0", "id": identity, "error": error}


def serve(settings: EmbeddedSettings) -> None:
    """Run until SIGTERM or SIGINT; ``PortInUse`` or ``InputError`` when it cannot start."""
    listener = _listen(settings)
    with listener:
        server = EmbeddedServer(settings)
        try:
            config = uvicorn.Config(
                server.application(),
                log_level="warning",
                access_log=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_graceful_shutdown=5,
            )
            asyncio.run(_Quiet(config).serve([listener]))
        finally:
            server.close()


class _Quiet(uvicorn.Server):
    """uvicorn, which after a graceful end does not raise the signal again: that is exit code 0."""

    def handle_exit(self, sig: int, frame: object) -> None:
        """Begin to stop; the signal is not kept."""
        self.should_exit = True


def _listen(settings: EmbeddedSettings) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, settings.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"chain {settings.chain_id}", HOST, settings.port) from error
        raise InputError(f"port {settings.port} on {HOST}: {error.strerror}") from error
    return listener
