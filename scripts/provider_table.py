"""Run all official vectors over all providers that are there and print the table in Markdown.

    python scripts/provider_table.py

The table goes to standard output; README.md holds it between its markers.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.liboqs import use_cached_build
from tests.vector_runs import Row, vector_table
from tests.vectors import out_of_scope

HEADER = (
    "| provider | library version | vectors | cases | right | wrong (tcId) | not possible |",
    "|---|---|---|---:|---:|---|---|",
)


def line(row: Row) -> str:
    """One row of the Markdown table."""
    wrong = ", ".join(map(str, row.wrong)) or "0"
    not_possible = "; ".join(f"{count}: {why}" for why, count in row.not_possible) or "0"
    return (
        f"| {row.provider} | {row.version} | {row.kind} | {row.cases} | {row.right} | {wrong} "
        f"| {not_possible} |"
    )


def footnote() -> str:
    """What of the official files is left out, with numbers."""
    left_out = "; ".join(f"{what}: {count}" for what, count in sorted(out_of_scope().items()))
    return (
        "Out of scope, since the bridge uses the external interface, pure, with its own randomness "
        f"or none: {left_out}."
    )


def main() -> int:
    use_cached_build()
    print("running the vectors over every provider; SLH-DSA takes a while", file=sys.stderr)
    print(*HEADER, sep="\n")
    for row in vector_table():
        print(line(row))
    print(f"\n{footnote()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
