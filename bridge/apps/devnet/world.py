"""Bringing the development network up, step by step, and down again.

``up`` starts what is not running and does what was not done, so that it may be called again after
anything. When a step fails, what this call started is stopped.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bridge.apps.config import AttestorConfig, Config, load_config
from bridge.apps.devnet.layout import (
    DEPLOYER,
    GUARDIAN,
    SIGNERS,
    Layout,
    Ports,
    read_deployment,
    write_deployment,
)
from bridge.apps.devnet.processes import ProcessTable, choose_port, choose_ports
from bridge.chain.agreement import AgreedClient
from bridge.chain.anvil import AnvilSettings, anvil_command, anvil_version, find_anvil
from bridge.chain.artifact import all_abis
from bridge.chain.client import ChainClient
from bridge.chain.deployment import DeploymentRecord, Governors, deploy_bridge
from bridge.chain.development import development_accounts
from bridge.chain.revert import RevertDecoder
from bridge.chain.transactions import Account
from bridge.domain.errors import (
    AttestorUnreachable,
    BridgeError,
    ChainUnreachable,
    ConfigError,
    KeyServiceUnreachable,
    ProcessError,
)
from bridge.domain.keys import PublicKeyRecord
from bridge.domain.quorums import Signer, SignerSet
from bridge.keyservice.client import KeyServiceClient
from bridge.keyservice.secretfile import read_or_create_secret, read_secret
from bridge.relayer.attestor_client import AttestorClient

THRESHOLD = 2
BLOCK_TIME_S = 0.5
FINALITY_BLOCKS = 2
STATES_KEPT = 64
START_TIMEOUT_S = 60.0
POLL_S = 0.05


class ChainKind(StrEnum):
    """What runs a development chain."""

    ANVIL = "anvil"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was done, for whoever watches: what, its facts, and how long it took."""

    name: str
    seconds: float
    facts: dict[str, Any] = field(default_factory=dict)


Watcher = Callable[[Step], None]
Announcer = Callable[[str], None]


def chain_client(config: Config, name: str) -> ChainClient:
    """A client of the chain ``name`` that puts the contracts' errors into words."""
    return ChainClient(config.chain(name), RevertDecoder.from_abis(all_abis()))


def key_service_client(config: Config) -> KeyServiceClient:
    """A client of the configured key service.

    ``ConfigError`` when its token or, at an address as https://..., its certificate is not there.
    """
    service = config.key_service
    if service.client is not None:
        return KeyServiceClient(service.url, "", tls=service.client.tls)
    return KeyServiceClient(service.url, read_secret(service.token_file).hex())


def agreed_client(config: Config, name: str) -> ChainClient:
    """A client of the chain ``name`` that believes what as many endpoints say as are asked for."""
    agreement = config.chains[name].needed_agreement
    if agreement == 1:
        return chain_client(config, name)
    return AgreedClient(config.chain(name), agreement, RevertDecoder.from_abis(all_abis()))


def attestor_client(attestor: AttestorConfig) -> AttestorClient:
    """A client of a configured attestor; ``ConfigError`` when its token is not there."""
    return AttestorClient(attestor.url, read_secret(attestor.token_file).hex())


def attestor_name(attestor: AttestorConfig) -> str:
    """What the process of an attestor of this machine is called."""
    return "attestor-" + "-".join(attestor.signers)


def process_names(config: Config) -> list[str]:
    """The processes of a network, in the order in which they are started."""
    attestors = [attestor_name(one) for one in config.attestors if one.signers]
    return [*(f"chain-{name}" for name in config.chains), "keyservice", *attestors, "relayer"]


def default_kind() -> ChainKind:
    """Anvil where its binary is found, the embedded chain otherwise."""
    return ChainKind.ANVIL if find_anvil() is not None else ChainKind.EMBEDDED


class World:
    """The development network in one state folder.

    ``announce`` hears what is about to be done, ``watch`` what was done. Without ``lasting`` an
    Anvil keeps the states of few blocks and forgets its chain when it ends: it is a database whose
    cost would be measured with what is measured.
    """

    def __init__(
        self,
        layout: Layout,
        announce: Announcer = lambda _: None,
        watch: Watcher = lambda _: None,
        lasting: bool = True,
    ) -> None:
        self.layout = layout
        self.processes = ProcessTable(layout.folder)
        self._announce = announce
        self._watch = watch
        self._lasting = lasting
        self._started: list[str] = []

    async def up(self, ports: Ports, kind: ChainKind | None = None, bare: bool = False) -> None:
        """Bring everything up; ``bare`` leaves out contracts, attestors and relayer.

        Raises ``PortInUse``, ``ProcessError``, ``ConfigError`` and what chains and the key
        service raise.
        """
        try:
            config = self.configure(ports)
            kind = self._kind(kind)
            async with AsyncExitStack() as stack:
                if not bare:
                    # They load while everything else is made, and wait for the contracts' record.
                    self._start_attestors(config)
                async with asyncio.TaskGroup() as group:
                    for name in config.chains:
                        group.create_task(self._chain(config, name, kind))
                    signing = group.create_task(self._key_service(config))
                signers = signing.result()
                chains = {
                    name: await stack.enter_async_context(chain_client(config, name))
                    for name in config.chains
                }
                if not bare:
                    await self._contracts(chains, signers)
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._attestors(config))
                        group.create_task(self._relayer())
        except BaseException as error:
            self.processes.stop(*self._started)
            first = _first(error)
            if first is not error:
                raise first from None
            raise

    def down(self) -> list[str]:
        """Stop every process; the names of those that ran.

        First what asks others, then the others, and the chains last.
        """
        names = list(self.processes.records())
        chains = [name for name in names if name.startswith("chain-")]
        relayers = [name for name in names if name.startswith("relayer")]
        others = [name for name in names if name not in {*chains, *relayers}]
        return [
            name for group in (relayers, others, chains) for name in self.processes.stop(*group)
        ]

    def configure(self, ports: Ports) -> Config:
        """The configuration, which is written where the folder has none.

        Raises ``PortInUse`` and ``ConfigError``.
        """
        if not self.layout.config.exists():
            wanted = {f"chain {name}": port for name, port in ports.chains.items()}
            attestors = {f"attestor {label}": port for label, port in ports.attestors.items()}
            wanted |= {"key service": ports.key_service, "relayer": ports.relayer}
            chosen = choose_ports({**wanted, **attestors})
            self.layout.create(
                Ports(
                    {name: chosen[f"chain {name}"] for name in ports.chains},
                    chosen["key service"],
                    {label: chosen[f"attestor {label}"] for label in ports.attestors},
                    chosen["relayer"],
                )
            )
        return self.config()

    def config(self) -> Config:
        """The configuration of this network."""
        return load_config(self.layout.config)

    # Steps

    def _kind(self, wanted: ChainKind | None) -> ChainKind:
        """The kind that this folder's chains were made with, or the one wanted, or the default."""
        file = self.layout.folder / "chains" / "kind"
        if file.exists():
            kind = ChainKind(file.read_text().strip())
            if wanted is not None and wanted is not kind:
                raise ConfigError(
                    str(self.layout.folder),
                    [f"its chains are {kind}, {wanted} was asked for: use another folder"],
                )
            return kind
        kind = wanted or default_kind()
        if kind is ChainKind.ANVIL:
            _anvil()  # before it is written down, so that the other kind may still be chosen
        file.write_text(kind)
        return kind

    async def _chain(self, config: Config, name: str, kind: ChainKind) -> None:
        chain = config.chains[name]
        process = f"chain-{name}"
        url = chain.urls[0]
        port = _port(url)
        with self._step(f"chain {name}") as facts:
            state = self.layout.chain_state(name, kind)
            if kind is ChainKind.ANVIL:
                binary = _anvil()
                settings = AnvilSettings(
                    port,
                    chain.chain_id,
                    BLOCK_TIME_S,
                    FINALITY_BLOCKS,
                    state if self._lasting else None,
                    STATES_KEPT,
                )
                command = anvil_command(binary, settings)
                facts["software"] = f"Anvil {anvil_version(binary)}"
            else:
                command = [
                    *(sys.executable, "-m", "bridge.chain.embedded_server"),
                    *("--port", str(port), "--chain-id", str(chain.chain_id)),
                    *("--block-time", str(BLOCK_TIME_S), "--finality", str(FINALITY_BLOCKS)),
                    *("--state", str(state)),
                ]
                facts["software"] = "py-evm (embedded)"
            facts |= {"chain_id": chain.chain_id, "domain": chain.domain, "url": url}
            self._ensure(process, command, port)
            client = chain_client(config, name)
            try:
                await self._until(process, client.connect, ChainUnreachable)
            finally:
                await client.close()

    async def _key_service(self, config: Config) -> list[PublicKeyRecord]:
        port = _port(config.key_service.url)
        with self._step("key service") as facts:
            command = [*_astralink("keyservice"), "--state", str(self.layout.folder)]
            self._ensure("keyservice", command, port)
            probe = KeyServiceClient(config.key_service.url, "")
            try:
                await self._until("keyservice", probe.health, KeyServiceUnreachable)
            finally:
                await probe.aclose()
            facts["url"] = config.key_service.url
        async with key_service_client(config) as keys:
            known = {record.label: record for record in await keys.keys()}
            for label, algorithm in SIGNERS.items():
                if label in known:
                    continue
                with self._step(f"key {label}") as facts:
                    record = await keys.create_key(algorithm, label)
                    known[label] = record
                    facts |= {
                        "algorithm": record.algorithm.value,
                        "public_key": "0x" + record.public_key.hex(),
                        "qber": record.provenance.qber,
                        "leak_bits": record.provenance.leak_bits,
                        "epsilon": record.provenance.epsilon,
                        "simulated": record.provenance.simulated,
                    }
        return [known[label] for label in SIGNERS]

    async def _contracts(
        self, chains: dict[str, ChainClient], signers: list[PublicKeyRecord]
    ) -> DeploymentRecord:
        if self.layout.deployment.exists():
            return read_deployment(self.layout.deployment)
        with self._step("contracts") as facts:
            account = Account.from_key(bytes(development_accounts()[DEPLOYER].key))
            signer_set = SignerSet(1, THRESHOLD, tuple(Signer.of(record) for record in signers))
            guardian = str(development_accounts()[GUARDIAN].address)
            governors = Governors(account.address, guardian)
            deployment = await deploy_bridge(chains, account, signer_set, governors)
            write_deployment(self.layout.deployment, deployment)
            facts |= {name: side.model_dump() for name, side in deployment.sides.items()}
        return deployment

    def _start_attestors(self, config: Config) -> None:
        if not config.attestors:
            raise ConfigError(
                str(self.layout.config),
                ["attestors: expected one or more, got none; another folder gets its own"],
            )
        for attestor in _of_this_machine(config):
            signers = [word for label in attestor.signers for word in ("--signer", label)]
            command = [
                *(*_astralink("attest"), *signers, "--state", str(self.layout.folder)),
                *("--deployment-timeout", str(3 * START_TIMEOUT_S)),
            ]
            read_or_create_secret(attestor.token_file)  # the relayer may be first to read it
            self._ensure(attestor_name(attestor), command, _port(attestor.url))

    async def _attestors(self, config: Config) -> None:
        with self._step("attestors") as facts:
            attestors = _of_this_machine(config)
            facts["urls"] = [attestor.url for attestor in attestors]
            async with asyncio.TaskGroup() as group:
                for attestor in attestors:
                    group.create_task(self._attestor(attestor))

    async def _attestor(self, attestor: AttestorConfig) -> None:
        probe = AttestorClient(attestor.url, "")
        try:
            await self._until(attestor_name(attestor), probe.health, AttestorUnreachable)
        finally:
            await probe.aclose()

    async def _relayer(self) -> None:
        config = self.config().relayer
        with self._step("relayer") as facts:
            command = [*_astralink("relay"), "--state", str(self.layout.folder)]
            log = self.processes.log_file("relayer")
            said = log.stat().st_size if log.exists() else 0
            starts = self.processes.running("relayer") is None
            url = config.listen_url
            self._ensure("relayer", command, None if url is None else _port(url))

            async def healthy() -> None:
                async with httpx.AsyncClient(trust_env=False) as http:
                    (await http.get(f"{url}/v1/health")).raise_for_status()

            async def journal_there() -> None:
                if isinstance(config.journal, Path):
                    there = config.journal.exists()
                else:
                    there = not starts or b"relayer_started" in log.read_bytes()[said:]
                if not there:
                    raise FileNotFoundError

            if url is None:
                await self._until("relayer", journal_there, FileNotFoundError)
            else:
                facts["url"] = url
                await self._until("relayer", healthy, httpx.HTTPError)

    # Processes

    def _ensure(self, name: str, command: list[str], port: int | None) -> None:
        if self.processes.running(name) is not None:
            return
        if port is not None:
            choose_port(name, port)
        self.processes.start(name, command, port)
        self._started.append(name)

    async def _until(self, process: str, ask: Callable[[], Any], not_yet: type[Exception]) -> None:
        """Ask until the answer comes; ``ProcessError`` when the process ends or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                await ask()
            except not_yet as error:
                self.processes.check_alive(process)
                if time.monotonic() > deadline:
                    raise ProcessError(
                        f"{process}: no answer {START_TIMEOUT_S:g} s after its start: {error}"
                    ) from error
                await asyncio.sleep(POLL_S)
            else:
                self.processes.check_alive(process)
                return

    @contextmanager
    def _step(self, name: str) -> Iterator[dict[str, Any]]:
        self._announce(name)
        start = time.monotonic()
        facts: dict[str, Any] = {}
        yield facts
        self._watch(Step(name, time.monotonic() - start, facts))


def _first(error: BaseException) -> BaseException:
    """The bridge's own error in a group of errors, the first of several; else ``error``."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            found = _first(inner)
            if isinstance(found, BridgeError):
                return found
    return error


def _of_this_machine(config: Config) -> list[AttestorConfig]:
    return [attestor for attestor in config.attestors if attestor.signers]


def _astralink(command: str) -> list[str]:
    return [sys.executable, "-m", "bridge.apps.cli", command]


def _anvil() -> Path:
    binary = find_anvil()
    if binary is None:
        raise ProcessError("Anvil: no binary found; run `make tools`")
    return binary


def _port(url: str) -> int:
    parts = urlsplit(url)
    if parts.port is None or parts.hostname not in ("127.0.0.1", "localhost"):
        raise ConfigError(
            url, ["expected a loopback address with a port, as http://127.0.0.1:8545"]
        )
    return parts.port
