"""``astralink relay``: the relayer as a process."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack

import structlog

from bridge.apps.cli.root import StateOption
from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import Layout, read_deployment
from bridge.apps.devnet.world import agreed_client, attestor_client, chain_client
from bridge.apps.logs import configure_logs
from bridge.chain.deployment import DeploymentRecord
from bridge.chain.transactions import Account
from bridge.domain.errors import ConfigError
from bridge.keyservice.secretfile import read_secret
from bridge.relayer.daemon import Relayer
from bridge.relayer.journal import Journal
from bridge.relayer.route import Side


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
    asyncio.run(_relay(config, deployment))


async def _relay(config: Config, deployment: DeploymentRecord) -> None:
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
        relayer = Relayer(
            sides,
            journal,
            attestors,
            account,
            config.relayer.poll_interval_s,
            config.relayer.replica,
        )
        running = asyncio.create_task(relayer.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, running.cancel)
        log.info("relayer_started", account=account.address, chains=list(config.chains))
        try:
            await running
        except asyncio.CancelledError:
            log.info("relayer_stopped")
