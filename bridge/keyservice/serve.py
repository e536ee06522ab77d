"""Runs the key service as a process: binds first, starts then, stops on SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
from collections.abc import Iterator

import structlog
import uvicorn

from bridge.domain.errors import InputError, PortInUse
from bridge.keyservice.server import create_app
from bridge.keyservice.service import KeyService, KeyServiceSettings

NAME = "key service"
GRACE_S = 10


def serve(settings: KeyServiceSettings, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT, then returns. Call it from the main thread.

    Nothing goes to stdout; logs go to stderr unless structlog was configured before. Raises
    ``PortInUse`` or ``InputError`` for the address before any file is made, and ``ConfigError`` for
    a wrong key file.
    """
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with _bound(host, port) as listener:
        asyncio.run(_run(settings, listener))


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(NAME, host, port) from error
        raise InputError(
            f"{NAME}: expected an address to listen on, got {host}:{port}: {error}"
        ) from error
    except OverflowError as error:
        raise InputError(f"{NAME}: expected a port from 0 to 65535, got {port}") from error


async def _run(settings: KeyServiceSettings, listener: socket.socket) -> None:
    async with KeyService(settings) as service:
        config = uvicorn.Config(
            create_app(service),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
        )
        await _Server(config).serve(sockets=[listener])


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
