"""A KME, and the simulated link between two, as processes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import threading
from dataclasses import asdict

import structlog
from sqlalchemy.exc import DBAPIError

from bridge.keyservice.database import open_database
from bridge.keyservice.kme.app import create_app
from bridge.keyservice.kme.entity import KeyManagementEntity
from bridge.keyservice.kme.link import LinkFeeder
from bridge.keyservice.kme.operatorapp import create_operator_app
from bridge.keyservice.kme.peer import PeerClient
from bridge.keyservice.kme.peerapp import create_peer_app
from bridge.keyservice.kme.settings import KmeSettings
from bridge.keyservice.listener import bound, serve_app, serving

_log = structlog.stdlib.get_logger(__name__)

HOUSEKEEPING_S = 5.0


def serve_kme(
    settings: KmeSettings,
    address: tuple[str, int],
    peer_address: tuple[str, int],
    operator_address: tuple[str, int] | None = None,
) -> None:
    """Serves SAEs at one address, the other KME and the link at another, until SIGTERM or SIGINT.

    At a third one, where it is given, its operator: metrics, health and readiness.

    Call it from the main thread. Raises ``PortInUse``, ``InputError`` and ``ConfigError`` before
    anything is made.
    """
    _logs_to_stderr()
    settings.tls.server_context()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(bound(f"KME {settings.kme_id}", *address))
        peer_listener = stack.enter_context(
            bound(f"channel of KME {settings.kme_id}", *peer_address)
        )
        operator_listener = None
        if operator_address is not None:
            operator_listener = stack.enter_context(
                bound(f"metrics of KME {settings.kme_id}", *operator_address)
            )
        asyncio.run(_run(settings, listener, peer_listener, operator_listener))


async def _run(
    settings: KmeSettings,
    listener: socket.socket,
    peer_listener: socket.socket,
    operator_listener: socket.socket | None,
) -> None:
    database = await asyncio.to_thread(open_database, settings.database, settings.sealing)
    peer = PeerClient(settings.peer_url, settings.tls)
    with contextlib.closing(database), contextlib.closing(peer):
        entity = KeyManagementEntity(settings, database, peer)
        async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as stack:
            keeping = group.create_task(_keep_house(entity))
            if operator_listener is not None:
                await stack.enter_async_context(
                    serving(create_operator_app(entity), operator_listener)
                )
            async with serving(create_peer_app(entity), peer_listener, settings.tls):
                _log.info("kme.started", kme_id=settings.kme_id)
                await serve_app(create_app(entity), listener, settings.tls)
            keeping.cancel()
    _log.info("kme.stopped", kme_id=settings.kme_id)


async def _keep_house(entity: KeyManagementEntity) -> None:
    while True:
        try:
            bits, keys = await asyncio.to_thread(entity.expire)
            pruned = await asyncio.to_thread(entity.prune)
        except DBAPIError as error:
            _log.warning("kme.housekeeping_failed", reason=str(error.orig))
        else:
            if bits or keys:
                _log.info("kme.expired", bits=bits, keys=keys)
            if pruned:
                _log.info("kme.pruned", **asdict(pruned))
        await asyncio.sleep(HOUSEKEEPING_S)


def feed(feeder: LinkFeeder) -> None:
    """Runs a link until SIGTERM or SIGINT. Call it from the main thread.

    Raises ``LinkError`` when the link has failed.
    """
    _logs_to_stderr()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        feeder.run(stop)
    finally:
        for end in feeder.ends:
            end.close()


def _logs_to_stderr() -> None:
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
