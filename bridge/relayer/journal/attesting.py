"""Trees and checkpoints: what is final, what is batched under which root, what is attested."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, func, insert, select, update

from bridge.domain.delivery import Stage
from bridge.relayer.journal.records import Batch, Entry, batch_of
from bridge.relayer.journal.schema import checkpoints, messages
from bridge.relayer.journal.steps import Steps, route


class Attesting(Steps):
    """The part of the journal that the stages batch and attest write."""

    def leaves(self, origin: int, from_index: int, limit: int | None = None) -> list[bytes]:
        """Ids of finalized messages of ``origin`` from a nonce on, in order and without a gap.

        At most ``limit`` of them.
        """
        query = (
            select(messages.c.nonce, messages.c.id)
            .where(
                messages.c.origin == origin,
                messages.c.nonce >= from_index,
                messages.c.stage != Stage.OBSERVED,
            )
            .order_by(messages.c.nonce)
            .limit(limit)
        )
        with self._engine.begin() as db:
            rows = db.execute(query).all()
        found: list[bytes] = []
        for nonce, identifier in rows:
            if nonce != from_index + len(found):
                break
            found.append(identifier)
        return found

    def leaf(self, origin: int, nonce: int) -> bytes | None:
        """The id of the finalized message of ``origin`` at ``nonce``."""
        with self._engine.begin() as db:
            found: bytes | None = db.execute(
                select(messages.c.id).where(
                    messages.c.origin == origin,
                    messages.c.nonce == nonce,
                    messages.c.stage != Stage.OBSERVED,
                )
            ).scalar_one_or_none()
        return found

    def last_finalized(self, origin: int, destination: int, below: int) -> int | None:
        """The highest nonce below ``below`` of a message of the route that waits for a batch."""
        with self._engine.begin() as db:
            found: int | None = db.execute(
                select(func.max(messages.c.nonce)).where(
                    route(origin, destination),
                    messages.c.stage == Stage.FINALIZED,
                    messages.c.nonce < below,
                )
            ).scalar_one()
        return found

    def open_batch(self, batch: Batch) -> list[Entry]:
        """Note a checkpoint that is to be attested, and what was final below its size as batched.

        A batch of the same size that is there already stays as it is.
        """
        key = _key(batch)
        detail = {"root": "0x" + batch.root.hex(), "size": batch.size}
        with self._engine.begin() as db:
            if db.execute(select(checkpoints.c.size).where(key)).first() is None:
                db.execute(
                    insert(checkpoints).values(
                        origin=batch.origin,
                        destination=batch.destination,
                        size=batch.size,
                        root=batch.root,
                        attested=0,
                    )
                )
            members = and_(
                route(batch.origin, batch.destination),
                messages.c.nonce < batch.size,
                messages.c.stage == Stage.FINALIZED,
            )
            return self._move(db, Stage.BATCHED, detail, members, root=batch.root, size=batch.size)

    def unattested(self, origin: int, destination: int) -> list[Batch]:
        """Checkpoints of a route that no quorum stands behind, the largest first."""
        with self._engine.begin() as db:
            rows = db.execute(
                select(checkpoints)
                .where(
                    checkpoints.c.origin == origin,
                    checkpoints.c.destination == destination,
                    checkpoints.c.attested == 0,
                )
                .order_by(checkpoints.c.size.desc())
            ).all()
        return [batch_of(row) for row in rows]

    def attested(self, batch: Batch, detail: dict[str, Any]) -> list[Entry]:
        """Note that a quorum stands behind a checkpoint, and all that is below its size.

        Smaller checkpoints of the route need none any more.
        """
        with self._engine.begin() as db:
            db.execute(
                update(checkpoints)
                .where(
                    checkpoints.c.origin == batch.origin,
                    checkpoints.c.destination == batch.destination,
                    checkpoints.c.size <= batch.size,
                )
                .values(attested=1, transaction=None)
            )
            members = and_(
                route(batch.origin, batch.destination),
                messages.c.nonce < batch.size,
                messages.c.stage == Stage.BATCHED,
            )
            return self._move(db, Stage.ATTESTED, detail, members, root=batch.root, size=batch.size)

    def attested_batch(self, origin: int, destination: int) -> Batch | None:
        """The largest checkpoint of a route that a quorum stands behind."""
        query = (
            select(checkpoints)
            .where(
                checkpoints.c.origin == origin,
                checkpoints.c.destination == destination,
                checkpoints.c.attested == 1,
            )
            .order_by(checkpoints.c.size.desc())
            .limit(1)
        )
        with self._engine.begin() as db:
            row = db.execute(query).first()
        return None if row is None else batch_of(row)

    def unattest(self, batch: Batch) -> list[Entry]:
        """Note that a reorg took a quorum back: the checkpoint is to be attested again."""
        with self._engine.begin() as db:
            db.execute(update(checkpoints).where(_key(batch)).values(attested=0, transaction=None))
            members = and_(
                route(batch.origin, batch.destination),
                messages.c.size == batch.size,
                messages.c.stage == Stage.ATTESTED,
            )
            return self._move(db, Stage.BATCHED, {"reorg": True}, members)


def _key(batch: Batch) -> Any:
    return and_(
        checkpoints.c.origin == batch.origin,
        checkpoints.c.destination == batch.destination,
        checkpoints.c.size == batch.size,
    )
