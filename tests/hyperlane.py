"""Hyperlane's own contracts from npm, and what to say when they are not there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bridge.chain.artifact import Artifact
from scripts.fetch_hyperlane import DEFAULT, FetchFailed, fetch

FETCH = "python scripts/fetch_hyperlane.py"


def hyperlane(name: str, folder: Path = DEFAULT) -> Artifact:
    """The contract ``name`` of Hyperlane; fetched once, and skips the test where npm is missing."""
    path = folder / f"{name}.json"
    if not path.is_file():
        if shutil.which("npm") is None:
            pytest.skip(f"no npm, which brings Hyperlane's contracts: `{FETCH}`")
        try:
            fetch(folder)
        except FetchFailed as error:
            pytest.fail(f"{FETCH}: {error}")
    raw = json.loads(path.read_text())
    return Artifact(name, tuple(raw["abi"]), bytes.fromhex(raw["bytecode"][2:]), b"")
