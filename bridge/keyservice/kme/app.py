"""The REST interface of a KME: ETSI GS QKD 014 V1.1.1, over mutual TLS.

The SAE is who its certificate says. Errors have the standard's form, those of HTTP itself too.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import APIRouter, Body, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.domain.errors import KeyServiceError
from bridge.keyservice.bodylimit import BodyLimit
from bridge.keyservice.certified import caller
from bridge.keyservice.kme.entity import Delivered, KeyManagementEntity
from bridge.keyservice.kme.refusals import Refused, bad_request
from bridge.keyservice.kme.wire import (
    BAD_FORMAT,
    MAXIMUM_NUMBER,
    PREFIX,
    Error,
    Key,
    KeyContainer,
    KeyId,
    KeyIds,
    KeyRequest,
    SaeId,
    Status,
)

_log = structlog.stdlib.get_logger(__name__)

MAXIMUM_BODY = 1 << 18
METHODS = frozenset({"status", "enc_keys", "dec_keys"})
Answer = TypeVar("Answer")

SlaveId = Annotated[SaeId, Path(description="The slave SAE, URL-encoded.")]
MasterId = Annotated[SaeId, Path(description="The master SAE, URL-encoded.")]
Number = Annotated[int | None, Query(ge=1, le=MAXIMUM_NUMBER)]
Size = Annotated[int | None, Query(ge=1, le=MAXIMUM_NUMBER, json_schema_extra={"multipleOf": 8})]
KeyIdQuery = Annotated[KeyId, Query(alias="key_ID")]

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "Bad request format"},
    401: {"model": Error, "description": "Unauthorized"},
    503: {"model": Error, "description": "Error of server side"},
}


def create_app(entity: KeyManagementEntity) -> FastAPI:
    """The application of a KME; serve it with `serve_app` and its ``tls``."""
    app = FastAPI(title="ETSI GS QKD 014", version="1.1.1", docs_url=None, redoc_url=None)
    app.include_router(_routes(entity))
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _bad_format)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(KeyServiceError, _failed)
    app.add_exception_handler(OperationalError, _failed)
    app.add_middleware(
        BodyLimit,
        limit=MAXIMUM_BODY,
        refusal=lambda: _answer(413, f"body: expected at most {MAXIMUM_BODY} bytes"),
    )
    app.add_middleware(_Counted, counts=entity.requests)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


class _Counted:
    """Counts requests by method and status code; a path of no method of the standard is "other"."""

    def __init__(self, app: ASGIApp, counts: Counter[tuple[str, int]]) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, and look at the answer's status."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = _method(scope["path"]) or "other"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts[method, message["status"]] += 1
            await send(message)

        await self._app(scope, receive, counted)


def _method(path: str) -> str | None:
    """The standard's method that a path asks for; None for another path."""
    last = path.rpartition("/")[2]
    return last if path.startswith(PREFIX) and last in METHODS else None


def _routes(entity: KeyManagementEntity) -> APIRouter:
    # A path, since an SAE's id may have a slash in it, which arrives decoded.
    router = APIRouter(prefix=PREFIX, responses=ERRORS)

    @router.get("/{slave_SAE_ID:path}/status", response_model_exclude_none=True)
    async def get_status(request: Request, slave_SAE_ID: SlaveId) -> Status:
        _only(request)
        return await _off_loop(entity.status, caller(request.scope), slave_SAE_ID)

    @router.get("/{slave_SAE_ID:path}/enc_keys", response_model_exclude_none=True)
    async def get_key(
        request: Request,
        slave_SAE_ID: SlaveId,
        number: Number = None,
        size: Size = None,
    ) -> KeyContainer:
        _only(request, "number", "size")
        asked = KeyRequest(number=number, size=size)
        return await _keys(entity.get_key, caller(request.scope), slave_SAE_ID, asked)

    @router.post("/{slave_SAE_ID:path}/enc_keys", response_model_exclude_none=True)
    async def post_key(
        request: Request,
        slave_SAE_ID: SlaveId,
        asked: Annotated[KeyRequest | None, Body()] = None,
    ) -> KeyContainer:
        _only(request)
        return await _keys(
            entity.get_key, caller(request.scope), slave_SAE_ID, asked or KeyRequest()
        )

    @router.get("/{master_SAE_ID:path}/dec_keys", response_model_exclude_none=True)
    async def get_key_with_id(
        request: Request,
        master_SAE_ID: MasterId,
        key_id: KeyIdQuery,
    ) -> KeyContainer:
        _only(request, "key_ID")
        return await _with_ids(
            request, master_SAE_ID, KeyIds.model_validate({"key_IDs": [{"key_ID": key_id}]})
        )

    @router.post("/{master_SAE_ID:path}/dec_keys", response_model_exclude_none=True)
    async def post_key_with_ids(
        request: Request,
        master_SAE_ID: MasterId,
        asked: KeyIds,
    ) -> KeyContainer:
        _only(request)
        return await _with_ids(request, master_SAE_ID, asked)

    async def _with_ids(request: Request, master: str, asked: KeyIds) -> KeyContainer:
        key_ids = [one.key_ID for one in asked.key_IDs]
        return await _keys(entity.get_key_with_ids, caller(request.scope), master, key_ids)

    return router


async def _keys(ask: Callable[..., list[Delivered]], *arguments: Any) -> KeyContainer:
    delivered = await _off_loop(ask, *arguments)
    return KeyContainer(
        keys=[
            Key(
                key_ID=one.key_id,
                key=base64.b64encode(one.key).decode(),
                key_extension=one.extension,
            )
            for one in delivered
        ]
    )


async def _off_loop(ask: Callable[..., Answer], *arguments: Any) -> Answer:
    return await asyncio.to_thread(ask, *arguments)


def _only(request: Request, *names: str) -> None:
    """Refuse query parameters that the method has not, or has twice: none is passed over."""
    given = [name for name, _ in request.query_params.multi_items()]
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise bad_request(BAD_FORMAT, [{"query": f"unknown parameters: {', '.join(unknown)}"}])
    if len(set(given)) != len(given):
        raise bad_request(BAD_FORMAT, [{"query": "expected each parameter once"}])


def _answer(
    status: int,
    message: str,
    details: list[dict[str, Any]] | None = None,
    headers: Any = None,
) -> JSONResponse:
    body = Error(message=message, details=details).model_dump(exclude_none=True)
    return JSONResponse(body, status, headers=headers)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    _log.info("kme.refused", status=error.status, reason=error.message)
    return _answer(error.status, error.message, error.details)


async def _bad_format(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    details = [
        {".".join(str(part) for part in problem["loc"]): problem["msg"]}
        for problem in error.errors()
    ]
    return _answer(400, BAD_FORMAT, details)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and _method(request.url.path) is not None:
        # No route takes a line break in an SAE's id. The standard has no 404.
        return _answer(400, BAD_FORMAT)
    return _answer(error.status_code, str(error.detail), headers=error.headers)


async def _failed(_request: Request, error: Exception) -> JSONResponse:
    _log.error("kme.failed", error=type(error).__name__, reason=str(error))
    return _answer(503, f"{type(error).__name__}: the KME could not do it")


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, in which a request that is not understood is a 400, not a 422."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for methods in document["paths"].values():
            for operation in methods.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        app.openapi_schema = json.loads(json.dumps(document))
    assert app.openapi_schema is not None
    return app.openapi_schema
