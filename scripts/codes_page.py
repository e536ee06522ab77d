"""Write the table of docs/codes.md, what is simulated against what is known, by simulation.

python scripts/codes_page.py            write the table between its marker lines
"""

from __future__ import annotations

import sys
from math import floor, log10
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.physics_runs import Row, rows

PAGE = Path(__file__).resolve().parent.parent / "docs" / "codes.md"
BEGIN, END = "<!-- known -->\n", "\n<!-- /known -->"


def digits(value: float, spread: float = 0.0) -> str:
    """A figure with the digits that it has: of what was sampled, two of its deviation."""
    if spread:
        places = max(0, 1 - floor(log10(spread)))
        return f"{value:.{places}f} ± {spread:.{places}f}"
    return f"{value:.6g}"


def line(row: Row) -> str:
    """A row of the table."""
    return (
        f"| {row.what} | {digits(row.expected)} | {row.source} | "
        f"{digits(row.simulated, row.spread)} |"
    )


def parts(text: str) -> tuple[str, str, str]:
    """What stands before the table, the table, and what follows."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"expected the lines {BEGIN.strip()} and {END.strip()} once each")
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    return before, table, after


def table() -> str:
    """The whole table."""
    head = ("| figure | known | from | here |", "|---|---:|---|---:|")
    return "\n".join((*head, *(line(row) for row in rows())))


def main() -> int:
    wrong = [row.what for row in rows() if not row.agrees]
    if wrong:
        print(f"error: {'; '.join(wrong)}: not what is known", file=sys.stderr)
        return 1
    before, _, after = parts(PAGE.read_text())
    PAGE.write_text(before + BEGIN + table() + END + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
