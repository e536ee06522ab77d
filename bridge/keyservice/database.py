"""The database under the key service: SQLite in a file, or PostgreSQL by its address.

On SQLite every transaction takes the write lock at once (BEGIN IMMEDIATE), so that what it reads
is still true when it writes, in this process and in any other; on PostgreSQL rows are locked where
that matters. A commit returns when the data is on disk.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select
from sqlalchemy.exc import DatabaseError, OperationalError

from bridge.crypto.aead import seal, unseal
from bridge.domain.errors import ConfigError, SealBroken, StoreUnavailable
from bridge.keyservice.hanging import cut_off_hanging
from bridge.keyservice.migrations import HEAD
from bridge.keyservice.schema import meta
from bridge.keyservice.sealingkey import KeyFile, SealingKeySource
from bridge.keyservice.secretfile import private_folder
from bridge.keyservice.upgrading import ADVISORY_LOCK, revision_of, upgrade
from bridge.keyservice.wholes import Slots

_log = structlog.stdlib.get_logger(__name__)

BUSY_TIMEOUT_S = 30.0
CHECKPOINT_S = 1.0
LONG_LOG_FRAMES = 4096
"""16 MiB of pages of 4 KiB."""
CONNECTIONS = 8
_KEY_CHECK = "key_check"
_KEY_CHECK_TEXT = b"astralink/keyservice/v1"


@dataclass(frozen=True, slots=True)
class Database:
    """An open database with the key that seals its records; ``slots`` only beside a SQLite."""

    engine: Engine
    sealing_key: bytes = field(repr=False)
    slots: Slots | None = None

    def close(self) -> None:
        """Lets go of the database."""
        self.engine.dispose()
        if self.slots is not None:
            self.slots.close()


def open_database(where: Path | str, key: SealingKeySource | Path) -> Database:
    """The database at a path, or at an address as postgresql+psycopg://host/name.

    An empty one is made, with the sealing key; an old one is brought to this program's revision.
    Raises ``ConfigError`` when the key is not the one that the database was made with, is missing
    while the database is there, or is readable by others, and when the database is none of the key
    service; ``StoreUnavailable`` where no PostgreSQL answers.
    """
    source = KeyFile(key) if isinstance(key, Path) else key
    engine = _sqlite(where) if isinstance(where, Path) else _postgres(where)
    try:
        with engine.begin() as db:
            at = revision_of(db)
        if at != HEAD:
            upgrade(engine)
        with engine.begin() as db:
            sealing_key = _checked_key(db, source, str(where))
    except DatabaseError as error:
        engine.dispose()
        if isinstance(error, OperationalError) and not isinstance(where, Path):
            raise StoreUnavailable(str(error.orig).strip().splitlines()[0]) from error
        raise ConfigError(
            str(where), [f"expected a database of the key service: {error.orig}"]
        ) from error
    except BaseException:
        engine.dispose()
        raise
    slots = Slots(where.with_name(f"{where.name}-blocks")) if isinstance(where, Path) else None
    return Database(engine, sealing_key, slots)


def _checked_key(db: Connection, source: SealingKeySource, place: str) -> bytes:
    """The key that opens a known record, which the first start sealed."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))
    query = select(meta.c.value).where(meta.c.name == _KEY_CHECK)
    sealed = db.execute(query).scalar_one_or_none()
    if sealed is None:
        key = source.make()
        value = seal(key, _KEY_CHECK_TEXT, _KEY_CHECK.encode())
        db.execute(insert(meta).values(name=_KEY_CHECK, value=value))
        return key
    existing = source.existing()
    if existing is None:
        raise ConfigError(source.place, [f"expected the key that {place} was made with, got none"])
    try:
        unseal(existing, sealed, _KEY_CHECK.encode())
    except SealBroken as error:
        raise ConfigError(
            source.place, [f"expected the key that {place} was made with, got another"]
        ) from error
    return existing


def _postgres(url: str) -> Engine:
    engine = create_engine(url, pool_size=CONNECTIONS, max_overflow=0, pool_pre_ping=True)
    cut_off_hanging(engine)
    return engine


def _sqlite(path: Path) -> Engine:
    private_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=CONNECTIONS,
        max_overflow=-1,
        connect_args={"timeout": BUSY_TIMEOUT_S},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what is taken is overwritten in the file


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class WriteAheadLog:
    """Looks after the write-ahead log of an embedded database that one connection writes fast to.

    Copying the log into the database waits for the disk twice. Here a thread does that, so that no
    writer waits; only when the log is long and the copy is done it starts anew, which is short.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="write-ahead-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        connection = self._engine.raw_connection()
        try:
            while not self._stop.wait(CHECKPOINT_S):
                cursor = connection.cursor()
                try:
                    frames = cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
                    if frames > LONG_LOG_FRAMES:
                        cursor.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
                except sqlite3.OperationalError as error:
                    _log.warning("database.checkpoint_failed", reason=str(error))
                finally:
                    cursor.close()
        finally:
            connection.close()


def write_ahead(database: Database, connection: Connection) -> WriteAheadLog:
    """Have commits of this connection to a SQLite wait for no disk, and its log looked after.

    They survive the death of the process. A loss of power may undo the last of them, in order.
    """
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("PRAGMA synchronous=NORMAL")
    raw.execute("PRAGMA wal_autocheckpoint=0")
    return WriteAheadLog(database.engine)
