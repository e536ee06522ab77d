"""What all parts of the journal do inside a transaction: note acts, and move messages by them.

Messages move in sets: one statement for a batch, however many messages it has.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    and_,
    delete,
    insert,
    literal,
    select,
    update,
)

from bridge.domain.delivery import Stage, may_follow
from bridge.relayer.journal.records import Entry, entry_of
from bridge.relayer.journal.schema import acts, messages, transitions

CHUNK = 5_000
"""Identifiers in one statement: both databases bound the number of parameters."""


class Steps:
    """The base of the journal's parts. Every public method of theirs is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _act(self, db: Connection, stage: Stage, detail: dict[str, Any]) -> int:
        """The number of a new act."""
        made = db.execute(insert(acts).values(stage=stage, at=time.time(), detail=detail))
        return inserted(made)

    def _move(
        self,
        db: Connection,
        stage: Stage,
        detail: dict[str, Any],
        where: ColumnElement[bool],
        **values: Any,
    ) -> list[Entry]:
        """The messages for which ``where`` holds and that may go to ``stage``, moved there."""
        may = and_(where, messages.c.stage.in_(_before(stage)))
        if db.execute(select(messages.c.id).where(may).limit(1)).first() is None:
            return []
        act = self._act(db, stage, detail)
        db.execute(
            insert(transitions).from_select(
                ["message_id", "act"],
                select(messages.c.id, literal(act)).where(may),
            )
        )
        moved = select(transitions.c.message_id).where(transitions.c.act == act)
        db.execute(
            update(messages)
            .where(messages.c.id.in_(moved))
            .values(stage=stage, since=time.time(), **values)
        )
        rows = db.execute(
            select(messages)
            .join(transitions, transitions.c.message_id == messages.c.id)
            .where(transitions.c.act == act)
            .order_by(messages.c.nonce)
        )
        return [entry_of(row) for row in rows]

    def _move_these(
        self,
        db: Connection,
        stage: Stage,
        detail: dict[str, Any],
        identifiers: Sequence[bytes],
        only_from: Stage | None = None,
        **values: Any,
    ) -> list[Entry]:
        """Those of ``identifiers`` that may go to ``stage``, moved there."""
        moved = []
        for part in chunks(identifiers):
            where: ColumnElement[bool] = messages.c.id.in_(part)
            if only_from is not None:
                where = and_(where, messages.c.stage == only_from)
            moved += self._move(db, stage, detail, where, **values)
        return moved

    def _drop(self, db: Connection, identifiers: Sequence[bytes]) -> None:
        for part in chunks(identifiers):
            db.execute(delete(messages).where(messages.c.id.in_(part)))
            db.execute(delete(transitions).where(transitions.c.message_id.in_(part)))


def inserted(made: CursorResult[Any]) -> int:
    """The number of the row that was just inserted."""
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """``items`` in parts that fit a statement."""
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def route(origin: int, destination: int) -> ColumnElement[bool]:
    """The condition that a message is of this route."""
    return and_(messages.c.origin == origin, messages.c.destination == destination)


def _before(stage: Stage) -> list[Stage]:
    return [one for one in Stage if may_follow(one, stage) and one is not stage]
