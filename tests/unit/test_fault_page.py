"""The page of faults from rows, good and bad."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import page
from tests.faults.cases import all_cases

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(page.FOLDER_VARIABLE, str(tmp_path / "rows"))
    page._file.cache_clear()
    yield tmp_path
    page._file.cache_clear()


def render(into: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/fault_page.py", "--into", str(into)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_rows_become_tables_and_a_failure_stands_out(rows: Path) -> None:
    where = {"stage": "claim", "process": "relayer", "depth": 0, "seed": 7}
    for at, seconds in (("before claim", 2.04), ("after claim", 9.9), ("after claim", 3.5)):
        # The last one is the same case run again.
        page.record("kill", "kill -9 relayer", at, 4, 4, 0, seconds, target="relayer", **where)
    page.record(
        "kill", "kill -9 chain-A", "after claim", 4, 3, 0, 9.0, "failed", target="chain-A", **where
    )
    reorg = {**where, "stage": "after delivery", "target": "A", "depth": 3}
    page.record("reorg", "reorg of A by 3", "after delivered", 4, 4, 0, 5.0, **reorg)
    page.record("single faults", "the disk is full", "journal", 10, 9, 1, 1.25)
    page.record("single faults", "it always reverts", "recipient", 8, 6, 0, 2.5)
    done = render(rows / "faults.md")
    assert done.returncode == 0, done.stderr
    text = (rows / "faults.md").read_text()
    assert f"6 cases (4 of the table's {len(all_cases(7))}), 1 failed." in text
    assert "34 messages, 30 delivered once, 1 dead letters. 2 that their recipients refuse" in text
    assert "`FAULT_SEED=7 make faults`" in text
    assert "| when, by stage | relayer | chain A |" in text
    assert "| claim | 2 cases, 3.5 s | **1 of 1 failed** |" in text
    assert "| after delivery | 5.0 s |" in text
    assert "## Single faults" in text
    assert "| the disk is full | journal | 10 | 9 | 1 | 1.2 s | well |" in text
    assert "| kill -9 chain-A | after claim | 4 | 3 | 0 | 9.0 s | **failed** |" in text


def test_no_rows_are_no_page(rows: Path) -> None:
    done = render(rows / "faults.md")
    assert done.returncode == 1
    assert "expected rows in" in done.stderr
    assert not (rows / "faults.md").exists()
