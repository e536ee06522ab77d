"""Run all official vectors over all providers that are there and print the table in Markdown.

python scripts/provider_table.py                    to standard output
python scripts/provider_table.py --into README.md   between the file's two marker lines
python scripts/provider_table.py --check README.md  exit 1 when the file has another table
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.liboqs import use_cached_build
from tests.vector_runs import Row, vector_table
from tests.vectors import out_of_scope

BEGIN, END = "<!-- provider-table -->", "<!-- /provider-table -->"
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


def replaced(text: str, table: str) -> str:
    """The text with the table between its markers; ``ValueError`` when they are not there once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ValueError(f"expected the lines {BEGIN} and {END} once each, in this order")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the official vectors over the providers.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--into", type=Path, metavar="FILE", help="write between FILE's markers")
    where.add_argument("--check", type=Path, metavar="FILE", help="compare, write nothing")
    arguments = parser.parse_args()
    file = arguments.into or arguments.check
    try:
        text = file.read_text() if file else ""
        if file:
            replaced(text, "")
    except (OSError, ValueError) as error:
        print(f"error: {file}: {error}", file=sys.stderr)
        return 1
    use_cached_build()
    print("running the vectors over every provider; SLH-DSA takes a while", file=sys.stderr)
    table = "\n".join([*HEADER, *map(line, vector_table()), "", footnote()])
    if arguments.into:
        file.write_text(replaced(text, table))
    elif arguments.check:
        if replaced(text, table) != text:
            print(f"error: {file}: run python scripts/provider_table.py --into {file}")
            return 1
        print(f"the table of providers in {file} is what the vectors say")
    else:
        print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
