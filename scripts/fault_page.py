"""Render docs/faults.md from the rows that the tests of faults wrote.

python scripts/fault_page.py                 from .cache/faults, or the folder FAULT_ROWS
python scripts/fault_page.py --into FILE     to another file
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bridge import __version__
from bridge.chain.anvil import anvil_version, find_anvil
from tests.faults import page
from tests.faults.cases import MOMENTS, all_cases
from tests.faults.network import BLOCK_TIME_S, DUMP_INTERVAL_S, DUMPED, FINALITY, OTHER
from tests.faults.points import STAGES

PAGE = page.ROOT / "docs" / "faults.md"
Row = dict[str, Any]

TARGETS = {
    "relayer": "relayer",
    "attestor-signer-1": "attestor (ML-DSA-87)",
    "attestor-signer-3": "attestor (SLH-DSA)",
    "keyservice": "key service",
    "chain-A": "chain A",
    "chain-B": "chain B",
}

CLAIM = """\
# Faults

Made by `make faults`; do not edit.

**What is claimed.** Whatever process of the bridge dies at whatever moment, and whichever chain is
reorged within its window of finality: every message that a chain still has is delivered exactly
once, or is a dead letter with its reason, and nobody has to do more than start again what died.

**How it is tested.** Real processes and real Anvil. A case arms one fault at one point: a function
of one process, before it is called or after it returned. Then {messages} messages are sent, half of
them each way. When the point is reached, the process strikes: `kill -9` of itself or of another, or
`anvil_reorg`. A supervisor starts again what died. The case has passed when every message that the
chains have is confirmed, nothing is under way, `astralink audit` finds no disagreement between the
chains' events, their bits and the journal, and no process has logged an error.

**Chains.** A block every {block} s. In the cases that kill a chain Anvil writes its state every
{dump} s; what it mined after its last whole dump is lost with it, which is a reorg for the bridge
and takes with it messages that were sent then. Final is what is {dumped} blocks old there, {other}
in all other cases. The bridge itself contains nothing for these tests: its functions are wrapped
from outside (`tests/faults/process.py`).
"""


def killed(rows: Sequence[Row]) -> list[str]:
    """The table by stage and target."""
    cells: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        cells[row["stage"], row["target"]].append(row)
    targets = [name for name in TARGETS if any(target == name for _, target in cells)]
    lines = [
        "| when, by stage | " + " | ".join(TARGETS[name] for name in targets) + " |",
        "|---|" + "---:|" * len(targets),
    ]
    for stage in STAGES:
        shown = [cell(cells[stage, name]) for name in targets]
        if any(shown):
            lines.append(f"| {stage} | " + " | ".join(one or "-" for one in shown) + " |")
    return lines


def reorged(rows: Sequence[Row]) -> list[str]:
    """The table by moment, and by chain and depth."""
    cells: defaultdict[tuple[str, str, int], list[Row]] = defaultdict(list)
    for row in rows:
        cells[row["stage"], row["target"], row["depth"]].append(row)
    columns = sorted({(target, depth) for _, target, depth in cells})
    lines = [
        "| when | " + " | ".join(f"{name} by {depth}" for name, depth in columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for moment in MOMENTS:
        shown = [cell(cells[moment, name, depth]) or "-" for name, depth in columns]
        lines.append(f"| {moment} | " + " | ".join(shown) + " |")
    return lines


def cell(rows: Sequence[Row]) -> str:
    """How many cases passed, and the longest time until all was well."""
    if not rows:
        return ""
    failed = [row for row in rows if row["result"] != "well"]
    if failed:
        return f"**{len(failed)} of {len(rows)} failed**"
    longest = max(row["seconds"] for row in rows)
    return f"{longest:.1f} s" if len(rows) == 1 else f"{len(rows)} cases, {longest:.1f} s"


def single(rows: Sequence[Row]) -> list[str]:
    """One row a case."""
    lines = [
        "| fault | at | messages | delivered | dead letters | well after | result |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        counts = " | ".join(str(row[name]) for name in ("messages", "delivered", "dead"))
        result = row["result"] if row["result"] == "well" else f"**{row['result']}**"
        lines.append(
            f"| {row['fault']} | {row['at']} | {counts} | {row['seconds']:.1f} s | {result} |"
        )
    return lines


def summary(rows: Sequence[Row]) -> str:
    """What was run, and with what."""
    seeds = sorted({row["seed"] for row in rows if "seed" in row})
    seed = ", ".join(map(str, seeds)) or "-"
    table = [row for row in rows if row["kind"] in ("kill", "reorg")]
    of = f" ({len(table)} of the table's {len(all_cases(seeds[0]))})" if seeds else ""
    failed = sum(row["result"] != "well" for row in rows)
    runs = len({row["run"] for row in rows})
    parts = f" in {runs} runs, the last of each case" if runs > 1 else ""
    binary = find_anvil()
    # Times say little of the bridge where other work took most of the processors.
    loads = [row["load"] for row in rows if "load" in row]
    load = f" under a median load of {median(loads):g}" if loads else ""
    last = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(max(row["when"] for row in rows)))
    total = {name: sum(row[name] for row in rows) for name in ("messages", "delivered", "dead")}
    refused = sum(
        row["messages"] - row["delivered"] - row["dead"] for row in rows if row["result"] == "well"
    )
    waits = f" {refused} that their recipients refuse wait for another try." if refused else ""
    return (
        f"**What was run.** {len(rows)} cases{of}{parts}, {failed or 'none'} failed. "
        f"{total['messages']} messages, {total['delivered']} delivered once, "
        f"{total['dead']} dead letters.{waits} {last}, seed {seed} "
        f"(`FAULT_SEED={seed} make faults` repeats it), bridge {__version__}, "
        f"Anvil {anvil_version(binary) if binary else '-'}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores{load}."
    )


def rendered(rows: Sequence[Row]) -> str:
    """The page of ``rows``, of which there is one or more."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    by_kind = {kind: [row for row in rows if row["kind"] == kind] for kind in kinds}
    each = max((row["messages"] for row in by_kind.get("kill", [])), default=4)
    parts = [
        CLAIM.format(
            messages=each,
            block=BLOCK_TIME_S,
            dump=DUMP_INTERVAL_S,
            dumped=FINALITY[DUMPED],
            other=FINALITY[OTHER],
        ),
        summary(rows),
        "",
    ]
    kills, reorgs = by_kind.pop("kill", []), by_kind.pop("reorg", [])
    if kills:
        parts += [
            "## Killed with kill -9",
            "",
            "What was killed, and when. In a cell: the seconds until all was well again, the "
            "longest of several cases; the time in which a process starts is in them.",
            "",
            *killed(kills),
            "",
        ]
    if reorgs:
        parts += [
            "## Reorged",
            "",
            "Which chain, and by how many blocks. Each chain is the origin of half of the messages "
            "and the destination of the others. In a cell: the seconds until all was well.",
            "",
            *reorged(reorgs),
            "",
        ]
    for kind, group in by_kind.items():
        parts += [f"## {kind[:1].upper()}{kind[1:]}", "", *single(group), ""]
    if kills:
        parts += ["## Every kill", "", *single(kills), ""]
    if reorgs:
        parts += ["## Every reorg", "", *single(reorgs), ""]
    return "\n".join(parts).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=PAGE)
    into = parser.parse_args().into
    rows = page.rows()
    if not rows:
        sys.exit(f"expected rows in {page.folder()}, got none; run: make faults")
    into.write_text(rendered(rows))
    sys.stdout.write(f"{into}: {len(rows)} cases\n")


if __name__ == "__main__":
    main()
