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

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from bridge.domain.errors import ConfigError, JournalUnavailable
from bridge.keyservice.hanging import cut_off_hanging
from bridge.relayer.journal.migrations import HEAD
from bridge.relayer.journal.upgrading import require_head, revision_of, upgrade

LOCK_TIMEOUT_S = 30.0
CONNECTIONS = 4


def open_database(where: Path | str, read_only: bool = False) -> Engine:
    """The engine of the journal at a path, or at an address as postgresql+psycopg://host/name.

    An empty one is made, an old one is brought to this program's revision. Read-only, nothing is
    written, and both are a ``ConfigError``, as is one of a newer program in any case.
    ``JournalUnavailable`` where no PostgreSQL answers.
    """
    if isinstance(where, str):
        engine = create_engine(where, pool_size=CONNECTIONS, pool_pre_ping=True)
        cut_off_hanging(engine)
    else:
        if not where.exists():
            if read_only:
                raise ConfigError(str(where), ["expected the relayer's journal, got none"])
            _create(where)
        engine = _sqlite(where, read_only)
    try:
        _prepare(engine, where, read_only)
    except DBAPIError as error:
        engine.dispose()
        raise JournalUnavailable("open", str(error.orig).strip().splitlines()[0]) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def _prepare(engine: Engine, where: Path | str, read_only: bool) -> None:
    """Hold the journal's revision against the program's; most often it is the same."""
    if read_only:
        require_head(engine)
        return
    # Looked at without the write lock, which a relayer that works may hold for long.
    looking = _sqlite(where, read_only=True) if isinstance(where, Path) else engine
    with looking.begin() as db:
        at = revision_of(db)
    if looking is not engine:
        looking.dispose()
    if at != HEAD:
        upgrade(engine)


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
        with contextlib.closing(sqlite3.connect(new)) as db:
            db.execute("PRAGMA journal_mode=WAL")  # kept in the file; no transaction may be open
        engine = _sqlite(new)
        upgrade(engine)
        engine.dispose()
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
