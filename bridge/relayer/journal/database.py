"""The database under the journal: SQLite in a file, or PostgreSQL by its address.

SQLite is for one relayer; several share a PostgreSQL. Every transaction on SQLite takes the write
lock at once, so that what it reads is still true when it writes; on PostgreSQL rows are locked
where that matters.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError

from bridge.domain.errors import ConfigError, JournalUnavailable
from bridge.relayer.journal.schema import metadata

LOCK_TIMEOUT_S = 30.0
CONNECTIONS = 4
CREATE_LOCK = 0x61737472616C
"""The advisory lock of PostgreSQL under which tables are made: "astral"."""


def open_database(where: Path | str, read_only: bool = False) -> Engine:
    """The engine of the journal at a path, or at an address as postgresql+psycopg://host/name.

    Tables are made where they are not there. Read-only, the file must be there: ``ConfigError``.
    ``JournalUnavailable`` where no PostgreSQL answers.
    """
    if isinstance(where, str):
        engine = create_engine(where, pool_size=CONNECTIONS, pool_pre_ping=True)
        try:
            if not read_only:
                _create_tables(engine)
        except DBAPIError as error:
            engine.dispose()
            raise JournalUnavailable("open", str(error.orig).strip().splitlines()[0]) from error
        return engine
    if not where.exists():
        if read_only:
            raise ConfigError(str(where), ["expected the relayer's journal, got none"])
        _create(where)
    return _sqlite(where, read_only)


def _create_tables(engine: Engine) -> None:
    """Make the tables, where no other replica that starts at the same time has."""
    with engine.begin() as db:
        db.execute(select(func.pg_advisory_xact_lock(CREATE_LOCK)))
        metadata.create_all(db)


def _sqlite(path: Path, read_only: bool = False) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": LOCK_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute("PRAGMA synchronous=FULL")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _create(path: Path) -> None:
    """Make an empty journal, which stands at ``path`` with all its tables or not at all.

    The relayer and those who ask for its state may come at the same time: the first one's stands.
    """
    with TemporaryDirectory(dir=path.parent, prefix=".journal-") as folder:
        new = Path(folder) / path.name
        engine = _sqlite(new)
        with engine.connect() as db:
            db.exec_driver_sql("PRAGMA journal_mode=WAL")
        metadata.create_all(engine)
        engine.dispose()
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
