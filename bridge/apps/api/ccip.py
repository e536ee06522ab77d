"""The gateway that EIP-3668 has a client ask, for Hyperlane modules of type CCIP_READ.

    GET  /ccip/{sender}/{data}.json
    POST /ccip                        {"sender": "0x...", "data": "0x..."}

``data`` is what the module's ``OffchainLookup`` said. The answer is {"data": "0x..."}, or
{"message": "..."} with 400 for what is no request and 404 for what is not attested. Anybody may
ask: an answer is public, and the module believes nothing of it that it does not prove.
"""

from __future__ import annotations

import asyncio

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bridge.chain.hyperlane import ProofRequest
from bridge.chain.wire import data as hex_data
from bridge.chain.wire import parse_data
from bridge.domain.errors import BridgeError, InputError, NotAttested, UnknownMessage
from bridge.domain.jsontext import parsed_json
from bridge.relayer.prove import Prover

_log = structlog.stdlib.get_logger(__name__)

ADDRESS_BYTES = 20
MAX_BODY_BYTES = 1 << 16
FINAL = "public, max-age=31536000, immutable"
"""Caches may keep the answer for a year: it stays right for ever."""
PASSING = "no-store"

STATUS: tuple[tuple[type[BridgeError], int], ...] = (
    (InputError, 400),
    (UnknownMessage, 404),
    (NotAttested, 404),
)


def create_app(prover: Prover) -> FastAPI:
    """The application that answers from ``prover``'s journal."""
    app = FastAPI(title="AstraLink CCIP-Read", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_routes(prover))
    app.add_exception_handler(BridgeError, _bridge_error)
    app.add_exception_handler(HTTPException, _http_error)
    return app


def _routes(prover: Prover) -> APIRouter:
    router = APIRouter(prefix="/ccip")

    async def answer(sender: object, data: object) -> JSONResponse:
        _hex("sender", sender, ADDRESS_BYTES)
        request = ProofRequest.parse(_hex("data", data))
        proved = await asyncio.to_thread(prover.prove, request)
        _log.info(
            "ccip.proved",
            hyperlane_message=hex_data(request.hyperlane_id),
            message=hex_data(proved.entry.id),
            final=proved.final,
        )
        return JSONResponse(
            {"data": hex_data(proved.metadata)},
            headers={"Cache-Control": FINAL if proved.final else PASSING},
        )

    @router.get("/{sender}/{data}.json")
    async def by_path(sender: str, data: str) -> JSONResponse:
        return await answer(sender, data)

    @router.post("")
    async def by_body(request: Request) -> JSONResponse:
        body = await _body(request)
        return await answer(body.get("sender"), body.get("data"))

    return router


async def _body(request: Request) -> dict[str, object]:
    """The object in a request's body. Fields that are not known are a client's own affair."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise InputError(f"body: expected at most {MAX_BODY_BYTES} bytes")
    try:
        body = parsed_json(raw)
    except ValueError as error:
        raise InputError(f"body: expected JSON: {error}") from error
    if not isinstance(body, dict):
        raise InputError(f"body: expected an object, got {type(body).__name__}")
    return body


def _hex(name: str, text: object, length: int | None = None) -> bytes:
    try:
        return parse_data(text, length)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message}, status, headers={"Cache-Control": PASSING})


async def _bridge_error(_request: Request, error: Exception) -> JSONResponse:
    for kind, status in STATUS:
        if isinstance(error, kind):
            _log.info("ccip.refused", status=status, reason=str(error))
            return _refusal(status, str(error))
    _log.error("ccip.failed", error=type(error).__name__, reason=str(error))
    return _refusal(500, f"{type(error).__name__}: {error}")


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _refusal(error.status_code, str(error.detail))
