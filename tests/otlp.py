"""A collector that takes OTLP over HTTP and keeps the spans."""

from __future__ import annotations

import gzip

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.loopback import LoopbackServer


class Collector(LoopbackServer):
    """``spans`` are all that came; ``services`` the names of who sent them."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self.app.router.add_post("/v1/traces", self._take)

    def linked_to(self, identifier: bytes) -> set[str]:
        """The names of the spans that link to a message."""
        return {
            span.name
            for span in self.spans
            if any(link.trace_id == identifier[:16] for link in span.links)
        }

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if request.headers.get("Content-Encoding") == "gzip" and raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.services.add(named["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )
