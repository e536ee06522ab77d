"""Tables of measurements."""

from __future__ import annotations

from rich.table import Table


def table(title: str, *columns: str) -> Table:
    """An empty table: columns of text to the left, of figures to the right."""
    result = Table(title=title, title_justify="left")
    for column in columns:
        text = column in ("scheme", "part", "project", "held as", "signed by")
        result.add_column(column, justify="left" if text else "right")
    return result
