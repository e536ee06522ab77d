"""docs/link.md against the program: its tables, its pictures, its commands."""

import re

import pytest
from typer.testing import CliRunner

from bridge.apps.cli.root import application
from bridge.quantum.link.presets import PRESETS
from scripts.link_page import PAGE, STUDIES, rendered


def test_the_tables_are_what_the_simulation_says() -> None:
    text = PAGE.read_text()
    assert rendered(text) == text, "run python scripts/link_page.py"


def test_a_page_without_its_markers_is_refused() -> None:
    text = PAGE.read_text()
    with pytest.raises(ValueError, match="<!-- comparison -->"):
        rendered(text.replace("<!-- comparison -->", ""))
    changed = re.sub(r"\| [+-]\d+% \|", "| +0% |", text)
    assert changed != text
    assert rendered(changed) == text


def test_the_pictures_are_there_and_shown() -> None:
    text = PAGE.read_text()
    for name, *_ in STUDIES:
        assert f"({name}.svg)" in text
        assert (PAGE.parent / f"{name}.svg").read_text().startswith("<?xml")


def test_the_options_that_the_page_names_exist() -> None:
    shown = ""
    for command in ("run", "sweep", "entropy", "bench"):
        result = CliRunner().invoke(
            application("qkd"), ["qkd", command, "--help"], env={"COLUMNS": "200"}
        )
        assert result.exit_code == 0
        shown += result.output
    for option in set(re.findall(r"--[a-z]+", PAGE.read_text())):
        assert option in shown, option
    for preset in re.findall(r"--preset ([\w-]+)", PAGE.read_text()):
        assert preset in PRESETS
