"""The command that prints the scores."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console

from bridge.apps.cli.progress import progress_bar
from tests.corpus.measure import INSTALLED, Score, read_labels, scan_corpus, score


def data(one: Score) -> dict[str, object]:
    """A score as JSON has it."""
    return {
        "contracts": one.contracts,
        "found and right": one.right,
        "found and wrong": one.wrong,
        "missed": one.missed,
        "precision": round(one.precision, 4),
        "recall": round(one.recall, 4),
    }


def main() -> int:
    """Exit code 0 where all parts reach recall 0.98 and precision 0.95."""
    parser = argparse.ArgumentParser(description="Precision and recall at high on the corpus.")
    parser.add_argument("--part", choices=("tuned", "held-out"), help="one part (default: both)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not (INSTALLED / "node_modules").is_dir():
        print("the corpus is not installed: make corpus-packages", file=sys.stderr)
        return 2
    labels = read_labels()
    parts = {
        "tuned": [one for one in labels if not one.held_out],
        "held-out": [one for one in labels if one.held_out],
    }
    if given.part:
        parts = {given.part: parts[given.part]}
    wanted = [one for part in parts.values() for one in part]
    with progress_bar() as bar:
        task = bar.add_task("scanning the corpus", total=len({one.file for one in wanted}))
        scan = scan_corpus(
            wanted, given.workers, lambda done, total: bar.update(task, completed=done)
        )
    scores = {name: score(part, scan) for name, part in parts.items()}
    if given.json:
        print(json.dumps({name: data(one) for name, one in scores.items()}, indent=1))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for name, one in scores.items():
            console.print(
                f"{name}: {one.contracts} contracts, {one.right} right at high, "
                f"precision {one.precision:.3f}, recall {one.recall:.3f}"
            )
            for wrong in one.wrong:
                console.print(f"  found, labelled otherwise: {wrong}")
            for missed in one.missed:
                console.print(f"  missed: {missed}")
        unread = [one for one in scan.files if one.version is None]
        console.print(f"{len(unread)} of {len(scan.files)} files were read without a compiler")
        console.print(f"{scan.seconds['wall']:.1f} s")
    good = all(one.recall >= 0.98 and one.precision >= 0.95 for one in scores.values())
    return 0 if good else 1
