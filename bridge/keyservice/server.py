"""The HTTP interface of the key service.

Over mutual TLS callers are known by their certificates and may do what is granted to them.
Elsewhere every route but health, readiness and metrics asks for the bearer token: with it one may
sign, so who reads metrics shall not need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bridge.crypto.digests import checkpoint_digest
from bridge.domain.errors import (
    BridgeError,
    Equivocation,
    InputError,
    KeyUnusable,
    LabelTaken,
    PoolExhausted,
    PurposeRefused,
    RotationConflict,
    UnknownKey,
    VerdictConflict,
)
from bridge.keyservice.access import Access, Grant, Right
from bridge.keyservice.bearer import BearerToken
from bridge.keyservice.exposition import METRICS_PATH, metrics_answer, registry_of
from bridge.keyservice.filler import LinkStatus
from bridge.keyservice.metrics import measured
from bridge.keyservice.service import KeyService
from bridge.keyservice.wire import (
    AuditBody,
    CheckpointBody,
    CiphertextBody,
    CompromiseBody,
    CreateKeyBody,
    ErrorBody,
    ErrorDetail,
    HealthBody,
    KeyBody,
    KeysBody,
    LifeBody,
    LinkBody,
    LivesBody,
    ReadyBody,
    RevocationBody,
    RotationBody,
    SharedSecretBody,
    SignedBody,
    VerdictBody,
    from_hex,
    to_hex,
)

_log = structlog.stdlib.get_logger(__name__)

AUDIT_PAGE = 1000
"""Entries of one answer; who wants more asks for those after the last."""
OPEN_PATHS = frozenset({"/v1/health", "/v1/ready", METRICS_PATH})

STATUS_AND_CODE: tuple[tuple[type[BridgeError], int, str], ...] = (
    (UnknownKey, 404, "unknown_key"),
    (Equivocation, 409, "equivocation"),
    (RotationConflict, 409, "rotation_conflict"),
    (VerdictConflict, 409, "verdict_conflict"),
    (LabelTaken, 409, "label_taken"),
    (KeyUnusable, 410, "key_unusable"),
    (PurposeRefused, 403, "purpose_refused"),
    (InputError, 422, "bad_input"),
    (PoolExhausted, 503, "pool_exhausted"),
)


def create_app(service: KeyService, grants: Sequence[Grant] | None = None) -> FastAPI:
    """The application for a service that is started and stopped by the caller.

    With ``grants`` callers are known by their certificates and may do what is granted to them:
    serve it over mutual TLS then. Without, who brings the bearer token may do everything.
    """
    app = FastAPI(title="AstraLink key service", docs_url=None, redoc_url=None, openapi_url=None)
    access = Access(grants)
    app.include_router(_health(service))
    app.include_router(_keys(service, access))
    app.include_router(_signing(service, access))
    app.include_router(_administration(service, access))
    app.add_exception_handler(BridgeError, _bridge_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    if grants is None:
        registry = registry_of(measured(service))

        @app.get(METRICS_PATH)
        async def metrics(request: Request) -> Response:
            return metrics_answer(registry, request)

        app.add_middleware(
            BearerToken, token=service.token, name="key service", open_paths=OPEN_PATHS
        )
    return app


def _health(service: KeyService) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/health")
    async def health() -> HealthBody:
        link = service.link_status()
        status: Literal["ok", "degraded"] = "degraded" if link.state.stopped else "ok"
        return HealthBody(status=status, simulated=link.simulated, reason=_why(link))

    @router.get("/ready")
    async def ready(response: Response) -> ReadyBody:
        link = service.link_status()
        response.status_code = 503 if link.state.stopped else 200
        return ReadyBody(ready=not link.state.stopped, reason=_why(link))

    return router


def _why(link: LinkStatus) -> str | None:
    return f"{link.state.value}: {link.reason}" if link.state.stopped else None


def _keys(service: KeyService, access: Access) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/link")
    async def link(request: Request) -> LinkBody:
        access.require(request, Right.READ)
        return LinkBody.of(service.link_status())

    @router.get("/keys")
    async def keys(request: Request) -> KeysBody:
        access.require(request, Right.READ)
        return KeysBody(keys=[KeyBody.of(record) for record in await service.keys()])

    @router.get("/lives")
    async def lives(request: Request) -> LivesBody:
        access.require(request, Right.READ)
        found = await service.lives()
        return LivesBody(lives=[LifeBody.of(life) for life in found.values()])

    @router.post("/keys", status_code=201)
    async def create_key(request: Request, body: CreateKeyBody) -> KeyBody:
        access.require(request, Right.ADMINISTER)
        return KeyBody.of(await service.create_key(body.algorithm, body.label))

    @router.get("/keys/{key_id}")
    async def key(request: Request, key_id: str) -> KeyBody:
        access.require(request, Right.READ)
        return KeyBody.of(await service.key(key_id))

    return router


def _signing(service: KeyService, access: Access) -> APIRouter:
    router = APIRouter(prefix="/v1/keys/{key_id}")

    async def require(request: Request, right: Right, key_id: str) -> None:
        access.require(request, Right.READ)
        access.require(request, right, (await service.key(key_id)).label)

    @router.post("/checkpoints")
    async def sign_checkpoint(request: Request, key_id: str, body: CheckpointBody) -> SignedBody:
        checkpoint = body.checkpoint()
        # In each line that this request makes; a request has a task, and so a context, of its own.
        digest = "0x" + checkpoint_digest(checkpoint).hex()
        structlog.contextvars.bind_contextvars(digest=digest)
        await require(request, Right.CHECKPOINT, key_id)
        signed = await service.sign_checkpoint(key_id, checkpoint)
        return SignedBody(signature=to_hex(signed.signature), digest=to_hex(signed.digest))

    @router.post("/rotations")
    async def sign_rotation(request: Request, key_id: str, body: RotationBody) -> SignedBody:
        rotation = body.rotation()
        await require(request, Right.ROTATION, key_id)
        signed = await service.sign_rotation(key_id, rotation)
        return SignedBody(signature=to_hex(signed.signature), digest=to_hex(signed.digest))

    @router.post("/verdicts")
    async def sign_verdict(request: Request, key_id: str, body: VerdictBody) -> SignedBody:
        statement = body.statement()
        await require(request, Right.VERDICT, key_id)
        signed = await service.sign_verdict(key_id, statement)
        return SignedBody(signature=to_hex(signed.signature), digest=to_hex(signed.digest))

    @router.post("/revocations")
    async def sign_revocation(request: Request, key_id: str, body: RevocationBody) -> SignedBody:
        statement = body.statement()
        await require(request, Right.VERDICT, key_id)
        signed = await service.sign_revocation(key_id, statement)
        return SignedBody(signature=to_hex(signed.signature), digest=to_hex(signed.digest))

    @router.post("/decapsulations")
    async def decapsulate(request: Request, key_id: str, body: CiphertextBody) -> SharedSecretBody:
        ciphertext = from_hex(body.ciphertext)
        await require(request, Right.DECAPSULATE, key_id)
        secret = await service.decapsulate(key_id, ciphertext)
        return SharedSecretBody(shared_secret=to_hex(secret))

    return router


def _administration(service: KeyService, access: Access) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.post("/keys/{key_id}/successor", status_code=201)
    async def rotate(request: Request, key_id: str) -> KeyBody:
        access.require(request, Right.ADMINISTER)
        return KeyBody.of(await service.rotate_key(key_id))

    @router.post("/keys/{key_id}/destruction")
    async def destroy(request: Request, key_id: str) -> KeyBody:
        access.require(request, Right.ADMINISTER)
        return KeyBody.of(await service.destroy_key(key_id))

    @router.post("/link/reset")
    async def reset_link(request: Request) -> LinkBody:
        access.require(request, Right.ADMINISTER)
        return LinkBody.of(await service.reset_link())

    @router.post("/compromises")
    async def compromise(request: Request, body: CompromiseBody) -> dict[str, Any]:
        access.require(request, Right.ADMINISTER)
        return (await service.declare_compromise(body.compromise())).data()

    @router.get("/audit")
    async def audit(request: Request, after: int = 0) -> AuditBody:
        access.require(request, Right.ADMINISTER)
        entries = await service.audit_entries(after, AUDIT_PAGE)
        return AuditBody(entries=[one.data() for one in entries])

    return router


def _answer(status: int, code: str, message: str, error: Exception | None = None) -> JSONResponse:
    detail = ErrorDetail(
        code=code,
        message=message,
        signed_root=to_hex(error.signed) if isinstance(error, Equivocation) else None,
        signed_set_hash=to_hex(error.signed) if isinstance(error, RotationConflict) else None,
        signed_statement=to_hex(error.signed) if isinstance(error, VerdictConflict) else None,
        wanted_bits=error.wanted_bits if isinstance(error, PoolExhausted) else None,
        available_bits=error.available_bits if isinstance(error, PoolExhausted) else None,
        state=error.state if isinstance(error, KeyUnusable) else None,
    )
    body = ErrorBody(error=detail).model_dump(exclude_none=True)
    return JSONResponse(body, status_code=status)


async def _bridge_error(_request: Request, error: Exception) -> JSONResponse:
    for kind, status, code in STATUS_AND_CODE:
        if isinstance(error, kind):
            _log.warning("keyservice.refused", code=code, reason=str(error))
            return _answer(status, code, str(error), error)
    _log.error("keyservice.failed", error=type(error).__name__, reason=str(error))
    return _answer(500, "internal", f"{type(error).__name__}: {error}")


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors()
    )
    return _answer(422, "bad_input", problems)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    return _answer(error.status_code, code, str(error.detail))
