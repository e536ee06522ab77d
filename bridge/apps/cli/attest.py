"""``astralink attest``: an attestor as a process, for one signer or several."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import structlog
import typer

from bridge.apps.api.attestor import create_app
from bridge.apps.cli.root import StateOption
from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import Layout, read_deployment
from bridge.apps.devnet.world import agreed_client, key_service_client
from bridge.apps.logs import configure_logs
from bridge.apps.verdicts import recheck_of
from bridge.chain.contracts import Contract
from bridge.chain.deployment import DeploymentRecord
from bridge.chain.verdicts import Verdicts
from bridge.domain.errors import ConfigError, KeyServiceUnreachable
from bridge.domain.keys import PublicKeyRecord
from bridge.keyservice.client import KeyServiceClient
from bridge.keyservice.listener import bound, serve_app
from bridge.keyservice.secretfile import read_or_create_secret
from bridge.relayer.attestor import Attestor
from bridge.relayer.route import Side
from bridge.relayer.supply import SupplyCheck
from bridge.relayer.treefile import TreeFile
from bridge.relayer.view import OriginView
from bridge.verifier.attestor import RegistrySide, VerdictAttestor

NAME = "attestor"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8551
WAIT_POLL_S = 0.05
KEY_SERVICE_POLL_S = 1.0


def attest(
    signer: Annotated[
        list[str], typer.Option(help="Label of a key in the key service; may be repeated.")
    ],
    state: StateOption = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default: as configured.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0 takes any that is free.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="Made where it is not there; default: as configured.", dir_okay=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="What was read of the chains; default: by its signers.", dir_okay=False),
    ] = None,
    deployment_timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the deployment record.")
    ] = 0.0,
) -> None:
    """Sign checkpoints of roots that this process finds on the chains itself, until stopped.

    Address and token are those of the [[attestors]] with these signers, where there is one.
    """
    configure_logs()
    layout = Layout(state_folder(state))
    config = load_config(layout.config)
    configured = next((one for one in config.attestors if set(one.signers) == set(signer)), None)
    name = "+".join(quote(label, safe="") for label in signer)
    folder = config.attesting.folder
    address = urlsplit(configured.url) if configured else None
    if host is None:
        host = address.hostname if address and address.hostname else DEFAULT_HOST
    if port is None:
        port = address.port if address and address.port else DEFAULT_PORT
    if token_file is None:
        token_file = configured.token_file if configured else folder / f"{name}.token"
    token = read_or_create_secret(token_file).hex()
    with (
        bound(NAME, host, port) as listener,
        contextlib.closing(TreeFile(file or folder / f"{name}.sqlite")) as tree_file,
    ):
        deployment = _deployment(config, deployment_timeout)
        asyncio.run(_attest(config, deployment, tree_file, signer, token, listener))


def _deployment(config: Config, timeout_s: float) -> DeploymentRecord:
    """The deployment record, once it is there."""
    path = config.relayer.deployment
    deadline = time.monotonic() + timeout_s
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(WAIT_POLL_S)
    deployment = read_deployment(path)
    missing = sorted(set(config.chains) - set(deployment.sides))
    if missing:
        raise ConfigError(str(path), [f"sides.{name}: missing" for name in missing])
    return deployment


async def _attest(
    config: Config,
    deployment: DeploymentRecord,
    tree_file: TreeFile,
    labels: Sequence[str],
    token: str,
    listener: socket.socket,
) -> None:
    log = structlog.get_logger()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(key_service_client(config))
        records = await _records(config, service, labels)
        views = []
        for name in config.chains:
            # Not connected here: an attestor waits for its chains, and says what it waits for.
            client = agreed_client(config, name)
            stack.push_async_callback(client.close)
            views.append(OriginView(Side.of(client, deployment.sides[name]), tree_file))
        checks = (SupplyCheck(),)
        attestor = Attestor(views, records, service, config.attesting.poll_interval_s, checks)
        await stack.enter_async_context(attestor)
        host, port = listener.getsockname()[:2]
        log.info(
            "attestor_started",
            host=host,
            port=port,
            signers=list(labels),
            agreement={name: chain.needed_agreement for name, chain in config.chains.items()},
            known={view.side.name: len(view.tree) for view in views},
        )
        verdicts = _verdicts(config, deployment, records, service, [v.side for v in views])
        await serve_app(create_app(attestor, token, verdicts), listener)
        log.info("attestor_stopped")


def _verdicts(
    config: Config,
    deployment: DeploymentRecord,
    records: Sequence[PublicKeyRecord],
    service: KeyServiceClient,
    sides: Sequence[Side],
) -> VerdictAttestor | None:
    """What signs verdicts, where the configuration says what verifies."""
    if config.verdicts is None:
        return None
    recheck = recheck_of(config.verdicts, [side.client for side in sides])
    registries = {}
    for side in sides:
        address = deployment.sides[side.name].verdicts
        if address is not None:
            contract = Contract.at(side.client, "VerdictRegistry", address)
            registries[side.record.chain_id] = RegistrySide(Verdicts(contract), side.registry)
    return VerdictAttestor(records, service, registries, recheck)


async def _records(
    config: Config, service: KeyServiceClient, labels: Sequence[str]
) -> list[PublicKeyRecord]:
    """The keys of these labels, once the key service answers; ``ConfigError`` for an unknown."""
    log = structlog.get_logger()
    said = ""
    while True:
        try:
            known = {record.label: record for record in await service.keys()}
            break
        except KeyServiceUnreachable as error:
            if str(error) != said:
                said = str(error)
                log.warning("key_service_awaited", reason=said)
            await asyncio.sleep(KEY_SERVICE_POLL_S)
    unknown = [label for label in labels if label not in known]
    if unknown:
        have = ", ".join(known) or "none"
        raise ConfigError(
            config.key_service.url,
            [f"key {label!r}: expected one of {have}" for label in unknown],
        )
    return [known[label] for label in dict.fromkeys(labels)]
