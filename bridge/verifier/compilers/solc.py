"""Solidity's compiler as npm's package ``solc`` has it, every version from 0.4.0 on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bridge.domain.errors import CompilerFailed, CompilerMissing
from bridge.verifier.compilers.cache import installed
from bridge.verifier.compilers.confined import Limits, run_confined
from bridge.verifier.compilers.version import Version, own_name

OLDEST = (0, 4, 0)
WRAPPER = "0.8.37"
"""The package whose JavaScript speaks to the compilers of all versions."""
INSTALL_TIMEOUT_S = 300
VERSION_LIMITS = Limits(time_s=60)
RUNNER = Path(__file__).with_name("solc_runner.cjs")
NPM_OPTIONS = (
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--no-update-notifier",
    "--json",
)
NOT_PUBLISHED = frozenset({"E404", "ETARGET"})


class Solc:
    """The compiler of one version, from the cache folder or from npm.

    ``long_version`` is what it calls itself: 0.8.26+commit.8a97fa7a.
    """

    language = "Solidity"

    def __init__(self, soljson: Path, wrapper: Path, long_version: str) -> None:
        self.long_version = long_version
        self.soljson = soljson
        self.wrapper = wrapper

    @classmethod
    def of(cls, version: Version, cache: Path) -> Solc:
        """The compiler of that version; ``CompilerMissing`` where there is none to be had.

        npm checks what it fetches against the hash that its registry has, and no script of a
        package is run. The registry also has packages such as 0.8.14-fixed, for those whose
        first package holds another compiler than its number says: what it calls itself decides.
        """
        if version.release < OLDEST or version.pre:
            raise CompilerMissing(str(version), "expected solc 0.4.0 or newer, a release")
        node = _node(str(version))
        wrapper = _package(cache, WRAPPER, str(version))
        said: list[str] = []
        for number in (version.number, f"{version.number}-fixed"):
            try:
                package = _package(cache, number, str(version))
            except _NotPublished as error:
                if not said:
                    raise CompilerMissing(str(version), "npm has no such solc") from error
                break
            soljson = package / "soljson.js"
            own = _own_version(node, wrapper, soljson, package)
            if version.is_said_by(own):
                return cls(soljson, wrapper, own)
            said.append(own)
        raise CompilerMissing(str(version), f"npm's is {' and '.join(said)}")

    def compile(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """The standard JSON output; ``CompilerFailed`` where it has an error in it.

        Raises ``CompilerExhausted`` at a limit.
        """
        ended = run_confined(
            self.long_version,
            _command(_node(self.long_version), self.wrapper, self.soljson, limits),
            json.dumps(request).encode(),
            limits,
        )
        if ended.code != 0:
            raise CompilerFailed(self.long_version, [_reason(ended.err, ended.code)])
        return parsed_output(self.long_version, ended.out)


class _NotPublished(Exception):
    pass


def parsed_output(compiler: str, out: bytes) -> dict[str, Any]:
    """A compiler's output; ``CompilerFailed`` where it is none, or has an error in it."""
    try:
        output = json.loads(out)
    except ValueError as error:
        raise CompilerFailed(compiler, [f"output that is no JSON: {error}"]) from error
    if not isinstance(output, dict):
        raise CompilerFailed(compiler, ["output that is no object"])
    errors = [
        str(one.get("formattedMessage") or one.get("message"))
        for one in output.get("errors") or ()
        if isinstance(one, dict) and one.get("severity", "error") == "error"
    ]
    if errors:
        raise CompilerFailed(compiler, errors)
    return output


def _node(version: str) -> str:
    node = shutil.which("node")
    if node is None:
        raise CompilerMissing(version, "expected Node.js (`node` on the PATH), which runs it")
    return node


def _command(node: str, wrapper: Path, soljson: Path, limits: Limits) -> list[str]:
    heap = f"--max-old-space-size={limits.memory_bytes >> 20}"
    return [node, heap, str(RUNNER), str(wrapper), str(soljson)]


def _package(cache: Path, number: str, asked: str) -> Path:
    """The folder of npm's package ``solc`` of that number, with what it needs beside it."""
    npm = shutil.which("npm")

    def install(folder: Path) -> None:
        if npm is None:
            raise CompilerMissing(asked, "expected npm on the PATH, which fetches it")
        (folder / "package.json").write_text('{"private": true}\n')
        command = [npm, "install", *NPM_OPTIONS, "--save-exact", f"solc@{number}"]
        try:
            done = subprocess.run(  # noqa: S603 - npm, with a version of digits and dots
                command,
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=INSTALL_TIMEOUT_S,
                env=os.environ | {"npm_config_loglevel": "error"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CompilerMissing(asked, f"npm install: {error}") from error
        if done.returncode != 0:
            code, summary = _npm_error(done.stdout)
            if code in NOT_PUBLISHED:
                raise _NotPublished(number)
            raise CompilerMissing(asked, f"npm install ended with {code}: {summary}")
        if not (folder / "node_modules" / "solc" / "soljson.js").is_file():
            raise CompilerMissing(asked, f"npm's package solc {number} holds no soljson.js")

    return installed(cache, f"solc-{number}", install) / "node_modules" / "solc"


def _npm_error(out: str) -> tuple[str, str]:
    try:
        error = json.loads(out)["error"]
        return str(error.get("code")), str(error.get("summary", "")).splitlines()[0]
    except (ValueError, LookupError, TypeError, AttributeError):
        return "an error", "no words"


def _own_version(node: str, wrapper: Path, soljson: Path, package: Path) -> str:
    """What the compiler calls itself, asked once and kept beside it."""
    kept = package.parent.parent / "version.txt"
    if kept.exists():
        return kept.read_text().strip()
    command = [*_command(node, wrapper, soljson, VERSION_LIMITS), "--version"]
    ended = run_confined(package.name, command, b"", VERSION_LIMITS)
    if ended.code != 0:
        raise CompilerMissing(package.parent.parent.name, _reason(ended.err, ended.code))
    own = own_name(ended.out.decode(errors="replace"))
    draft = kept.with_name(f".version-{os.getpid()}")
    draft.write_text(own + "\n")
    draft.rename(kept)
    return own


def _reason(err: str, code: int) -> str:
    lines = [line for line in err.splitlines() if line.strip()]
    return lines[-1][:500] if lines else f"ended with {code} and no words"
