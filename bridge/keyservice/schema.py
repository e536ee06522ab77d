"""The tables of the key service, and the SQLite settings that its promises rest on."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    String,
    Table,
    create_engine,
    event,
)

from bridge.keyservice.secretfile import private_folder

BUSY_TIMEOUT_S = 30.0

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("key_id", String(36), primary_key=True),
    Column("label", String, nullable=False, unique=True),
    Column("algorithm", String, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sealed_seed", LargeBinary, nullable=False),
    Column("source", String, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("block_id", String, nullable=False),
    Column("qber", Float, nullable=False),
    Column("leak_bits", Integer, nullable=False),
    Column("epsilon", Float, nullable=False),
    Column("created_at", String, nullable=False),
)

# The root that a key signed for a size. The chain id is text: it has 64 bits and SQLite's integers
# have 63 and a sign. The destination's chain id is left out on purpose: one domain means one chain,
# and a second root for the same domain is refused whatever chain it names.
signed_roots = Table(
    "signed_roots",
    metadata,
    Column("key_id", String(36), ForeignKey("signing_keys.key_id"), primary_key=True),
    Column("origin_domain", Integer, primary_key=True, autoincrement=False),
    Column("origin_chain_id", String, primary_key=True),
    Column("outbox", LargeBinary, primary_key=True),
    Column("destination_domain", Integer, primary_key=True, autoincrement=False),
    Column("inbox", LargeBinary, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("signed_at", String, nullable=False),
)

# The set that a key signed to follow an epoch. Another set takes another salt, so that nobody
# gets two by asking twice. Chain id and salt are text, as above.
signed_rotations = Table(
    "signed_rotations",
    metadata,
    Column("key_id", String(36), ForeignKey("signing_keys.key_id"), primary_key=True),
    Column("chain_id", String, primary_key=True),
    Column("registry", LargeBinary, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("salt", String, primary_key=True),
    Column("set_hash", LargeBinary, nullable=False),
    Column("signed_at", String, nullable=False),
)


def open_engine(database: Path) -> Engine:
    """An engine on ``database``, which is made with mode 0600 if it is not there.

    Every transaction takes the write lock at once (BEGIN IMMEDIATE), so that what it reads is still
    true when it writes, in this process and in any other; a commit returns when the data is on
    disk (synchronous=FULL).
    """
    private_folder(database.parent)
    os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(
        f"sqlite:///{database}", poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S}
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
