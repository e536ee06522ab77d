"""Deliveries: which messages are due and whose they are, what became of each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, or_, select, update

from bridge.domain.delivery import Stage
from bridge.relayer.journal.records import Entry, entry_of
from bridge.relayer.journal.schema import messages, transactions
from bridge.relayer.journal.sharing import alive
from bridge.relayer.journal.steps import Steps, chunks, route
from bridge.relayer.retry import LONGEST_DELAY_S


class Delivering(Steps):
    """The part of the journal that the stages deliver and confirm write."""

    def claim(
        self, origin: int, destination: int, replica: str, limit: int, fresh: bool
    ) -> list[Entry]:
        """At most ``limit`` attested messages of a route that are due, for ``replica`` alone.

        ``fresh`` ones were never tried, and come by nonce; the others by their next attempt, then
        nonce. What another replica that is alive has claimed is left out, and so is what is under
        way.
        """
        now = time.time()
        waiting = [
            route(origin, destination),
            messages.c.stage == Stage.ATTESTED,
            messages.c.transaction.is_(None),
            or_(
                messages.c.claimed_by.is_(None),
                messages.c.claimed_by == replica,
                messages.c.claimed_by.not_in(alive(self._engine.dialect)),
            ),
        ]
        order: tuple[ColumnElement[Any], ...]
        if fresh:
            waiting.append(messages.c.attempts == 0)
            order = (messages.c.nonce,)
        else:
            # A clock that was set back makes nothing wait longer than the table's longest delay.
            due = or_(
                messages.c.next_attempt_at <= now,
                messages.c.next_attempt_at > now + LONGEST_DELAY_S,
            )
            waiting += [messages.c.attempts > 0, due]
            order = (messages.c.next_attempt_at, messages.c.nonce)
        query = select(messages).where(*waiting).order_by(*order).limit(limit)
        with self._engine.begin() as db:
            rows = db.execute(query.with_for_update(skip_locked=True)).all()
            for part in chunks([row.id for row in rows]):
                db.execute(
                    update(messages).where(messages.c.id.in_(part)).values(claimed_by=replica)
                )
        return [entry_of(row) for row in rows]

    def take_over(self, origin: int, destination: int, account: str) -> int:
        """Free messages of a route that a dead replica's transaction is under way with; how many.

        Whether that transaction is mined in the end is for nobody to say who has not its
        ``account``: whoever claims these looks first which of them are delivered.
        """
        others = select(transactions.c.number).where(transactions.c.account != account)
        members = (
            route(origin, destination),
            messages.c.stage == Stage.ATTESTED,
            messages.c.transaction.in_(others),
            messages.c.claimed_by.not_in(alive(self._engine.dialect)),
        )
        with self._engine.begin() as db:
            freed = db.execute(
                update(messages).where(*members).values(transaction=None, claimed_by=None)
            )
        return freed.rowcount

    def release(self, identifiers: Sequence[bytes]) -> None:
        """Give up claims on messages that nothing was done with."""
        with self._engine.begin() as db:
            for part in chunks(identifiers):
                db.execute(
                    update(messages)
                    .where(messages.c.id.in_(part), messages.c.transaction.is_(None))
                    .values(claimed_by=None)
                )

    def members(self, transaction: int) -> list[Entry]:
        """The messages that are under way with a transaction, by nonce."""
        query = select(messages).where(messages.c.transaction == transaction)
        with self._engine.begin() as db:
            rows = db.execute(query.order_by(messages.c.nonce)).all()
        return [entry_of(row) for row in rows]

    def delivered(
        self, identifiers: Sequence[bytes], block: int, detail: dict[str, Any]
    ) -> list[Entry]:
        """Note that messages were delivered in ``block`` of their destination."""
        with self._engine.begin() as db:
            return self._move_these(
                db,
                Stage.DELIVERED,
                detail,
                identifiers,
                delivery_block=block,
                error=None,
                claimed_by=None,
                transaction=None,
            )

    def failed(
        self, reasons: Mapping[bytes, str], next_attempts_at: Sequence[float]
    ) -> list[Entry]:
        """Note deliveries that were refused, each with its reason.

        ``next_attempts_at`` are the times of the next attempt after the first failure, the second
        and so on, in Unix seconds; who has had them all goes to the dead-letter state. Those that
        went there come back.
        """
        if not reasons:
            return []
        after = case(
            *((messages.c.attempts == made, at) for made, at in enumerate(next_attempts_at)),
            else_=0.0,
        )
        with self._engine.begin() as db:
            db.execute(
                update(messages)
                .where(messages.c.id == bindparam("which"), messages.c.stage == Stage.ATTESTED)
                .values(
                    error=bindparam("reason"),
                    next_attempt_at=after,
                    attempts=messages.c.attempts + 1,
                    claimed_by=None,
                    transaction=None,
                ),
                [{"which": one, "reason": reason} for one, reason in reasons.items()],
            )
            moved: list[Entry] = []
            for part in chunks(list(reasons)):
                used_up = and_(messages.c.id.in_(part), messages.c.attempts > len(next_attempts_at))
                detail = {"attempts": len(next_attempts_at) + 1}
                moved += self._move(db, Stage.DEAD_LETTER, detail, used_up)
        return moved

    def postpone(self, identifiers: Sequence[bytes], next_attempt_at: float) -> None:
        """Have messages wait without counting an attempt: nothing was wrong with them."""
        with self._engine.begin() as db:
            for part in chunks(identifiers):
                db.execute(
                    update(messages)
                    .where(messages.c.id.in_(part))
                    .values(next_attempt_at=next_attempt_at, claimed_by=None, transaction=None)
                )

    def undelivered(self, identifiers: Sequence[bytes]) -> list[Entry]:
        """Note that a reorg took deliveries back: the messages are to be delivered again."""
        with self._engine.begin() as db:
            return self._move_these(
                db,
                Stage.ATTESTED,
                {"reorg": True},
                identifiers,
                only_from=Stage.DELIVERED,
                delivery_block=None,
            )

    def confirmed(self, identifiers: Sequence[bytes], detail: dict[str, Any]) -> list[Entry]:
        """Note that deliveries are finalized on the destination."""
        with self._engine.begin() as db:
            return self._move_these(db, Stage.CONFIRMED, detail, identifiers)

    def retry(self, identifiers: Sequence[bytes]) -> list[Entry]:
        """Have messages that are held or were given up tried again, from the first attempt on.

        One whose endpoints are still not verified is held again.
        """
        given_up = messages.c.stage.in_((Stage.HELD, Stage.DEAD_LETTER, Stage.DROPPED))
        with self._engine.begin() as db:
            moved: list[Entry] = []
            for part in chunks(identifiers):
                moved += self._move(
                    db,
                    Stage.ATTESTED,
                    {"by": "operator"},
                    and_(messages.c.id.in_(part), given_up),
                    attempts=0,
                    next_attempt_at=0.0,
                    claimed_by=None,
                )
                # One that waits for its next attempt has it now.
                db.execute(
                    update(messages)
                    .where(messages.c.id.in_(part), messages.c.stage == Stage.ATTESTED)
                    .values(next_attempt_at=0.0)
                )
        return moved

    def drop(self, identifiers: Sequence[bytes]) -> list[Entry]:
        """Have messages not be tried any more; those that are under way stay."""
        with self._engine.begin() as db:
            moved: list[Entry] = []
            for part in chunks(identifiers):
                idle = and_(messages.c.id.in_(part), messages.c.transaction.is_(None))
                waiting = messages.c.stage.in_((Stage.ATTESTED, Stage.HELD, Stage.DEAD_LETTER))
                moved += self._move(
                    db, Stage.DROPPED, {"by": "operator"}, and_(idle, waiting), claimed_by=None
                )
        return moved
