"""Compiling to syntax trees: each compiler in a process of its own, with limits.

Only the analysis is asked for, no code. A compiler is the file ``soljson.js`` of the npm package
``solc``, run by Node.js; which versions are there, and where, is the caller's to say.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.domain.errors import CompilerCrashed, MatchError
from bridge.verifier.compilers.confined import Limits, run_confined
from bridge.verifier.sources.compilers import Compilers
from bridge.verifier.sources.imports import Closure
from bridge.verifier.sources.pragma import newest

RUNNER = Path(__file__).with_name("runner.js")
LIMITS = Limits(time_s=60, memory_bytes=3_000 << 20, output_bytes=600 << 20)
"""Of the compiler of one group of files."""


@dataclass(slots=True)
class Compiled:
    """``asts`` by name of the source; ``errors`` by name, '' for those of no source."""

    version: str
    asts: dict[str, dict[str, Any]]
    errors: dict[str, list[str]]


def version_for(closure: Closure, compilers: Compilers) -> str | None:
    """The newest compiler that all pragmas of the closure allow; None where none does.

    One that is there comes before one that would have to be fetched.
    """
    pragmas = closure.pragmas()
    found = newest(pragmas, compilers.versions())
    return found if found is not None else newest(pragmas, compilers.fetchable())


def compile_closure(
    closure: Closure, version: str, compilers: Compilers, limits: Limits
) -> Compiled:
    """Syntax trees of all sources of the closure; ``CompilerCrashed`` if the compiler breaks.

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
    """The answer of one compiler; ``CompilerCrashed`` where there is none within the limits."""
    node = shutil.which("node")
    if node is None:
        raise CompilerCrashed(version, "expected Node.js on the PATH, found none")
    heap = f"--max-old-space-size={limits.memory_bytes >> 20}"
    command = [node, heap, "--stack-size=4000", str(RUNNER), str(soljson)]
    try:
        ended = run_confined(f"solc {version}", command, json.dumps(request).encode(), limits)
    except MatchError as error:  # at a limit, or not to be started
        raise CompilerCrashed(version, str(error)) from error
    if ended.code != 0:
        raise CompilerCrashed(version, f"ended with {ended.code}: {_last(ended.err)}")
    try:
        answer: dict[str, Any] = json.loads(ended.out)
    except ValueError as error:
        raise CompilerCrashed(version, f"answered with no JSON: {error}") from error
    return answer


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    found = next((line for line in lines if "Error" in line or "error" in line), None)
    return (found or (lines[-1] if lines else "no word"))[:300]
