"""The tables of the journal. Names and values in them are persisted and never renamed."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    literal_column,
)

metadata = MetaData()

messages = Table(
    "messages",
    metadata,
    Column("id", LargeBinary(32), primary_key=True),
    Column("origin", BigInteger, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("destination", BigInteger, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary(32), nullable=False),
    Column("root", LargeBinary(32)),
    Column("size", BigInteger),
    Column("delivery_block", BigInteger),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", Float, nullable=False, default=0.0),
    Column("error", String),
    UniqueConstraint("origin", "nonce"),
)

TAIL_BYTES = 64
message_tail = literal_column(
    f"substr(message, length(message) - {TAIL_BYTES - 1})", LargeBinary(TAIL_BYTES)
)
"""The last bytes of a message, which say what it is where its body is short."""
Index("messages_by_tail", messages.c.origin, messages.c.destination, message_tail)

transitions = Table(
    "transitions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("message_id", LargeBinary(32), nullable=False, index=True),
    Column("stage", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("detail", JSON, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("origin", BigInteger, primary_key=True),
    Column("destination", BigInteger, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("root", LargeBinary(32), nullable=False),
    Column("attested", Integer, nullable=False, default=0),
)

cursors = Table(
    "cursors",
    metadata,
    Column("origin", BigInteger, primary_key=True),
    Column("cursor", JSON, nullable=False),
)
