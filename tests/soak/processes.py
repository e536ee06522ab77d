"""A program under a soak: killed, stopped, started again, and measured."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

END_S = 300.0
"""An Anvil that is told to end writes all of its state first: 15 MB a minute, which are traces."""


class Process:
    """One program; ``log`` is what it says over all its lives."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        self.starts = 0
        self.started_at = 0.0
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its number while it runs."""
        return self._process.pid if self.alive else None

    @property
    def alive(self) -> bool:
        """Whether it runs; one that is stopped by a signal does."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it in a session of its own, so that a Ctrl-C is not its."""
        assert not self.alive, self.name
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self._environment,
            )
        self.starts += 1
        self.started_at = time.monotonic()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal where it runs."""
        if self._process is not None and self.alive:
            self._process.send_signal(number)

    def end(self, number: signal.Signals) -> None:
        """Have it end by a signal; by SIGKILL where that takes too long."""
        if self._process is None:
            return
        self.signal(number)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_S)

    def close(self) -> None:
        """End it however it is, and what it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(END_S)

    def last_words(self) -> str:
        """The last line that it said."""
        lines = self.log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else "nothing"

    def usage(self) -> tuple[float, float] | None:
        """Resident memory in MiB and processor seconds so far; None while it does not run."""
        pid = self.pid
        if pid is None:
            return None
        try:
            process = psutil.Process(pid)
            times = process.cpu_times()
            return process.memory_info().rss / 2**20, times.user + times.system
        except psutil.NoSuchProcess:
            return None
