"""An address that a server listens on, and the server's end on SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from bridge.domain.errors import InputError, PortInUse

GRACE_S = 10
KEEP_ALIVE_S = 60
"""Longer than a client keeps an idle connection (httpx: 5 s). A server that closes first can do so
while the next request is on its way, which is then lost."""


def bound(name: str, host: str, port: int) -> socket.socket:
    """A socket that listens on the address, for the server that people call ``name``.

    Port 0 takes any that is free. ``PortInUse`` or ``InputError`` where it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(name, host, port) from error
        raise InputError(
            f"{name}: expected an address to listen on, got {host}:{port}: {error}"
        ) from error
    except OverflowError as error:
        raise InputError(f"{name}: expected a port from 0 to 65535, got {port}") from error


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serves ``app`` beside what is done inside; signals are the caller's."""
    server = _Quiet(_config(app))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def serve_app(app: ASGIApp, listener: socket.socket) -> None:
    """Serves ``app`` until SIGTERM or SIGINT, then returns. Call it from the main thread."""
    await _Server(_config(app)).serve(sockets=[listener])


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )


class _Server(uvicorn.Server):
    """Takes both signals as a wish to stop, and does not raise them again afterwards."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        caught = (signal.SIGTERM, signal.SIGINT)
        for number in caught:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.should_exit = True


class _Quiet(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
