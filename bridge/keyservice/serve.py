"""Runs the key service as a process: binds first, starts then, stops on SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import socket
import sys

import structlog

from bridge.keyservice.listener import bound, serve_app
from bridge.keyservice.server import create_app
from bridge.keyservice.service import KeyService, KeyServiceSettings

NAME = "key service"


def serve(settings: KeyServiceSettings, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT, then returns. Call it from the main thread.

    Nothing goes to stdout; logs go to stderr unless structlog was configured before. Raises
    ``PortInUse`` or ``InputError`` for the address before any file is made, and ``ConfigError`` for
    a wrong key file.
    """
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with bound(NAME, host, port) as listener:
        asyncio.run(_run(settings, listener))


async def _run(settings: KeyServiceSettings, listener: socket.socket) -> None:
    async with KeyService(settings) as service:
        await serve_app(create_app(service), listener)
