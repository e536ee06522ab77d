"""Compile the contracts into the artifacts that the package carries, or compare (``--check``).

    python scripts/build_contracts.py            # writes the artifacts
    python scripts/build_contracts.py --check    # exit 1 if what is committed differs
    python scripts/build_contracts.py --source Inbox > inbox.json   # what it is verified with

What the bridge deploys goes to ``bridge/chain/artifacts``, which the package carries; the tokens,
attackers and doubles of ``contracts/mocks`` go to ``tests/artifacts``. The compiler is the npm
package ``solc`` behind ``scripts/solc``; Node.js runs it. Other npm packages are imported by their
path below ``node_modules``, so that this script and ape know each source by the same name. The
sources under ``contracts/verifiers/generated`` are written first, or compared, from
``scripts/kernels``.
"""

from __future__ import annotations

import argparse
import json
import posixpath
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.kernels import solidity  # noqa: E402, the path comes first

CONTRACTS = ROOT / "contracts"
ARTIFACTS = ROOT / "bridge" / "chain" / "artifacts"
TEST_ARTIFACTS = ROOT / "tests" / "artifacts"
MOCKS = "contracts/mocks/"
OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode"]
# What ape asks for, and what is of ours: so that the two share one compilation (scripts/solc).
SHARED_OUTPUTS = {
    "*": [
        "abi",
        "bin-runtime",
        "devdoc",
        "userdoc",
        "evm.bytecode.object",
        "evm.bytecode.sourceMap",
        "evm.deployedBytecode.object",
        "evm.deployedBytecode.immutableReferences",
    ],
    "": ["ast"],
}
IMPORT = re.compile(r'^import [^;]*?"(\.[^"]+)";', re.MULTILINE)
SOLC = ROOT / "scripts" / "solc" / "solc-v0.8.37"

# The same as in ape-config.yaml; a test holds the two together.
SETTINGS: dict[str, Any] = {
    "evmVersion": "prague",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 1_000_000},
}
# What is deployed. Interfaces and libraries are part of these.
DEPLOYED = (
    "HyperlaneCcipReadIsm",
    "HyperlaneHook",
    "HyperlaneNullIsm",
    "Inbox",
    "MlDsa87Verifier",
    "NativeFirstVerifier",
    "NftBridge",
    "NftVoucher",
    "Outbox",
    "Postcard",
    "Receipts",
    "SignerRegistry",
    "SlhDsaSha2128sVerifier",
    "SlhDsaSha2256sVerifier",
    "TokenBridge",
    "TokenVoucher",
    "VerdictRegistry",
)


def sources(mocks: bool) -> dict[str, dict[str, str]]:
    """The mocks, or all other sources of ours, and what they import, by their paths below the root.

    A name in an import is relative to the file that it stands in. Exits where a file is missing.
    """
    names = [path.relative_to(ROOT).as_posix() for path in sorted(CONTRACTS.rglob("*.sol"))]
    return with_imports([name for name in names if name.startswith(MOCKS) == mocks])


def with_imports(names: list[str]) -> dict[str, dict[str, str]]:
    """These sources and all that they import, by their paths below the root."""
    wanted = list(names)
    found: dict[str, dict[str, str]] = {}
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        try:
            text = (ROOT / name).read_text()
        except FileNotFoundError:
            sys.exit(f"{name}: no such file; `make tools` installs what is imported")
        found[name] = {"content": text}
        folder = posixpath.dirname(name)
        wanted += [posixpath.normpath(f"{folder}/{other}") for other in IMPORT.findall(text)]
    return dict(sorted(found.items()))


def compile_all() -> dict[Path, str]:
    """The text of each artifact by its path; exits with the compiler's words on an error."""
    # By themselves: the compiler's numbering runs over all sources, and what is deployed must not
    # depend on what tests add.
    given = sources(mocks=False)
    built = _compile(given, dict.fromkeys(given, SHARED_OUTPUTS), ARTIFACTS)
    artifacts = {path: text for path, text in built.items() if path.stem in DEPLOYED}
    given = sources(mocks=True)
    mocks = {name: {"*": OUTPUTS} for name in given if name.startswith(MOCKS)}
    artifacts |= _compile(given, mocks, TEST_ARTIFACTS)
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
    missing = set(DEPLOYED) - {path.stem for path in artifacts}
    if missing:
        sys.exit(f"no such contract: {', '.join(sorted(missing))}")
    return artifacts


def source_of(name: str) -> dict[str, Any]:
    """What a contract is verified with (`astralink verdict request --source`), as it was built."""
    artifact = json.loads((ARTIFACTS / f"{name}.json").read_text())
    if "compiler" not in artifact:
        sys.exit(f"{name}: it is assembled by {artifact['sourceName']}, and has no Solidity source")
    return {
        "stdJsonInput": {
            "language": "Solidity",
            "sources": sources(mocks=False),
            "settings": SETTINGS,
        },
        "compilerVersion": artifact["compiler"]["version"],
        "contractIdentifier": f"{artifact['sourceName']}:{name}",
    }


def _compile(
    given: dict[str, dict[str, str]], wanted: dict[str, dict[str, list[str]]], folder: Path
) -> dict[Path, str]:
    """The artifacts of the contracts that are ``wanted``, which go to ``folder``."""
    request = {
        "language": "Solidity",
        "sources": given,
        "settings": SETTINGS | {"outputSelection": wanted},
    }
    try:
        done = subprocess.run(
            [str(SOLC), "--standard-json"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
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
            code = contract.get("evm", {})
            if not code.get("bytecode", {}).get("object"):
                continue
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
    parser.add_argument("--source", metavar="NAME", help="print what it is verified with")
    arguments = parser.parse_args()
    check = arguments.check
    if arguments.source:
        try:
            print(json.dumps(source_of(arguments.source), indent=1))
        except FileNotFoundError as error:
            sys.exit(f"no such contract: {error.filename}")
        return

    generate(check)
    built = compile_all()
    committed = {
        path: path.read_text()
        for folder in (ARTIFACTS, TEST_ARTIFACTS)
        for path in folder.glob("*.json")
    }
    stale = sorted(
        path for path in built.keys() | committed.keys() if built.get(path) != committed.get(path)
    )
    if check:
        if stale:
            sys.exit(
                f"differ from their sources: {', '.join(path.name for path in stale)}; "
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
