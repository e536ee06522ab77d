"""docs/codes.md against the program: its table, its pictures, its commands."""

import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from bridge.apps.cli.root import application
from scripts.codes_page import PAGE, line, parts
from tests.physics_runs import rows


def test_what_is_simulated_is_what_is_known() -> None:
    assert [row for row in rows() if not row.agrees] == []


def test_a_row_agrees_with_what_is_known_and_with_nothing_else() -> None:
    for row in rows():
        off = max(10.0 * row.spread, 1e-4 * abs(row.expected))
        assert not replace(row, simulated=row.expected + off).agrees, row.what
        assert row.spread < 0.4 * abs(row.expected), row.what


def test_the_page_has_these_rows() -> None:
    """What is exact is there to the digit; what was sampled differs between processors."""
    _, table, _ = parts(PAGE.read_text())
    found = table.splitlines()[2:]
    assert len(found) == len(rows()), "run python scripts/codes_page.py"
    for row, shown in zip(rows(), found, strict=True):
        if not row.spread:
            assert shown == line(row), "run python scripts/codes_page.py"
            continue
        what, _, source, here = (cell.strip() for cell in shown.strip("|").split("|"))
        assert (what, source.split(":")[0]) == (row.what, row.source.split(":")[0])
        value = float(here.split("±")[0])
        assert abs(value - row.simulated) < 8.0 * row.spread, row.what


def test_a_page_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the lines <!-- known -->"):
        parts(PAGE.read_text().replace("<!-- known -->", ""))


def test_the_pictures_are_there_and_shown() -> None:
    text = PAGE.read_text()
    for name in re.findall(r"\]\(([\w-]+\.svg)\)", text):
        assert (PAGE.parent / name).read_text().startswith("<?xml"), name
    assert text.count(".svg)") >= 2


def test_the_options_that_the_page_names_exist() -> None:
    shown = ""
    for command in (
        ("qec", "threshold"), ("qec", "memory"), ("qec", "estimate"), ("bench", "qec"),
        ("qec", "calibrate"), ("qec", "mitigate"), ("state", "demo"),
    ):  # fmt: skip
        result = CliRunner().invoke(
            application(command[0]), [*command, "--help"], env={"COLUMNS": "200"}
        )
        assert result.exit_code == 0
        shown += result.output
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE.read_text())):
        assert option in shown, option
