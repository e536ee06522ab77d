"""The verifier over HTTP, with the routes, answers and error codes of Sourcify's API v2.

    POST /v2/verify/{chainId}/{address}             a standard JSON input
    POST /v2/verify/metadata/{chainId}/{address}    metadata and sources
    POST /v2/verify/similarity/{chainId}/{address}  nothing but creationTransactionHash
    GET  /v2/verify/{verificationId}
    GET  /v2/contract/{chainId}/{address}?fields|omit
    GET  /v2/contract/all-chains/{address}
    GET  /v2/contracts/{chainId}?sort&limit&afterMatchId
    GET  /chains, /health

Anybody who reaches it may have something compiled: it belongs on loopback, or behind what limits
who asks and how often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bridge.chain.wire import parse_data
from bridge.domain.errors import AlreadyRunning, BridgeError, MatchError, SourceRefused
from bridge.keyservice.bodylimit import BodyLimit
from bridge.verifier.match.jobs import Jobs, failure
from bridge.verifier.match.record import FIELDS
from bridge.verifier.match.request import (
    MAX_BYTES,
    from_metadata,
    from_standard_json,
    parse_json,
)
from bridge.verifier.match.store import MAX_LIMIT
from bridge.verifier.match.verifying import checked_address

_log = structlog.stdlib.get_logger(__name__)

STATUS = {
    "unsupported_chain": 404,
    "job_not_found": 404,
    "route_not_found": 404,
    "already_verified": 409,
    "duplicate_verification_request": 429,
    "too_many_requests": 429,
    "internal_error": 500,
}
"""Every other code of a request that is refused is 400."""
BODY_BYTES = 2 * MAX_BYTES
"""A source in JSON takes more bytes than it has characters."""


def create_app(jobs: Jobs) -> FastAPI:
    """The application over jobs that the caller runs, in the same event loop."""
    app = FastAPI(title="AstraLink verifier", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_asking(jobs))
    app.include_router(_looking(jobs))
    app.add_exception_handler(BridgeError, _bridge_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(
        BodyLimit,
        limit=BODY_BYTES,
        refusal=lambda: _refusal("invalid_parameter", f"body: over {BODY_BYTES} bytes", 413),
    )
    return app


def _asking(jobs: Jobs) -> APIRouter:
    router = APIRouter(prefix="/v2/verify")

    async def accepted(
        request: Request,
        chain_id: str,
        address: str,
        parse: Callable[[dict[str, Any]], Any] | None,
    ) -> JSONResponse:
        client = jobs.client(chain_id)
        checked = checked_address(address)
        body = await _body(request, optional=parse is None)
        transaction = _transaction(body.get("creationTransactionHash"))
        if parse is None:
            identity = await jobs.submit_similar(client, checked, transaction)
        else:
            wanted = await asyncio.to_thread(parse, body)
            identity = await jobs.submit(client, checked, wanted, transaction)
        return JSONResponse({"verificationId": identity}, 202)

    @router.post("/metadata/{chain_id}/{address}")
    async def by_metadata(request: Request, chain_id: str, address: str) -> JSONResponse:
        return await accepted(
            request,
            chain_id,
            address,
            lambda body: from_metadata(body.get("metadata"), body.get("sources")),
        )

    @router.post("/similarity/{chain_id}/{address}")
    async def by_similarity(request: Request, chain_id: str, address: str) -> JSONResponse:
        return await accepted(request, chain_id, address, None)

    @router.post("/{chain_id}/{address}")
    async def by_standard_json(request: Request, chain_id: str, address: str) -> JSONResponse:
        return await accepted(
            request,
            chain_id,
            address,
            lambda body: from_standard_json(
                body.get("stdJsonInput"),
                body.get("compilerVersion"),
                body.get("contractIdentifier"),
            ),
        )

    @router.get("/{verification_id}")
    async def job(verification_id: str) -> JSONResponse:
        found = await asyncio.to_thread(jobs.store.job, verification_id)
        if found is None:
            raise SourceRefused(f"no job {verification_id[:40]}", "job_not_found")
        return JSONResponse(found)

    return router


def _looking(jobs: Jobs) -> APIRouter:
    router = APIRouter()

    @router.get("/v2/contract/all-chains/{address}")
    async def on_all_chains(address: str) -> JSONResponse:
        found = await asyncio.to_thread(jobs.store.on_all_chains, checked_address(address))
        return JSONResponse({"results": found})

    @router.get("/v2/contract/{chain_id}/{address}")
    async def contract(
        chain_id: str, address: str, fields: str | None = None, omit: str | None = None
    ) -> JSONResponse:
        chosen = _chosen(fields, omit)
        number = jobs.client(chain_id).settings.chain_id
        checked = checked_address(address)
        found = await asyncio.to_thread(jobs.store.contract, number, checked)
        nothing: dict[str, Any] = dict.fromkeys(("match", "creationMatch", "runtimeMatch"))
        nothing |= {"chainId": chain_id, "address": checked}
        if found is None:
            return JSONResponse(nothing, 404)
        changes = await jobs.changes(found)
        if changes:
            return JSONResponse(nothing | failure("code_changed", "; ".join(changes)), 404)
        return JSONResponse(found.summary | chosen(found.details))

    @router.get("/v2/contracts/{chain_id}")
    async def contracts(
        chain_id: str,
        sort: str = "desc",
        limit: str = "200",
        afterMatchId: str = "",  # noqa: N803
    ) -> JSONResponse:
        number = jobs.client(chain_id).settings.chain_id
        if sort not in ("asc", "desc"):
            raise SourceRefused(f"sort: expected asc or desc, got {sort[:20]!r}")
        size = _number("limit", limit, 1, MAX_LIMIT)
        after = _number("afterMatchId", afterMatchId, 0, 1 << 53) if afterMatchId else None
        found = await asyncio.to_thread(jobs.store.page, number, size, sort == "desc", after)
        return JSONResponse({"results": found})

    @router.get("/chains")
    async def chains() -> JSONResponse:
        return JSONResponse(
            [
                {
                    "name": client.settings.name,
                    "title": client.settings.name,
                    "chainId": number,
                    "rpc": [],
                    "supported": True,
                }
                for number, client in jobs.chains.items()
            ]
        )

    @router.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return router


def _chosen(fields: str | None, omit: str | None) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What picks the fields that were asked for out of all there are."""
    if fields and omit:
        raise SourceRefused("expected fields or omit, got both")
    names = (fields or omit or "").split(",") if fields or omit else []
    if "all" in names:
        if names != ["all"] or omit:
            raise SourceRefused("fields: expected all, or names")
        names = list(FIELDS)
    for name in names:
        outer, _, inner = name.partition(".")
        if outer not in FIELDS or (inner and inner not in FIELDS[outer]):
            raise SourceRefused(f"field {name[:60]!r}: expected one of {', '.join(FIELDS)}")

    def picked(details: dict[str, Any]) -> dict[str, Any]:
        if omit:
            kept = {name: value for name, value in details.items() if name not in names}
            for name in names:
                outer, _, inner = name.partition(".")
                if inner and isinstance(kept.get(outer), dict):
                    kept[outer] = {key: one for key, one in kept[outer].items() if key != inner}
            return kept
        found: dict[str, Any] = {}
        for name in names:
            outer, _, inner = name.partition(".")
            if inner:
                found.setdefault(outer, {})[inner] = (details.get(outer) or {}).get(inner)
            else:
                found[outer] = details.get(outer)
        return found

    return picked


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise SourceRefused(f"{name}: expected {least} to {most}, got {text[:20]!r}")
    value = int(text)
    if not least <= value <= most:
        raise SourceRefused(f"{name}: expected {least} to {most}, got {value}")
    return value


def _transaction(value: object) -> bytes | None:
    if value is None:
        return None
    try:
        return parse_data(value, 32)
    except ValueError as error:
        raise SourceRefused(f"creationTransactionHash: {error}") from error


async def _body(request: Request, optional: bool) -> dict[str, Any]:
    raw = await request.body()
    if optional and not raw.strip():
        return {}
    body = await asyncio.to_thread(parse_json, raw, "body", BODY_BYTES)
    if not isinstance(body, dict):
        raise SourceRefused(f"body: expected an object, got {type(body).__name__}")
    return body


def _refusal(code: str, message: str, status: int) -> JSONResponse:
    return JSONResponse(failure(code, message), status)


async def _bridge_error(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, SourceRefused | MatchError | AlreadyRunning):
        status = STATUS.get(error.code, 400)
        _log.info("verifier.refused", status=status, code=error.code, reason=str(error))
        return _refusal(error.code, str(error), status)
    _log.error("verifier.failed", error=type(error).__name__, reason=str(error))
    return _refusal("internal_error", "the server met an unexpected error", 500)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = "route_not_found" if error.status_code in (404, 405) else "invalid_parameter"
    return _refusal(code, str(error.detail), error.status_code)
