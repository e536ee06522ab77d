"""Rows of the page of faults: each case that was survived appends one to a file of its run.

A run is one process of the tests; its file is ``.cache/faults/<run>.jsonl``, an object a line.
"""

from __future__ import annotations

import json
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "faults"
FOLDER_VARIABLE = "FAULT_ROWS"
"""Another folder for the rows."""


def folder() -> Path:
    """Where rows go, and are read from."""
    return Path(os.environ.get(FOLDER_VARIABLE, FOLDER))


@cache
def _file() -> Path:
    folder().mkdir(parents=True, exist_ok=True)
    return folder() / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.jsonl"


def record(
    kind: str,
    fault: str,
    at: str,
    messages: int,
    delivered: int,
    dead: int,
    seconds: float,
    result: str = "well",
    **more: Any,
) -> None:
    """Note a case: what was broken (``fault``) where (``at``) and how it ended.

    ``kind`` groups the page: "kill" and "reorg" are the table by stage and target, every other
    kind is a list. ``seconds`` are from the fault until all was well; ``dead`` are dead letters.
    """
    row = {
        "kind": kind,
        "fault": fault,
        "at": at,
        "messages": messages,
        "delivered": delivered,
        "dead": dead,
        "seconds": round(seconds, 2),
        "result": result,
        "when": time.time(),
        "load": round(os.getloadavg()[0], 1),
        **more,
    }
    with _file().open("a") as file:
        file.write(json.dumps(row) + "\n")


def rows() -> list[dict[str, Any]]:
    """The last row of each case, by their time; ``run`` names the process that wrote it."""
    found = [
        {**json.loads(line), "run": path.stem}
        for path in sorted(folder().glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    found.sort(key=lambda row: row["when"])
    last = {(row["kind"], row["fault"], row["at"], row.get("stage")): row for row in found}
    return list(last.values())
