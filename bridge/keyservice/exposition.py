"""Metrics for Prometheus: families that are declared, what was measured of them, the answer.

Units are Prometheus' own: seconds, bytes; a counter's name ends in ``_total``. Nothing is measured
before somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

METRICS_PATH = "/metrics"


class Kind(StrEnum):
    """What a family's values are."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric by its name, what it tells and the labels of its series."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    def empty(self) -> Metric:
        """The family without a series."""
        if self.kind is Kind.GAUGE:
            return GaugeMetricFamily(self.name, self.help, labels=self.labels)
        if self.kind is Kind.COUNTER:
            return CounterMetricFamily(self.name, self.help, labels=self.labels)
        return HistogramMetricFamily(self.name, self.help, labels=self.labels)


class Samples:
    """What is measured at one moment, family by family."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._of = {family: family.empty() for family in families}

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._of.values())

    def add(self, family: Family, value: float | None, *labels: str) -> None:
        """One series; nothing where the value is not known."""
        metric = self._of[family]
        assert isinstance(metric, GaugeMetricFamily | CounterMetricFamily)
        if value is not None:
            metric.add_metric(labels, value)

    def spread(
        self,
        family: Family,
        counts: Sequence[int],
        bounds: Sequence[float],
        total: float,
        *labels: str,
    ) -> None:
        """A histogram: ``counts[i]`` up to ``bounds[i]``, the last above all; their sum."""
        metric = self._of[family]
        assert isinstance(metric, HistogramMetricFamily)
        buckets: list[tuple[str, float]] = []
        so_far = 0
        for count, bound in zip(counts, (*map(str, bounds), "+Inf"), strict=True):
            so_far += count
            buckets.append((bound, so_far))
        metric.add_metric(labels, buckets, total)


class Measured(Collector):
    """Collects what ``measure`` adds to the samples of ``families``."""

    def __init__(self, families: Sequence[Family], measure: Callable[[Samples], None]) -> None:
        self.families = tuple(families)
        self._measure = measure

    def describe(self) -> Iterable[Metric]:
        """The families, so that registering measures nothing."""
        return [family.empty() for family in self.families]

    def collect(self) -> Iterable[Metric]:
        """What is measured now."""
        samples = Samples(self.families)
        self._measure(samples)
        return samples


def registry_of(measured: Measured) -> CollectorRegistry:
    """A registry of its own, with this process's memory and time beside what is measured."""
    registry = CollectorRegistry()
    registry.register(measured)
    ProcessCollector(registry=registry)
    return registry


def metrics_answer(registry: CollectorRegistry, request: Request) -> Response:
    """The answer to who asks for ``METRICS_PATH``, in the format that it accepts."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": content_type})
