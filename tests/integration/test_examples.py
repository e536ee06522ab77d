"""The examples are projects of their own: each one's tests pass from its own folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.testing.compiler import find_compiler

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/conftest.py"))

needs_compiler = pytest.mark.skipif(
    find_compiler() is None, reason="no Solidity compiler: install Node.js and run make tools"
)


def test_there_is_an_example() -> None:
    assert [path.name for path in EXAMPLES] == ["poll"]


@needs_compiler
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_passes_its_own_tests(example: Path, tmp_path: Path) -> None:
    project = tmp_path / example.name
    shutil.copytree(example, project, ignore=shutil.ignore_patterns("__pycache__"))
    done = run_tests(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b[1-9]\d* passed", done.stdout)
    assert "skipped" not in done.stdout


@needs_compiler
def test_an_application_that_hears_strangers_fails_them(tmp_path: Path) -> None:
    """The fixtures see what is wrong: without the client's check the poll counts anybody's vote."""
    project = tmp_path / "poll"
    shutil.copytree(ROOT / "examples" / "poll", project)
    poll = project / "contracts" / "Poll.sol"
    careless = (ROOT / "contracts" / "client" / "MessageClient.sol").read_text()
    check = "if (sender == 0 || peers[origin] != sender) revert NotPeer(origin, sender);"
    assert check in careless
    careless = careless.replace(check, "").replace("../interfaces", "@astralink/interfaces")
    (project / "contracts" / "MessageClient.sol").write_text(careless)
    poll.write_text(
        poll.read_text().replace("@astralink/client/MessageClient.sol", "./MessageClient.sol")
    )
    done = run_tests(project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED test_poll.py::test_only_the_poll_of_another_chain_is_heard" in done.stdout
    assert "1 failed" in done.stdout


def run_tests(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:ape_test", "-q"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
