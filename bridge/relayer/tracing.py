"""Spans of what the relayer does, over OTLP, where an address is configured.

One span for what an act did to messages, with the act's own time. It links to each message and to
its checkpoint: the trace that is linked has the first 16 bytes of the message's id, or of the root,
as its own, so that an id from a log finds its spans. OpenTelemetry's limit of links a span, 128
unless its variables say otherwise, holds here too; the count is an attribute.

Without an address nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from itertools import groupby
from threading import Timer
from typing import Any, Protocol

from bridge.domain.errors import ConfigError
from bridge.domain.version import VERSION
from bridge.relayer.journal import Entry

SERVICE = "astralink-relayer"
EXTRA = "otel"
EXPORT_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0

began_ns: ContextVar[int] = ContextVar("began_ns")
"""When the act that is under way in this task began, in Unix nanoseconds."""


def begin() -> None:
    """Note that an act begins."""
    began_ns.set(time.time_ns())


class Tracing(Protocol):
    """Whoever is told of acts."""

    def did(self, entries: Sequence[Entry], **attributes: object) -> None:
        """Messages came to the stages at which they stand, by the act that is under way."""

    def failed(self, what: str, error: Exception) -> None:
        """The act that is under way failed."""

    def close(self) -> None:
        """Send what is left."""


class NoTracing:
    """Tells nobody."""

    def did(self, entries: Sequence[Entry], **attributes: object) -> None:
        """Nothing."""

    def failed(self, what: str, error: Exception) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class OtlpTracing:
    """Sends spans to the collector at ``url``, in batches and from a thread of its own."""

    def __init__(self, url: str, replica: str, names: Mapping[int, str]) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise ConfigError(
                "telemetry", [f"otlp_url: pip install 'astralink-bridge[{EXTRA}]' first: {error}"]
            ) from error
        resource = Resource.create(
            {
                "service.name": SERVICE,
                "service.version": VERSION,
                "service.instance.id": replica,
            }
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._exporter = OTLPSpanExporter(
            endpoint=url.rstrip("/") + "/v1/traces", timeout=EXPORT_TIMEOUT_S
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("bridge.relayer", VERSION)
        self._names = names

    def did(self, entries: Sequence[Entry], **attributes: object) -> None:
        """One span for each route and stage."""
        for (origin, destination, stage), group in groupby(sorted(entries, key=_place), _place):
            members = list(group)
            roots = {one.root for one in members if one.root is not None}
            self._span(
                stage,
                {
                    "astralink.route": f"{self._name(origin)}->{self._name(destination)}",
                    "astralink.messages": len(members),
                    "astralink.first_message": "0x" + members[0].id.hex(),
                    **{f"astralink.{name}": str(value) for name, value in attributes.items()},
                    **({"astralink.root": "0x" + roots.pop().hex()} if len(roots) == 1 else {}),
                },
                [*(one.root for one in members[:1] if one.root), *(one.id for one in members)],
            )

    def failed(self, what: str, error: Exception) -> None:
        """A span with the error as its status."""
        from opentelemetry.trace import Status, StatusCode

        attributes = {"astralink.task": what, "error.type": type(error).__name__}
        self._span(what.split(" ")[0], attributes, [], Status(StatusCode.ERROR, str(error)))

    def close(self) -> None:
        """Send what is left; a collector that is away is not waited for long."""
        # The provider itself waits for each batch that is left, whatever it was told.
        enough = Timer(CLOSE_TIMEOUT_S, self._exporter.shutdown)
        enough.daemon = True
        enough.start()
        self._provider.shutdown()
        enough.cancel()

    def _span(
        self,
        name: str,
        attributes: Mapping[str, Any],
        linked: Iterable[bytes],
        status: Any = None,
    ) -> None:
        from opentelemetry.trace import Link, SpanContext, TraceFlags

        links = [
            Link(
                SpanContext(
                    int.from_bytes(one[:16]),
                    int.from_bytes(one[16:24]),
                    is_remote=True,
                    trace_flags=TraceFlags(TraceFlags.SAMPLED),
                )
            )
            for one in linked
        ]
        began = began_ns.get(time.time_ns())
        span = self._tracer.start_span(
            name, attributes=dict(attributes), links=links, start_time=began
        )
        if status is not None:
            span.set_status(status)
        span.end()

    def _name(self, domain: int) -> str:
        return self._names.get(domain, str(domain))


def _place(entry: Entry) -> tuple[int, int, str]:
    return entry.origin, entry.destination, entry.stage.value
