"""The HTTP interface of a relayer, for its operator: no token, so it belongs on loopback.

GET /v1/health   HealthBody: it works
GET /v1/ready    ReadyBody, with 503 while it cannot do its work
GET /metrics     Prometheus' text
"""

from __future__ import annotations

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge import __version__
from bridge.keyservice.exposition import METRICS_PATH, metrics_answer, registry_of
from bridge.relayer.metrics import RelayerMetrics
from bridge.relayer.readiness import hindrances

HEALTH_PATH, READY_PATH = "/v1/health", "/v1/ready"


class HealthBody(BaseModel):
    """That the process works, since when, and which it is."""

    status: str = "ok"
    version: str = __version__
    replica: str
    uptime_s: float


class ReadyBody(BaseModel):
    """Whether it can do its work, and the reasons for which it cannot."""

    ready: bool
    reasons: list[str]


def create_app(metrics: RelayerMetrics) -> Starlette:
    """The application for a relayer that is run by the caller, in the same event loop."""
    registry = registry_of(metrics.measured)
    relayer = metrics.relayer

    async def health(_: Request) -> JSONResponse:
        uptime_s = round(relayer.watch.uptime_s, 3)
        return JSONResponse(
            HealthBody(replica=relayer.replica, uptime_s=uptime_s).model_dump(mode="json")
        )

    async def ready(_: Request) -> JSONResponse:
        await metrics.refresh()
        reasons = hindrances(relayer, metrics.journal_up)
        body = ReadyBody(ready=not reasons, reasons=reasons)
        return JSONResponse(body.model_dump(mode="json"), 503 if reasons else 200)

    async def measure(request: Request) -> Response:
        await metrics.refresh()
        return metrics_answer(registry, request)

    return Starlette(
        routes=[
            Route(HEALTH_PATH, health),
            Route(READY_PATH, ready),
            Route(METRICS_PATH, measure),
        ]
    )
