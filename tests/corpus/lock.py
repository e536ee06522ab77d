"""Write package-lock.json from package.json: what is pinned, its hash, and no download address.

    python tests/corpus/lock.py

Only packages of contracts are taken of what these depend on; their tools would be a thousand more.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FIELDS = ("name", "version", "license", "dependencies", "dist.integrity")
CONTRACTS = (
    "@openzeppelin/contracts", "@openzeppelin/contracts-upgradeable", "@uniswap/v2-core",
    "@uniswap/v3-core", "@uniswap/v3-periphery", "@uniswap/lib", "base64-sol",
    "@zk-kit/lean-imt.sol", "poseidon-solidity", "@account-abstraction/contracts",
    "@axelar-network/axelar-gmp-sdk-solidity", "openzeppelin-solidity", "solady",
    "@thirdweb-dev/dynamic-contracts", "erc721a-upgradeable", "@openzeppelin/contracts-4.7.3",
    "@openzeppelin/contracts-4.8.3", "@openzeppelin/contracts-4.9.6",
    "@openzeppelin/contracts-5.0.2", "@openzeppelin/contracts-5.1.0",
    "@openzeppelin/contracts-upgradeable-4.7.3", "@openzeppelin/contracts-upgradeable-4.9.6",
    "@0x/contracts-utils", "@0x/contracts-exchange-libs",
)  # fmt: skip


def view(wanted: str) -> dict[str, Any]:
    """What the registry says of ``name@range``, the newest where several fit."""
    out = subprocess.run(
        ["npm", "view", wanted, *FIELDS, "--json"],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    said = json.loads(out)
    return said[-1] if isinstance(said, list) else said


def spec(name: str, wanted: str) -> str:
    return wanted.removeprefix("npm:") if wanted.startswith("npm:") else f"{name}@{wanted}"


def main() -> None:
    package = json.loads((HERE / "package.json").read_text())
    packages: dict[str, Any] = {
        "": {key: package[key] for key in ("name", "license", "devDependencies")}
    }
    top = package["devDependencies"]
    said: dict[str, dict[str, Any]] = {}

    def place(path: str, name: str, wanted: str, above: dict[str, str]) -> None:
        key = spec(name, wanted)
        one = said.setdefault(key, view(key))
        needs = {
            dep: ver for dep, ver in (one.get("dependencies") or {}).items() if dep in CONTRACTS
        }
        entry = {"version": one["version"], "integrity": one["dist.integrity"], "dev": True}
        if one["name"] != name:
            entry["name"] = one["name"]
        if one.get("license"):
            entry["license"] = one["license"]
        if needs:
            entry["dependencies"] = needs
        packages[path] = entry
        for dep, ver in needs.items():
            found = said.setdefault(spec(dep, ver), view(spec(dep, ver)))["version"]
            if above.get(dep) != found:
                place(f"{path}/node_modules/{dep}", dep, ver, {**above, dep: found})

    roots = {}
    for name, wanted in top.items():
        key = spec(name, wanted)
        roots[name] = said.setdefault(key, view(key))["version"]
    for name, wanted in top.items():
        place(f"node_modules/{name}", name, wanted, roots)
    lock = {
        "name": package["name"],
        "lockfileVersion": 3,
        "requires": True,
        "packages": dict(sorted(packages.items())),
    }
    (HERE / "package-lock.json").write_text(json.dumps(lock, indent=2) + "\n")
    print(f"{len(packages) - 1} packages")


if __name__ == "__main__":
    main()
