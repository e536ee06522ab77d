"""What may be asked of the journal: messages, their past, queues and their ages."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_

from bridge.domain.delivery import Stage
from bridge.domain.errors import InputError
from bridge.relayer.journal.records import (
    OPEN,
    Batch,
    Entry,
    Submission,
    Transition,
    batch_of,
    entry_of,
    submission_of,
)
from bridge.relayer.journal.schema import (
    TAIL_BYTES,
    acts,
    checkpoints,
    message_tail,
    messages,
    transactions,
    transitions,
)
from bridge.relayer.journal.steps import Steps, route


class Asking(Steps):
    """The part of the journal that only reads."""

    def at_stage(
        self, stage: Stage, origin: int, destination: int, limit: int | None = None
    ) -> list[Entry]:
        """Messages of a route at ``stage``, by nonce; at most ``limit``."""
        return self._entries(route(origin, destination), messages.c.stage == stage, limit=limit)

    def entry(self, identifier: bytes) -> Entry | None:
        """The message with this id."""
        found = self._entries(messages.c.id == identifier)
        return found[0] if found else None

    def at_nonce(self, origin: int, nonce: int) -> Entry | None:
        """The message of ``origin`` with this nonce."""
        found = self._entries(messages.c.origin == origin, messages.c.nonce == nonce)
        return found[0] if found else None

    def with_body(self, origin: int, destination: int, sender: bytes, body: bytes) -> list[Entry]:
        """Messages of a route from ``sender`` with this body, ``TAIL_BYTES`` long, by nonce."""
        if len(body) != TAIL_BYTES:
            raise InputError(f"body: expected {TAIL_BYTES} bytes, got {len(body)}")
        query = select(messages).where(route(origin, destination), message_tail == body)
        with self._engine.begin() as db:
            # Not ordered here: SQLite would take the index of the order and read the whole route.
            found = [entry_of(row) for row in db.execute(query).all()]
        ours = [one for one in found if one.message.sender == sender and one.message.body == body]
        return sorted(ours, key=lambda one: one.message.nonce)

    def all_entries(self) -> list[Entry]:
        """All messages, by origin and nonce."""
        return self._entries()

    def page(self, after: tuple[int, int], limit: int) -> list[Entry]:
        """At most ``limit`` messages behind an origin and nonce, by origin and nonce."""
        return self._entries(tuple_(messages.c.origin, messages.c.nonce) > after, limit=limit)

    def checkpoints(self) -> list[Batch]:
        """All checkpoints, by route and size."""
        columns = (checkpoints.c.origin, checkpoints.c.destination, checkpoints.c.size)
        with self._engine.begin() as db:
            return [batch_of(row) for row in db.execute(select(checkpoints).order_by(*columns))]

    def all_open_transactions(self) -> list[Submission]:
        """Transactions of every account that are not in a block, by chain, account and nonce."""
        columns = (transactions.c.chain_id, transactions.c.account, transactions.c.nonce)
        query = select(transactions).where(transactions.c.state.in_(OPEN)).order_by(*columns)
        with self._engine.begin() as db:
            return [submission_of(row) for row in db.execute(query)]

    def entries(
        self,
        stages: tuple[Stage, ...] = (),
        origin: int | None = None,
        destination: int | None = None,
        since_before: float | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """Messages by what is given of them, by origin and nonce.

        ``since_before`` leaves out those that came to their stage later, in Unix seconds.
        """
        conditions: list[ColumnElement[bool]] = []
        if stages:
            conditions.append(messages.c.stage.in_(stages))
        if origin is not None:
            conditions.append(messages.c.origin == origin)
        if destination is not None:
            conditions.append(messages.c.destination == destination)
        if since_before is not None:
            conditions.append(messages.c.since < since_before)
        return self._entries(*conditions, limit=limit)

    def queues(self) -> dict[tuple[int, int, Stage], tuple[int, float]]:
        """For each route and stage, how many messages stand there and since when the oldest."""
        query = select(
            messages.c.origin,
            messages.c.destination,
            messages.c.stage,
            func.count(),
            func.min(messages.c.since),
        ).group_by(messages.c.origin, messages.c.destination, messages.c.stage)
        with self._engine.begin() as db:
            rows = db.execute(query).all()
        return {
            (origin, destination, Stage(stage)): (count, oldest)
            for origin, destination, stage, count, oldest in rows
        }

    def transitions(self, identifier: bytes | None = None, after: int = 0) -> list[Transition]:
        """What happened to one message or to all, in its order; numbers above ``after`` only."""
        query = (
            select(acts, transitions.c.message_id)
            .join(transitions, transitions.c.act == acts.c.number)
            .where(acts.c.number > after)
        )
        if identifier is not None:
            query = query.where(transitions.c.message_id == identifier)
        with self._engine.begin() as db:
            rows = db.execute(query.order_by(acts.c.number)).all()
        return [Transition(r.number, r.message_id, Stage(r.stage), r.at, r.detail) for r in rows]

    def _entries(self, *conditions: Any, limit: int | None = None) -> list[Entry]:
        query = select(messages).where(*conditions)
        with self._engine.begin() as db:
            rows = db.execute(
                query.order_by(messages.c.origin, messages.c.nonce).limit(limit)
            ).all()
        return [entry_of(row) for row in rows]
