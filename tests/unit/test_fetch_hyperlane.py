"""Hyperlane's package is used when it is the one that is meant, and only then."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from scripts import fetch_hyperlane
from scripts.fetch_hyperlane import CONTRACTS, FOLDER, FetchFailed, artifact, fetch, integrity

FACTORY = """\
const _abi = [
    {
        inputs: [
            {
                internalType: "uint32",
                name: "_localDomain",
                type: "uint32",
            },
        ],
        stateMutability: "nonpayable",
        type: "constructor",
    },
];
const _bytecode = "0x6001";
"""


def package(path: Path, names: list[str]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(f"{FOLDER}/{CONTRACTS[name]}__factory.js")
            member.size = len(FACTORY)
            archive.addfile(member, io.BytesIO(FACTORY.encode()))


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What an ``npm`` of this folder brings instead of 110 MB."""
    made = tmp_path / "made.tgz"
    package(made, list(CONTRACTS))
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\nfor last; do :; done\ncp "{made}" "$last/core.tgz"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    return made


def test_what_is_meant_is_unpacked(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_hyperlane, "INTEGRITY", integrity(packed))
    folder = tmp_path / "cache" / "hyperlane"
    fetch(folder)
    assert sorted(path.stem for path in folder.iterdir()) == sorted(CONTRACTS)
    assert [path.name for path in folder.parent.iterdir()] == ["hyperlane"]
    packed.unlink()
    fetch(folder)  # nothing is asked for again


def test_another_package_is_refused_whole(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "hyperlane"
    with pytest.raises(FetchFailed, match=r"expected sha512-8kl5.*, got sha512-"):
        fetch(folder)
    assert list(folder.parent.iterdir()) == []


def test_a_package_that_lacks_a_contract_is_refused_whole(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(packed, list(CONTRACTS)[1:])
    monkeypatch.setattr(fetch_hyperlane, "INTEGRITY", integrity(packed))
    folder = tmp_path / "cache" / "hyperlane"
    with pytest.raises(KeyError, match="Mailbox__factory"):
        fetch(folder)
    assert list(folder.parent.iterdir()) == []


def test_without_npm_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchFailed, match="not found on PATH: npm"):
        fetch(tmp_path / "cache")


def test_a_factory_is_read() -> None:
    read = artifact("Mailbox", FACTORY)
    assert read["bytecode"] == "0x6001"
    assert read["abi"][0]["inputs"][0] == {
        "internalType": "uint32",
        "name": "_localDomain",
        "type": "uint32",
    }
    with pytest.raises(FetchFailed, match="Mailbox: expected a factory"):
        artifact("Mailbox", FACTORY.replace("_abi", "_other"))


def test_a_hash_is_npms_own(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    assert integrity(path).startswith(
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+"
    )
