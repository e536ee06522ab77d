"""Compiling to syntax trees: each compiler in a process of its own, with limits.

Only the analysis is asked for, no code. A compiler is the file ``soljson.js`` of the npm package
``solc``, run by Node.js; which versions are there, and where, is the caller's to say.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from bridge.domain.scan_errors import CompilerFailed
from bridge.verifier.sources.imports import Closure
from bridge.verifier.sources.pragma import newest

RUNNER = Path(__file__).with_name("runner.js")
OUTPUT_LIMIT_BYTES = 600 << 20


class Compilers(Protocol):
    """Which compilers are there."""

    def versions(self) -> Sequence[str]:
        """Versions as ``0.8.37``, in any order."""

    def path(self, version: str) -> Path:
        """The ``soljson.js`` of one of them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one compiler may take: seconds of a clock, MB of its heap."""

    timeout_s: float = 60.0
    heap_mb: int = 3000


@dataclass(frozen=True, slots=True)
class InstalledCompilers:
    """Those that npm put into these folders, as ``solc`` or under another name."""

    folders: tuple[Path, ...]
    _found: dict[str, Path] = field(default_factory=dict, compare=False, repr=False)

    def versions(self) -> Sequence[str]:
        """Versions as ``0.8.37``; each package says its own."""
        if not self._found:
            for folder in self.folders:
                for package in sorted(folder.glob("solc*")):
                    soljson = package / "soljson.js"
                    about = package / "package.json"
                    if soljson.is_file() and about.is_file():
                        version = json.loads(about.read_text()).get("version", "")
                        self._found.setdefault(version.split("-")[0], soljson.resolve())
        return tuple(self._found)

    def path(self, version: str) -> Path:
        """The ``soljson.js`` of that version."""
        self.versions()
        return self._found[version]


@dataclass(slots=True)
class Compiled:
    """``asts`` by name of the source; ``errors`` by name, '' for those of no source."""

    version: str
    asts: dict[str, dict[str, Any]]
    errors: dict[str, list[str]]


def version_for(closure: Closure, compilers: Compilers) -> str | None:
    """The newest compiler that all pragmas of the closure allow; None where none does."""
    return newest(closure.pragmas(), compilers.versions())


def compile_closure(
    closure: Closure, version: str, compilers: Compilers, limits: Limits
) -> Compiled:
    """Syntax trees of all sources of the closure; ``CompilerFailed`` if the compiler breaks.

    Where a source has an error, no tree is complete: ``asts`` is empty then, ``errors`` says why.
    """
    request = {
        "language": "Solidity",
        "sources": {name: {"content": one.text} for name, one in closure.sources.items()},
        "settings": {
            "remappings": [
                f"{file}:{path}={target}" for (file, path), target in closure.remappings.items()
            ],
            "outputSelection": {"*": {"": ["ast"]}},
        },
    }
    output = run(compilers.path(version), version, request, limits)
    errors: dict[str, list[str]] = {}
    for one in output["errors"]:
        if one.get("severity") == "error":
            where = (one.get("sourceLocation") or {}).get("file", "")
            errors.setdefault(where, []).append(str(one.get("message", "")))
    asts = {
        name: entry["ast"]
        for name, entry in output["sources"].items()
        if not errors and entry.get("ast")
    }
    return Compiled(version, asts, errors)


def run(soljson: Path, version: str, request: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """The answer of one compiler; ``CompilerFailed`` where there is none within the limits."""
    node = shutil.which("node")
    if node is None:
        raise CompilerFailed(version, "expected Node.js on the PATH, found none")
    command = [node, f"--max-old-space-size={limits.heap_mb}", "--stack-size=4000", str(RUNNER)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - Node.js with our own script
            [*command, str(soljson)],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=said,
            start_new_session=True,
            preexec_fn=lambda: _limit(limits),
        )
        try:
            process.communicate(json.dumps(request).encode(), timeout=limits.timeout_s)
        except subprocess.TimeoutExpired:
            raise CompilerFailed(version, f"no answer within {limits.timeout_s:g} s") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode != 0:
            raise CompilerFailed(version, f"ended with {process.returncode}: {_last(said)}")
        out.seek(0)
        try:
            answer: dict[str, Any] = json.loads(out.read())
        except ValueError as error:
            raise CompilerFailed(version, f"answered with no JSON: {error}") from error
    return answer


def _limit(limits: Limits) -> None:
    # The compiler is WebAssembly in Node.js, which reserves far more addresses than it uses, so
    # that memory is limited by the heap's size, and by what may be written.
    seconds = int(limits.timeout_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (4 * seconds, 4 * seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_LIMIT_BYTES, OUTPUT_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _last(said: IO[bytes]) -> str:
    said.seek(0)
    lines = [
        line for line in said.read(1 << 16).decode(errors="replace").splitlines() if line.strip()
    ]
    found = next((line for line in lines if "Error" in line or "error" in line), None)
    return (found or (lines[-1] if lines else "no word"))[:300]
