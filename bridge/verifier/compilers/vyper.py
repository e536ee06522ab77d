"""Vyper's compiler as PyPI has it, each version in a venv of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bridge.domain.errors import CompilerFailed, CompilerMissing
from bridge.verifier.compilers.cache import installed
from bridge.verifier.compilers.confined import Limits, run_confined
from bridge.verifier.compilers.solc import parsed_output
from bridge.verifier.compilers.version import Version, own_name

OLDEST = (0, 2, 0)
INSTALL_TIMEOUT_S = 600
VERSION_LIMITS = Limits(time_s=60)
BESIDE = ("setuptools<81", "wheel")
"""Versions before 0.4 import pkg_resources, which is in older setuptools only."""


class VyperCompiler:
    """The compiler of one version, from the cache folder or from PyPI.

    ``long_version`` is what it calls itself: 0.3.10+commit.91361694.
    """

    language = "Vyper"

    def __init__(self, folder: Path, long_version: str) -> None:
        self.long_version = long_version
        self.folder = folder

    @classmethod
    def of(cls, version: Version, cache: Path) -> VyperCompiler:
        """The compiler of that version; ``CompilerMissing`` where there is none to be had.

        Some versions want an older Python than this one, and cannot be had for that reason.
        """
        if version.release < OLDEST:
            raise CompilerMissing(str(version), "expected vyper 0.2.0 or newer")
        folder = installed(
            cache, f"vyper-{version.number}", lambda one: _install(one, version), fixed=True
        )
        own = _own_version(folder, version)
        if not version.is_said_by(own):
            raise CompilerMissing(str(version), f"PyPI's is {own}")
        return cls(folder, own)

    def compile(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """The standard JSON output; ``CompilerFailed`` where it has an error in it.

        Raises ``CompilerExhausted`` at a limit. It runs in an empty folder: older versions look
        for what is not among the sources on disk.
        """
        empty = self.folder / "empty"
        command = [str(self.folder / "bin" / "python"), "-I", str(self.folder / "run.py")]
        text = json.dumps(request).encode()
        ended = run_confined(self.long_version, command, text, limits, empty)
        if ended.code != 0 and not ended.out.strip():
            lines = [line for line in ended.err.splitlines() if line.strip()]
            raise CompilerFailed(self.long_version, lines[-1:] or ["no words"])
        return parsed_output(self.long_version, ended.out)


RUN = """\
import sys
from vyper.cli import vyper_json
sys.argv[1:] = []
entry = getattr(vyper_json, "_parse_cli_args", None) or vyper_json._cli_helper
sys.exit(entry())
"""


def _install(folder: Path, version: Version) -> None:
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, "--only-binary", ":all:", *BESIDE, f"vyper=={version.number}"],
    )
    for step in steps:
        try:
            done = subprocess.run(  # noqa: S603 - pip, with a version of digits and dots
                step, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CompilerMissing(str(version), f"pip install: {error}") from error
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no words"]
            raise CompilerMissing(
                str(version), f"PyPI has no such vyper for this Python: {lines[-1][:200]}"
            )
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "run.py").write_text(RUN)


def _own_version(folder: Path, version: Version) -> str:
    kept = folder / "version.txt"
    if kept.exists():
        return kept.read_text().strip()
    code = "import vyper; print(vyper.__long_version__ if hasattr(vyper, '__long_version__') else "
    code += "vyper.__version__ + '+commit.' + vyper.__commit__)"
    command = [str(folder / "bin" / "python"), "-I", "-c", code]
    ended = run_confined(f"vyper {version}", command, b"", VERSION_LIMITS, folder / "empty")
    if ended.code != 0:
        raise CompilerMissing(str(version), ended.err.strip()[-200:])
    own = own_name(ended.out.decode(errors="replace"))
    kept.write_text(own + "\n")
    return own
