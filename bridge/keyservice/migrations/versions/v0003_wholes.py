"""Blocks are kept whole until a key is taken of them; old records can be found by their age."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the new columns and indices."""
    op.add_column("blocks", sa.Column("sealed", sa.LargeBinary))
    op.add_column("blocks", sa.Column("slot", sa.BigInteger))
    op.create_index("blocks_by_slot", "blocks", ["slot"], unique=True)
    op.create_index("uses_by_age", "uses", ["at"])
    op.create_index("promises_by_age", "promises", ["created_at"])
