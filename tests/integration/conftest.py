"""A development network for each kind of chain, brought up once, and the command line on it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from bridge.apps.devnet.layout import ANY_PORTS, SENDER, Layout, read_deployment
from bridge.apps.devnet.world import ChainKind, World, attestor_client, chain_client
from bridge.apps.postcards import send_postcard
from bridge.chain.anvil import find_anvil
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account
from bridge.relayer.attestor_client import AttestorClient
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Side

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 180
"""Longer than anything here takes on a machine that has much else to do."""
T = TypeVar("T")
ATTESTORS = ("attestor-signer-1", "attestor-signer-2", "attestor-signer-3")
PROCESSES = ("chain-A", "chain-B", "keyservice", *ATTESTORS, "relayer")
ONE_KIND = ChainKind.EMBEDDED if find_anvil() is None else ChainKind.ANVIL
"""For what is the same whatever runs the chains; test_bridge has all of the way on each kind."""
ON_ONE_KIND = pytest.mark.parametrize(
    "_network", [pytest.param(ONE_KIND.value, id=f"on {ONE_KIND}")], indirect=True
)
NEEDS_NODE = pytest.mark.skipif(
    not (ROOT / "node_modules" / "solc").is_dir() or shutil.which("node") is None,
    reason="no Node.js or no solc in node_modules, which compiles what is verified",
)
STAGES = ["observed", "finalized", "batched", "attested", "delivered", "confirmed"]


def environment(**more: str) -> dict[str, str]:
    """This process's variables without the bridge's own, and ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASTRALINK")}
    return {**kept, "COLUMNS": "200", **more}


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, which is one JSON value and nothing else."""
        return json.loads(self.out)


def astralink(*arguments: object, **variables: str) -> Ended:
    """Run the command line as a process of its own. It never shows a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "bridge.apps.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(**variables),
        timeout=DEADLINE_S,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def until(ask: Callable[[], T], what: str) -> T:
    """The first answer of ``ask`` that is true."""
    deadline = time.monotonic() + DEADLINE_S
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
        time.sleep(0.05)
    return answer


def processes_with(text: str) -> list[psutil.Process]:
    """The processes whose command line has ``text`` in it, this one left out."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = " ".join(process.info["cmdline"] or ())
        zombie = process.info["status"] == psutil.STATUS_ZOMBIE
        if text in command and not zombie and process.pid != os.getpid():
            found.append(process)
    return found


class Network:
    """A world of real processes in a folder, and questions to it."""

    def __init__(self, folder: Path, kind: ChainKind) -> None:
        self.kind = kind
        self.world = World(Layout(folder))

    @property
    def folder(self) -> Path:
        return self.world.layout.folder

    def up(self) -> None:
        asyncio.run(self.world.up(ANY_PORTS, self.kind))

    def end(self) -> None:
        """End everything for good: nobody reads what it would write."""
        names = list(self.world.processes.records())
        for name in names:
            if record := self.world.processes.running(name):
                os.kill(record.pid, signal.SIGKILL)
        self.world.processes.stop(*names)

    def running(self) -> list[str]:
        return [name for name in PROCESSES if self.world.processes.running(name)]

    def pid(self, name: str) -> int:
        record = self.world.processes.running(name)
        assert record is not None
        return record.pid

    def cli(self, *arguments: object, **variables: str) -> Ended:
        return astralink(*arguments, "--state", self.folder, **variables)

    async def _on_chain(self, work: Callable[[dict[str, Side]], Awaitable[T]]) -> T:
        config = self.world.config()
        deployment = read_deployment(config.relayer.deployment)
        async with chain_client(config, "A") as a, chain_client(config, "B") as b:
            records = deployment.sides
            return await work({"A": Side.of(a, records["A"]), "B": Side.of(b, records["B"])})

    def on_chain(self, work: Callable[[dict[str, Side]], Awaitable[T]]) -> T:
        """What ``work`` gives, which gets a ``Side`` for each chain."""
        return asyncio.run(self._on_chain(work))

    def attestor(self, number: int = 1) -> AttestorClient:
        """A client of one of the three attestors, to be closed."""
        return attestor_client(self.world.config().attestors[number - 1])

    def send(self, *texts: str, recipient: str | None = None) -> list[str]:
        """The ids of postcards from A to B."""
        account = Account.from_key(bytes(development_accounts()[SENDER].key))
        deployment = read_deployment(self.world.layout.deployment)

        async def dispatch(sides: dict[str, Side]) -> list[str]:
            a, b = sides["A"].client, sides["B"].client
            sent = [
                await send_postcard(a, b, deployment, account, text, recipient) for text in texts
            ]
            return ["0x" + one.id.hex() for one in sent]

        return self.on_chain(dispatch)

    def deliveries(self, identifier: str) -> int:
        """How often the Inbox of B says that it delivered a message."""

        async def count(sides: dict[str, Side]) -> int:
            side = sides["B"]
            topics = [side.inbox.artifact.topic("ProcessId"), bytes.fromhex(identifier[2:])]
            head = await side.client.block("latest")
            return len(await side.client.logs(side.inbox.address, topics, 0, head.number))

        return self.on_chain(count)

    def entries(self) -> list[Entry]:
        journal = Journal(self.world.layout.journal)
        try:
            return journal.all_entries()
        finally:
            journal.close()

    def entry(self, identifier: str) -> Entry | None:
        return next((e for e in self.entries() if "0x" + e.id.hex() == identifier), None)

    def reaches(self, identifier: str, *stages: str) -> Entry:
        """The message once it stands at one of ``stages``; by default at the last there is."""
        wanted = stages or STAGES[-1:]

        def there() -> Entry | None:
            entry = self.entry(identifier)
            return entry if entry is not None and entry.stage in wanted else None

        try:
            return until(there, f"{identifier} is {wanted}")
        except AssertionError as error:
            raise AssertionError(
                f"{error}; it is {self.entry(identifier)}\n"
                + self.world.processes.log_tail("relayer")
            ) from None


UP: list[Network] = []
"""The development network that is up, if one is."""


@pytest.fixture(
    scope="session", params=[pytest.param(kind, id=f"on {kind}") for kind in ("embedded", "anvil")]
)
def _network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Network]:
    kind: str = request.param
    if kind == "anvil" and find_anvil() is None:
        pytest.skip("no Anvil: set ASTRALINK_ANVIL or install @foundry-rs/anvil")
    one = Network(tmp_path_factory.mktemp(f"network-{kind}") / "state", ChainKind(kind))
    UP.append(one)
    one.up()
    yield one
    UP.remove(one)
    one.end()
    assert processes_with(str(one.folder)) == []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop the network after the last test on it: a session may go on for long without it."""
    if nextitem is None or "_network" not in getattr(nextitem, "fixturenames", ()):
        for one in UP:
            if one.folder.exists():
                one.end()
                # Whoever asks for it once more, in an order that is not ours, gets a new one.
                one.folder.rename(one.folder.with_name(f"ended-{time.monotonic_ns()}"))


@pytest.fixture
def network(_network: Network) -> Network:
    """The network of each kind of chain, with all of its processes running."""
    if _network.running() != list(PROCESSES):
        _network.up()
    return _network
