"""The figures of a soak, from messages and faults whose times are known."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from bridge.domain.messages import Message
from tests.soak.__main__ import write
from tests.soak.audit import Audit
from tests.soak.faults import Fault
from tests.soak.report import (
    Outcome,
    distribution,
    latencies,
    memory,
    processor,
    read_errors,
    recovery_s,
    summary,
)
from tests.soak.traffic import Kind
from tests.soak.watch import Sample, Seen


def seen(at: float, delivered_at: float | None, kind: Kind = Kind.ORDINARY) -> Seen:
    return Seen(Message(0, 1, bytes(32), 2, bytes(32), b""), kind, at, delivered_at)


def sample(at: float, rss: float, cpu: float, delivered: int = 0) -> Sample:
    return Sample(at, {"one": rss}, {"one": cpu}, delivered, delivered, 3.0, {})


def outcome(audit: Audit, *messages: Seen) -> Outcome:
    return Outcome(
        seed=5,
        minutes=1.0,
        started_at="2026-01-01T00:00:00+00:00",
        began=0.0,
        faults_until=60.0,
        ended=70.0,
        seen=messages,
        samples=[sample(0, 10, 0), sample(10, 12, 1, 20), sample(20, 14, 2, 50)],
        faults=[Fault("reorg", "A, 2 blocks", 20.0, 25.0)],
        gone=0,
        audit=audit,
        errors={"one": Counter(dead_letter=2), "two": Counter()},
        starts={"one": 2},
        problems=[],
        refused_starts={},
        said={"agrees": True, "journal": {"stages": {"confirmed": 1}}},
    )


def test_recovery_is_until_the_last_of_before_has_arrived() -> None:
    fault = Fault("reorg", "A", 20.0, 25.0)
    assert recovery_s(fault, [seen(1, 5)]) == 0.0
    assert recovery_s(fault, [seen(1, 5), seen(24, 33), seen(26, 90)]) == 8.0
    assert recovery_s(fault, [seen(1, 5), seen(24, None)]) is None
    refused = seen(24, None, Kind.REVERTS)
    assert recovery_s(fault, [seen(24, 33), refused]) == 8.0


def test_a_message_met_a_fault_where_their_times_touch() -> None:
    found = latencies(outcome(Audit(), seen(1, 19), seen(1, 21), seen(24, 30), seen(26, 30)))
    assert found == {"without": [18, 4], "with a fault": [20, 6]}


def test_distributions_slopes_and_shares() -> None:
    assert distribution([]) == {"count": 0}
    assert distribution(range(1, 101)) == {"count": 100, "median": 50.5, "p99": 100, "max": 100}
    steady = [sample(at, 10 + at / 3_600, at / 2) for at in range(0, 100, 10)]
    assert memory(steady)["one"]["slope_mib_per_h"] == 1.0
    again = [sample(0, 10, 5.0), sample(10, 10, 1.0), sample(20, 10, 3.0)]
    assert processor(again) == {"one": 0.15}  # it was started again with nothing used


def test_errors_are_counted_by_their_event(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '{"event": "dead_letter", "level": "error"}\n{"event": "failed", "level": "warning"}\n'
        'Traceback (most recent call last):\n{"event": "dead_letter", "level": "error"}\n'
        '{"event": "cut'
    )
    counts = read_errors({"one": log, "two": tmp_path / "none"})
    assert counts == {"one": Counter(dead_letter=2, traceback=1), "two": Counter()}


def test_a_run_that_agrees_passes_and_one_that_does_not_says_what(tmp_path: Path) -> None:
    good = Audit(dispatched=Counter({Kind.ORDINARY: 1}), delivered=Counter({Kind.ORDINARY: 1}))
    assert outcome(good, seen(1, 5)).passed
    found = summary(outcome(good, seen(1, 5)))
    assert found["messages"]["by_kind"]["ordinary"]["delivered"] == 1
    assert found["errors"] == {"one": {"dead_letter": 2}}
    bad = outcome(Audit(problems=["0x01: delivered 2 times"]), seen(1, 5))
    assert not bad.passed
    write(bad, tmp_path)
    text = (tmp_path / "soak.md").read_text()
    assert "**Failed**" in text
    assert "0x01: delivered 2 times" in text
    picture = ET.fromstring((tmp_path / "soak.svg").read_text())
    titles = [one.text for one in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["reorg: A, 2 blocks"]
