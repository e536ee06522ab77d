"""The bridge under a soak: two chains behind proxies, a journal in PostgreSQL, and every daemon.

    two Anvils <- two proxies each <- two relayers, three attestors <- the key service
                                      one PostgreSQL

Everything is below one folder and ends with it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bridge.apps.config import Config, load_config
from bridge.apps.devnet.layout import (
    CHAINS,
    DEPLOYER,
    GUARDIAN,
    SIGNERS,
    Layout,
    write_deployment,
    write_private,
)
from bridge.apps.devnet.processes import choose_ports
from bridge.apps.devnet.world import key_service_client
from bridge.chain.anvil import AnvilSettings, anvil_command, find_anvil
from bridge.chain.artifact import all_abis
from bridge.chain.client import ChainClient, ChainSettings
from bridge.chain.deployment import DeploymentRecord, Governors, deploy_bridge
from bridge.chain.development import development_accounts
from bridge.chain.revert import RevertDecoder
from bridge.chain.transactions import Account
from bridge.domain.errors import BridgeError, ChainUnreachable, KeyServiceUnreachable
from bridge.domain.quorums import Signer, SignerSet
from bridge.keyservice.client import KeyServiceClient
from bridge.keyservice.secretfile import read_or_create_secret
from tests import postgres
from tests.rpc_proxy import RpcProxy
from tests.soak.processes import Process

ROOT = Path(__file__).resolve().parents[2]
BLOCK_TIME_S = 1.0
FINALITY_BLOCKS = 4
ENDPOINTS = 2
THRESHOLD = 2
START_S = 90.0
POLL_S = 0.1
RPC_TIMEOUT_S = 6.0
KEPT_CALLS = 64
LEFT_OUT = ("--mixed-mining", "--preserve-historical-states")
"""Blocks come by the clock alone, so that transactions wait in the pool as elsewhere. Kept states
make 280 MB in five minutes, and a restart takes minutes after an hour; without them a chain that
was restarted cannot be asked for the few blocks before that, as a node that prunes."""


@dataclass(frozen=True)
class RelayerPlan:
    """A relayer: its development account, and its journal (None for the shared one)."""

    name: str
    account: int
    journal: Path | str | None = None


TWO_RELAYERS = (RelayerPlan("relayer-1", 1), RelayerPlan("relayer-2", 6))


class Network:
    """Processes by name, clients that go past the proxies, and the proxies of each chain."""

    def __init__(
        self,
        folder: Path,
        relayers: Sequence[RelayerPlan] = TWO_RELAYERS,
        program: str = "bridge.apps.cli",
        finality_blocks: int = FINALITY_BLOCKS,
    ) -> None:
        """``program`` is the module that each daemon's command is given to."""
        self._finality_blocks = finality_blocks
        self.layout = Layout(folder)
        self._program = program
        self.relayers = relayers
        self.processes: dict[str, Process] = {}
        self.proxies: dict[str, list[RpcProxy]] = {}
        self.clients: dict[str, ChainClient] = {}
        self.accounts = {
            one.name: Account.from_key(bytes(development_accounts()[one.account].key))
            for one in relayers
        }
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.close()
        self._stack.close()

    def config(self) -> Config:
        """The configuration of every daemon."""
        return load_config(self.layout.config)

    async def up(self) -> None:
        """Start everything; ``TimeoutError`` where something does not answer."""
        logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # a chain that is away is meant
        self.postgres = self._stack.enter_context(postgres.server())
        self.journal_url = self.postgres.create("soak")
        self.journals = [one.journal or self.journal_url for one in self.relayers]
        for name in CHAINS:  # before ports are chosen: whoever listens later could get one of them
            self.proxies[name] = [self._stack.enter_context(RpcProxy("")) for _ in range(ENDPOINTS)]
        ports = choose_ports(
            {**dict.fromkeys((*CHAINS, "keyservice"), 0), **dict.fromkeys(SIGNERS, 0)}
        )
        folder = self.layout.folder
        folder.mkdir(mode=0o700, exist_ok=True)
        for name in ("chains", "logs", "secrets", "attestors"):
            (folder / name).mkdir(mode=0o700)
        for one in self.relayers:
            key = bytes(development_accounts()[one.account].key).hex()
            write_private(folder / "secrets" / f"{one.name}.key", key + "\n")
        for name, (domain, chain_id) in CHAINS.items():
            self._chain(name, domain, chain_id, ports[name])
        self.layout.config.write_text(self._configuration(ports))
        self._add("keyservice", "keyservice")
        for label in SIGNERS:
            read_or_create_secret(folder / "attestors" / f"{label}.token")
            self._add(f"attestor-{label}", "attest", "--signer", label)
        for one in self.relayers:
            self._add(
                one.name,
                "relay",
                ASTRALINK_RELAYER__REPLICA=one.name,
                ASTRALINK_RELAYER__JOURNAL=str(one.journal or self.journal_url),
                ASTRALINK_RELAYER__ACCOUNT_KEY_FILE=str(folder / "secrets" / f"{one.name}.key"),
            )
        for name in (*(f"chain-{chain}" for chain in CHAINS), "keyservice"):
            self.processes[name].start()
        for client in self.clients.values():
            await _until(client.connect, ChainUnreachable)
        self.deployment = await self._deploy()
        write_deployment(self.layout.deployment, self.deployment)
        for name, process in self.processes.items():
            if name.startswith(("attestor", "relayer")):
                process.start()

    async def close(self) -> None:
        """Close the clients."""
        for client in self.clients.values():
            await client.close()

    def trim(self) -> None:
        """Forget what went through the proxies."""
        for proxies in self.proxies.values():
            for proxy in proxies:
                proxy.calls = list(deque(proxy.calls, KEPT_CALLS))

    def _chain(self, name: str, domain: int, chain_id: int, port: int) -> None:
        binary = find_anvil()
        assert binary is not None
        url = f"http://127.0.0.1:{port}"
        state = self.layout.chain_state(name, "anvil")
        settings = AnvilSettings(port, chain_id, BLOCK_TIME_S, self._finality_blocks, state)
        command = [word for word in anvil_command(binary, settings) if word not in LEFT_OUT]
        self._process(f"chain-{name}", command)
        self.clients[name] = ChainClient(
            ChainSettings(name, domain, chain_id, url, 10.0), RevertDecoder.from_abis(all_abis())
        )
        for proxy in self.proxies[name]:
            proxy.upstream = url

    def _add(self, name: str, *words: str, **variables: str) -> None:
        command = [sys.executable, "-m", self._program, *words]
        self._process(name, [*command, "--state", str(self.layout.folder)], **variables)

    def _process(self, name: str, command: list[str], **variables: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ASTRALINK")}
        environment = {**kept, "PYTHONPATH": str(ROOT), "SOAK_PROCESS": name, **variables}
        log = self.layout.folder / "logs" / f"{name}.log"
        self.processes[name] = Process(name, command, log, environment)

    def _configuration(self, ports: dict[str, int]) -> str:
        text = ""
        for name, (domain, chain_id) in CHAINS.items():
            urls = ", ".join(f'"{proxy.url}"' for proxy in self.proxies[name])
            text += (
                f"[chains.{name}]\ndomain = {domain}\nchain_id = {chain_id}\n"
                f"rpc_urls = [{urls}]\ntimeout_s = {RPC_TIMEOUT_S}\nlag_blocks = 6\n\n"
            )
        text += (
            f'[key_service]\nurl = "http://127.0.0.1:{ports["keyservice"]}"\n'
            'token_file = "keyservice/secrets/keyservice.token"\n\n'
        )
        for label in SIGNERS:
            text += (
                f'[[attestors]]\nurl = "http://127.0.0.1:{ports[label]}"\n'
                f'token_file = "attestors/{label}.token"\nsigners = ["{label}"]\n\n'
            )
        return text + (
            '[relayer]\ndeployment = "deployment.json"\n'
            f'journal = "{self.journal_url}"\naccount_key_file = "secrets/relayer-1.key"\n'
        )

    async def _deploy(self) -> DeploymentRecord:
        probe = KeyServiceClient(self.config().key_service.url, "")
        await _until(probe.health, KeyServiceUnreachable)
        await probe.aclose()
        async with key_service_client(self.config()) as keys:
            records = [await keys.create_key(one, label) for label, one in SIGNERS.items()]
        account = Account.from_key(bytes(development_accounts()[DEPLOYER].key))
        signer_set = SignerSet(1, THRESHOLD, tuple(Signer.of(record) for record in records))
        governors = Governors(account.address, str(development_accounts()[GUARDIAN].address))
        return await deploy_bridge(self.clients, account, signer_set, governors)


async def _until(ask: object, not_yet: type[BridgeError]) -> None:
    async with asyncio.timeout(START_S):
        while True:
            try:
                await ask()  # type: ignore[operator]
            except not_yet:
                await asyncio.sleep(POLL_S)
            else:
                return
