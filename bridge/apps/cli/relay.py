"""``astralink relay``: the relayer as a process."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from urllib.parse import urlsplit

import structlog

from bridge.apps.api.relayer import create_app
from bridge.apps.cli.root import StateOption
from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import Layout, read_deployment
from bridge.apps.devnet.world import agreed_client, attestor_client, chain_client
from bridge.apps.logs import configure_logs
from bridge.chain.deployment import DeploymentRecord
from bridge.chain.transactions import Account
from bridge.domain.errors import ConfigError
from bridge.keyservice.listener import bound, serving
from bridge.keyservice.secretfile import read_secret
from bridge.relayer.admit import Admission
from bridge.relayer.daemon import Relayer
from bridge.relayer.journal import Journal
from bridge.relayer.metrics import RelayerMetrics
from bridge.relayer.route import Side
from bridge.relayer.tracing import NoTracing, OtlpTracing, Tracing

NAME = "relayer"


def relay(state: StateOption = None) -> None:
    """Relay messages between all configured chains, until it is told to stop."""
    configure_logs()
    layout = Layout(state_folder(state))
    config = load_config(layout.config)
    deployment = read_deployment(config.relayer.deployment)
    missing = sorted(set(config.chains) - set(deployment.sides))
    if missing:
        raise ConfigError(
            str(config.relayer.deployment), [f"sides.{name}: missing" for name in missing]
        )
    if not config.attestors:
        raise ConfigError(str(layout.config), ["attestors: expected one or more, got none"])
    with _listener(config) as listener:
        asyncio.run(_relay(config, deployment, listener))


@contextmanager
def _listener(config: Config) -> Iterator[socket.socket | None]:
    """The socket for metrics and health, where an address is configured."""
    address = urlsplit(config.relayer.listen_url or "")
    if address.hostname is None or address.port is None:
        yield None
        return
    with bound(NAME, address.hostname, address.port) as listener:
        yield listener


async def _relay(
    config: Config, deployment: DeploymentRecord, listener: socket.socket | None
) -> None:
    log = structlog.get_logger()
    account = Account.from_key(read_secret(config.relayer.account_key_file))
    async with AsyncExitStack() as stack:
        sides = []
        for name, record in deployment.sides.items():
            if name not in config.chains:
                continue
            client = await stack.enter_async_context(chain_client(config, name))
            reading = client
            if config.chains[name].needed_agreement > 1:
                reading = agreed_client(config, name)
                stack.push_async_callback(reading.close)
            sides.append(Side.of(client, record, reading))
        attestors = [
            await stack.enter_async_context(attestor_client(one)) for one in config.attestors
        ]
        journal = Journal(config.relayer.journal)
        stack.callback(journal.close)
        tracing = _tracing(config)
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        relayer = Relayer(
            sides,
            journal,
            attestors,
            account,
            config.relayer.poll_interval_s,
            config.relayer.replica,
            {chain.domain: chain.ws_url for chain in config.chains.values() if chain.ws_url},
            tracing,
            _admission(config, sides),
        )
        if listener is not None:
            metrics = RelayerMetrics(relayer, config.relayer.journal)
            stack.push_async_callback(metrics.close)
            await stack.enter_async_context(serving(create_app(metrics), listener))
        running = asyncio.create_task(relayer.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, running.cancel)
        log.info(
            "relayer_started",
            account=account.address,
            chains=list(config.chains),
            listen_url=config.relayer.listen_url,
        )
        try:
            await running
        except asyncio.CancelledError:
            log.info("relayer_stopped")


def _admission(config: Config, sides: list[Side]) -> Admission | None:
    """Who may talk, where the configuration asks for verdicts."""
    wanted = config.relayer.verdicts
    return None if wanted is None else Admission(sides, wanted.policy())


def _tracing(config: Config) -> Tracing:
    url = config.telemetry.otlp_url
    if url is None:
        return NoTracing()
    names = {chain.domain: name for name, chain in config.chains.items()}
    return OtlpTracing(url, config.relayer.replica, names)
