"""How the journal stands: queues, ages, transactions, size. Asked by whoever measures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select, text

from bridge.domain.delivery import Stage
from bridge.relayer.journal.records import OPEN, State
from bridge.relayer.journal.schema import acts, cursors, messages, transactions, transitions
from bridge.relayer.journal.steps import Steps, chunks, route

UNDELIVERED = (Stage.FINALIZED, Stage.BATCHED, Stage.ATTESTED)
BESIDE = (Stage.HELD, Stage.DEAD_LETTER, Stage.DROPPED)
COUNTED = (Stage.OBSERVED, *UNDELIVERED, Stage.DELIVERED, *BESIDE)
"""All but the confirmed ones, which grow for ever."""


@dataclass(slots=True)
class Standing:
    """What stands in the journal at one moment.

    Routes are (origin, destination); ``finalized_at`` is when the oldest undelivered message of a
    route became final, in Unix seconds. ``transactions`` are of one account, by chain id and state,
    ``lowest_open_nonce`` the first of them that is in no block.
    """

    queues: dict[tuple[int, int, Stage], int] = field(default_factory=dict)
    finalized_at: dict[tuple[int, int], float] = field(default_factory=dict)
    refused: dict[tuple[int, int], int] = field(default_factory=dict)
    transactions: dict[tuple[int, State], int] = field(default_factory=dict)
    lowest_open_nonce: dict[int, int] = field(default_factory=dict)
    next_blocks: dict[int, int] = field(default_factory=dict)
    size_bytes: int = 0


class Measuring(Steps):
    """The part of the journal that is asked for figures."""

    def standing(self, routes: Sequence[tuple[int, int]], account: str) -> Standing:
        """How things stand on ``routes`` and with the transactions of ``account``."""
        found = Standing()
        with self._engine.begin() as db:
            for ends in routes:
                self._measure_route(db, ends, found)
            by_state = (
                select(transactions.c.chain_id, transactions.c.state, func.count())
                .where(transactions.c.account == account)
                .group_by(transactions.c.chain_id, transactions.c.state)
            )
            for chain_id, state, count in db.execute(by_state):
                found.transactions[chain_id, State(state)] = count
            lowest = (
                select(transactions.c.chain_id, func.min(transactions.c.nonce))
                .where(transactions.c.account == account, transactions.c.state.in_(OPEN))
                .group_by(transactions.c.chain_id)
            )
            found.lowest_open_nonce = {row[0]: row[1] for row in db.execute(lowest)}
            for origin, cursor in db.execute(select(cursors.c.origin, cursors.c.cursor)):
                found.next_blocks[origin] = cursor["next_block"]
            found.size_bytes = self._size(db)
        return found

    def reached_at(self, stage: Stage, identifiers: Sequence[bytes]) -> dict[bytes, float]:
        """When messages came to a stage, the last time, in Unix seconds."""
        found: dict[bytes, float] = {}
        with self._engine.begin() as db:
            for part in chunks(identifiers):
                rows = db.execute(
                    select(transitions.c.message_id, func.max(acts.c.at))
                    .join(acts, acts.c.number == transitions.c.act)
                    .where(transitions.c.message_id.in_(part), acts.c.stage == stage)
                    .group_by(transitions.c.message_id)
                )
                found |= {row[0]: row[1] for row in rows}
        return found

    def _measure_route(self, db: Connection, ends: tuple[int, int], found: Standing) -> None:
        oldest: list[int] = []
        by_stage = (
            select(messages.c.stage, func.count(), func.min(messages.c.nonce))
            .where(route(*ends), messages.c.stage.in_(COUNTED))
            .group_by(messages.c.stage)
        )
        for stage, count, nonce in db.execute(by_stage):
            found.queues[*ends, Stage(stage)] = count
            if stage in UNDELIVERED:
                oldest.append(nonce)
        if not oldest:
            return
        found.refused[ends] = db.execute(
            select(func.count()).where(
                route(*ends), messages.c.stage == Stage.ATTESTED, messages.c.attempts > 0
            )
        ).scalar_one()
        at: float | None = db.execute(
            select(func.max(acts.c.at))
            .join(transitions, transitions.c.act == acts.c.number)
            .join(messages, messages.c.id == transitions.c.message_id)
            .where(
                messages.c.origin == ends[0],
                messages.c.nonce == min(oldest),
                acts.c.stage == Stage.FINALIZED,
            )
        ).scalar_one()
        if at is not None:
            found.finalized_at[ends] = at

    def _size(self, db: Connection) -> int:
        """Bytes on disk; of SQLite with what waits in its log."""
        if db.dialect.name == "postgresql":
            size: int = db.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
            return size
        path = self._engine.url.database or ""
        return sum(os.path.getsize(one) for one in (path, path + "-wal") if os.path.exists(one))  # noqa: PTH110, PTH202
