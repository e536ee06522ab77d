"""Processes that outlive the command that started them, by a file that names them.

A process is known by its pid and the time it was started, so that a pid which the system has given
to somebody else is never signalled.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bridge.domain.errors import InputError, PortInUse, ProcessError

HOST = "127.0.0.1"
STOP_TIMEOUT_S = 15.0
STOP_POLL_S = 0.02
SHOWN_LOG_LINES = 8


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process that was started: ``started`` is its creation time in Unix seconds."""

    name: str
    pid: int
    started: float
    port: int | None


class ProcessTable:
    """The processes of one state folder, kept in ``processes.json`` there."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "processes.json"
        self._logs = folder / "logs"

    def records(self) -> dict[str, ProcessRecord]:
        """All processes that were started and not stopped, running or not."""
        if not self._file.exists():
            return {}
        return {raw["name"]: ProcessRecord(**raw) for raw in json.loads(self._file.read_text())}

    def running(self, name: str) -> ProcessRecord | None:
        """The record of a process that runs."""
        record = self.records().get(name)
        return record if record is not None and _find(record) is not None else None

    def log_file(self, name: str) -> Path:
        """Where a process's stdout and stderr go."""
        return self._logs / f"{name}.log"

    def start(
        self,
        name: str,
        command: Sequence[str],
        port: int | None,
        environment: Mapping[str, str] | None = None,
    ) -> ProcessRecord:
        """Start a process in a session of its own, so that Ctrl-C in the terminal is not its."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log_file(name).open("ab") as log:
            try:
                process = subprocess.Popen(  # noqa: S603 - the devnet's own commands
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={**os.environ, **(environment or {})},
                )
            except OSError as error:
                raise ProcessError(f"{name}: cannot be started: {error}") from error
        process.returncode = 0  # it may outlive this program, which shall not warn of that
        # Saved at once: a process that is not in the file is one that nobody stops.
        record = ProcessRecord(name, process.pid, _created(process.pid), port)
        self._save({**self.records(), name: record})
        return record

    def check_alive(self, name: str) -> None:
        """Raise ``ProcessError`` with the end of its log when a started process has ended."""
        if self.running(name) is None:
            raise ProcessError(f"{name} ended while it was started:\n{self.log_tail(name)}")

    def log_tail(self, name: str) -> str:
        """The last lines of a process's log."""
        path = self.log_file(name)
        if not path.exists():
            return "(no log)"
        lines = path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-SHOWN_LOG_LINES:]) or "(the log is empty)"

    def stop(self, *names: str) -> list[str]:
        """Stop processes at once by SIGTERM, after a while by SIGKILL; the names of those that ran.

        Raises ``ProcessError`` when one stays.
        """
        records = self.records()
        known = [records.pop(name) for name in names if name in records]
        running = [record for record in known if _find(record) is not None]
        _end(running)
        if known:
            self._save(records)
        return [record.name for record in running]

    def _save(self, records: Mapping[str, ProcessRecord]) -> None:
        text = json.dumps([asdict(record) for record in records.values()], indent=1)
        temporary = self._file.with_suffix(".new")
        temporary.write_text(text)
        temporary.replace(self._file)


def _created(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return time.time()  # it ended at once; no running process has this pid and time


def _find(record: ProcessRecord) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        if abs(process.create_time() - record.started) > 1.0:
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def _end(records: Sequence[ProcessRecord]) -> None:
    """Return when all have ended; one that its own starter has not reaped has ended too."""
    left = list(records)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for record in left:
            if process := _find(record):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while left := [record for record in left if not _ended(record)]:
            if time.monotonic() > deadline:
                break
            time.sleep(STOP_POLL_S)
    if left:
        names = ", ".join(f"{record.name} (process {record.pid})" for record in left)
        raise ProcessError(f"expected SIGKILL to end it, still there: {names}")


def _ended(record: ProcessRecord) -> bool:
    if _find(record) is not None:
        return False
    with contextlib.suppress(ChildProcessError):
        os.waitpid(record.pid, os.WNOHANG)  # where it was started here, reap it
    return True


def choose_port(name: str, wanted: int) -> int:
    """``wanted`` when nobody listens there, or any free port for 0; ``PortInUse`` otherwise."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise PortInUse(name, HOST, wanted) from error
        port: int = probe.getsockname()[1]
        return port


def choose_ports(wanted: Mapping[str, int]) -> dict[str, int]:
    """A port of its own for each name, as ``choose_port`` has it.

    Raises ``PortInUse``; ``InputError`` when one port is wanted for two.
    """
    owners: dict[int, str] = {}
    for name, port in wanted.items():
        if port and port in owners:
            raise InputError(f"{owners[port]} and {name}: expected two ports, got {port} for both")
        if port:
            owners[choose_port(name, port)] = name
    for name, port in wanted.items():
        while not port:
            free = choose_port(name, 0)
            port = free if owners.setdefault(free, name) == name else 0
    ports = {name: port for port, name in owners.items()}
    return {name: ports[name] for name in wanted}
