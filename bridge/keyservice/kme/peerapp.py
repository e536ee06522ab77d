"""The channel between the two KMEs and from the link, over mutual TLS, on an address of its own.

A caller is who its certificate says: the other KME may reserve, a link may deposit. It has threads
of its own: those that serve SAEs wait for the other KME, which would wait for them in turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from bridge.domain.errors import BlockConflict, BridgeError, InputError, PoolFull
from bridge.keyservice.bodylimit import BodyLimit
from bridge.keyservice.certified import caller
from bridge.keyservice.kme.entity import KeyManagementEntity
from bridge.keyservice.kme.peerwire import (
    BlockBody,
    DoneBody,
    LevelBody,
    PromisesBody,
    RefusedBody,
)

_log = structlog.stdlib.get_logger(__name__)

THREADS = 4
MAXIMUM_BODY = 1 << 26
Answer = TypeVar("Answer")

STATUS: tuple[tuple[type[BridgeError], int], ...] = (
    (PoolFull, 503),
    (BlockConflict, 409),
    (InputError, 422),
)


class _Stranger(Exception):
    """A caller that may not do this."""


def create_peer_app(entity: KeyManagementEntity) -> FastAPI:
    """The application of a KME's second address; serve it with `serve_app` and its ``tls``."""
    app = FastAPI(title="KME channel", docs_url=None, redoc_url=None, openapi_url=None)
    settings = entity.settings
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="kme-channel")

    async def off_loop(act: Callable[..., Answer], *arguments: Any) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(threads, act, *arguments)

    def link_of(request: Request) -> str:
        link_id = caller(request.scope)
        if link_id is None or link_id not in settings.links:
            raise _Stranger(f"expected a link of {settings.kme_id}, got {link_id!r}")
        return link_id

    @app.post("/peer/v1/promises")
    async def reserve(request: Request, body: PromisesBody) -> DoneBody:
        peer = caller(request.scope)
        if peer != settings.peer_id:
            raise _Stranger(f"expected {settings.peer_id!r}, got {peer!r}")
        await off_loop(entity.keep, peer, body.promises)
        return DoneBody()

    @app.post("/link/v1/blocks")
    async def deposit(request: Request, body: BlockBody) -> DoneBody:
        link_id = link_of(request)
        await off_loop(entity.deposit, link_id, body.block())
        return DoneBody()

    @app.get("/link/v1/level")
    async def level(request: Request) -> LevelBody:
        link_of(request)
        bits = await off_loop(lambda: entity.pool.bits)
        limits = settings.limits
        return LevelBody(
            kme_id=settings.kme_id,
            bits=bits,
            low_bits=limits.low_bits,
            high_bits=limits.high_bits,
        )

    app.add_middleware(
        BodyLimit,
        limit=MAXIMUM_BODY,
        refusal=lambda: _answer(413, "too_long", f"expected at most {MAXIMUM_BODY} bytes"),
    )
    app.add_exception_handler(BridgeError, _refused)
    app.add_exception_handler(_Stranger, _stranger)
    app.add_exception_handler(RequestValidationError, _bad_input)
    return app


def _answer(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse(RefusedBody(code=code, message=message).model_dump(), status)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    for kind, status in STATUS:
        if isinstance(error, kind):
            _log.warning("kme.peer_refused", reason=str(error))
            return _answer(status, kind.__name__, str(error))
    _log.error("kme.peer_failed", error=type(error).__name__, reason=str(error))
    return _answer(500, "internal", type(error).__name__)


async def _stranger(_request: Request, error: Exception) -> JSONResponse:
    _log.warning("kme.stranger", reason=str(error))
    return _answer(401, "unauthorized", "this certificate may not do this")


async def _bad_input(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
    )
    return _answer(422, "bad_input", problems)
