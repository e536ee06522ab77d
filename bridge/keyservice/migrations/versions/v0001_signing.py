"""Signing keys and what they signed, as they were first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "meta",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "signing_keys",
        sa.Column("key_id", sa.String(36), primary_key=True),
        sa.Column("label", sa.String, nullable=False, unique=True),
        sa.Column("algorithm", sa.String, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sealed_seed", sa.LargeBinary, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("block_id", sa.String, nullable=False),
        sa.Column("qber", sa.Float, nullable=False),
        sa.Column("leak_bits", sa.BigInteger, nullable=False),
        sa.Column("epsilon", sa.Float, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
    )
    key_id = "signing_keys.key_id"
    op.create_table(
        "signed_roots",
        sa.Column("key_id", sa.String(36), sa.ForeignKey(key_id), primary_key=True),
        sa.Column("origin_domain", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("origin_chain_id", sa.String, primary_key=True),
        sa.Column("outbox", sa.LargeBinary, primary_key=True),
        sa.Column("destination_domain", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("inbox", sa.LargeBinary, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("signed_at", sa.String, nullable=False),
    )
    op.create_table(
        "signed_rotations",
        sa.Column("key_id", sa.String(36), sa.ForeignKey(key_id), primary_key=True),
        sa.Column("chain_id", sa.String, primary_key=True),
        sa.Column("registry", sa.LargeBinary, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("salt", sa.String, primary_key=True),
        sa.Column("set_hash", sa.LargeBinary, nullable=False),
        sa.Column("signed_at", sa.String, nullable=False),
    )
