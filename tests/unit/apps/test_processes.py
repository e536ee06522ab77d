"""Processes that outlive their starter: real ones, started, found again, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from bridge.apps.devnet import processes
from bridge.apps.devnet.processes import (
    SHOWN_LOG_LINES,
    ProcessTable,
    choose_port,
    choose_ports,
)
from bridge.domain.errors import InputError, PortInUse, ProcessError

SLEEPS = [sys.executable, "-c", "import time; time.sleep(300)"]
IGNORES = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('deaf', flush=True); time.sleep(300)",
]


@pytest.fixture
def table(tmp_path):
    made = ProcessTable(tmp_path)
    yield made
    for name in list(made.records()):
        made.stop(name)


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_start_and_stop(table, tmp_path):
    record = table.start("sleeper", SLEEPS, 1234)
    assert table.running("sleeper") == record
    assert (record.name, record.port) == ("sleeper", 1234)
    process = psutil.Process(record.pid)
    assert os.getsid(record.pid) == record.pid  # Ctrl-C in the terminal is not its
    assert table.stop("sleeper")
    assert not process.is_running()
    assert table.running("sleeper") is None
    assert table.records() == {}
    assert not table.stop("sleeper")


def test_one_that_another_program_started_and_never_reaps_ends_all_the_same(table, tmp_path):
    """The starter still runs and does not wait for its children, so they stay as zombies."""
    record = table.start("sleeper", SLEEPS, None)
    stops = (
        "import pathlib, sys; from bridge.apps.devnet.processes import ProcessTable;"
        "print(ProcessTable(pathlib.Path(sys.argv[1])).stop('sleeper'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", stops, tmp_path], capture_output=True, text=True, timeout=10
    )
    assert (done.stdout, done.stderr) == ("['sleeper']\n", "")
    assert psutil.Process(record.pid).status() == psutil.STATUS_ZOMBIE
    os.waitpid(record.pid, 0)


def test_another_table_of_the_folder_finds_it(table, tmp_path):
    record = table.start("sleeper", SLEEPS, None)
    other = ProcessTable(tmp_path)
    assert other.records() == {"sleeper": record}
    assert other.stop("sleeper")
    assert table.records() == {}


def test_the_file_is_written_whole(table, tmp_path):
    table.start("one", SLEEPS, None)
    table.start("two", SLEEPS, None)
    raw = json.loads((tmp_path / "processes.json").read_text())
    assert [entry["name"] for entry in raw] == ["one", "two"]
    assert not list(tmp_path.glob("*.new"))


def test_one_that_ignores_sigterm_is_killed(table, monkeypatch):
    monkeypatch.setattr(processes, "STOP_TIMEOUT_S", 0.3)
    record = table.start("deaf", IGNORES, None)
    until(lambda: "deaf" in table.log_tail("deaf"))
    process = psutil.Process(record.pid)
    assert table.stop("deaf") == ["deaf"]
    assert not process.is_running()


def test_several_are_told_at_once_and_wait_for_each_other_once(table, monkeypatch):
    """One after the other, two that hear nothing would take twice the time."""
    monkeypatch.setattr(processes, "STOP_TIMEOUT_S", 1.5)
    names = ("deaf", "sleeper", "deaf too")
    started = [
        psutil.Process(table.start(name, IGNORES if "deaf" in name else SLEEPS, None).pid)
        for name in names
    ]
    until(lambda: all("deaf" in table.log_tail(name) for name in ("deaf", "deaf too")))
    told = time.monotonic()
    assert table.stop(*names[:2], "nobody", names[2]) == list(names)
    assert 1.5 <= time.monotonic() - told < 2 * 1.5
    assert not any(process.is_running() for process in started)
    assert table.records() == {}


def test_one_that_stays_is_named(table, monkeypatch):
    monkeypatch.setattr(processes, "STOP_TIMEOUT_S", 0.1)
    table.start("one", SLEEPS, None)
    record = table.start("stuck", SLEEPS, None)
    monkeypatch.setattr(
        psutil.Process,
        "send_signal",
        lambda self, number: None if self.pid == record.pid else os.kill(self.pid, number),
    )
    with pytest.raises(ProcessError, match=rf"still there: stuck \(process {record.pid}\)"):
        table.stop("stuck", "one")
    assert set(table.records()) == {"one", "stuck"}  # so that somebody may try again
    assert table.running("one") is None
    monkeypatch.undo()
    assert table.stop("stuck", "one") == ["stuck"]


def test_one_that_ended_by_itself_is_not_running(table):
    record = table.start("brief", [sys.executable, "-c", "pass"], None)
    until(lambda: table.running("brief") is None)
    assert table.records() == {"brief": record}
    assert not table.stop("brief")
    assert table.records() == {}


def test_one_that_was_killed_is_not_running_and_may_be_started_again(table):
    first = table.start("sleeper", SLEEPS, None)
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: table.running("sleeper") is None)
    second = table.start("sleeper", SLEEPS, None)
    assert table.running("sleeper") == second


def test_a_pid_that_went_to_somebody_else_is_not_signalled(table, tmp_path):
    with subprocess.Popen(SLEEPS) as stranger:
        try:
            started = psutil.Process(stranger.pid).create_time()
            raw = {"name": "ours", "pid": stranger.pid, "started": started - 60, "port": None}
            (tmp_path / "processes.json").write_text(json.dumps([raw]))
            assert table.running("ours") is None
            assert not table.stop("ours")
            assert stranger.poll() is None
            assert table.records() == {}
        finally:
            stranger.kill()


def test_a_pid_that_nobody_has(table, tmp_path):
    raw = {"name": "gone", "pid": 2**22 + 1, "started": 1.0, "port": None}
    (tmp_path / "processes.json").write_text(json.dumps([raw]))
    assert table.running("gone") is None
    assert not table.stop("gone")


def test_output_goes_to_the_log_and_its_tail_is_shown(table):
    script = "import sys; [print(n) for n in range(50)]; print('last words', file=sys.stderr)"
    table.start("talker", [sys.executable, "-c", script], None)
    until(lambda: table.running("talker") is None)
    lines = table.log_tail("talker").splitlines()
    assert len(lines) == SHOWN_LOG_LINES
    assert lines[-1] == "last words"
    assert lines[-2] == "49"
    with pytest.raises(ProcessError, match=r"(?s)^talker ended while it was started.*last words$"):
        table.check_alive("talker")


def test_check_alive_says_nothing_of_one_that_runs(table):
    table.start("sleeper", SLEEPS, None)
    table.check_alive("sleeper")


def test_a_log_that_is_not_there_or_empty(table):
    assert table.log_tail("nobody") == "(no log)"
    table.start("silent", SLEEPS, None)
    assert table.log_tail("silent") == "(the log is empty)"


def test_the_environment_is_added(table):
    script = "import os; print(os.environ['WORD'], 'PATH' in os.environ)"
    table.start("reader", [sys.executable, "-c", script], None, {"WORD": "told"})
    until(lambda: table.running("reader") is None)
    assert table.log_tail("reader") == "told True"


def test_a_program_that_is_not_there_leaves_no_record(table):
    with pytest.raises(ProcessError, match=r"nothing: cannot be started: .*no-such-program"):
        table.start("nothing", ["no-such-program"], None)
    assert table.records() == {}


def test_a_free_port_is_taken_as_given():
    port = choose_port("a", 0)
    assert 0 < port < 65536
    assert choose_port("a", port) == port


def test_a_busy_port_is_refused_by_name():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortInUse, match=f"chain A: port {port} on 127.0.0.1 is in use"):
            choose_port("chain A", port)


def test_ports_are_chosen_all_different(monkeypatch):
    free = [choose_port("free", 0), choose_port("free", 0)]
    offered = iter([free[0], free[0], free[1]])
    real = choose_port
    monkeypatch.setattr(
        processes, "choose_port", lambda name, port: (port and real(name, port)) or next(offered)
    )
    assert choose_ports({"a": 0, "b": 0}) == {"a": free[0], "b": free[1]}


def test_a_free_port_is_none_that_another_wants():
    port = choose_port("a", 0)
    chosen = choose_ports({"a": 0, "b": port, "c": 0})
    assert list(chosen) == ["a", "b", "c"]
    assert chosen["b"] == port
    assert len(set(chosen.values())) == 3


def test_a_port_for_two_is_refused():
    port = choose_port("a", 0)
    with pytest.raises(InputError, match=f"^a and b: expected two ports, got {port} for both$"):
        choose_ports({"a": port, "b": port})
