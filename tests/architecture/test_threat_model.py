"""The threat model names the tests that are there, and every test of an incident."""

from __future__ import annotations

import ast
import re

from tests.architecture.test_packages import ROOT

PAGE = ROOT / "docs" / "threat-model.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def defined(path: str) -> set[str]:
    """The test functions of a file."""
    tree = ast.parse((ROOT / path).read_text())
    names = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    return {name for name in names if name.startswith("test_")}


def test_each_test_that_is_named_is_there() -> None:
    found = NAMED.findall(PAGE.read_text())
    assert len(found) > 60
    files = {path for path, _ in found}
    assert [path for path in files if not (ROOT / path).is_file()] == []
    known = {path: defined(path) for path in files}
    assert [(path, name) for path, name in found if name not in known[path]] == []


def test_each_test_of_an_incident_is_named() -> None:
    named = set(NAMED.findall(PAGE.read_text()))
    files = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests" / "incidents").glob("test_*.py"))
    ]
    assert len(files) > 10
    assert [
        (path, name) for path in files for name in defined(path) if (path, name) not in named
    ] == []


def test_each_contract_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(contracts/[\w/]+\.sol)`", PAGE.read_text())
    assert len(named) >= 5
    assert [path for path in named if not (ROOT / path).is_file()] == []
