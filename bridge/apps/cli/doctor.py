"""``astralink doctor``: what is installed, what is missing, and the command that mends it."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, print_json
from bridge.chain.anvil import PROJECT, anvil_version, find_anvil
from bridge.crypto.providers import provider_report
from bridge.domain.errors import BridgeError

LIBRARIES = ("web3", "py-evm", "cryptography", "pqcrypto", "numpy", "SQLAlchemy", "fastapi")
TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the bridge uses. ``needed`` is false for what it can do without."""

    name: str
    found: bool
    version: str
    needed: bool
    use: str
    mend: str = ""


def doctor(as_json: JsonOption = False) -> None:
    """What is installed, in which version, what is missing and the command that mends it.

    Exit code 0 when all that is needed is there, 1 otherwise.
    """
    findings = examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _show(findings)
    if any(finding.needed and not finding.found for finding in findings):
        raise SystemExit(1)


def examine() -> list[Finding]:
    """Everything that the bridge uses on this machine."""
    found = [Finding("Python", True, platform.python_version(), True, "runs the bridge")]
    found += [_library(name, "core library", needed=True) for name in LIBRARIES]
    for row in provider_report():
        names = ", ".join(sorted(row.mechanisms)) or "nothing"
        missing = f"; not {', '.join(sorted(row.missing))}" if row.version and row.missing else ""
        needed = row.name in ("cryptography", "pqcrypto")
        found.append(
            Finding(
                f"provider {row.name}",
                row.version is not None,
                row.version or "",
                needed,
                f"signatures and KEM: {names}{missing}",
                row.mend,
            )
        )
    found.append(_program("node", "runs the Solidity compiler", "install Node.js 20 or later"))
    use = "brings the compilers that `astralink verify` and `scan` ask for"
    found.append(_program("npm", use, "install Node.js 20 or later"))
    found.append(_anvil())
    found.append(_solc())
    use = "binds immutables in `astralink verify`"
    mend = "pip install -e '.[verifier]'"
    found.append(_library("pyrevm", use, needed=False, mend=mend))
    found.append(
        _library("eth-ape", "`ape run deploy`, `ape run send`", needed=False, mend="make test")
    )
    return found


def _library(name: str, use: str, needed: bool, mend: str = "pip install -e .") -> Finding:
    try:
        return Finding(name, True, importlib.metadata.version(name), needed, use)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, "", needed, use, mend)


def _program(name: str, use: str, mend: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(name, False, "", False, use, mend)
    try:
        answer = subprocess.run(  # noqa: S603 - a program of the user's own
            [path, "--version"], capture_output=True, text=True, timeout=TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(name, False, "", False, use, f"{path} --version fails: {error}")
    return Finding(name, True, answer.stdout.strip().splitlines()[0], False, use)


def _anvil() -> Finding:
    use = "development chains; without it they run on the embedded chain"
    mend = "install Node.js, then make tools"
    try:
        binary = find_anvil()
        if binary is None:
            return Finding("Anvil", False, "", False, use, mend)
        return Finding("Anvil", True, anvil_version(binary), False, use)
    except BridgeError as error:
        return Finding("Anvil", False, "", False, use, str(error))


def _solc() -> Finding:
    package: Path = PROJECT / "node_modules" / "solc" / "package.json"
    use = "builds the contracts; built ones are part of the package"
    if not package.exists():
        return Finding("solc", False, "", False, use, "make tools")
    version = json.loads(package.read_text())["version"]
    return Finding("solc", True, version, False, use)


def _show(findings: list[Finding]) -> None:
    console = Console(highlight=False)
    table = Table(title="astralink doctor")
    for column in ("", "what", "version", "what for"):
        table.add_column(column)
    for finding in findings:
        mark = "[green]✓[/]" if finding.found else "[red]✗[/]" if finding.needed else "[yellow]-[/]"
        table.add_row(mark, finding.name, finding.version, finding.use)
    console.print(table)
    for finding in findings:
        if finding.mend:
            kind = "missing" if not finding.found else "note"
            console.print(f"{kind}: {finding.name}: {finding.mend}", soft_wrap=True, markup=False)
