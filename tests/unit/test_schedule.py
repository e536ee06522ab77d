"""What shares a network stays together, and the longest part comes first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import schedule
from tests.schedule import PARTS, SECONDS, in_order, part

ROOT = Path(__file__).resolve().parents[2]
BRIDGE, HYPERLANE = (f"tests/integration/test_{name}.py" for name in ("bridge", "hyperlane"))


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        (f"{BRIDGE}::test_many[on anvil]", "the network on anvil"),
        (f"{BRIDGE}::test_many[on embedded]", "the network on embedded"),
        (f"{HYPERLANE}::test_it_stops[on anvil-15]", "the network on anvil"),
        (f"{HYPERLANE}::test_it_stops[15-on anvil]", "the network on anvil"),
        (f"{BRIDGE}::test_many[anvil]", BRIDGE),
        (f"{BRIDGE}::test_many", BRIDGE),
    ],
)
def test_a_part_is_a_network_or_a_file(nodeid: str, name: str) -> None:
    assert part(nodeid) == name


def test_parts_come_whole_and_the_longest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SECONDS", {"the network on anvil": 20, "c.py": 30})
    names = ["a.py::a", f"{BRIDGE}::b[on anvil]", "b.py::a", "c.py::a", f"{HYPERLANE}::a[on anvil]"]
    names += ["a.py::b", "c.py::b"]
    assert [names[place] for place in in_order(names)] == [
        *("c.py::a", "c.py::b"),
        *(f"{BRIDGE}::b[on anvil]", f"{HYPERLANE}::a[on anvil]"),
        *("a.py::a", "a.py::b", "b.py::a"),
    ]


def every_test(request: pytest.FixtureRequest) -> list[str]:
    """The names of all tests; where this run has only some, another process looks for them."""
    config = request.config
    if config.args == config.getini("testpaths") and not config.getoption("keyword"):
        return [item.nodeid for item in request.session.items]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_what_is_named_is_there_and_the_tests_for_ape_are_not(
    request: pytest.FixtureRequest,
) -> None:
    found = every_test(request)
    assert {part(nodeid) for nodeid in found} >= SECONDS.keys()
    for pattern, name in PARTS:
        assert any(pattern.search(nodeid) for nodeid in found), name
    # They have settings of their own; tests/integration/test_ape.py runs them.
    assert any(nodeid.startswith("tests/integration/test_ape.py::") for nodeid in found)
    assert not any(nodeid.startswith("tests/ape/") for nodeid in found)
