"""The lines of the table that stands in README.md."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vector_runs import Row

SCRIPT = Path(__file__).resolve().parent.parent.parent / "scripts" / "provider_table.py"


def test_a_line_shows_what_is_wrong_and_what_is_not_possible():
    names = runpy.run_path(str(SCRIPT))
    row = Row("library", "1.0", "kind", 6, 1, (4, 99), (("hedged only", 3),))
    expected = "| library | 1.0 | kind | 6 | 1 | 4, 99 | 3: hedged only |"
    assert names["line"](row) == expected
    assert names["line"](Row("library", "1.0", "kind", 1, 1, (), ())).endswith("| 1 | 1 | 0 | 0 |")


def test_the_footnote_counts_what_is_left_out():
    footnote = runpy.run_path(str(SCRIPT))["footnote"]()
    assert "ML-DSA-87 sigVer, pre-hash: 15" in footnote
    assert "SLH-DSA-SHA2-128s sigGen, internal interface: 14" in footnote
    assert "ML-DSA-87 sigGen, external mu: 30" in footnote


def test_the_table_goes_between_the_markers_and_nothing_else_changes():
    replaced = runpy.run_path(str(SCRIPT))["replaced"]
    text = "before\n<!-- provider-table -->\nold\n<!-- /provider-table -->\nafter\n"
    expected = "before\n<!-- provider-table -->\nnew\n<!-- /provider-table -->\nafter\n"
    assert replaced(text, "new") == replaced(expected, "new") == expected
    for wrong in ("", text.replace("<!-- /provider-table -->", ""), text + text):
        with pytest.raises(ValueError, match="once each, in this order"):
            replaced(wrong, "new")


def test_a_file_without_markers_is_refused_before_the_vectors_run(tmp_path):
    (tmp_path / "README.md").write_text("no markers")
    command = [sys.executable, str(SCRIPT), "--into", str(tmp_path / "README.md")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert (tmp_path / "README.md").read_text() == "no markers"
