"""The lines of the table that stands in README.md."""

import runpy
from pathlib import Path

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
