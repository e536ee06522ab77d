"""What is committed as built is what its sources build, and the same on every machine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.test_packages import ROOT, tracked

SHIPPED = ROOT / "bridge" / "chain" / "artifacts"
ARTIFACTS = sorted([*SHIPPED.glob("*.json"), *(ROOT / "tests" / "artifacts").glob("*.json")])
LOCKS = [*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "package-lock.json"]
# The first folders of absolute paths on the systems that the project is developed on.
MACHINE_PATH = re.compile(r"(?<![\w.$}~:/-])/(home|root|Users|work|tmp/wt)/\w")
REGISTRY = re.compile(r"https?://[^\s\"']*|--(extra-)?index-url|--find-links|\bregistry\.[\w.]+")


@pytest.mark.timeout(900)
def test_artifacts_are_what_their_sources_build():
    if shutil.which("node") is None:
        pytest.skip("no Node.js, which runs the Solidity compiler")
    for package in ("solc", "@openzeppelin/contracts"):
        if not (ROOT / "node_modules" / package).exists():
            pytest.skip(f"no {package}: run make tools")
    done = subprocess.run(
        [sys.executable, "scripts/build_contracts.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert f"{len(ARTIFACTS)} contracts are what their sources say" in done.stdout


@pytest.mark.parametrize("path", ARTIFACTS, ids=lambda path: path.stem)
def test_an_artifact_names_its_source_and_is_deployable(path):
    raw = json.loads(path.read_text())
    assert raw["contractName"] == path.stem
    assert (ROOT / raw["sourceName"]).is_file()
    assert "__$" not in raw["bytecode"]  # no library is left to be linked
    assert len(bytes.fromhex(raw["deployedBytecode"][2:])) <= 24_576  # EIP-170
    assert len(bytes.fromhex(raw["bytecode"][2:])) <= 49_152  # EIP-3860


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_lock_files_name_no_host(path):
    found = [match[0] for match in REGISTRY.finditer(path.read_text())]
    assert [one for one in found if "github.com/sponsors" not in one] == []


@pytest.mark.parametrize("path", LOCKS[:-1], ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_hashes(path):
    joined = path.read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 5
    for line in lines:
        assert re.match(r"[\w.\[\]-]+==\S+( ; .+?)? +--hash=sha256:[0-9a-f]{64}\b", line), line


def test_every_npm_package_has_its_hash():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert len(packages) > 2
    for name, package in packages.items():
        assert not name or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_no_committed_file_has_a_path_of_a_machine():
    found = []
    for path in tracked():
        if path == Path(__file__).relative_to(ROOT):
            continue
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path}: {match[0]}" for match in MACHINE_PATH.finditer(text)]
    assert found == []
