"""The figures of a soak, as JSON and as a page."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.soak.audit import Audit
from tests.soak.faults import Fault
from tests.soak.traffic import DELIVERED, Kind
from tests.soak.watch import Sample, Seen, as_json

SETTLED_SHARE = 0.1
"""The first part of a run, whose memory is that of a start: it is left out of the slope."""
TAIL = 0.99
SHOWN_REASON = 100


@dataclass
class Outcome:
    """All that a soak has seen; times are of the monotonic clock but for ``started_at``."""

    seed: int
    minutes: float
    started_at: str
    began: float
    faults_until: float
    ended: float
    seen: Sequence[Seen]
    samples: Sequence[Sample]
    faults: Sequence[Fault]
    gone: int
    audit: Audit
    errors: dict[str, Counter[str]]
    """By process, how often each error-level event, and each kind of traceback, was logged."""
    starts: Mapping[str, int]
    problems: list[str]
    refused_starts: Mapping[str, int]
    """How often a daemon ended at its start since a chain or the journal was away."""
    said: Mapping[str, Any]
    """What ``astralink audit`` says."""

    @property
    def passed(self) -> bool:
        """Whether nothing disagreed."""
        return not self.problems and not self.audit.problems


def distribution(values: Iterable[float]) -> dict[str, float]:
    """Count, median, 99th percentile and largest, in the unit of ``values``."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0}
    return {
        "count": len(ordered),
        "median": round(statistics.median(ordered), 2),
        "p99": round(ordered[min(len(ordered) - 1, int(TAIL * len(ordered)))], 2),
        "max": round(ordered[-1], 2),
    }


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The least-squares slope of (x, y), 0 where there are too few."""
    if len(points) < 3 or len({x for x, _ in points}) < 2:
        return 0.0
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


def recovery_s(fault: Fault, seen: Sequence[Seen]) -> float | None:
    """From a fault's end until all that was dispatched before and has a right to has arrived.

    None where something has not.
    """
    before = [one for one in seen if one.kind in DELIVERED and one.at <= fault.ended]
    late = 0.0
    for one in before:
        if one.delivered_at is None:
            return None
        late = max(late, one.delivered_at - fault.ended)
    return late


def latencies(outcome: Outcome) -> dict[str, list[float]]:
    """Seconds from dispatch to delivery, by whether a fault was there on a message's way."""
    found: dict[str, list[float]] = {"with a fault": [], "without": []}
    for one in outcome.seen:
        if one.kind not in DELIVERED or one.delivered_at is None:
            continue
        met = any(
            fault.began <= one.delivered_at and one.at <= fault.ended for fault in outcome.faults
        )
        found["with a fault" if met else "without"].append(one.delivered_at - one.at)
    return found


def memory(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Resident memory of each process in MiB: at its start, its end, the largest, and its slope.

    The slope is in MiB an hour and leaves out the first tenth of the run.
    """
    names = sorted({name for sample in samples for name in sample.rss_mib})
    found = {}
    after = samples[-1].at * SETTLED_SHARE if samples else 0.0
    for name in names:
        points = [(one.at, one.rss_mib[name]) for one in samples if name in one.rss_mib]
        values = [value for _, value in points[1:]] or [points[0][1]]  # the first is a start's
        found[name] = {
            "start_mib": round(values[0], 1),
            "end_mib": round(values[-1], 1),
            "largest_mib": round(max(values), 1),
            "slope_mib_per_h": round(3_600 * slope([one for one in points if one[0] >= after]), 1),
        }
    return found


def processor(samples: Sequence[Sample]) -> dict[str, float]:
    """Share of one core that each process used, over all of its lives."""
    used: Counter[str] = Counter()
    for before, after in pairwise(samples):
        for name, value in after.cpu_s.items():
            last = before.cpu_s.get(name, 0.0)
            used[name] += value - last if value >= last else value  # it was started again
    length = samples[-1].at - samples[0].at if len(samples) > 1 else 0.0
    return {name: round(value / length, 3) for name, value in sorted(used.items()) if length}


def summary(outcome: Outcome) -> dict[str, Any]:
    """All figures, as JSON has them."""
    kinds = sorted({fault.kind for fault in outcome.faults})
    recoveries: dict[str, list[float]] = {kind: [] for kind in kinds}
    for fault in outcome.faults:
        took = recovery_s(fault, outcome.seen)
        if took is not None:
            recoveries[fault.kind].append(took)
    audit = outcome.audit
    length = outcome.faults_until - outcome.began
    return {
        "passed": outcome.passed,
        "problems": [*outcome.problems, *audit.problems],
        "started_at": outcome.started_at,
        "seed": outcome.seed,
        "minutes": outcome.minutes,
        "seconds": round(outcome.ended - outcome.began, 1),
        "drained_s": round(outcome.ended - outcome.faults_until, 1),
        "messages": {
            "dispatched": audit.dispatched.total(),
            "delivered": audit.delivered.total(),
            "waiting": audit.waiting.total(),
            "dead_letter": audit.dead.total(),
            "taken_by_reorgs": outcome.gone,
            "dispatched_per_s": round(audit.dispatched.total() / length, 2),
            "by_kind": {
                kind.value: {
                    "dispatched": audit.dispatched[kind],
                    "delivered": audit.delivered[kind],
                    "waiting": audit.waiting[kind],
                    "dead_letter": audit.dead[kind],
                    "reasons": {
                        reason[:SHOWN_REASON]: count
                        for reason, count in audit.reasons[kind].most_common(3)
                    },
                }
                for kind in Kind
                if audit.dispatched[kind]
            },
        },
        "latency_s": {name: distribution(found) for name, found in latencies(outcome).items()},
        "faults": {
            kind: {
                "faults": sum(fault.kind == kind for fault in outcome.faults),
                "lasted_s": distribution(
                    one.ended - one.began for one in outcome.faults if one.kind == kind
                ),
                "recovery_s": distribution(recoveries[kind]),
            }
            for kind in kinds
        },
        "memory": memory(outcome.samples),
        "processor": processor(outcome.samples),
        "oldest_s": max((one.oldest_s for one in outcome.samples), default=0.0),
        "starts": dict(outcome.starts),
        "refused_starts": dict(outcome.refused_starts),
        "audit": {
            name: outcome.said.get(name)
            for name in ("agrees", "counts", "journal", "disagreements", "error")
        },
        "errors": {name: dict(found) for name, found in outcome.errors.items() if found},
        "samples": [as_json(sample) for sample in outcome.samples],
    }


def page(found: Mapping[str, Any], picture: str) -> str:
    """The page of a summary, in Markdown."""
    messages, latency = found["messages"], found["latency_s"]
    lines = [
        "# The soak run",
        "",
        "Made by `make soak`. Two chains whose blocks come every second and are final four blocks "
        "later, two endpoints each behind proxies that fail and lie, two relayers on one "
        "PostgreSQL journal, three attestors of which two must sign, the key service; every one a "
        "process. Faults come by a seed, each kind once before any comes again. A chain is ended "
        "by SIGTERM alone: Anvil forgets its state at SIGKILL.",
        "",
        f"Started {found['started_at']}, seed {found['seed']}, {found['minutes']:g} minutes of "
        f"faults, then {found['drained_s']:.0f} s until all had arrived. "
        f"**{'Passed' if found['passed'] else 'Failed'}**: "
        f"{messages['dispatched']:,} messages dispatched ({messages['dispatched_per_s']} a "
        f"second), {messages['delivered']:,} delivered once, {messages['waiting']:,} that their "
        f"recipients refuse wait for their next attempt, {messages['dead_letter']:,} are dead "
        f"letters. {messages['taken_by_reorgs']:,} more went with the blocks that reorgs took and "
        "are on no chain.",
        "",
        f"![Rate, oldest message and memory over the run]({picture})",
        "",
    ]
    if found["problems"]:
        lines += ["What disagreed:", "", *(f"- {one}" for one in found["problems"][:20]), ""]
    lines += [
        "## Messages",
        "",
        *_table(
            ("kind", "dispatched", "delivered", "waiting", "dead letter", "the reason it has"),
            (
                (
                    kind,
                    f"{one['dispatched']:,}",
                    f"{one['delivered']:,}",
                    f"{one['waiting']:,}",
                    f"{one['dead_letter']:,}",
                    ", ".join(f"`{reason}`" for reason in one["reasons"]),
                )
                for kind, one in messages["by_kind"].items()
            ),
        ),
        "",
        "## Latency",
        "",
        "Seconds from a message's block to its delivery's, as a watcher sees them that asks twice "
        "a second. Finality is four of them. With a fault: one was there on the message's way.",
        "",
        *_table(
            ("", "messages", "median", "p99", "largest"),
            ((name, *_figures(one)) for name, one in latency.items()),
        ),
        "",
        "## Faults",
        "",
        "Recovery is from a fault's end until every message that was dispatched before that end "
        "has arrived, so a fault that costs nothing has about the latency without one, and one "
        "that the next fault follows has some of that one's.",
        "",
        *_table(
            ("fault", "times", "lasted, median s", "recovery, median s", "p99", "largest"),
            (
                (
                    kind,
                    str(one["faults"]),
                    f"{one['lasted_s'].get('median', 0):.1f}",
                    *_figures(one["recovery_s"])[1:],
                )
                for kind, one in found["faults"].items()
            ),
        ),
        "",
        f"The oldest message that had a right to arrive was {found['oldest_s']:.0f} s old.",
        "",
        "## Processes",
        "",
        "Resident memory in MiB, sampled every ten seconds; a process that was killed starts again "
        "from little. The slope is a line through all but the first tenth.",
        "",
        *_table(
            ("process", "starts", "at start", "at end", "largest", "slope, MiB/h", "of a core"),
            (
                (
                    name,
                    str(found["starts"].get(name, 1)),
                    f"{one['start_mib']:.0f}",
                    f"{one['end_mib']:.0f}",
                    f"{one['largest_mib']:.0f}",
                    f"{one['slope_mib_per_h']:+.1f}",
                    f"{100 * found['processor'].get(name, 0.0):.1f} %"
                    if name in found["processor"]
                    else "",
                )
                for name, one in found["memory"].items()
            ),
        ),
        "",
        "Anvil keeps every block and the states of the last ones, so a chain's memory grows. "
        "`soak` is the proxies, the senders and the watcher.",
        "",
        f"Starts that a daemon refused since a chain or the journal was away, after which its "
        f"supervisor started it again: {sum(found['refused_starts'].values())}.",
        "",
        "## Audit",
        "",
        f"`astralink audit` {'agrees' if found['audit']['agrees'] else 'disagrees'}. "
        f"Stages of the journal: {_counts((found['audit']['journal'] or {}).get('stages', {}))}. "
        "The soak's own count of every message on both chains is the table above.",
        "",
        "## Errors that were logged",
        "",
    ]
    errors = [
        (name, event, f"{count:,}")
        for name, events in found["errors"].items()
        for event, count in sorted(events.items())
    ]
    lines += [*_table(("process", "event", "times"), errors)] if errors else ["None."]
    return "\n".join(lines) + "\n"


def read_errors(logs: Mapping[str, Path]) -> dict[str, Counter[str]]:
    """Error-level events and tracebacks of each process, counted."""
    found: dict[str, Counter[str]] = {}
    for name, path in logs.items():
        counts: Counter[str] = Counter()
        if path.exists():
            with path.open(errors="replace") as file:
                for line in file:
                    if line.startswith("Traceback"):
                        counts["traceback"] += 1
                    elif (event := _error(line)) is not None:
                        counts[event] += 1
        found[name] = counts
    return found


def _error(line: str) -> str | None:
    """The event of an error-level line; None for any other."""
    if not line.startswith("{"):
        return None
    try:
        said = json.loads(line)
    except ValueError:
        return None  # cut off when the process was killed
    return str(said["event"]) if said.get("level") in ("error", "critical") else None


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in found.items()) or "none"


def _figures(one: Mapping[str, float]) -> tuple[str, ...]:
    if not one["count"]:
        return ("0", "", "", "")
    return (f"{one['count']:,}", *(f"{one[name]:.1f}" for name in ("median", "p99", "max")))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
