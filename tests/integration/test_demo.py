"""The demo as a process: its data, its end, and every way of being interrupted."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from bridge.chain.anvil import find_anvil
from tests.integration.conftest import DEADLINE_S, ROOT, STAGES, environment, processes_with, until

CPU_LIMIT_S = 60
"""What the whole demo may work, all its processes together. Unlike the clock on the wall, it does
not tell of what else the machine does."""


@pytest.fixture(params=["embedded", "anvil"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "anvil" and find_anvil() is None:
        pytest.skip("no Anvil: set ASTRALINK_ANVIL or install @foundry-rs/anvil")
    name: str = request.param
    return name


@dataclass
class Demo:
    """A demo in a process group of its own, whose temporary folder is ``folder``."""

    folder: Path
    arguments: tuple[str, ...]
    err: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bridge.apps.cli", "demo", *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(TMPDIR=str(self.folder)),
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.err.extend(iter(self.process.stderr.readline, ""))

    def said(self, words: str) -> Callable[[], bool]:
        def ask() -> bool:
            assert self.process.poll() is None, "".join(self.err)
            return any(words in line for line in self.err)

        return ask

    def chains_start(self) -> bool:
        assert self.process.poll() is None, "".join(self.err)
        return any("chain-" in path.read_text() for path in self.folder.glob("*/processes.json"))

    def end(self) -> tuple[int, str]:
        """Exit code and stdout."""
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            out = stdout.read()
        code = self.process.wait(DEADLINE_S)
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        assert "Traceback" not in "".join(self.err)
        return code, out

    def nothing_is_left(self) -> None:
        assert processes_with(str(self.folder)) == []
        assert list(self.folder.iterdir()) == []


def test_the_whole_story_as_json(kind: str, tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    worked = _seconds_of_children()
    demo = Demo(tmp_path, ("--chain", kind, "--json", "--text", "[/] is no markup"))
    code, out = demo.end()
    assert code == 0, "".join(demo.err)
    assert _seconds_of_children() - worked < CPU_LIMIT_S
    demo.nothing_is_left()
    assert set(psutil.Process().children(recursive=True)) - before == set()

    data = json.loads(out)
    assert out.startswith("{")
    software = {step["name"]: step.get("software", "") for step in data["world"]}
    assert software["chain A"].startswith("Anvil" if kind == "anvil" else "py-evm")
    assert data["quorum"] == {"threshold": 2, "signers": 3}
    assert data["link"]["simulated"] is True
    sent, answer = data["messages"]
    assert (sent["from"], sent["to"], sent["text"]) == ("A", "B", "[/] is no markup")
    assert (answer["from"], answer["to"]) == ("B", "A")
    assert answer["text"] == "Received: [/] is no markup"
    for message in (sent, answer):
        assert message["state"] == "confirmed"
        assert [step["stage"] for step in message["stages"]] == ["dispatched", *STAGES]
        steps = {step["stage"]: step for step in message["stages"]}
        assert steps["attested"]["gas"] > 1_000_000
        assert steps["delivered"]["gas"] > 21_000
        assert len(steps["attested"]["signers"]) == 2
        assert len(message["id"]) == 66
    told = "".join(demo.err)
    assert "“[/] is no markup”" in told
    assert sent["id"] in told
    assert answer["id"] in told


def _seconds_of_children() -> float:
    """Processor time of all the processes that were begun here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


MOMENTS = {
    "chains start": lambda demo: demo.chains_start,
    "keys are made": lambda demo: demo.said("key signer-1"),
    "messages travel": lambda demo: demo.said("observed"),
}


@pytest.mark.parametrize("how", ["ctrl-c", "sigterm"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupted(moment: str, how: str, tmp_path: Path) -> None:
    kind = "embedded" if how == "ctrl-c" or find_anvil() is None else "anvil"
    demo = Demo(tmp_path, ("--chain", kind, "--json"))
    try:
        until(MOMENTS[moment](demo), moment)
    finally:
        if how == "ctrl-c":
            os.killpg(demo.process.pid, signal.SIGINT)
        else:
            demo.process.send_signal(signal.SIGTERM)
        code, out = demo.end()
    assert code == 130, "".join(demo.err)
    assert out == ""
    demo.nothing_is_left()


def test_a_second_ctrl_c_does_not_stop_the_clearing_away(tmp_path: Path) -> None:
    demo = Demo(tmp_path, ("--chain", "embedded", "--json"))
    until(demo.said("key signer-1"), "keys are made")
    sent = 0
    while any(tmp_path.iterdir()) and demo.process.poll() is None:
        os.killpg(demo.process.pid, signal.SIGINT)
        sent += 1
        time.sleep(0.05)
    code, _ = demo.end()
    assert sent > 1
    # The last one may find the interpreter itself on its way out.
    assert code in (130, -signal.SIGINT)
    demo.nothing_is_left()
