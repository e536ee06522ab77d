"""Compile the contracts into the artifacts that the package carries, or compare (``--check``).

    python scripts/build_contracts.py            # writes bridge/chain/artifacts/*.json
                                                 # and tests/artifacts/*.json
    python scripts/build_contracts.py --check    # exit 1 if what is committed differs

The compiler is the npm package ``solc`` behind ``scripts/solc``; Node.js runs it. The sources under
``contracts/verifiers/generated`` are written first, or compared, from ``scripts/kernels``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.kernels import solidity  # noqa: E402, the path comes first

CONTRACTS = ROOT / "contracts"
MOCK_SOURCES = CONTRACTS / "mocks"
ARTIFACTS = ROOT / "bridge" / "chain" / "artifacts"
MOCK_ARTIFACTS = ROOT / "tests" / "artifacts"
SOLC = ROOT / "scripts" / "solc" / "solc-v0.8.37"

# The same as in ape-config.yaml; a test holds the two together.
SETTINGS: dict[str, Any] = {
    "evmVersion": "prague",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 1_000_000},
}
# What is deployed. Interfaces and libraries are part of these.
DEPLOYED = (
    "Inbox",
    "MlDsa87Verifier",
    "NativeFirstVerifier",
    "Outbox",
    "Postcard",
    "Receipts",
    "SignerRegistry",
    "SlhDsaSha2128sVerifier",
    "SlhDsaSha2256sVerifier",
)
# Attackers and doubles of contracts/mocks: for the tests alone, not in the package.
MOCKS = (
    "GasWitness",
    "Griefer",
    "Ledger",
    "Reentrant",
    "YesVerifier",
)


def compile_all() -> dict[Path, str]:
    """The text of each artifact by its path; exits with the compiler's words on an error."""
    paths = sorted(CONTRACTS.rglob("*.sol"))
    # By themselves: the compiler's numbering runs over all sources, and what is deployed must not
    # depend on what tests add.
    shipped = [path for path in paths if MOCK_SOURCES not in path.parents]
    artifacts = _compile(shipped, DEPLOYED, ARTIFACTS) | _compile(paths, MOCKS, MOCK_ARTIFACTS)
    parts = solidity.parts_of_pinned()
    for name, code in solidity.pinned_creation_codes().items():
        artifacts[ARTIFACTS / f"{name}.json"] = _text(
            {
                "contractName": name,
                "sourceName": f"{solidity.PINNED[name].__name__.replace('.', '/')}.py",
                "abi": [],
                "bytecode": "0x" + code.hex(),
                "deployedBytecode": "0x" + code[len(solidity.creation_prefix(b"")) :].hex(),
            }
            | ({"parts": parts[name]} if name in parts else {})
        )
    missing = {*DEPLOYED, *MOCKS} - {path.stem for path in artifacts}
    if missing:
        sys.exit(f"no such contract: {', '.join(sorted(missing))}")
    return artifacts


def _compile(paths: list[Path], names: tuple[str, ...], folder: Path) -> dict[Path, str]:
    """The artifacts of the contracts ``names`` of these sources, which go to ``folder``."""
    sources = {path.relative_to(ROOT).as_posix(): {"content": path.read_text()} for path in paths}
    outputs = ["abi", "evm.bytecode.object", "evm.deployedBytecode"]
    wanted = {"*": dict.fromkeys(names, outputs)}
    request = {
        "language": "Solidity",
        "sources": sources,
        "settings": SETTINGS | {"outputSelection": wanted},
    }
    try:
        done = subprocess.run(
            [str(SOLC), "--standard-json"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    except FileNotFoundError as error:
        sys.exit(f"cannot run {SOLC.relative_to(ROOT)}: {error}")
    if done.returncode != 0:
        sys.exit(done.stderr.strip() or f"solc ended with {done.returncode}")
    output = json.loads(done.stdout)
    problems = [entry["formattedMessage"] for entry in output.get("errors", [])]
    if problems:
        sys.exit("\n".join(problems))  # warnings too: the contracts have none
    artifacts = {}
    for source, contracts in output["contracts"].items():
        for name, contract in contracts.items():
            if name not in names:
                continue
            code = contract["evm"]
            artifacts[folder / f"{name}.json"] = _text(
                {
                    "contractName": name,
                    "sourceName": source,
                    "compiler": {"version": "0.8.37", "settings": SETTINGS},
                    "abi": contract["abi"],
                    "bytecode": "0x" + code["bytecode"]["object"],
                    "deployedBytecode": "0x" + code["deployedBytecode"]["object"],
                    "immutableReferences": code["deployedBytecode"]["immutableReferences"],
                }
            )
    return artifacts


def _text(artifact: dict[str, Any]) -> str:
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def generate(check: bool) -> None:
    """Write the generated sources; with ``check``, exit with the names of those that differ."""
    stale = []
    for name, text in solidity.sources().items():
        path = ROOT / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    if check and stale:
        sys.exit(f"differ from their generators: {', '.join(stale)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="compile the contracts")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check

    generate(check)
    built = compile_all()
    folders = (ARTIFACTS, MOCK_ARTIFACTS)
    committed = {path: path.read_text() for one in folders for path in one.glob("*.json")}
    stale = sorted(
        path for path in built.keys() | committed.keys() if built.get(path) != committed.get(path)
    )
    if check:
        if stale:
            sys.exit(
                f"differ from their sources: {', '.join(path.stem for path in stale)}; "
                "run python scripts/build_contracts.py"
            )
        print(f"{len(built)} contracts are what their sources say")
        return
    for path in stale:
        if path in built:
            path.parent.mkdir(exist_ok=True)
            path.write_text(built[path])
        else:
            path.unlink()
    print(f"{len(built)} contracts built, {len(stale)} changed")


if __name__ == "__main__":
    main()
