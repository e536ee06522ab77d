"""The bridge's command line with a clock that can be set: ``python -m tests.faults.clock relay``.

``time.time`` is as many seconds ahead as the file of the process in the state folder says, from
the moment on at which it says so. The monotonic clock goes on as it does when a machine's clock is
set.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

FOLDER = "clocks"


def clock_file(state: Path, process: str) -> Path:
    """The file with the offset of a process's clock in seconds."""
    return state / FOLDER / process


def set_clock(state: Path, process: str, ahead_s: float) -> None:
    """Set the clock of a process."""
    path = clock_file(state, process)
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(str(ahead_s))
    draft.rename(path)


def main() -> None:
    arguments = sys.argv[1:]
    state = Path(arguments[arguments.index("--state") + 1])
    path = clock_file(state, os.environ["SOAK_PROCESS"])
    true_time = time.time
    offset, looked = 0.0, 0.0

    def shifted() -> float:
        nonlocal offset, looked
        now = time.monotonic()
        if now - looked > 0.1:
            looked = now
            try:
                offset = float(path.read_text())
            except FileNotFoundError:
                offset = 0.0
        return true_time() + offset

    time.time = shifted
    from bridge.apps.cli import main as command

    command()


if __name__ == "__main__":
    main()
