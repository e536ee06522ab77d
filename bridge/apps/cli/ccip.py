"""``astralink ccip``: proofs for Hyperlane modules of type CCIP_READ, over HTTP."""

from __future__ import annotations

import asyncio
import socket
from typing import Annotated

import structlog
import typer

from bridge.apps.api.ccip import create_app
from bridge.apps.cli.root import StateOption
from bridge.apps.config import load_config, state_folder
from bridge.apps.devnet.layout import Layout
from bridge.apps.logs import configure_logs
from bridge.keyservice.listener import bound, serve_app
from bridge.relayer.journal import Journal
from bridge.relayer.prove import Prover

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8548
NAME = "CCIP-Read gateway"


def ccip(
    state: StateOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes any that is free.")
    ] = DEFAULT_PORT,
) -> None:
    """Serve proofs out of the relayer's journal, which is only read, until it is told to stop."""
    configure_logs()
    config = load_config(Layout(state_folder(state)).config)
    journal = Journal(config.relayer.journal, read_only=True)
    try:
        with bound(NAME, host, port) as listener:
            asyncio.run(_serve(journal, listener))
    finally:
        journal.close()


async def _serve(journal: Journal, listener: socket.socket) -> None:
    log = structlog.get_logger()
    host, port = listener.getsockname()[:2]
    log.info("ccip_started", host=host, port=port)
    await serve_app(create_app(Prover(journal)), listener)
    log.info("ccip_stopped")
