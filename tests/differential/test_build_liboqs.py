"""The build script: what it says when a tool is missing, and that a second run does nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.liboqs import CACHE

PROJECT = Path(__file__).resolve().parent.parent.parent
SCRIPT = PROJECT / "scripts" / "build_liboqs.py"


def build(folder: Path, path: str | None = None) -> subprocess.CompletedProcess:
    env = os.environ | ({} if path is None else {"PATH": path})
    command = [sys.executable, str(SCRIPT), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=240)


def test_missing_tools_are_all_named(tmp_path):
    done = build(tmp_path / "out", path=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    for tool in ("cargo", "cmake", "cc"):
        assert tool in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_run_finds_the_library():
    if not (CACHE / "built-from.txt").is_file():
        pytest.skip("no build under .cache/liboqs: run `python scripts/build_liboqs.py`")
    done = build(CACHE, path="/nonexistent")
    assert done.returncode == 0, f"the build is older than the script: run {SCRIPT.name} again"
    assert done.stdout.strip() == str(CACHE)
    assert "liboqs is there" in done.stderr


def test_a_tool_that_fails_is_a_clear_error(tmp_path):
    for tool in ("cargo", "cmake", "cc"):
        script = tmp_path / tool
        script.write_text("#!/bin/sh\necho 'no network today' >&2\nexit 7\n")
        script.chmod(0o755)
    done = build(tmp_path / "out", path=f"{tmp_path}:/bin:/usr/bin")
    assert done.returncode == 1
    assert "cargo failed with 7: no network today" in done.stderr
    assert "Traceback" not in done.stderr
