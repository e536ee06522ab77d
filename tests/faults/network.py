"""A network whose processes can be broken at a point, and a supervisor that starts them again.

Anvil writes its state every second; what it mined after the last whole dump is lost when it is
killed, which is a reorg for the bridge. So its window of finality is longer than what two dumps can
lose. Blocks come by the clock alone, so that their number says how long ago they were.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
from sqlalchemy.exc import DBAPIError

from bridge.apps.devnet import world as devnet
from bridge.apps.devnet.layout import CHAINS, Ports, attestor_ports
from bridge.apps.devnet.processes import choose_ports
from bridge.apps.devnet.world import ChainKind
from bridge.chain.anvil import AnvilSettings, anvil_command, find_anvil
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account, deploy
from bridge.domain.errors import ChainError, JournalUnavailable
from bridge.domain.messages import address_to_bytes32
from bridge.relayer.audit import Audit, audit
from bridge.relayer.journal import Journal
from bridge.relayer.route import Side
from tests.contracts.conftest import ACCEPTS
from tests.faults.process import ARMED, STRUCK
from tests.integration.conftest import PROCESSES, Network

BLOCK_TIME_S = 0.2
DUMP_INTERVAL_S = 1
DUMPED, OTHER = "dumped", "other"
"""The groups of cases: those in which chains are killed, and all others."""
FINALITY = {DUMPED: 14, OTHER: 6}
"""Blocks: two dumps are ten, and some to spare."""
SENDERS = {"A": 7, "B": 8}
"""The development accounts that send the messages."""
WELL_S = 180.0
POLL_S = 0.25
SAFE = {"observed", "finalized", "batched", "attested", "delivered"}
"""Stages of messages that are still on their way."""


def is_one_moment(dump: dict[str, Any]) -> bool:
    """Whether a dump's accounts and its blocks are of one moment.

    Anvil writes the one after the other, and may mine between them: then what a transaction did is
    there, and no block has it. No chain forgets in that way.
    """
    sent = Counter(one["info"]["from"] for one in dump["transactions"])
    nonces = {address: int(one["nonce"]) for address, one in dump["accounts"].items()}
    return all(nonces.get(address, 0) == count for address, count in sent.items())


def _wrapped(command: str) -> list[str]:
    return [sys.executable, "-m", "tests.faults.process", command]


class FaultNetwork(Network):
    """One network for many faults, one after the other."""

    def __init__(self, folder: Path, group: str) -> None:
        super().__init__(folder, ChainKind.ANVIL)
        self._group = group
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._end = threading.Event()
        self._marks: dict[str, int] = {}
        self.commands: dict[str, list[str]] = {}
        self.recipients: dict[str, bytes] = {}

    # Up and down

    def up(self) -> None:
        names = {
            **{f"chain {name}": 0 for name in CHAINS},
            "key service": 0,
            **{f"attestor {label}": 0 for label in attestor_ports(0)},
            "relayer": 0,
        }
        chosen = choose_ports(names)
        layout = self.world.layout
        layout.create(
            Ports(
                {name: chosen[f"chain {name}"] for name in CHAINS},
                chosen["key service"],
                {label: chosen[f"attestor {label}"] for label in attestor_ports(0)},
                chosen["relayer"],
            )
        )
        (layout.folder / "chains" / "kind").write_text(ChainKind.ANVIL)
        for name, (_, chain_id) in CHAINS.items():
            self.commands[f"chain-{name}"] = self._anvil(name, chosen[f"chain {name}"], chain_id)
            self.start(f"chain-{name}")
        with mock.patch.object(devnet, "_astralink", _wrapped):
            asyncio.run(self.world.up(Ports({}, 0), ChainKind.ANVIL))
        for name in PROCESSES:
            self.commands[name] = psutil.Process(self.pid(name)).cmdline()
        if self._group == DUMPED:
            self._keeper.start()
        for name in CHAINS:
            self.recipients[name] = self.on_chain(lambda sides, name=name: _accepting(sides[name]))
        # What is not final yet a chain may forget.
        self.on_chain(_until_final)

    def down(self) -> None:
        self._end.set()
        self.end()

    def start(self, name: str) -> None:
        self.world.processes.start(name, self.commands[name], self._port(name))

    def _port(self, name: str) -> int | None:
        record = self.world.processes.records().get(name)
        return record.port if record else None

    def _anvil(self, name: str, port: int, chain_id: int) -> list[str]:
        binary = find_anvil()
        assert binary is not None
        state = self._state(name)
        settings = AnvilSettings(port, chain_id, BLOCK_TIME_S, FINALITY[self._group], state)
        # States of the past make a dump of 150 MB that takes longer than the interval. Without
        # them a chain that was killed is for a while like a node that was pruned.
        left_out = ("--mixed-mining", "--preserve-historical-states")
        command = [one for one in anvil_command(binary, settings) if one not in left_out]
        if self._group == DUMPED:
            command += ["--state-interval", str(DUMP_INTERVAL_S)]
        return command

    def _state(self, name: str) -> Path:
        return self.world.layout.chain_state(name, ChainKind.ANVIL)

    # Dumps

    def _keep(self) -> None:
        """Keep the last two dumps of each chain that were written to their end."""
        seen: dict[str, int] = {}
        while not self._end.wait(0.05):
            for name in CHAINS:
                path = self._state(name)
                with contextlib.suppress(OSError):
                    written = path.stat().st_mtime_ns
                    settled = time.time_ns() - written > 100_000_000
                    if settled and seen.get(name) != written:
                        draft = path.with_suffix(".draft")
                        shutil.copy(path, draft)
                        if path.stat().st_mtime_ns != written:
                            continue
                        seen[name] = written
                        with contextlib.suppress(FileNotFoundError):
                            path.with_suffix(".kept").rename(path.with_suffix(".older"))
                        draft.rename(path.with_suffix(".kept"))

    def restore(self, name: str) -> None:
        """Put back the newest dump that is whole, where a kill cut the last one."""
        path = self._state(name)
        for one in (path, path.with_suffix(".kept"), path.with_suffix(".older")):
            with contextlib.suppress(OSError, json.JSONDecodeError):
                if not is_one_moment(json.loads(one.read_bytes())):
                    continue
                if one is not path:
                    shutil.copy(one, path)
                return
        raise AssertionError(f"no whole dump of chain {name}")

    # Messages

    def dispatch(self, count: int) -> None:
        """So many messages each way, each in a block of its own or in one."""

        async def send(sides: dict[str, Side]) -> None:
            async with asyncio.TaskGroup() as group:
                for origin, destination in (("A", "B"), ("B", "A")):
                    group.create_task(self._send(sides[origin], sides[destination], count))

        self.on_chain(send)

    async def _send(self, origin: Side, destination: Side, count: int) -> None:
        account = Account.from_key(bytes(development_accounts()[SENDERS[origin.name]].key))
        recipient = self.recipients[destination.name]
        first = await origin.client.nonce(account.address)
        fees = await origin.client.fees()
        artifact = origin.outbox.artifact
        for number in range(count):
            body = f"{time.time_ns()} {number}".encode()
            raw, _ = account.sign(
                {
                    "type": 2,
                    "chainId": origin.record.chain_id,
                    "nonce": first + number,
                    "maxFeePerGas": fees.max_fee_wei,
                    "maxPriorityFeePerGas": fees.max_priority_fee_wei,
                    "gas": 300_000,
                    "value": 0,
                    "data": "0x"
                    + artifact.call_data("dispatch", destination.domain, recipient, body).hex(),
                    "to": origin.record.outbox,
                }
            )
            await origin.client.send_raw(raw)

    # Faults

    def arm(self, process: str, function: str, when: str, wants: str, *actions: Any) -> None:
        """Have the process strike when it reaches that function."""
        (self.folder / STRUCK).unlink(missing_ok=True)
        draft = self.folder / "fault.draft"
        draft.write_text(
            json.dumps(
                {
                    "process": process,
                    "function": function,
                    "when": when,
                    "wants": wants,
                    "actions": actions,
                }
            )
        )
        draft.rename(self.folder / ARMED)

    def struck(self) -> dict[str, Any]:
        """The fault that struck, or what the chain answered to it."""
        found: dict[str, Any] = json.loads((self.folder / STRUCK).read_text())
        return found

    def supervise(self) -> list[str]:
        """Start what does not run; its names."""
        records = self.world.processes.records()
        dead = [name for name in PROCESSES if self.world.processes.running(name) is None]
        for name in dead:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(records[name].pid, os.WNOHANG)
            if name.startswith("chain-"):
                self.restore(name.removeprefix("chain-"))
            self.start(name)
        return dead

    # All is well

    def found(self) -> Audit | None:
        """What the audit finds; None while a chain does not answer."""

        async def ask(sides: dict[str, Side]) -> Audit:
            with contextlib.closing(Journal(self.world.layout.journal, read_only=True)) as journal:
                return await audit(list(sides.values()), journal)

        with contextlib.suppress(ChainError, JournalUnavailable):
            return self.on_chain(ask)
        return None

    def settle(self) -> Audit:
        """What the audit finds when all is well; what died meanwhile is started again.

        All is well when everything that was dispatched is confirmed or was given up, nothing is
        under way, and chains and journal agree.
        """
        deadline = time.monotonic() + WELL_S
        while True:
            self.supervise()
            # The journal first: an audit asks much of machines that are busy enough.
            if self._journal_is_done():
                found = self.found()
                if found is not None and found.agrees and self._journal_has_all(found):
                    return found
            assert time.monotonic() < deadline, f"not well in {WELL_S:g} s\n{self.state()}"
            time.sleep(POLL_S)

    def _journal_is_done(self) -> bool:
        try:
            with contextlib.closing(Journal(self.world.layout.journal, read_only=True)) as journal:
                stages = {stage.value for _, _, stage in journal.queues()}
                return not SAFE & stages and not journal.all_open_transactions()
        except DBAPIError:
            return False

    def _journal_has_all(self, found: Audit) -> bool:
        assert found.journal is not None
        stages = found.journal.stages
        given_up = stages.get("dead_letter", 0) + stages.get("dropped", 0)
        return (
            sum(one.undelivered for one in found.routes) == given_up
            and not SAFE & stages.keys()
            and found.journal.open_transactions == 0
            and sum(stages.values()) == sum(one.dispatched for one in found.routes)
        )

    def until_struck(self, timeout_s: float) -> float:
        """When the fault struck, in Unix seconds."""
        path = self.folder / STRUCK
        deadline = time.monotonic() + timeout_s
        while not path.exists():
            assert time.monotonic() < deadline, f"the point was never reached\n{self.state()}"
            time.sleep(0.02)
        return time.time()

    def mark_logs(self) -> None:
        """Forget what was logged so far."""
        for name in PROCESSES:
            path = self.world.processes.log_file(name)
            self._marks[name] = path.stat().st_size if path.exists() else 0

    def errors(self) -> list[str]:
        """Lines that the bridge logged as errors since, and what is no line of its log."""
        return [line for name in PROCESSES for line in self._errors(name)]

    def _errors(self, name: str) -> Iterator[str]:
        path = self.world.processes.log_file(name)
        with path.open("rb") as log:
            log.seek(self._marks.get(name, 0))
            text = log.read().decode(errors="replace")
        for line in text.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                if json.loads(line).get("level") not in ("error", "critical"):
                    continue
            if line.strip():
                yield f"{name}: {line}"

    def state(self) -> str:
        """What is to be told of a network that is not well."""
        found = self.found()
        logs = [
            f"--- {name}\n{self.world.processes.log_tail(name)}"
            for name in ("relayer", "keyservice", "attestor-signer-1")
        ]
        return "\n".join([repr(found), *logs])


async def _accepting(side: Side) -> bytes:
    account = Account.from_key(bytes(development_accounts()[5].key))
    return address_to_bytes32(await deploy(side.client, account, ACCEPTS))


async def _until_final(sides: dict[str, Side]) -> None:
    for side in sides.values():
        now = (await side.client.block("latest")).number
        while (await side.client.finalized()).number < now:  # noqa: ASYNC110 - of a chain
            await asyncio.sleep(BLOCK_TIME_S)
