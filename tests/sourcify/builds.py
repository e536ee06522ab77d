"""What is compiled for the comparison: sources, versions and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.match.compiled import Compiled, compile_request
from bridge.verifier.match.request import Request, from_standard_json

CONTRACTS = Path(__file__).parent / "contracts"
OPTIMIZED = {"optimizer": {"enabled": True, "runs": 200}}
COMMENT = {"Solidity": "// changed\n", "Vyper": "# changed\n"}
LINE_END = "\n"
"""Both make another source for the same code: only the hash of the metadata changes."""


@dataclass(frozen=True)
class Build:
    """One source with one version and one choice of settings."""

    label: str
    version: str
    file: str
    settings: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def language(self) -> str:
        return "Vyper" if self.file.endswith(".vy") else "Solidity"

    @property
    def path(self) -> str:
        return f"contracts/{self.file}" if self.language == "Solidity" else self.file

    def input(self, edit: str = "") -> dict[str, Any]:
        text = (CONTRACTS / self.file).read_text()
        deploy = "deploy" if self.version >= "0.4" else "external"
        text = text.replace("@DEPLOY@", f"@{deploy}") + edit
        return {
            "language": self.language,
            "sources": {self.path: {"content": text}},
            "settings": self.settings,
        }

    def request(self, name: str, edit: str = "") -> Request:
        return from_standard_json(self.input(edit), self.version, f"{self.path}:{name}")

    def compiled(self, compilers: Compilers, name: str, edit: str = "") -> Compiled:
        return compile_request(compilers, self.request(name, edit))


NEWEST = "0.8.37"
FIRST = Build("0.8.37 optimized", NEWEST, "modern.sol", OPTIMIZED)
MODERN = (
    FIRST,
    Build("0.8.37 not optimized", NEWEST, "modern.sol", {}),
    Build("0.8.37 IR", NEWEST, "modern.sol", {**OPTIMIZED, "viaIR": True}),
    Build(
        "0.8.37 no hash", NEWEST, "modern.sol", {**OPTIMIZED, "metadata": {"bytecodeHash": "none"}}
    ),
    Build(
        "0.8.37 Swarm", NEWEST, "modern.sol", {**OPTIMIZED, "metadata": {"bytecodeHash": "bzzr1"}}
    ),
    Build(
        "0.8.37 no auxdata", NEWEST, "modern.sol", {**OPTIMIZED, "metadata": {"appendCBOR": False}}
    ),
    Build(
        "0.8.26 for Paris",
        "0.8.26",
        "modern.sol",
        {"evmVersion": "paris", "optimizer": {"enabled": True, "runs": 1_000_000}},
    ),
    Build(
        "0.8.14 not optimized", "0.8.14", "modern.sol", {"metadata": {"useLiteralContent": True}}
    ),
)
OLDER = (
    Build("0.7.6", "0.7.6", "older.sol", OPTIMIZED),
    Build("0.6.12", "0.6.12", "older.sol", OPTIMIZED),
    Build("0.5.17", "0.5.17", "older.sol", {}),
    Build("0.4.26", "0.4.26", "older.sol", OPTIMIZED),
)
SIXTH = (
    Build("0.7.6 immutables", "0.7.6", "sixth.sol", OPTIMIZED),
    Build("0.6.12 immutables", "0.6.12", "sixth.sol", {}),
)
OLDEST = (
    Build("0.4.26 oldest", "0.4.26", "oldest.sol", {}),
    Build("0.4.11 oldest", "0.4.11", "oldest.sol", OPTIMIZED),
    Build("0.4.5", "0.4.5", "oldest.sol", OPTIMIZED),
)
VYPER = ("0.3.10", "0.4.3")
