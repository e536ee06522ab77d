"""The bridge's command line with a fault in it: ``python -m tests.faults.process relay ...``.

The functions of ``points`` are wrapped before the command starts. A fault is armed by a file in the
state folder, so that a process that runs can be given one; it strikes once.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from tests.faults.points import POINTS, PURPOSES, Point, Wants, When

ARMED, STRUCK = "fault.json", "fault.struck.json"
GONE_S = 5.0

_purpose: ContextVar[str | None] = ContextVar("purpose", default=None)


class Fault:
    """What is armed in ``folder`` for the process ``name``."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    def reached(self, point: Point, arguments: tuple[Any, ...], result: Any) -> None:
        """Strike, where this point is the one that is armed."""
        armed = self._folder / ARMED
        try:
            fault = json.loads(armed.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return
        here = (self._name, point.function, point.when.value, point.wants.value)
        if here != (fault["process"], fault["function"], fault["when"], fault["wants"]):
            return
        if not _counts(point, arguments, result):
            return
        try:
            armed.rename(self._folder / STRUCK)
        except FileNotFoundError:
            return  # another thread was here first
        for action in fault["actions"]:
            self._do(action)

    def _do(self, action: dict[str, Any]) -> None:
        if "kill" in action:
            self._kill(action["kill"])
        else:
            self._reorg(action["reorg"], action["depth"])

    def _kill(self, name: str) -> None:
        if name == self._name:
            os.kill(os.getpid(), signal.SIGKILL)
        records = json.loads((self._folder / "processes.json").read_text())
        (pid,) = (record["pid"] for record in records if record["name"] == name)
        process = psutil.Process(pid)
        process.kill()
        deadline = time.monotonic() + GONE_S
        while time.monotonic() < deadline:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return
            time.sleep(0.005)

    def _reorg(self, url: str, depth: int) -> None:
        body = {"jsonrpc": "2.0", "id": 1, "method": "anvil_reorg", "params": [depth, []]}
        request = urllib.request.Request(
            url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = json.load(answer)
        (self._folder / STRUCK).write_text(json.dumps(said))


def _counts(point: Point, arguments: tuple[Any, ...], result: Any) -> bool:
    if point.wants is Wants.ANY:
        return True
    if point.wants is Wants.WORK:
        if point.when is When.AFTER and result is not None:
            return bool(result)
        return any(isinstance(one, list | tuple) and one for one in arguments)
    return _purpose_of(arguments) == point.wants.value


def _purpose_of(arguments: tuple[Any, ...]) -> str | None:
    for one in arguments:
        draft = getattr(one, "draft", one)
        if hasattr(draft, "purpose"):
            return str(draft.purpose.value)
    return _purpose.get()


@contextmanager
def _about(function: str, arguments: tuple[Any, ...]) -> Iterator[None]:
    if function not in PURPOSES:
        yield
        return
    token = _purpose.set(_purpose_of(arguments))
    try:
        yield
    finally:
        _purpose.reset(token)


def wrap(fault: Fault, function: str, points: list[Point]) -> None:
    """Put the points of ``function`` around it, wherever its module or class has it."""
    module, _, path = function.partition(":")
    owner: Any = import_module(module)
    *outer, name = path.split(".")
    for one in outer:
        owner = getattr(owner, one)
    original: Callable[..., Any] = getattr(owner, name)

    def at(when: When, arguments: tuple[Any, ...], result: Any = None) -> None:
        for point in points:
            if point.when is when:
                fault.reached(point, arguments, result)

    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def wrapped(*arguments: Any, **named: Any) -> Any:
            with _about(function, arguments):
                at(When.BEFORE, arguments)
                result = await original(*arguments, **named)
                at(When.AFTER, arguments, result)
                return result
    else:

        @functools.wraps(original)
        def wrapped(*arguments: Any, **named: Any) -> Any:
            with _about(function, arguments):
                at(When.BEFORE, arguments)
                result = original(*arguments, **named)
                at(When.AFTER, arguments, result)
                return result

    setattr(owner, name, wrapped)


def process_name(arguments: list[str]) -> str:
    """What the network calls the process of a command."""
    if arguments[0] == "attest":
        return "attestor-" + arguments[arguments.index("--signer") + 1]
    return {"relay": "relayer"}.get(arguments[0], arguments[0])


def main() -> None:
    arguments = sys.argv[1:]
    folder = Path(arguments[arguments.index("--state") + 1])
    fault = Fault(folder, process_name(arguments))
    points: dict[str, list[Point]] = {one: [] for one in PURPOSES}
    for point in POINTS:
        points.setdefault(point.function, []).append(point)
    for function, here in points.items():
        wrap(fault, function, list(dict.fromkeys(here)))
    from bridge.apps.cli import main as command

    command()


if __name__ == "__main__":
    main()
