"""The address of a KME for its operator: no token and no certificate, so it belongs on loopback.

GET /v1/health   that the process works
GET /v1/ready    whether it can give keys, with 503 and the reasons while it cannot
GET /metrics     Prometheus' text
"""

from __future__ import annotations

import asyncio

from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.keyservice.blockrows import Purpose
from bridge.keyservice.exposition import METRICS_PATH, metrics_answer, registry_of
from bridge.keyservice.kme.entity import KeyManagementEntity
from bridge.keyservice.kme.metrics import measured

HEALTH_PATH, READY_PATH = "/v1/health", "/v1/ready"


class KmeHealthBody(BaseModel):
    """That the process works, and which KME it is."""

    status: str = "ok"
    kme_id: str


class KmeReadyBody(BaseModel):
    """Whether a master SAE would be given a key of the default size now, and if not, why."""

    ready: bool
    reasons: list[str]


def create_operator_app(entity: KeyManagementEntity) -> Starlette:
    """The application of a KME's third address; serve it with `serving`."""
    registry = registry_of(measured(entity))

    async def health(_: Request) -> JSONResponse:
        body = KmeHealthBody(kme_id=entity.settings.kme_id)
        return JSONResponse(body.model_dump(mode="json"))

    async def ready(_: Request) -> JSONResponse:
        reasons = await asyncio.to_thread(hindrances, entity)
        body = KmeReadyBody(ready=not reasons, reasons=reasons)
        return JSONResponse(body.model_dump(mode="json"), 503 if reasons else 200)

    async def measure(request: Request) -> Response:
        return await asyncio.to_thread(metrics_answer, registry, request)

    return Starlette(
        routes=[
            Route(HEALTH_PATH, health),
            Route(READY_PATH, ready),
            Route(METRICS_PATH, measure),
        ]
    )


def hindrances(entity: KeyManagementEntity) -> list[str]:
    """Why no key could be given now; none where one could. Asks the database."""
    reasons = []
    settings = entity.settings
    if entity.paused:
        reasons.append(f"KME {settings.peer_id} did not answer")
    size = settings.delivery.key_size
    try:
        bits = entity.pool.available(Purpose.DELIVERY)
    except DBAPIError as error:
        return [*reasons, f"the database does not answer: {error.orig}"]
    if bits < size:
        reasons.append(f"{bits} bits are there to take, a key has {size}")
    return reasons
