"""How long is remembered what was made of a block, and pruning what is older.

A compromise that is declared within the retention reaches every key that was made of the link's
bits; one that is declared later reaches signing keys still, and no key that SAEs were given. Kept
for ever are the audit log, which has the ids of all keys, and what was made for signing.
"""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass

from sqlalchemy import delete, exists, select

from bridge.domain.errors import InputError
from bridge.keyservice.audit import AuditLog
from bridge.keyservice.blockrows import Purpose, lock_pool
from bridge.keyservice.database import Database
from bridge.keyservice.promises import PromiseState
from bridge.keyservice.schema import blocks, promises, recipients, uses

RETENTION_S = 30 * 24 * 3600.0
ROWS_AT_ONCE = 2000
"""Of each table in one transaction, so that nobody who takes a key waits long."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many records were forgotten."""

    uses: int = 0
    promises: int = 0
    blocks: int = 0

    def __bool__(self) -> bool:
        return any(astuple(self))


def prune(database: Database, retention_s: float = RETENTION_S, now: float | None = None) -> Pruned:
    """Forget some of what is older than ``retention_s``; call it until it forgets nothing.

    Gone are uses for delivery, promises that wait for nobody any more, and histories of blocks that
    are used up and of which no use is remembered. What was pruned is in the audit log.
    """
    if not retention_s > 0.0:
        raise InputError(f"retention: expected above 0 s, got {retention_s}")
    before = (time.time() if now is None else now) - retention_s
    with database.engine.begin() as db:
        lock_pool(db)
        chosen = select(uses.c.number).where(
            uses.c.at < before, uses.c.purpose == Purpose.DELIVERY.value
        )
        numbers = list(db.execute(chosen.limit(ROWS_AT_ONCE)).scalars())
        db.execute(delete(uses).where(uses.c.number.in_(numbers)))
        ids = list(
            db.execute(
                select(promises.c.key_id)
                .where(
                    promises.c.created_at < before,
                    promises.c.state != PromiseState.WAITING.value,
                )
                .limit(ROWS_AT_ONCE)
            ).scalars()
        )
        db.execute(delete(recipients).where(recipients.c.key_id.in_(ids)))
        db.execute(delete(promises).where(promises.c.key_id.in_(ids)))
        used = exists().where(uses.c.block_id == blocks.c.block_id)
        rows = list(
            db.execute(
                select(blocks.c.number)
                .where(blocks.c.free_bytes == 0, blocks.c.created_at < before, ~used)
                .limit(ROWS_AT_ONCE)
            ).scalars()
        )
        db.execute(delete(blocks).where(blocks.c.number.in_(rows)))
        pruned = Pruned(len(numbers), len(ids), len(rows))
        if pruned:
            AuditLog(database).append(
                db,
                "records.pruned",
                retention_s=retention_s,
                uses=pruned.uses,
                promises=pruned.promises,
                blocks=pruned.blocks,
            )
    return pruned
