"""A program within limits: what it says, and its end where it goes too far."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from bridge.domain.errors import CompilerExhausted, CompilerMissing
from bridge.verifier.compilers.confined import Limits, run_confined


def python(code: str, text: bytes = b"", limits: Limits | None = None) -> bytes:
    command = [sys.executable, "-I", "-c", code]
    ended = run_confined("program", command, text, limits or Limits(time_s=60))
    assert ended.code == 0, ended.err
    return ended.out


def test_it_reads_and_writes_more_than_a_pipe_holds() -> None:
    echo = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    text = b"a" * (1 << 22)
    assert python(echo, text) == text


def test_it_knows_nothing_of_who_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "s")
    assert b"A_SECRET" not in python("import os; print(dict(os.environ))")


def test_a_program_that_fails_says_why() -> None:
    command = [sys.executable, "-I", "-c", "import sys; sys.exit('because')"]
    ended = run_confined("program", command, b"unread" * 100_000, Limits(time_s=60))
    assert (ended.code, ended.err.strip()) == (1, "because")


def test_no_program() -> None:
    with pytest.raises(CompilerMissing, match="cannot be started") as caught:
        run_confined("program", ["/no/such/program"], b"", Limits())
    assert caught.value.code == "unsupported_compiler_version"


@pytest.mark.parametrize(
    ("code", "limits", "what"),
    [
        ("while True: pass", Limits(time_s=0.5), "time"),
        ("import time; time.sleep(60)", Limits(time_s=0.2), "time"),
        (
            "x = []\nwhile True: x.append(bytearray(b'1' * (1 << 20)))",
            Limits(time_s=60, memory_bytes=100 << 20),
            "memory",
        ),
        ("while True: print('a' * 10000)", Limits(time_s=60, output_bytes=1 << 20), "output"),
    ],
)
def test_a_program_that_goes_too_far_is_ended(code: str, limits: Limits, what: str) -> None:
    started = time.monotonic()
    with pytest.raises(CompilerExhausted, match=f"its {what} reached the limit") as caught:
        run_confined("program", [sys.executable, "-I", "-c", code], b"", limits)
    assert caught.value.code == "compiler_limit_exceeded"
    assert time.monotonic() - started < 60
    assert [one for one in psutil.Process().children(recursive=True) if _is(one, code)] == []


def test_what_it_started_ends_with_it() -> None:
    child = "import time; time.sleep(987)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])"
    with pytest.raises(CompilerExhausted):
        run_confined(
            "program",
            [sys.executable, "-I", "-c", code + "; import time; time.sleep(60)"],
            b"",
            Limits(time_s=0.3),
        )
    assert [one for one in psutil.process_iter() if _is(one, child)] == []


def test_it_writes_no_large_file(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'file')!r}, 'wb').write(b'1' * (1 << 22))"
    ended = run_confined("program", [sys.executable, "-I", "-c", code], b"", Limits(time_s=60))
    assert ended.code != 0


def _is(process: psutil.Process, text: str) -> bool:
    try:
        return text in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
