"""The tables of the journal as it was first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

AutoNumber = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make all tables and indexes."""
    _messages()
    _past()
    _checkpoints()
    _transactions()
    op.create_table(
        "replicas",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("seen_at", sa.Float, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("task", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.LargeBinary(32), primary_key=True),
        sa.Column("origin", sa.BigInteger, nullable=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("destination", sa.BigInteger, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("block_number", sa.BigInteger, nullable=False),
        sa.Column("block_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("root", sa.LargeBinary(32)),
        sa.Column("size", sa.BigInteger),
        sa.Column("delivery_block", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.Float, nullable=False),
        sa.Column("error", sa.String),
        sa.Column("claimed_by", sa.String(64)),
        sa.Column("transaction", sa.BigInteger),
        sa.UniqueConstraint("origin", "nonce"),
    )
    by_stage = ["origin", "destination", "stage", "nonce"]
    op.create_index("messages_by_stage", "messages", by_stage)
    op.create_index("messages_by_transaction", "messages", ["transaction"])
    tail = sa.text("substr(message, length(message) - 63)")
    op.create_index("messages_by_tail", "messages", ["origin", "destination", tail])


def _past() -> None:
    op.create_table(
        "acts",
        sa.Column("number", AutoNumber, primary_key=True, autoincrement=True),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_table(
        "transitions",
        sa.Column("message_id", sa.LargeBinary(32), primary_key=True),
        sa.Column("act", sa.BigInteger, primary_key=True),
    )
    op.create_index("transitions_by_act", "transitions", ["act"])


def _checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("origin", sa.BigInteger, primary_key=True),
        sa.Column("destination", sa.BigInteger, primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("attested", sa.Integer, nullable=False),
        sa.Column("transaction", sa.BigInteger),
    )
    op.create_table(
        "cursors",
        sa.Column("origin", sa.BigInteger, primary_key=True),
        sa.Column("cursor", sa.JSON, nullable=False),
    )


def _transactions() -> None:
    op.create_table(
        "transactions",
        sa.Column("number", AutoNumber, primary_key=True, autoincrement=True),
        sa.Column("chain_id", sa.BigInteger, nullable=False),
        sa.Column("account", sa.String(42), nullable=False),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("subject", sa.JSON, nullable=False),
        sa.Column("to", sa.String(42), nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("gas", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("hashes", sa.JSON, nullable=False),
        sa.Column("max_fee_wei", sa.String(78)),
        sa.Column("max_priority_fee_wei", sa.String(78)),
        sa.Column("prepared_at", sa.Float, nullable=False),
        sa.Column("sent_at", sa.Float),
        sa.Column("block_number", sa.BigInteger),
        sa.Column("gas_used", sa.BigInteger),
        sa.Column("gas_price_wei", sa.String(78)),
    )
    is_open = sa.text("state IN ('prepared', 'sent')")
    op.create_index(
        "one_open_transaction_a_nonce",
        "transactions",
        ["chain_id", "account", "nonce"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("open_transactions", "transactions", ["chain_id", "account", "state"])
