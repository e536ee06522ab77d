"""The compiler's wrapper compiles what it has not compiled yet, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRAPPER = Path("scripts/solc/solc-v0.8.37")
SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;
contract C { uint256 public x; }
"""
ABI = ["abi"]

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (ROOT / "node_modules" / "solc").is_dir(),
    reason="no solc: Node.js is needed, and `make tools`",
)


class Compiler:
    """The wrapper in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / WRAPPER).parent.mkdir(parents=True)
        shutil.copy(ROOT / WRAPPER, folder / WRAPPER)
        (folder / "node_modules").symlink_to(ROOT / "node_modules")

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.folder / WRAPPER), "--standard-json"],
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def compile(self, outputs: list[str], source: str = SOURCE, runs: int = 200) -> dict[str, Any]:
        request = {
            "language": "Solidity",
            "sources": {"C.sol": {"content": source}},
            "settings": {
                "optimizer": {"enabled": True, "runs": runs},
                "outputSelection": {"C.sol": {"*": outputs}},
            },
        }
        done = self.run(json.dumps(request))
        assert done.returncode == 0, done.stderr
        output: dict[str, Any] = json.loads(done.stdout)
        return output

    def kept(self) -> list[Path]:
        return sorted((self.folder / ".cache" / "solc").glob("*"))

    def mark(self) -> None:
        """Have what is kept say that it was kept."""
        for path in self.kept():
            whole = json.loads(path.read_text())
            output = json.loads(whole["output"]) | {"kept": True}
            path.write_text(json.dumps(whole | {"output": json.dumps(output)}))


@pytest.fixture
def compiler(tmp_path: Path) -> Compiler:
    return Compiler(tmp_path)


def test_the_same_is_compiled_once_and_anything_else_anew(compiler: Compiler) -> None:
    both = [*ABI, "evm.bytecode.object"]
    first = compiler.compile(both)
    assert first["contracts"]["C.sol"]["C"]["evm"]["bytecode"]["object"]
    compiler.mark()
    assert compiler.compile(both) == first | {"kept": True}
    assert "kept" in compiler.compile(ABI)
    assert "kept" not in compiler.compile(both, SOURCE.replace("x;", "y;"))
    assert "kept" not in compiler.compile(both, runs=201)
    assert len(compiler.kept()) == 3
    assert "kept" not in compiler.compile([*both, "evm.deployedBytecode.object"])  # was not made
    assert len(compiler.kept()) == 3


def test_what_is_kept_and_damaged_is_compiled_anew(compiler: Compiler) -> None:
    first = compiler.compile(ABI)
    (path,) = compiler.kept()
    path.write_text(path.read_text()[:50])
    assert compiler.compile(ABI) == first


def test_an_error_is_told_each_time_and_not_kept(compiler: Compiler) -> None:
    for _ in range(2):
        output = compiler.compile(ABI, SOURCE.replace("uint256", "uint257"))
        assert [one["severity"] for one in output["errors"]] == ["error"]
    assert "errors" in json.loads(compiler.run("no JSON").stdout)
    assert compiler.kept() == []
