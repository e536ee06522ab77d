"""The pool on disk, keys promised to SAEs, the life of signing keys, the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

AutoNumber = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the new tables and columns."""
    _life()
    _pool()
    _promises()
    _audit()


def _life() -> None:
    for column in (
        sa.Column("state", sa.String(16), nullable=False, server_default="active"),
        sa.Column("signatures", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("successor", sa.String(36)),
        sa.Column("replaced_at", sa.Float),
    ):
        op.add_column("signing_keys", column)


def _pool() -> None:
    op.create_table(
        "blocks",
        sa.Column("number", AutoNumber, primary_key=True, autoincrement=True),
        sa.Column("block_id", sa.String(36), nullable=False, unique=True),
        sa.Column("link_id", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("qber", sa.Float, nullable=False),
        sa.Column("leak_bits", sa.BigInteger, nullable=False),
        sa.Column("epsilon", sa.Float, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("free_bytes", sa.BigInteger, nullable=False),
    )
    with_key = sa.text("free_bytes > 0")
    op.create_index(
        "blocks_with_key",
        "blocks",
        ["owner", "state", "number"],
        sqlite_where=with_key,
        postgresql_where=with_key,
    )
    op.create_table(
        "chunks",
        sa.Column("block", sa.BigInteger, sa.ForeignKey("blocks.number"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("free", sa.JSON, nullable=False),
        sa.Column("free_bytes", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "uses",
        sa.Column("number", AutoNumber, primary_key=True, autoincrement=True),
        sa.Column("block_id", sa.String(36), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("uses_by_block", "uses", ["block_id"])


def _promises() -> None:
    op.create_table(
        "promises",
        sa.Column("key_id", sa.String(36), primary_key=True),
        sa.Column("master", sa.String(256), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
    )
    op.create_index("promises_by_expiry", "promises", ["state", "expires_at"])
    op.create_table(
        "recipients",
        sa.Column("key_id", sa.String(36), sa.ForeignKey("promises.key_id"), primary_key=True),
        sa.Column("sae_id", sa.String(256), primary_key=True),
        sa.Column("taken_at", sa.Float),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("mac", sa.LargeBinary(32), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION keyservice_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit "
            "FOR EACH ROW EXECUTE FUNCTION keyservice_append_only()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )
