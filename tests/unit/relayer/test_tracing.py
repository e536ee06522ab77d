"""Spans as a collector gets them, over HTTP on loopback."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from bridge.domain.delivery import Stage
from bridge.domain.errors import ConfigError, QuorumMissed
from bridge.relayer.tracing import OtlpTracing, begin
from tests.otlp import Collector
from tests.unit.relayer.test_journal import ROOT, A, B, bring, journal, where

__all__ = ["journal", "where"]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as one:
        yield one


def test_a_span_of_an_act_links_to_its_messages_and_their_checkpoint(collector, journal, found):
    before = time.time_ns()
    begin()
    identifiers = [bring(journal, found(nonce), Stage.BATCHED) for nonce in range(2)]
    tracing = OtlpTracing(collector.url, "one", {A: "A", B: "B"})
    tracing.did([journal.entry(one) for one in identifiers], transaction="0xab")
    tracing.close()
    (span,) = collector.spans
    assert collector.services == {"astralink-relayer"}
    assert span.name == "batched"
    assert before <= span.start_time_unix_nano <= span.end_time_unix_nano <= time.time_ns()
    assert [link.trace_id for link in span.links] == [ROOT[:16], *(i[:16] for i in identifiers)]
    assert [link.span_id for link in span.links[1:]] == [one[16:24] for one in identifiers]
    attributes = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
    assert attributes == {
        "astralink.route": "A->B",
        "astralink.messages": 2,
        "astralink.first_message": "0x" + identifiers[0].hex(),
        "astralink.root": "0x" + ROOT.hex(),
        "astralink.transaction": "0xab",
    }


def test_each_route_and_stage_has_a_span_of_its_own(collector, journal, found):
    begin()
    identifiers = [
        bring(journal, found(0), Stage.OBSERVED),
        bring(journal, found(0, origin=B, destination=A), Stage.OBSERVED),
    ]
    tracing = OtlpTracing(collector.url, "one", {A: "A", B: "B"})
    tracing.did([journal.entry(one) for one in identifiers])
    tracing.did([])
    tracing.close()
    assert [span.name for span in collector.spans] == ["observed", "observed"]
    assert collector.linked_to(identifiers[0]) == {"observed"}


def test_a_failure_is_a_span_with_its_error(collector):
    begin()
    tracing = OtlpTracing(collector.url, "one", {})
    tracing.failed("attest A->B", QuorumMissed(1, 2, ["signer 1: no"]))
    tracing.close()
    (span,) = collector.spans
    assert (span.name, span.status.code) == ("attest", Status.STATUS_CODE_ERROR)
    assert "signer 1: no" in span.status.message


@pytest.mark.filterwarnings("ignore")
def test_a_collector_that_is_away_holds_nobody_up(journal, found):
    identifier = bring(journal, found(0), Stage.OBSERVED)
    tracing = OtlpTracing("http://127.0.0.1:9", "one", {A: "A", B: "B"})
    began = time.monotonic()
    for _ in range(1_000):
        tracing.did([journal.entry(identifier)])
    assert time.monotonic() - began < 15
    began = time.monotonic()
    tracing.close()
    assert time.monotonic() - began < 12


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match=r"pip install 'astralink-bridge\[otel\]'"):
        OtlpTracing("http://127.0.0.1:9", "one", {})


def test_nothing_of_it_is_imported_where_it_is_off():
    code = (
        "import sys, bridge.apps.cli.relay\n"
        "print([one for one in sys.modules if one.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
