"""Compile the cases: ``python -m tests.evm_cases.compile <npm packages> [<vyper>] [--check]``.

``make evm-cases`` does it with what `package.json` pins. The result is committed, since it needs
eight compilers; ``--check`` compiles again and compares.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.evm_cases.sources import sources
from tests.evm_cases.vyper_cases import SOURCES

HERE = Path(__file__).resolve().parent
COMPILED = HERE / "compiled.json.gz"
TIMEOUT_S = 600
TOGETHER = 6
"""Contracts that one process compiles."""

ON = {"optimizer": {"enabled": True, "runs": 200}}
OFF = {"optimizer": {"enabled": False}}
IR = {**ON, "viaIR": True}
IR_OFF = {**OFF, "viaIR": True}

SETTINGS = (
    ("0.4.18", "optimized", ON),
    ("0.4.26", "optimized", ON),
    ("0.4.26", "plain", OFF),
    ("0.5.17", "optimized", ON),
    ("0.6.12", "optimized", ON),
    ("0.6.12", "plain", OFF),
    ("0.7.6", "optimized", ON),
    ("0.8.4", "optimized", ON),
    ("0.8.19", "plain", OFF),
    ("0.8.19", "IR", IR),
    ("0.8.37", "optimized", ON),
    ("0.8.37", "IR", IR),
    ("0.8.37", "IR plain", IR_OFF),
)


def solidity(packages: Path) -> dict[str, dict[str, object]]:
    """Runtime code, selectors and source map by ``version setting Contract``."""
    made = {}
    for version, name, settings in SETTINGS:
        files = sorted(sources(tuple(map(int, version.split(".")))).items())
        for at in range(0, len(files), TOGETHER):
            for contract, built in _compiled(
                packages, version, settings, files[at : at + TOGETHER]
            ):
                made[f"{version} {name} {contract}"] = built
        print(f"{version} {name}: {len(files)} contracts", file=sys.stderr, flush=True)
    return made


def _compiled(
    packages: Path, version: str, settings: dict[str, object], files: list[tuple[str, str]]
) -> Iterator[tuple[str, dict[str, object]]]:
    outputs = ["evm.deployedBytecode.object", "evm.deployedBytecode.sourceMap"]
    request = {
        "language": "Solidity",
        "sources": {f"{contract}.sol": {"content": text} for contract, text in files},
        "settings": {
            **settings,
            "outputSelection": {"*": {"*": [*outputs, "evm.methodIdentifiers"]}},
        },
    }
    done = subprocess.run(
        ["node", str(HERE / "compile.js"), str(packages / f"solc-{version}")],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    output = json.loads(done.stdout[done.stdout.index("{") :])
    wrong = [one for one in output.get("errors", []) if one["severity"] == "error"]
    if wrong:
        raise SystemExit(f"{version}: {wrong[0]['formattedMessage']}")
    for contract, _ in files:
        built = output["contracts"][f"{contract}.sol"][contract]["evm"]
        yield (
            contract,
            {
                "runtime": built["deployedBytecode"]["object"],
                "selectors": sorted(built["methodIdentifiers"].values()),
                "map": built["deployedBytecode"].get("sourceMap", ""),
                "source_id": output["sources"][f"{contract}.sol"]["id"],
            },
        )


def vyper(program: str) -> dict[str, dict[str, object]]:
    """The same of Vyper, for each way in which it finds functions, and its creation code."""
    made: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for contract, text in SOURCES.items():
            path = Path(folder) / f"{contract}.vy"
            path.write_text(text)
            for optimize in ("gas", "codesize", "none"):
                command = [program, "-f", "bytecode_runtime,bytecode,method_identifiers"]
                done = subprocess.run(
                    [*command, "--optimize", optimize, str(path)],
                    capture_output=True,
                    text=True,
                    check=True,
                    timeout=TIMEOUT_S,
                )
                runtime, creation, methods = done.stdout.strip().splitlines()
                made[f"vyper {optimize} {contract}"] = {
                    "runtime": runtime.removeprefix("0x"),
                    "creation": creation.removeprefix("0x"),
                    "selectors": sorted(
                        one.removeprefix("0x").rjust(8, "0") for one in json.loads(methods).values()
                    ),
                    "map": "",
                }
    return made


def load() -> dict[str, dict[str, object]]:
    """What is committed."""
    return json.loads(gzip.decompress(COMPILED.read_bytes()))


def main(arguments: list[str]) -> int:
    """0, or 1 where ``--check`` finds a difference."""
    check = "--check" in arguments
    packages, *rest = (one for one in arguments if one != "--check")
    made = solidity(Path(packages).resolve())
    if rest:
        made |= vyper(rest[0])
    else:
        made |= {name: one for name, one in load().items() if name.startswith("vyper ")}
    if check:
        different = sorted(name for name in made | load() if made.get(name) != load().get(name))
        print("\n".join(different) or "the same", file=sys.stderr)
        return int(bool(different))
    text = json.dumps(made, sort_keys=True, separators=(",", ":")).encode()
    COMPILED.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{len(made)} contracts, {COMPILED.stat().st_size} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
