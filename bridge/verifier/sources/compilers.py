"""Which compilers a scan of sources has: those on disk, and those that npm would bring."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bridge.domain.errors import CompilerCrashed, MatchError
from bridge.verifier.compilers.cache import default_cache
from bridge.verifier.compilers.solc import Solc
from bridge.verifier.compilers.version import Version

LIST_TIMEOUT_S = 30
RELEASE = re.compile(r"\d+\.\d+\.\d+", re.ASCII)
FIRST_WITH_TREES = (0, 4, 12)
"""The first that answers a standard JSON with syntax trees."""


class Compilers(Protocol):
    """Which compilers are there."""

    def versions(self) -> Sequence[str]:
        """Versions on this machine, as ``0.8.37``, in any order."""

    def fetchable(self) -> Sequence[str]:
        """Versions that `path` would fetch; asked for where none of `versions` will do."""

    def path(self, version: str) -> Path:
        """The ``soljson.js`` of one of them; ``CompilerCrashed`` where it cannot be had."""


@dataclass(frozen=True, slots=True)
class InstalledCompilers:
    """Those that npm put into these folders, as ``solc`` or under another name.

    A folder may also be a cache of `bridge.verifier.compilers`. Nothing is fetched.
    """

    folders: tuple[Path, ...]
    _found: dict[str, Path] = field(default_factory=dict, compare=False, repr=False)

    def versions(self) -> Sequence[str]:
        """Versions as ``0.8.37``; each package says its own."""
        if not self._found:
            for folder in self.folders:
                kept = folder.glob("solc-*/node_modules/solc")
                for package in sorted([*folder.glob("solc*"), *kept]):
                    soljson = package / "soljson.js"
                    about = package / "package.json"
                    if soljson.is_file() and about.is_file():
                        version = json.loads(about.read_text()).get("version", "")
                        self._found.setdefault(version.split("-")[0], soljson.resolve())
        return tuple(self._found)

    def fetchable(self) -> Sequence[str]:
        """None."""
        return ()

    def path(self, version: str) -> Path:
        """The ``soljson.js`` of that version."""
        self.versions()
        return self._found[version]


@dataclass(frozen=True, slots=True)
class FetchedCompilers:
    """Those that are installed, and every release that npm has, fetched into ``cache``."""

    installed: InstalledCompilers
    cache: Path = field(default_factory=default_cache)
    _answers: list[tuple[str, ...]] = field(default_factory=list, compare=False, repr=False)

    def versions(self) -> Sequence[str]:
        """Versions that are installed."""
        return self.installed.versions()

    def fetchable(self) -> Sequence[str]:
        """Npm's list of releases, asked for once; empty where npm is not there or does not answer.

        Releases before 0.4.12 make no syntax trees of a standard JSON and are left out.
        """
        if not self._answers:  # one that failed is not asked again for each file
            self._answers.append(_listed())
        return self._answers[0]

    def path(self, version: str) -> Path:
        """The ``soljson.js`` of that version, fetched where it is not installed."""
        if version in self.installed.versions():
            return self.installed.path(version)
        try:
            return Solc.of(Version.parse(version), self.cache).soljson
        except MatchError as error:
            raise CompilerCrashed(version, str(error)) from error


def _listed() -> tuple[str, ...]:
    npm = shutil.which("npm")
    if npm is None:
        return ()
    try:
        done = subprocess.run(  # noqa: S603 - npm, with words of our own
            [npm, "view", "solc", "versions", "--json"],
            capture_output=True,
            text=True,
            timeout=LIST_TIMEOUT_S,
            check=True,
        )
        listed = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()
    names = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    return tuple(
        one
        for one in names
        if RELEASE.fullmatch(one) and Version.parse(one).release >= FIRST_WITH_TREES
    )
