"""Several relayers on one journal: who is alive, and who does what.

A replica says that it is there every few seconds. What it holds (a lease on a task, a claim on
messages) is its own while it does; when it stops, others may take it. The time is the database's
where several share one: a replica whose clock is wrong would be taken for alive when it is dead.
"""

from __future__ import annotations

import time

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Float,
    Select,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from bridge.relayer.journal.schema import leases, replicas
from bridge.relayer.journal.steps import Steps

ALIVE_S = 6.0
"""A replica that said nothing for so long is taken for dead."""
BEAT_S = 1.5


class Sharing(Steps):
    """The part of the journal that replicas agree by."""

    def beat(self, replica: str) -> None:
        """Say that ``replica`` is alive."""
        now = _now(self._engine.dialect)
        with self._engine.begin() as db:
            changed = db.execute(
                update(replicas).where(replicas.c.name == replica).values(seen_at=now)
            )
            if changed.rowcount == 0:
                db.execute(insert(replicas).values(name=replica, seen_at=now))

    def leave(self, replica: str) -> None:
        """Say that ``replica`` ends: what it holds is free at once."""
        with self._engine.begin() as db:
            db.execute(delete(replicas).where(replicas.c.name == replica))

    def lease(self, task: str, replica: str) -> bool:
        """Whether ``replica`` does ``task`` now: it holds it already, or nobody alive does."""
        with self._engine.begin() as db:
            query = select(leases.c.holder).where(leases.c.task == task)
            held = db.execute(query.with_for_update(skip_locked=True)).scalar_one_or_none()
            if held == replica:
                return True
            if held is not None:
                if held in db.execute(alive(db.dialect)).scalars().all():
                    return False
                db.execute(update(leases).where(leases.c.task == task).values(holder=replica))
                return True
            if db.execute(query).first() is not None:
                return False  # another is taking it at this moment
            return self._take(db, task, replica)

    def give_up(self, task: str, replica: str) -> None:
        """Have another replica do ``task``, or this one again where there is no other."""
        with self._engine.begin() as db:
            db.execute(delete(leases).where(leases.c.task == task, leases.c.holder == replica))

    def _take(self, db: Connection, task: str, replica: str) -> bool:
        if db.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert as insert_or_nothing
        else:
            from sqlalchemy.dialects.sqlite import insert as insert_or_nothing  # type: ignore[assignment]
        made = db.execute(
            insert_or_nothing(leases)
            .values(task=task, holder=replica)
            .on_conflict_do_nothing()
            .returning(leases.c.task)
        )
        return made.first() is not None


def alive(dialect: Dialect) -> Select[tuple[str]]:
    """The names of the replicas that are alive."""
    return select(replicas.c.name).where(replicas.c.seen_at > _now(dialect) - ALIVE_S)


def _now(dialect: Dialect) -> ColumnElement[float]:
    """Unix seconds, by PostgreSQL's clock or this machine's."""
    if dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()), Float)
    return literal(time.time(), Float)
