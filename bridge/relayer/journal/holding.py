"""What is held: messages that are attested, between endpoints that are not verified."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, select, update

from bridge.domain.delivery import Stage
from bridge.relayer.journal.records import Entry, entry_of
from bridge.relayer.journal.schema import message_endpoints, messages
from bridge.relayer.journal.steps import Steps, chunks, route


class Holding(Steps):
    """The part of the journal that holds messages back and lets them go again, in sets."""

    def hold(self, reasons: Mapping[bytes, str]) -> list[Entry]:
        """Hold attested messages that are not under way, each with its reason; no attempt counts.

        Those that were moved come back.
        """
        by_reason: defaultdict[str, list[bytes]] = defaultdict(list)
        for identifier, reason in reasons.items():
            by_reason[reason].append(identifier)
        moved: list[Entry] = []
        with self._engine.begin() as db:
            for reason, identifiers in by_reason.items():
                for part in chunks(identifiers):
                    idle = and_(
                        messages.c.id.in_(part),
                        messages.c.stage == Stage.ATTESTED,
                        messages.c.transaction.is_(None),
                    )
                    detail = {"reason": reason}
                    moved += self._move(db, Stage.HELD, detail, idle, error=reason, claimed_by=None)
        return moved

    def held(self, origin: int, destination: int, limit: int) -> list[Entry]:
        """The first messages of a route that are held, by nonce."""
        query = select(messages).where(_held(origin, destination)).order_by(messages.c.nonce)
        with self._engine.begin() as db:
            return [entry_of(row) for row in db.execute(query.limit(limit))]

    def held_endpoints(self, origin: int, destination: int) -> list[tuple[bytes, bytes]]:
        """Senders and recipients of the messages of a route that are held, 32 bytes each."""
        query = select(*message_endpoints).where(_held(origin, destination)).distinct()
        with self._engine.begin() as db:
            rows = db.execute(query).all()
        return sorted((bytes(sender), bytes(recipient)) for sender, recipient in rows)

    def held_for(
        self, origin: int, destination: int, sender: bytes, recipient: bytes, reason: str
    ) -> None:
        """Note why messages between these endpoints are held now."""
        with self._engine.begin() as db:
            db.execute(
                update(messages)
                .where(_between(origin, destination, sender, recipient), messages.c.error != reason)
                .values(error=reason)
            )

    def release_held(
        self, origin: int, destination: int, sender: bytes, recipient: bytes
    ) -> list[Entry]:
        """Let all messages between these endpoints go on; those that were held come back."""
        with self._engine.begin() as db:
            return self._move(
                db,
                Stage.ATTESTED,
                {"endpoints": "verified"},
                _between(origin, destination, sender, recipient),
                error=None,
                next_attempt_at=0.0,
                claimed_by=None,
            )


def _held(origin: int, destination: int) -> ColumnElement[bool]:
    return and_(route(origin, destination), messages.c.stage == Stage.HELD)


def _between(origin: int, destination: int, sender: bytes, recipient: bytes) -> ColumnElement[bool]:
    ends = zip(message_endpoints, (sender, recipient), strict=True)
    return and_(_held(origin, destination), *(column == value for column, value in ends))
