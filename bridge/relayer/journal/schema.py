"""The tables of the journal. Names and values in them are persisted and never renamed.

A row of ``messages`` is the present. ``acts`` and ``transitions`` are the past: an act is one thing
that happened (a transaction, a scan, a batch), and a transition says that it took a message to the
act's stage. Times are Unix seconds.
"""

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

AutoNumber = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts by itself in columns of type INTEGER only."""

messages = Table(
    "messages",
    metadata,
    Column("id", LargeBinary(32), primary_key=True),
    Column("origin", BigInteger, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("destination", BigInteger, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("since", Float, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary(32), nullable=False),
    Column("root", LargeBinary(32)),
    Column("size", BigInteger),
    Column("delivery_block", BigInteger),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", Float, nullable=False, default=0.0),
    Column("error", String),
    Column("claimed_by", String(64)),
    Column("transaction", BigInteger),
    UniqueConstraint("origin", "nonce"),
)
Index(
    "messages_by_stage",
    messages.c.origin,
    messages.c.destination,
    messages.c.stage,
    # The next ones by nonce are read from the index, however many stand behind them.
    messages.c.nonce,
)
Index("messages_by_transaction", messages.c.transaction)

TAIL_BYTES = 64
message_tail = literal_column(
    f"substr(message, length(message) - {TAIL_BYTES - 1})", LargeBinary(TAIL_BYTES)
)
"""The last bytes of a message, which say what it is where its body is short."""
Index("messages_by_tail", messages.c.origin, messages.c.destination, message_tail)

message_endpoints = (
    literal_column("substr(message, 10, 32)", LargeBinary(32)),
    literal_column("substr(message, 46, 32)", LargeBinary(32)),
)
"""Sender and recipient, at their places in every version of the layout."""

acts = Table(
    "acts",
    metadata,
    Column("number", AutoNumber, primary_key=True, autoincrement=True),
    Column("stage", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("detail", JSON, nullable=False),
)

transitions = Table(
    "transitions",
    metadata,
    Column("message_id", LargeBinary(32), primary_key=True),
    Column("act", BigInteger, primary_key=True),
)
Index("transitions_by_act", transitions.c.act)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("origin", BigInteger, primary_key=True),
    Column("destination", BigInteger, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("root", LargeBinary(32), nullable=False),
    Column("attested", Integer, nullable=False, default=0),
    Column("transaction", BigInteger),
)

cursors = Table(
    "cursors",
    metadata,
    Column("origin", BigInteger, primary_key=True),
    Column("cursor", JSON, nullable=False),
)

transactions = Table(
    "transactions",
    metadata,
    Column("number", AutoNumber, primary_key=True, autoincrement=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("account", String(42), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("subject", JSON, nullable=False),
    Column("to", String(42), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("hashes", JSON, nullable=False),
    # Text: wei have 256 bits.
    Column("max_fee_wei", String(78)),
    Column("max_priority_fee_wei", String(78)),
    Column("prepared_at", Float, nullable=False),
    Column("sent_at", Float),
    Column("block_number", BigInteger),
    Column("gas_used", BigInteger),
    Column("gas_price_wei", String(78)),
)
Index(
    "one_open_transaction_a_nonce",
    transactions.c.chain_id,
    transactions.c.account,
    transactions.c.nonce,
    unique=True,
    sqlite_where=transactions.c.state.in_(("prepared", "sent")),
    postgresql_where=transactions.c.state.in_(("prepared", "sent")),
)
Index("open_transactions", transactions.c.chain_id, transactions.c.account, transactions.c.state)

replicas = Table(
    "replicas",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("seen_at", Float, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("task", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
)
