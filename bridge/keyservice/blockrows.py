"""The rows of blocks: how a history is written and read, and how blocks end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from bridge.domain.keys import Provenance
from bridge.keyservice.linkblock import BlockHistory
from bridge.keyservice.schema import blocks, chunks, uses

LOCK = 0x41535452_504F4F4C
"""PostgreSQL's key of who changes a pool: "ASTRPOOL"."""


class Purpose(StrEnum):
    """What key is taken for. Signing keys come first: others leave them a reserve."""

    SIGNING = "signing"
    DELIVERY = "delivery"


class BlockState(StrEnum):
    """Whether a block's bits may be taken. Persisted, never renamed.

    ``LOST`` is a block whose bits did not open: a loss of power left its row without them.
    """

    READY = "ready"
    COMPROMISED = "compromised"
    LOST = "lost"


def lock_pool(db: Connection) -> None:
    """Nobody else gives or takes until this transaction ends. On SQLite that is so already."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(LOCK)))


def row_of(history: BlockHistory, length: int, lifetime_s: float | None) -> dict[str, Any]:
    """The row of a new block of ``length`` bytes; where its bits are is not in it yet."""
    return {
        "block_id": history.block_id,
        "link_id": history.link_id,
        "owner": history.owner,
        "state": BlockState.READY.value,
        "source": history.source,
        "simulated": history.simulated,
        "qber": history.qber,
        "leak_bits": history.leak_bits,
        "epsilon": history.epsilon,
        "created_at": history.created_at,
        "expires_at": None if lifetime_s is None else history.created_at + lifetime_s,
        "free_bytes": length,
    }


def history_of(row: Row[Any]) -> BlockHistory:
    """The history that a row tells."""
    return BlockHistory(
        block_id=row.block_id,
        link_id=row.link_id,
        owner=row.owner,
        source=row.source,
        simulated=row.simulated,
        qber=row.qber,
        leak_bits=row.leak_bits,
        epsilon=row.epsilon,
        created_at=row.created_at,
    )


def with_parts(part: int | None = None) -> Select[Any]:
    """Blocks with each of their parts, or with one; a whole block has none: ``part`` is null."""
    of_block = chunks.c.block == blocks.c.number
    joined = of_block if part is None else and_(of_block, chunks.c.number == part)
    return select(
        blocks,
        chunks.c.number.label("part"),
        chunks.c.free.label("part_free"),
        chunks.c.sealed.label("part_sealed"),
    ).select_from(blocks.outerjoin(chunks, joined))


def free_bits(db: Connection, *conditions: ColumnElement[bool]) -> int:
    """How many bits nobody took of the blocks that are chosen."""
    query = select(func.coalesce(func.sum(blocks.c.free_bytes), 0)).where(*conditions)
    return 8 * int(db.execute(query).scalar_one())


def note_use(db: Connection, purpose: Purpose, subject: str, block_ids: Sequence[str]) -> None:
    """Remember what was made of blocks, for the day that one of them is compromised."""
    now = time.time()
    db.execute(
        insert(uses),
        [
            {"block_id": block_id, "purpose": purpose.value, "subject": subject, "at": now}
            for block_id in block_ids
        ],
    )


def destroy_blocks(db: Connection, which: ColumnElement[bool]) -> int:
    """Delete the bits of the blocks that ``which`` selects; how many there were."""
    chosen = and_(which, blocks.c.free_bytes > literal_column("0"))
    bits = free_bits(db, chosen)
    db.execute(delete(chunks).where(chunks.c.block.in_(select(blocks.c.number).where(chosen))))
    db.execute(update(blocks).where(chosen).values(free_bytes=0, sealed=None, slot=None))
    return bits


def joined(origins: Sequence[Provenance]) -> Provenance:
    """One provenance for a key that several blocks gave bits to."""
    first = origins[0]
    if len(origins) == 1:
        return first
    return Provenance(
        source=first.source,
        simulated=any(origin.simulated for origin in origins),
        block_id="+".join(origin.block_id for origin in origins),
        qber=max(origin.qber for origin in origins),
        leak_bits=sum(origin.leak_bits for origin in origins),
        epsilon=sum(origin.epsilon for origin in origins),
        created_at=first.created_at,
    )
