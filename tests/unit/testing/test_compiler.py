from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bridge.domain.errors import ProcessError
from bridge.testing import compile_solidity
from bridge.testing.compiler import COMPILER_VARIABLE, bridge_sources, find_compiler

ROOT = Path(__file__).resolve().parents[3]
CONTRACT = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
import {IMessageRecipient} from "@astralink/interfaces/IMessageRecipient.sol";
contract Deaf is IMessageRecipient {
    error Never();
    function handle(uint32, bytes32, bytes calldata) external pure { revert Never(); }
}
"""

needs_compiler = pytest.mark.skipif(
    find_compiler() is None, reason="no Solidity compiler: install Node.js and run make tools"
)


@needs_compiler
def test_a_contract_imports_the_bridges_own(tmp_path: Path) -> None:
    (tmp_path / "Deaf.sol").write_text(CONTRACT)
    built = compile_solidity(tmp_path)
    assert list(built) == ["Deaf"]
    assert built["Deaf"].call_data("handle", 1, bytes(32), b"")[:4].hex() == "56d5d475"
    assert built["Deaf"].creation_code.endswith(built["Deaf"].deployed_code)


@needs_compiler
def test_what_does_not_compile_says_why(tmp_path: Path) -> None:
    (tmp_path / "Wrong.sol").write_text(CONTRACT.replace("Never();", "Never(1);", 1))
    with pytest.raises(ProcessError, match=r"Wrong\.sol"):
        compile_solidity(tmp_path)


def test_a_folder_without_contracts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="expected Solidity files, found none"):
        compile_solidity(tmp_path)


def test_without_a_compiler_the_error_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Deaf.sol").write_text(CONTRACT)
    monkeypatch.setattr("bridge.testing.compiler.find_compiler", lambda: None)
    with pytest.raises(ProcessError, match=COMPILER_VARIABLE):
        compile_solidity(tmp_path)
    with pytest.raises(ProcessError, match="no-such-solc"):
        compile_solidity(tmp_path, str(tmp_path / "no-such-solc"))


def test_the_variable_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMPILER_VARIABLE, "/opt/solc")
    assert find_compiler() == "/opt/solc"


def test_a_wheel_carries_the_sources(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    prefix = "bridge/testing/solidity/"
    carried = {
        name.removeprefix(prefix)
        for name in zipfile.ZipFile(wheel).namelist()
        if name.startswith(prefix)
    }
    assert carried == {name.removeprefix("@astralink/") for name in bridge_sources()}
    assert "client/MessageClient.sol" in carried
