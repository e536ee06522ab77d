"""Artifacts of hardhat, foundry and ape lead to the source that they were made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.crypto.hashing import keccak256
from bridge.domain.errors import InputError, SourceRefused
from bridge.verifier.match.artifacts import artifact_of, request_of_artifact
from bridge.verifier.match.request import Request, from_standard_json
from bridge.verifier.sources.documents import open_tree

TEXT = 'pragma solidity 0.8.37; import "./B.sol"; contract A is B {}\n'
BASE = "pragma solidity 0.8.37; contract B { function f() external {} }\n"
SOURCES = {"contracts/A.sol": TEXT, "contracts/B.sol": BASE}
SETTINGS = {"optimizer": {"enabled": True, "runs": 7}, "evmVersion": "prague"}
VERSION = "0.8.37+commit.f401782d"
STANDARD = {
    "language": "Solidity",
    "sources": {name: {"content": text} for name, text in SOURCES.items()},
    "settings": SETTINGS,
}


def expected() -> Request:
    return from_standard_json(STANDARD, VERSION, "contracts/A.sol:A")


def written(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def hardhat2(folder: Path) -> Path:
    written(folder / "artifacts/build-info/1.json", {"solcLongVersion": VERSION, "input": STANDARD})
    place = folder / "artifacts/contracts/A.sol"
    written(place / "A.dbg.json", {"buildInfo": "../../build-info/1.json"})
    about = {"_format": "hh-sol-artifact-1", "contractName": "A", "sourceName": "contracts/A.sol"}
    return written(place / "A.json", about)


def hardhat3(folder: Path) -> Path:
    name = "solc-0_8_37-0123456789abcdef"
    written(
        folder / f"artifacts/build-info/{name}.json",
        {"solcLongVersion": VERSION, "input": STANDARD},
    )
    about = {"_format": "hh3-artifact-1", "contractName": "A", "buildInfoId": name}
    about["inputSourceName"] = "contracts/A.sol"
    return written(folder / "artifacts/contracts/A.sol/A.json", about)


def foundry(folder: Path) -> Path:
    written(folder / "foundry.toml", "[profile.default]\nsrc = 'contracts'\n")
    for name, text in SOURCES.items():
        written(folder / name, text)
    metadata = {
        "language": "Solidity",
        "compiler": {"version": VERSION},
        "settings": {**SETTINGS, "compilationTarget": {"contracts/A.sol": "A"}},
        "sources": {
            name: {"keccak256": "0x" + keccak256(text.encode()).hex()}
            for name, text in SOURCES.items()
        },
    }
    return written(folder / "out/A.sol/A.json", {"abi": [], "metadata": metadata})


def ape(folder: Path) -> Path:
    written(folder / "ape-config.yaml", "name: a\n")
    written(folder / "contracts/A.sol", TEXT)
    written(folder / "contracts/B.sol", BASE)
    manifest = {
        "manifest": "ethpm/3",
        # What it keeps of a source comes first; the others are read from the project.
        "sources": {"contracts/A.sol": {"content": TEXT}},
        "contractTypes": {"A": {"contractName": "A", "sourceId": "contracts/A.sol"}},
        "compilers": [
            {
                "name": "solidity",
                "version": VERSION,
                "settings": {**SETTINGS, "outputSelection": {"*": {"*": ["abi"]}}},
                "contractTypes": ["A"],
            }
        ],
    }
    return written(folder / ".build/__local__.json", manifest)


KINDS = [hardhat2, hardhat3, foundry, ape]


@pytest.mark.parametrize("made", KINDS, ids=lambda one: one.__name__)
def test_an_artifact_leads_to_its_source(made: Callable[[Path], Path], tmp_path: Path) -> None:
    path = made(tmp_path)
    assert artifact_of(tmp_path, "A") == path
    request = request_of_artifact(path, "A")
    wanted = expected()
    assert (request.language, request.version, request.target) == (
        wanted.language,
        wanted.version,
        wanted.target,
    )
    assert request.sources == wanted.sources
    assert request.settings == wanted.settings


@pytest.mark.parametrize("made", [hardhat2, hardhat3], ids=lambda one: one.__name__)
def test_a_scan_finds_the_same_sources(made: Callable[[Path], Path], tmp_path: Path) -> None:
    tree = open_tree(made(tmp_path))
    assert tree.wanted == ("contracts/A.sol",)
    assert {name: one.text for name, one in tree.files.items()} == SOURCES


def changed(path: Path, **changes: Any) -> Path:
    document = json.loads(path.read_text())
    for name, value in changes.items():
        document[name] = value
    return written(path, document)


@pytest.mark.parametrize(
    ("made", "changes", "words"),
    [
        (hardhat2, {"_format": "other"}, "expected an artifact of hardhat, foundry or ape"),
        (hardhat2, {"sourceName": "contracts/C.sol"}, "expected one of the sources"),
        (hardhat3, {"buildInfoId": "../../x"}, "expected its build info"),
        (hardhat3, {"buildInfoId": "missing"}, "expected its build info"),
        (foundry, {"metadata": "{"}, "Expecting"),
        (ape, {"contractTypes": {}}, "expected --contract, one of"),
        (ape, {"compilers": []}, "expected the compiler of A"),
    ],
)
def test_an_artifact_that_leads_nowhere_says_so(
    made: Callable[[Path], Path], changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = changed(made(tmp_path), **changes)
    with pytest.raises(InputError, match=words):
        request_of_artifact(path, "A")


def test_a_source_that_changed_since_is_no_source_of_the_artifact(tmp_path: Path) -> None:
    path = foundry(tmp_path)
    written(tmp_path / "contracts/B.sol", BASE + "// changed")
    with pytest.raises(SourceRefused, match="no source with the hash"):
        request_of_artifact(path)


def test_a_project_without_the_contract_or_with_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="expected one artifact of A in artifacts, out, "):
        artifact_of(tmp_path, "A")
    foundry(tmp_path)
    written(tmp_path / "out/Other.sol/A.json", "{}")
    with pytest.raises(SourceRefused, match=r"got out/A\.sol/A\.json, out/Other\.sol/A\.json"):
        artifact_of(tmp_path, "A")
