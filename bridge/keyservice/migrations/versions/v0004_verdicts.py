"""What a key said about contracts, one statement for each sequence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "signed_verdicts",
        sa.Column("key_id", sa.String(36), sa.ForeignKey("signing_keys.key_id"), primary_key=True),
        sa.Column("registry_chain_id", sa.String, primary_key=True),
        sa.Column("registry", sa.LargeBinary, primary_key=True),
        sa.Column("chain_id", sa.String, primary_key=True),
        sa.Column("address", sa.LargeBinary, primary_key=True),
        sa.Column("sequence", sa.String, primary_key=True),
        sa.Column("statement", sa.LargeBinary, nullable=False),
        sa.Column("signed_at", sa.String, nullable=False),
    )
