"""The compiler for a language and a version, and what it has compiled before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, Protocol

from bridge.domain.errors import SourceRefused
from bridge.verifier.compilers.cache import default_cache
from bridge.verifier.compilers.confined import Limits
from bridge.verifier.compilers.solc import Solc
from bridge.verifier.compilers.version import Version
from bridge.verifier.compilers.vyper import VyperCompiler

RECENT = 4
KEPT = 200
"""Outputs on disk, of a megabyte or so each."""


class Compiler(Protocol):
    """What compiles: standard JSON in and out."""

    language: str
    long_version: str

    def compile(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """The standard JSON output, or a ``MatchError``."""


class Compilers:
    """Finds compilers in a cache folder, and fetches those that are not there.

    The last `RECENT` outputs stay in memory: who verifies one contract of a project verifies more.
    The newest ``kept`` stay in the cache folder too, by the hash of version and request, so that
    several processes compile once. What failed is never kept.
    """

    def __init__(
        self, cache: Path | None = None, limits: Limits | None = None, kept: int = KEPT
    ) -> None:
        self.cache = cache or default_cache()
        self.limits = limits or Limits()
        self._kept = kept
        self._found: dict[tuple[str, Version], Compiler] = {}
        self._recent: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, language: str, version: Version) -> Compiler:
        """The compiler; ``CompilerMissing``, or ``SourceRefused`` for another language."""
        if language not in ("Solidity", "Vyper"):
            raise SourceRefused(
                f"language: expected Solidity or Vyper, got {language!r}", "unsupported_language"
            )
        key = (language, version)
        if key not in self._found:
            self._found[key] = (
                Solc.of(version, self.cache)
                if language == "Solidity"
                else VyperCompiler.of(version, self.cache)
            )
        return self._found[key]

    def compile(self, compiler: Compiler, request: dict[str, Any]) -> dict[str, Any]:
        """What ``compiler`` makes of the request, or made of it before."""
        text = json.dumps([compiler.long_version, request], sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()
        with self._lock:
            output = self._recent.get(name)
        if output is None:
            output = self._kept_or_made(compiler, request, name)
        with self._lock:
            self._recent[name] = output
            self._recent.move_to_end(name)
            while len(self._recent) > RECENT:
                self._recent.popitem(last=False)
        return output

    def _kept_or_made(
        self, compiler: Compiler, request: dict[str, Any], name: str
    ) -> dict[str, Any]:
        folder = self.cache / "outputs"
        file = folder / f"{name}.json"
        try:
            kept: dict[str, Any] = json.loads(file.read_text())
        except (OSError, ValueError):  # not there, or somebody removes it just now
            pass
        else:
            return kept
        output = compiler.compile(request, self.limits)
        if self._kept > 0:
            folder.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
            draft.write_text(json.dumps(output))
            draft.rename(file)
            _forget_oldest(folder, self._kept)
        return output


def _forget_oldest(folder: Path, kept: int) -> None:
    """Leave the newest ``kept`` outputs; another process may remove some at the same time."""
    found = []
    for file in folder.glob("*.json"):
        with contextlib.suppress(FileNotFoundError):
            found.append((file.stat().st_mtime_ns, file))
    for _, file in sorted(found)[: max(0, len(found) - kept)]:
        file.unlink(missing_ok=True)
