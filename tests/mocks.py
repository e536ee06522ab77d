"""Tokens, attackers, doubles of ``contracts/mocks``; ``scripts/build_contracts.py`` builds them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bridge.chain.artifact import Artifact

FOLDER = Path(__file__).parent / "artifacts"


@cache
def mock(name: str) -> Artifact:
    """The artifact of the contract ``name`` of ``contracts/mocks``."""
    return Artifact.from_json((FOLDER / f"{name}.json").read_text())
