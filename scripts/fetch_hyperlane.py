"""Fetch Hyperlane's own contracts for the tests: ABI and creation code of the few that are used.

    python scripts/fetch_hyperlane.py [folder]

``npm pack`` brings the package, of which the hash must be the one below; what is needed is written
to the folder (``.cache/hyperlane-VERSION`` by default) and the rest is thrown away. The folder is
printed on standard output, everything else on standard error. A second run finds the files and does
nothing. The package is Hyperlane's, Apache-2.0.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "@hyperlane-xyz/core"
VERSION = "12.1.0"
INTEGRITY = (
    "sha512-8kl5+zuir0nKHXfeo2ssySvB2P3eVdTYAJX24O9+lpFF"
    "A9BUytYVFPCcJ+8fxX0OAY4HICBOUt/OB180j+EABg=="
)
CONTRACTS = {
    "Mailbox": "Mailbox",
    "MerkleTreeHook": "hooks/MerkleTreeHook",
    "NoopIsm": "isms/NoopIsm",
    "StaticMessageIdMultisigIsmFactory": (
        "isms/multisig/StaticMultisigIsm.sol/StaticMessageIdMultisigIsmFactory"
    ),
    "TestRecipient": "test/TestRecipient",
}
FOLDER = "package/dist/typechain/factories/contracts"
PROJECT = Path(__file__).resolve().parent.parent
DEFAULT = PROJECT / ".cache" / f"hyperlane-{VERSION}"
TIMEOUT_S = 600


class FetchFailed(Exception):
    """A package that cannot be used, in one line."""


def integrity(path: Path) -> str:
    """The file's hash as npm writes it."""
    digest = hashlib.sha512()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return "sha512-" + base64.b64encode(digest.digest()).decode()


def artifact(name: str, source: str) -> dict[str, Any]:
    """ABI and creation code from the text of a contract's factory, which is JavaScript."""
    abi = re.search(r"^const _abi = (\[.*?^\]);", source, re.DOTALL | re.MULTILINE)
    code = re.search(r'^const _bytecode = "(0x[0-9a-f]+)";', source, re.MULTILINE)
    if abi is None or code is None:
        raise FetchFailed(f"{name}: expected a factory with _abi and _bytecode, found none")
    quoted = re.sub(r"^(\s*)(\w+):", r'\1"\2":', abi[1], flags=re.MULTILINE)
    plain = re.sub(r",(\s*[\]}])", r"\1", quoted)
    return {"contractName": name, "abi": json.loads(plain), "bytecode": code[1]}


def complete(folder: Path) -> bool:
    """Whether all files are there."""
    return all((folder / f"{name}.json").is_file() for name in CONTRACTS)


def fetch(folder: Path) -> None:
    """Fill ``folder``, whole or not at all."""
    if complete(folder):
        say(f"Hyperlane's contracts are there: {folder}")
        return
    npm = shutil.which("npm")
    if npm is None:
        raise FetchFailed("not found on PATH: npm (it brings the package)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".hyperlane-") as temporary:
        say(f"fetching {PACKAGE} {VERSION} (110 MB)")
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", temporary]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        packed = next(Path(temporary).glob("*.tgz"), None)
        if done.returncode != 0 or packed is None:
            last = (done.stderr.strip() or "no output").splitlines()[-1]
            raise FetchFailed(f"npm pack failed with {done.returncode}: {last}")
        got = integrity(packed)
        if got != INTEGRITY:
            raise FetchFailed(f"{PACKAGE} {VERSION}: expected {INTEGRITY}, got {got}")
        new = Path(temporary) / "new"
        new.mkdir()
        with tarfile.open(packed) as archive:
            for name, place in CONTRACTS.items():
                member = archive.extractfile(f"{FOLDER}/{place}__factory.js")
                if member is None:
                    raise FetchFailed(f"{PACKAGE} {VERSION}: no {place}")
                text = json.dumps(artifact(name, member.read().decode()), indent=1)
                (new / f"{name}.json").write_text(text + "\n")
        if not complete(folder):
            shutil.rmtree(folder, ignore_errors=True)
        try:
            new.rename(folder)
        except OSError:
            if not complete(folder):  # another process may have come first
                raise


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetch Hyperlane's contracts for the tests.")
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=DEFAULT,
        help=f"where they go (default: .cache/hyperlane-{VERSION} in the project)",
    )
    folder = parser.parse_args().folder.resolve()
    try:
        fetch(folder)
    except (FetchFailed, OSError, KeyError, tarfile.TarError, subprocess.TimeoutExpired) as error:
        say(f"error: {error}")
        return 1
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
