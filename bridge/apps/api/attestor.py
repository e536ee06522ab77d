"""The HTTP interface of an attestor. ``bridge.relayer.attestor_wire`` has the paths and bodies.

A refusal is {"error": {"code", "message"}}; its code says whether to ask again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import structlog
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.crypto.digests import checkpoint_digest, statement_digest
from bridge.domain.errors import (
    BlockNotFinal,
    BridgeError,
    ChainError,
    EndpointsDisagree,
    EndpointsTooFew,
    Equivocation,
    FinalizedChanged,
    InputError,
    KeyServiceError,
    NotFinalized,
    NotVerified,
    RelayError,
    RootMismatch,
    TreeMismatch,
    UnknownKey,
    VerdictConflict,
    VerdictMismatch,
    VerdictRefused,
)
from bridge.domain.verdicts import Statement
from bridge.keyservice.bearer import BearerToken
from bridge.keyservice.exposition import METRICS_PATH, metrics_answer, registry_of
from bridge.keyservice.wire import Body, ErrorBody, ErrorDetail, KeyBody, to_hex
from bridge.relayer.attestor import Attestor
from bridge.relayer.attestor_metrics import measured
from bridge.relayer.attestor_wire import (
    HealthBody,
    OriginBody,
    ReadyBody,
    RevocationQuestion,
    SignatureBody,
    SignaturesBody,
    SignaturesQuestion,
    SignerBody,
    VerdictQuestion,
)
from bridge.verifier.attestor import VerdictAttestor

_log = structlog.stdlib.get_logger(__name__)

OPEN_PATHS = frozenset({"/v1/health", "/v1/ready", METRICS_PATH})
MAX_BODY_BYTES = 1 << 16
MAX_SOURCE_BYTES = 1 << 23
"""A verdict comes with the sources of a contract."""
Question = TypeVar("Question", bound=Body)
SHOWN_PROBLEMS = 3

STATUS_AND_CODE: tuple[tuple[type[BridgeError], int, str], ...] = (
    (InputError, 422, "bad_input"),
    (UnknownKey, 404, "unknown_key"),
    (NotFinalized, 425, "not_finalized"),
    (RootMismatch, 409, "root_mismatch"),
    (Equivocation, 409, "equivocation"),
    (BlockNotFinal, 425, "block_not_final"),
    (VerdictMismatch, 409, "verdict_mismatch"),
    (VerdictRefused, 409, "verdict_refused"),
    (VerdictConflict, 409, "verdict_conflict"),
    (NotVerified, 409, "not_verified"),
    (FinalizedChanged, 503, "stopped"),
    (TreeMismatch, 503, "stopped"),
    (EndpointsTooFew, 503, "no_agreement"),
    (EndpointsDisagree, 503, "no_agreement"),
    (ChainError, 503, "chain_unread"),
    (KeyServiceError, 503, "key_service"),
    (RelayError, 409, "refused"),
)
"""The first that fits."""


def create_app(
    attestor: Attestor, token: str, verdicts: VerdictAttestor | None = None
) -> Starlette:
    """The application for an attestor that is started and stopped by the caller.

    Without ``verdicts`` it signs none.
    """
    registry = registry_of(measured(attestor, verdicts))

    async def signatures(request: Request) -> JSONResponse:
        question = await _question(request, SignaturesQuestion)
        checkpoint = question.checkpoint.checkpoint()
        digest = checkpoint_digest(checkpoint)
        # In each line that this request makes; a request has a task, and so a context, of its own.
        structlog.contextvars.bind_contextvars(digest="0x" + digest.hex())
        found = await attestor.sign(checkpoint, _key_ids(attestor, question.keys))
        return _signatures(digest, found)

    async def sign_verdict(request: Request) -> JSONResponse:
        signing = _signing_verdicts(verdicts)
        question = await _question(request, VerdictQuestion, MAX_SOURCE_BYTES)
        statement = question.statement.statement()
        key_ids = _key_ids(attestor, question.keys)
        return _signed(statement, await signing.sign_verdict(statement, key_ids, question.source))

    async def sign_revocation(request: Request) -> JSONResponse:
        signing = _signing_verdicts(verdicts)
        question = await _question(request, RevocationQuestion)
        statement = question.statement.statement()
        key_ids = _key_ids(attestor, question.keys)
        return _signed(statement, await signing.sign_revocation(statement, key_ids))

    async def signer(_: Request) -> JSONResponse:
        return _answer(SignerBody(keys=[KeyBody.of(record) for record in attestor.records]))

    async def health(_: Request) -> JSONResponse:
        stopped = any(view.stopped is not None for view in attestor.views.values())
        return _answer(HealthBody(status="stopped" if stopped else "ok"))

    async def ready(_: Request) -> JSONResponse:
        origins = [
            OriginBody(
                chain=view.side.name,
                domain=view.side.domain,
                size=len(view.tree),
                block=view.block,
                problem=None if view.problem is None else str(view.problem),
            )
            for view in attestor.views.values()
        ]
        is_ready = attestor.ready()
        body = ReadyBody(ready=is_ready, origins=origins, key_service=attestor.key_service_problem)
        return _answer(body, 200 if is_ready else 503)

    async def metrics(request: Request) -> Response:
        return metrics_answer(registry, request)

    return Starlette(
        routes=[
            Route("/v1/signatures", signatures, methods=["POST"]),
            Route("/v1/verdicts", sign_verdict, methods=["POST"]),
            Route("/v1/revocations", sign_revocation, methods=["POST"]),
            Route("/v1/signer", signer),
            Route("/v1/health", health),
            Route("/v1/ready", ready),
            Route(METRICS_PATH, metrics),
        ],
        middleware=[Middleware(BearerToken, token=token, name="attestor", open_paths=OPEN_PATHS)],
        exception_handlers={BridgeError: _bridge_error, HTTPException: _http_error},
    )


def _key_ids(attestor: Attestor, asked: list[str] | None) -> list[str]:
    return [record.key_id for record in attestor.records] if asked is None else asked


def _signing_verdicts(verdicts: VerdictAttestor | None) -> VerdictAttestor:
    if verdicts is None:
        raise VerdictRefused("attestor", "one with a [verdicts] in its configuration", "none")
    return verdicts


def _signed(statement: Statement, found: Mapping[str, bytes]) -> JSONResponse:
    return _signatures(statement_digest(statement), found)


def _signatures(digest: bytes, found: Mapping[str, bytes]) -> JSONResponse:
    return _answer(
        SignaturesBody(
            digest=to_hex(digest),
            signatures=[
                SignatureBody(key_id=key_id, signature=to_hex(signature))
                for key_id, signature in found.items()
            ],
        )
    )


async def _question(
    request: Request, kind: type[Question], limit_bytes: int = MAX_BODY_BYTES
) -> Question:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit_bytes:
            raise InputError(f"body: expected at most {limit_bytes} bytes")
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}"
            for problem in error.errors()[:SHOWN_PROBLEMS]
        )
        raise InputError(problems) from error


def _answer(body: Body, status: int = 200) -> JSONResponse:
    return JSONResponse(body.model_dump(mode="json"), status)


def _refusal(status: int, code: str, message: str, signed: bytes | None = None) -> JSONResponse:
    signed_root = None if signed is None else to_hex(signed)
    detail = ErrorDetail(code=code, message=message, signed_root=signed_root)
    return JSONResponse(ErrorBody(error=detail).model_dump(exclude_none=True), status)


async def _bridge_error(_: Request, error: Exception) -> JSONResponse:
    for kind, status, code in STATUS_AND_CODE:
        if isinstance(error, kind):
            log = _log.info if kind is NotFinalized else _log.warning
            log("signature_refused", code=code, reason=str(error))
            signed = error.signed if isinstance(error, Equivocation) else None
            return _refusal(status, code, str(error), signed)
    _log.error("attestor_failed", error=type(error).__name__, reason=str(error))
    return _refusal(500, "internal", f"{type(error).__name__}: {error}")


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    return _refusal(error.status_code, code, str(error.detail))
