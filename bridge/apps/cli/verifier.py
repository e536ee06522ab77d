"""``astralink verifier``: the verifier over HTTP, as Sourcify's API v2 has it."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import structlog
import typer

from bridge.apps.api.verifier import create_app
from bridge.apps.cli.root import StateOption
from bridge.apps.cli.verify import CacheOption
from bridge.apps.config import load_config, state_folder
from bridge.apps.devnet.layout import Layout
from bridge.apps.logs import configure_logs
from bridge.chain.client import ChainClient
from bridge.chain.endpoints import ChainSettings
from bridge.domain.errors import InputError
from bridge.keyservice.listener import bound, serve_app
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.compilers.confined import Limits
from bridge.verifier.match.jobs import Jobs
from bridge.verifier.match.store import Store

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8555
NAME = "verifier"


def verifier(
    state: StateOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes any that is free.")
    ] = DEFAULT_PORT,
    store: Annotated[
        Path | None,
        typer.Option(help="Default: verified.sqlite in the state folder.", dir_okay=False),
    ] = None,
    rpc: Annotated[
        list[str] | None,
        typer.Option(help="CHAINID=URL in place of the configured chains; may be repeated."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Verifications at a time.")] = 1,
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds that a compiler may take.")
    ] = 120.0,
    compilers: CacheOption = None,
) -> None:
    """Take verifications over HTTP and answer what is verified, until it is told to stop."""
    configure_logs()
    layout = Layout(state_folder(state))
    if rpc:
        chains = [_chain(one) for one in rpc]
    else:
        config = load_config(layout.config)
        chains = [config.chain(name) for name in config.chains]
    opened = Store(store or layout.folder / "verified.sqlite")
    found = Compilers(compilers, Limits(time_s=time_limit))
    try:
        with bound(NAME, host, port) as listener:
            asyncio.run(_serve(chains, found, opened, workers, listener))
    finally:
        opened.close()


def _chain(text: str) -> ChainSettings:
    number, _, url = text.partition("=")
    if not number.isdecimal() or not url.startswith(("http://", "https://")):
        raise InputError(f"--rpc: expected CHAINID=URL, got {text!r}")
    return ChainSettings(number, 0, int(number), url)


async def _serve(
    chains: list[ChainSettings],
    compilers: Compilers,
    store: Store,
    workers: int,
    listener: socket.socket,
) -> None:
    log = structlog.get_logger()
    async with AsyncExitStack() as stack:
        clients = {}
        for settings in chains:
            client = ChainClient(settings)
            stack.push_async_callback(client.close)
            clients[settings.chain_id] = client
        jobs = await stack.enter_async_context(Jobs(clients, compilers, store, workers))
        host, port = listener.getsockname()[:2]
        log.info("verifier_started", host=host, port=port, chains=sorted(clients))
        await serve_app(create_app(jobs), listener)
        log.info("verifier_stopped")
