"""Compiling an application's own contracts against the bridge's sources."""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bridge.chain.artifact import Artifact
from bridge.domain.errors import ProcessError

COMPILER_VARIABLE = "SOLC"
PREFIX = "@astralink"
FOLDERS = ("client", "interfaces", "libraries", "types")
"""The folders of the bridge's contracts that an application imports from."""
SETTINGS: dict[str, Any] = {
    "evmVersion": "prague",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 1_000_000},
}
TIMEOUT_S = 300
IMPORT = re.compile(r'^import [^;]*?"([^"]+)";', re.MULTILINE)
_PACKAGED = Path(__file__).parent / "solidity"
_CHECKOUT = Path(__file__).parents[2]


def bridge_sources() -> dict[str, str]:
    """The bridge's Solidity sources by the names an application imports them under."""
    root = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT / "contracts"
    return {
        f"{PREFIX}/{path.relative_to(root).as_posix()}": path.read_text()
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.sol"))
    }


def find_compiler() -> str | None:
    """The Solidity compiler that ``SOLC`` names, else ``solc`` on the PATH; None for neither.

    In a checkout of the bridge, the one of its own contracts comes before the PATH's.
    """
    named = os.environ.get(COMPILER_VARIABLE)
    if named:
        return named
    own = _CHECKOUT / "scripts" / "solc" / "solc-v0.8.37"
    packages = _CHECKOUT / "node_modules" / "solc"
    if own.exists() and packages.exists() and shutil.which("node"):
        return str(own)
    return shutil.which("solc")


def compile_solidity(folder: Path, compiler: str | None = None) -> dict[str, Artifact]:
    """The contracts of the ``.sol`` files in ``folder`` and below it, by their names.

    Files import the bridge's as ``@astralink/client/MessageClient.sol`` and each other by relative
    paths. ``ProcessError`` where there is no compiler, or with its words where it refuses.
    """
    own = {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*.sol"))
    }
    if not own:
        raise ProcessError(f"{folder}: expected Solidity files, found none")
    sources = own | _imported(own)
    wanted = {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": SETTINGS | {"outputSelection": dict.fromkeys(own, wanted)},
    }
    output = _run(compiler or find_compiler(), request)
    errors = [one for one in output.get("errors", ()) if one["severity"] == "error"]
    if errors:
        raise ProcessError("\n".join(one["formattedMessage"] for one in errors))
    return {
        name: Artifact(
            name=name,
            abi=tuple(contract["abi"]),
            creation_code=bytes.fromhex(contract["evm"]["bytecode"]["object"]),
            deployed_code=bytes.fromhex(contract["evm"]["deployedBytecode"]["object"]),
        )
        for source in own
        for name, contract in output["contracts"].get(source, {}).items()
    }


def _imported(own: dict[str, str]) -> dict[str, str]:
    """The bridge's sources that these import, and what those import; no others are compiled."""
    known = bridge_sources()
    found: dict[str, str] = {}
    wanted = [name for text in own.values() for name in IMPORT.findall(text)]
    while wanted:
        name = wanted.pop()
        if name in found or name not in known:
            continue  # what is not the bridge's is the compiler's to find or to miss
        found[name] = known[name]
        folder = posixpath.dirname(name)
        wanted += [
            posixpath.normpath(f"{folder}/{other}") if other.startswith(".") else other
            for other in IMPORT.findall(known[name])
        ]
    return found


def _run(compiler: str | None, request: dict[str, Any]) -> dict[str, Any]:
    if compiler is None:
        raise ProcessError(
            f"no Solidity compiler: expected the path of one in {COMPILER_VARIABLE}, "
            "or solc on the PATH"
        )
    try:
        done = subprocess.run(  # noqa: S603 - the author's own compiler
            [compiler, "--standard-json"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
        output: dict[str, Any] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise ProcessError(f"{compiler} --standard-json: {error}") from error
    return output
