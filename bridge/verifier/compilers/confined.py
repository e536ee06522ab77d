"""A program that reads one text and writes one, run apart and ended when it goes too far.

The memory of a process is its resident set, looked at every `POLL_S`: a limit on the address
space would stop V8 itself, which reserves far more than it uses. Files cannot grow, the
environment is empty, and the working folder is the program's own or the root.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from bridge.domain.errors import CompilerExhausted, CompilerMissing

POLL_S = 0.02
CLOCK_FACTOR = 10
CHUNK_BYTES = 1 << 16
KEPT_ERROR_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may take: seconds of processor, bytes of memory, bytes of output.

    On the clock it may take `CLOCK_FACTOR` times as long, so that a busy machine ends nothing that
    it did not let run.
    """

    time_s: float = 120.0
    memory_bytes: int = 2 << 30
    output_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that ended by itself."""

    code: int
    out: bytes
    err: str


class _Reader(threading.Thread):
    """Takes what the program writes, up to a limit, and reads the rest away."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._limit = limit
        self.chunks: list[bytes] = []
        self.size = 0

    @property
    def over(self) -> bool:
        return self.size > self._limit

    def run(self) -> None:
        while chunk := self._stream.read1(CHUNK_BYTES):  # type: ignore[attr-defined]
            self.size += len(chunk)
            if not self.over:
                self.chunks.append(chunk)


def run_confined(
    name: str,
    command: Sequence[str],
    text: bytes,
    limits: Limits,
    folder: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """What the program ended with. Raises ``CompilerExhausted`` when it reached a limit.

    ``name`` is what people call the program. ``CompilerMissing`` where it cannot be started.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - a compiler that the caller installed
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=dict(environment or {}),
            start_new_session=True,
        )
    except OSError as error:
        raise CompilerMissing(name, f"cannot be started: {error}") from error
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    _confine(process.pid, limits)
    out = _Reader(process.stdout, limits.output_bytes)
    err = _Reader(process.stderr, KEPT_ERROR_BYTES)
    writer = threading.Thread(target=_write, args=(process.stdin, text), daemon=True)
    for thread in (out, err, writer):
        thread.start()
    try:
        _watch(name, process, out, limits)
    finally:
        _end(process)
        for thread in (out, err, writer):
            thread.join()
        process.stdout.close()
        process.stderr.close()
    if out.over:
        raise CompilerExhausted(name, "output", f"{limits.output_bytes} bytes")
    if process.returncode == -signal.SIGXCPU:
        raise CompilerExhausted(name, "time", f"{limits.time_s:g} s")
    said = b"".join(err.chunks).decode(errors="replace")
    return Ended(process.returncode, b"".join(out.chunks), said)


def _confine(pid: int, limits: Limits) -> None:
    """Bound what the kernel can bound: processor time, and the size of any file."""
    seconds = int(limits.time_s) + 1
    with contextlib.suppress(ProcessLookupError, PermissionError):
        resource.prlimit(pid, resource.RLIMIT_CPU, (2 * seconds, 2 * seconds + 5))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def _watch(name: str, process: subprocess.Popen[bytes], out: _Reader, limits: Limits) -> None:
    deadline = time.monotonic() + CLOCK_FACTOR * limits.time_s
    watched = None
    with contextlib.suppress(psutil.Error):
        watched = psutil.Process(process.pid)
    while process.poll() is None:
        if time.monotonic() >= deadline:
            raise CompilerExhausted(name, "time", f"{limits.time_s:g} s")
        if out.over:
            raise CompilerExhausted(name, "output", f"{limits.output_bytes} bytes")
        if watched is not None:
            with contextlib.suppress(psutil.Error):
                if watched.memory_info().rss > limits.memory_bytes:
                    raise CompilerExhausted(name, "memory", f"{limits.memory_bytes >> 20} MiB")
                if sum(watched.cpu_times()[:2]) > limits.time_s:
                    raise CompilerExhausted(name, "time", f"{limits.time_s:g} s")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started, which is in a session of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _write(stream: IO[bytes], text: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        stream.write(text)
    with contextlib.suppress(BrokenPipeError):
        stream.close()
