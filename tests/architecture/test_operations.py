"""docs/operations.md against the program: its tables of metrics, alerts and retries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.keyservice.exposition import Family, Kind
from bridge.keyservice.kme.metrics import FAMILIES as KME
from bridge.keyservice.metrics import FAMILIES as KEY_SERVICE
from bridge.relayer import backfill, readiness
from bridge.relayer.attestor_metrics import FAMILIES as ATTESTOR
from bridge.relayer.finalize import MESSAGES_A_WRITE
from bridge.relayer.journal.sharing import ALIVE_S
from bridge.relayer.metrics import FAMILIES as RELAYER
from bridge.relayer.retry import DELAYS_S

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
TABLES = {"relayer": RELAYER, "attestor": ATTESTOR, "keyservice": KEY_SERVICE, "kme": KME}


def table(families: Sequence[Family]) -> str:
    rows = ["| metric | kind | labels | what it tells |", "|---|---|---|---|"]
    rows += [
        f"| `{one.name}` | {one.kind} | {', '.join(one.labels)} | {one.help} |" for one in families
    ]
    return "\n".join(rows)


def retries() -> str:
    rows = ["| after failure | wait |", "|---|---|"]
    rows += [f"| {number} | {duration(delay)} |" for number, delay in enumerate(DELAYS_S, start=1)]
    return "\n".join(rows)


def duration(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


@pytest.mark.parametrize("process", TABLES)
def test_the_table_has_each_metric_as_it_is(process: str) -> None:
    assert f"<!-- metrics: {process} -->\n{table(TABLES[process])}\n" in TEXT


def test_the_retries_are_those_of_the_table() -> None:
    assert f"<!-- retries -->\n{retries()}\n" in TEXT


def test_alerts_ask_for_metrics_that_there_are() -> None:
    known = {name for one in (*RELAYER, *ATTESTOR, *KEY_SERVICE, *KME) for name in series(one)}
    alerts = TEXT[TEXT.index("### Alerts") : TEXT.index("## Following a message")]
    asked = set(re.findall(r"astralink_\w+", alerts))
    assert len(asked) > 10
    assert asked <= known
    stages = set(re.findall(r'stage="(\w+)"', alerts))
    assert stages == {"dead_letter"}


def series(family: Family) -> set[str]:
    if family.kind is Kind.HISTOGRAM:
        return {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
    return {family.name}


@pytest.mark.parametrize("families", TABLES.values())
def test_names_are_as_prometheus_asks(families: Sequence[Family]) -> None:
    assert len({one.name for one in families}) == len(families)
    for one in families:
        assert re.fullmatch(r"astralink_[a-z_]+", one.name)
        assert one.name.endswith("_total") == (one.kind is Kind.COUNTER)
        if one.kind is Kind.HISTOGRAM:
            assert one.name.endswith("_seconds")
        assert not re.search(r"_(ms|millis|kb|mb|minutes)\b", one.name)
        assert one.help.endswith(".")


def test_figures_in_the_text_are_the_programs() -> None:
    for figure in (
        f"gave no answer for {readiness.SILENCE_S:g} s",
        f"the others {ALIVE_S:g} s after",
        f"more than {backfill.FAR_BLOCKS:,} blocks behind",
        f"every {backfill.TOLD_EVERY_S:g} s",
        f"at most {MESSAGES_A_WRITE:,} messages in one transaction",
    ):
        assert figure in " ".join(TEXT.split()), figure
