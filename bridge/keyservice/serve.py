"""Runs the key service as a process: binds first, starts then, stops on SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from dataclasses import dataclass

import structlog

from bridge.keyservice.access import Grant
from bridge.keyservice.listener import bound, serve_app, serving
from bridge.keyservice.server import create_app
from bridge.keyservice.service import KeyService, KeyServiceSettings
from bridge.keyservice.tlsfiles import TlsFiles

NAME = "key service"


@dataclass(frozen=True, slots=True)
class CertifiedAddress:
    """A second address, over mutual TLS, with what is granted to the holders of certificates."""

    host: str
    port: int
    tls: TlsFiles
    grants: tuple[Grant, ...]


def serve(
    settings: KeyServiceSettings, host: str, port: int, certified: CertifiedAddress | None = None
) -> None:
    """Serves until SIGTERM or SIGINT, then returns. Call it from the main thread.

    Nothing goes to stdout; logs go to stderr unless structlog was configured before. Raises
    ``PortInUse`` or ``InputError`` for the address before any file is made, and ``ConfigError`` for
    a wrong key file.
    """
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(bound(NAME, host, port))
        second = None
        if certified is not None:
            certified.tls.server_context()
            second = stack.enter_context(bound(f"{NAME} over TLS", certified.host, certified.port))
        asyncio.run(_run(settings, listener, certified, second))


async def _run(
    settings: KeyServiceSettings,
    listener: socket.socket,
    certified: CertifiedAddress | None,
    second: socket.socket | None,
) -> None:
    async with KeyService(settings) as service, contextlib.AsyncExitStack() as stack:
        if certified is not None and second is not None:
            app = create_app(service, certified.grants)
            await stack.enter_async_context(serving(app, second, certified.tls))
        await serve_app(create_app(service), listener)
