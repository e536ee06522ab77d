"""``astralink scan`` as a person calls it: what comes out, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[3] / "node_modules"
SAFE = "pragma solidity ^0.8.0; contract A { uint256 public x; }"
RISKY = """pragma solidity ^0.8.0;
contract B {
    address signer;
    function pay(address payable to, uint8 v, bytes32 r, bytes32 s) external {
        require(ecrecover(keccak256(abi.encode(to)), v, r, s) == signer);
        to.transfer(1);
    }
}
"""


def scan(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bridge.apps.cli", "scan", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if not (MODULES / "solc").exists():
        pytest.skip("npm's solc is not there: make tools")
    (tmp_path / "B.sol").write_text(RISKY)
    return tmp_path


def test_the_threshold_decides_the_exit_code_and_an_ignore_list_takes_away(folder: Path) -> None:
    ended = scan(folder, "--fail-on", "high", "--json", "--write-ignore", folder / "i.json")
    assert ended.returncode == 10, ended.stderr
    found = json.loads(ended.stdout)
    assert [(one["detector"], one["severity"]) for one in found["findings"]] == [
        ("ecrecover", "high")
    ]
    again = scan(folder, "--fail-on", "high", "--json", "--ignore", folder / "i.json")
    assert again.returncode == 0, again.stderr
    left = json.loads(again.stdout)
    assert left["findings"] == []
    assert len(left["ignored"]) == 1
    assert left["digest"] == found["digest"]


def test_a_page_is_written_whole(folder: Path) -> None:
    page = folder / "page.html"
    assert scan(folder / "B.sol", "--format", "html", "-o", page, "--timings").returncode == 0
    assert page.read_text().rstrip().endswith("</html>")
    assert "to.transfer(1)" in page.read_text()


GUARDED = "5f5f5f5f5f6001615208fa503d5f5f3e3d5ff3"
ARTIFACTS = {
    "hardhat": {"_format": "hh-sol-artifact-1", "contractName": "G", "sourceName": "a/G.sol"}
    | {"deployedBytecode": "0x" + GUARDED},
    "foundry": {"deployedBytecode": {"object": "0x" + GUARDED}, "rawMetadata": "{}", "ast": {}},
    "ape": {"contractName": "G", "sourceId": "G.sol", "runtimeBytecode": {"bytecode": GUARDED}},
}


@pytest.mark.parametrize("kind", ARTIFACTS)
def test_an_artifact_whose_source_is_elsewhere_has_its_code_scanned(
    kind: str, tmp_path: Path
) -> None:
    (tmp_path / "G.json").write_text(json.dumps(ARTIFACTS[kind]))
    ended = scan(tmp_path / "G.json", "--json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert [(one["contract"], one["location"]["offset"]) for one in found["findings"]] == [
        ("G", 10)
    ]
    assert "only its code was scanned" in found["notes"][-1]


def test_hex_is_scanned_and_what_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "G.bin"
    file.write_text(GUARDED + "\n")
    ended = scan(file, "--format", "canonical")
    assert json.loads(ended.stdout)["findings"][0]["detector"] == "ecrecover"
    for text in ("", "0x1", "zz", "ef00010100"):
        file.write_text(text)
        ended = scan(file)
        assert ended.returncode == 2, ended.stdout
        assert ended.stderr.startswith("error: ")


def test_source_and_code_of_an_artifact_are_one_finding(folder: Path) -> None:
    request = {
        "language": "Solidity",
        "sources": {"B.sol": {"content": RISKY}},
        "settings": {"outputSelection": {"*": {"*": ["evm.deployedBytecode.object"]}}},
    }
    solc = Path(__file__).parents[3] / "scripts" / "solc" / "solc-v0.8.37"
    ended = subprocess.run(
        [solc, "--standard-json"], input=json.dumps(request), capture_output=True, text=True
    )
    code = json.loads(ended.stdout)["contracts"]["B.sol"]["B"]["evm"]["deployedBytecode"]["object"]
    artifact = {"contractName": "B", "sourceId": "B.sol", "runtimeBytecode": {"bytecode": code}}
    (folder / "B.json").write_text(json.dumps(artifact))
    found = json.loads(scan(folder / "B.json", "--json").stdout)
    assert [(one["location"]["line"], one["severity"]) for one in found["findings"]] == [
        (5, "high")
    ]
    assert code[2 * found["findings"][0]["location"]["offset"] :].startswith("fa")


def test_nothing_found_is_no_failure(folder: Path) -> None:
    (folder / "B.sol").write_text(SAFE)
    ended = scan(folder, "--fail-on", "info")
    assert ended.returncode == 0, ended.stderr
    assert "0 high" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "that exists"),
        (("0x" + "00" * 20,), "expected --rpc"),
        (("B.sol", "--rpc", "http://127.0.0.1:1"), "an address of 20 bytes"),
        (("B.sol", "--ignore", "none.json"), "none.json"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_code_2(
    arguments: tuple[str, ...], said: str
) -> None:
    ended = scan(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: ")
    assert said in ended.stderr
