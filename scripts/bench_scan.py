"""How long a scan of bytecode takes: ``python scripts/bench_scan.py [folder ...] [--least BYTES]``.

Reads every compiled contract (JSON with ``deployedBytecode``) below the folders: this package's
artifacts, and the packages that ``make evm-cases`` installs, where they are there. Prints, on
standard output, bytes, seconds of processor time (best and median of the runs) and what was found
for each, the slowest first; on standard error how far it is.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import track

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bridge.verifier.detector import detectors  # noqa: E402, the path comes first
from bridge.verifier.evm.scan import scan_bytecode  # noqa: E402

FOLDERS = (ROOT / "bridge" / "chain" / "artifacts", ROOT / ".cache" / "evm-cases" / "node_modules")
LIBRARY = re.compile(r"__.{36}__")


def contracts(folders: list[Path], least: int) -> dict[str, bytes]:
    """Runtime code by name, each code once; libraries' placeholders are filled with an address."""
    found: dict[bytes, str] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.json")):
            if path.name.endswith(".dbg.json") or path.stat().st_size < 2 * least:
                continue
            try:
                read = json.loads(path.read_text())
            except ValueError:
                continue
            code = read.get("deployedBytecode") if isinstance(read, dict) else None
            text = code.get("object", code.get("bytecode")) if isinstance(code, dict) else code
            if isinstance(text, str) and len(text) >= 2 * least:
                linked = bytes.fromhex(LIBRARY.sub("11" * 20, text.removeprefix("0x")))
                found.setdefault(linked, f"{folder.name}: {path.stem}")
    return {name: code for code, name in found.items()}


def main() -> int:
    """0; 1 where one took longer than ``--limit``."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "folders", nargs="*", type=Path, default=[one for one in FOLDERS if one.is_dir()]
    )
    parser.add_argument("--least", type=int, default=6000, help="bytes of the smallest contract")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, help="seconds that none may take")
    given = parser.parse_args()
    detectors()
    rows = []
    codes = contracts(given.folders, given.least)
    for name, code in track(
        codes.items(), "scanning", console=Console(stderr=True), transient=True
    ):
        taken = []
        for _ in range(given.runs):
            begun = time.process_time()
            scan = scan_bytecode(code, name)
            taken.append(time.process_time() - begun)
        rows.append((min(taken), statistics.median(taken), name, len(code), scan))
    rows.sort(key=lambda row: -row[1])
    print("  best  median   bytes    steps  complete  contract: findings")
    for best, median, name, size, scan in rows:
        found = ", ".join(sorted({f"{one.detector} {one.severity}" for one in scan.findings}))
        whole = "yes" if scan.is_complete else "no"
        print(f"{best:6.3f} {median:7.3f} {size:7} {scan.steps:8}  {whole:8}  {name}: {found}")
    slowest = rows[0][1] if rows else 0
    total = sum(row[1] for row in rows)
    print(f"{len(rows)} contracts, {total:.1f} s in all, {slowest:.3f} s the slowest")
    return int(given.limit is not None and slowest > given.limit)


if __name__ == "__main__":
    raise SystemExit(main())
