"""The journal: where each message stands, written before each act.

SQLite by SQLAlchemy. A row of ``messages`` is the present, the rows of ``transitions`` its past:
one for each stage a message reached, with block, transaction and gas. Times are Unix seconds.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.pool import NullPool

from bridge.chain.contracts import Dispatched
from bridge.chain.events import BlockMark, Cursor
from bridge.crypto.digests import message_id
from bridge.domain.delivery import Stage, may_follow
from bridge.domain.errors import ConfigError, InputError
from bridge.domain.messages import Message
from bridge.relayer.schema import (
    TAIL_BYTES,
    checkpoints,
    cursors,
    message_tail,
    messages,
    metadata,
    transitions,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as the journal has it."""

    id: bytes
    message: Message
    stage: Stage
    block_number: int
    block_hash: bytes
    root: bytes | None
    size: int | None
    delivery_block: int | None
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Transition:
    """One stage that a message reached, when, and what is known of it. Numbers only grow."""

    number: int
    message_id: bytes
    stage: Stage
    at: float
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """A checkpoint of a route: the tree of ``origin`` with ``size`` leaves, for ``destination``."""

    origin: int
    destination: int
    size: int
    root: bytes
    attested: bool


LOCK_TIMEOUT_S = 30.0


class Journal:
    """One relayer's memory. Every method is one transaction; none waits on a chain.

    With ``read_only`` the file must be there and is never written, whatever is called.
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        if not path.exists():
            if read_only:
                raise ConfigError(str(path), ["expected the relayer's journal, got none"])
            _create(path)
        self._engine = _engine(path, read_only)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    # What the chains said

    def observe(self, found: Sequence[Dispatched]) -> list[Entry]:
        """Note messages seen in blocks that may still go; the new ones come back."""
        with self._engine.begin() as db:
            new = [self._add(db, one, Stage.OBSERVED) for one in found]
        return [entry for entry in new if entry is not None]

    def forget_observed(self, origin: int, seen: set[bytes], above_block: int) -> int:
        """Drop messages of ``origin`` above a block that the chain no longer shows."""
        with self._engine.begin() as db:
            rows = db.execute(
                select(messages.c.id).where(
                    messages.c.origin == origin,
                    messages.c.stage == Stage.OBSERVED,
                    messages.c.block_number > above_block,
                )
            ).scalars()
            gone = [row for row in rows if row not in seen]
            self._drop(db, gone)
        return len(gone)

    def finalize(self, origin: int, found: Sequence[Dispatched], cursor: Cursor) -> list[Entry]:
        """Note messages in blocks that no reorg takes back, and the cursor behind them."""
        entries = []
        with self._engine.begin() as db:
            for one in found:
                identifier = message_id(one.message)
                # What was observed at this nonce in a block that went away is another message.
                others = select(messages.c.id).where(
                    messages.c.origin == one.message.origin,
                    messages.c.nonce == one.message.nonce,
                    messages.c.id != identifier,
                )
                gone = list(db.execute(others).scalars())
                if gone:
                    self._drop(db, gone)
                    self._reopen(db, one.message.origin, one.message.nonce)
                self._add(db, one, Stage.OBSERVED)
                place = {"block_number": one.log.block_number, "block_hash": one.log.block_hash}
                moved = self._move(
                    db, identifier, Stage.FINALIZED, _place(one), Stage.OBSERVED, **place
                )
                if moved is not None:
                    entries.append(moved)
            self._save_cursor(db, origin, cursor)
        return entries

    def cursor(self, origin: int, start_block: int) -> Cursor:
        """The cursor of ``origin``'s Outbox, at ``start_block`` where none was kept."""
        with self._engine.begin() as db:
            raw = db.execute(
                select(cursors.c.cursor).where(cursors.c.origin == origin)
            ).scalar_one_or_none()
        if raw is None:
            return Cursor.at(start_block)
        marks = tuple(BlockMark(number, bytes.fromhex(hash_)) for number, hash_ in raw["marks"])
        return Cursor(raw["start"], raw["next_block"], marks)

    # What the relayer does

    def leaves(self, origin: int, from_index: int) -> list[bytes]:
        """Ids of finalized messages of ``origin`` from a nonce on, in order and without a gap."""
        with self._engine.begin() as db:
            rows = db.execute(
                select(messages.c.nonce, messages.c.id)
                .where(
                    messages.c.origin == origin,
                    messages.c.nonce >= from_index,
                    messages.c.stage != Stage.OBSERVED,
                )
                .order_by(messages.c.nonce)
            ).all()
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

    def open_batch(self, batch: Batch, members: Sequence[bytes]) -> list[Entry]:
        """Note a checkpoint that is to be attested, and its messages as batched under it."""
        detail = {"root": "0x" + batch.root.hex(), "size": batch.size}
        with self._engine.begin() as db:
            db.execute(
                insert(checkpoints).values(
                    origin=batch.origin,
                    destination=batch.destination,
                    size=batch.size,
                    root=batch.root,
                    attested=0,
                )
            )
            moved = [
                self._move(db, one, Stage.BATCHED, detail, root=batch.root, size=batch.size)
                for one in members
            ]
        return [entry for entry in moved if entry is not None]

    def unattested(self, origin: int, destination: int) -> list[Batch]:
        """Checkpoints of a route that no quorum stands behind, the smallest first."""
        with self._engine.begin() as db:
            rows = db.execute(
                select(checkpoints)
                .where(
                    checkpoints.c.origin == origin,
                    checkpoints.c.destination == destination,
                    checkpoints.c.attested == 0,
                )
                .order_by(checkpoints.c.size)
            ).all()
        return [Batch(r.origin, r.destination, r.size, r.root, bool(r.attested)) for r in rows]

    def attested(self, batch: Batch, detail: dict[str, Any]) -> list[Entry]:
        """Note that a quorum stands behind a checkpoint, and its messages as attested."""
        with self._engine.begin() as db:
            db.execute(
                update(checkpoints)
                .where(
                    checkpoints.c.origin == batch.origin,
                    checkpoints.c.destination == batch.destination,
                    checkpoints.c.size == batch.size,
                )
                .values(attested=1)
            )
            members = db.execute(
                select(messages.c.id).where(
                    messages.c.origin == batch.origin,
                    messages.c.destination == batch.destination,
                    messages.c.root == batch.root,
                    messages.c.stage == Stage.BATCHED,
                )
            ).scalars()
            moved = [self._move(db, one, Stage.ATTESTED, detail) for one in list(members)]
        return [entry for entry in moved if entry is not None]

    def delivered(self, identifier: bytes, block: int, detail: dict[str, Any]) -> Entry | None:
        """Note that a message was delivered in ``block`` of its destination."""
        with self._engine.begin() as db:
            return self._move(
                db, identifier, Stage.DELIVERED, detail, delivery_block=block, error=None
            )

    def undelivered(self, identifier: bytes) -> Entry | None:
        """Note that a reorg took a delivery back: the message is to be delivered again."""
        with self._engine.begin() as db:
            return self._move(
                db,
                identifier,
                Stage.ATTESTED,
                {"reorg": True},
                Stage.DELIVERED,
                delivery_block=None,
            )

    def confirmed(self, identifier: bytes, detail: dict[str, Any]) -> Entry | None:
        """Note that a delivery is finalized on the destination."""
        with self._engine.begin() as db:
            return self._move(db, identifier, Stage.CONFIRMED, detail)

    def failed(self, identifier: bytes, error: str, next_attempt_at: float) -> None:
        """Note a delivery that was refused, and when to try again."""
        with self._engine.begin() as db:
            db.execute(
                update(messages)
                .where(messages.c.id == identifier)
                .values(
                    attempts=messages.c.attempts + 1,
                    error=error,
                    next_attempt_at=next_attempt_at,
                )
            )

    # What may be asked

    def at_stage(self, stage: Stage, origin: int, destination: int) -> list[Entry]:
        """Messages of a route at ``stage``, by nonce."""
        return self._entries(
            messages.c.stage == stage,
            messages.c.origin == origin,
            messages.c.destination == destination,
        )

    def due(self, origin: int, destination: int) -> list[Entry]:
        """Attested messages of a route whose next attempt is due, by nonce."""
        return self._entries(
            messages.c.stage == Stage.ATTESTED,
            messages.c.origin == origin,
            messages.c.destination == destination,
            messages.c.next_attempt_at <= time.time(),
        )

    def entry(self, identifier: bytes) -> Entry | None:
        """The message with this id."""
        found = self._entries(messages.c.id == identifier)
        return found[0] if found else None

    def with_body(self, origin: int, destination: int, sender: bytes, body: bytes) -> list[Entry]:
        """Messages of a route from ``sender`` with this body, ``TAIL_BYTES`` long, by nonce."""
        if len(body) != TAIL_BYTES:
            raise InputError(f"body: expected {TAIL_BYTES} bytes, got {len(body)}")
        query = select(messages).where(
            messages.c.origin == origin,
            messages.c.destination == destination,
            message_tail == body,
        )
        with self._engine.begin() as db:
            # Not ordered here: SQLite would take the index of the order and read the whole route.
            found = [_entry(row) for row in db.execute(query).all()]
        ours = [one for one in found if one.message.sender == sender and one.message.body == body]
        return sorted(ours, key=lambda one: one.message.nonce)

    def all_entries(self) -> list[Entry]:
        """All messages, by origin and nonce."""
        return self._entries()

    def transitions(self, identifier: bytes | None = None, after: int = 0) -> list[Transition]:
        """What happened to one message or to all, in its order; numbers above ``after`` only."""
        query = select(transitions).where(transitions.c.number > after)
        if identifier is not None:
            query = query.where(transitions.c.message_id == identifier)
        with self._engine.begin() as db:
            rows = db.execute(query.order_by(transitions.c.number)).all()
        return [Transition(r.number, r.message_id, Stage(r.stage), r.at, r.detail) for r in rows]

    # Inside a transaction

    def _entries(self, *conditions: Any) -> list[Entry]:
        query = select(messages).where(*conditions)
        with self._engine.begin() as db:
            rows = db.execute(query.order_by(messages.c.origin, messages.c.nonce)).all()
        return [_entry(row) for row in rows]

    def _add(self, db: Connection, one: Dispatched, stage: Stage) -> Entry | None:
        """A new row; None where the message is known."""
        identifier = message_id(one.message)
        known = db.execute(
            select(messages.c.id).where(
                messages.c.origin == one.message.origin, messages.c.nonce == one.message.nonce
            )
        ).scalar_one_or_none()
        if known is not None:
            return None
        db.execute(
            insert(messages).values(
                id=identifier,
                origin=one.message.origin,
                nonce=one.message.nonce,
                destination=one.message.destination,
                message=one.message.encode(),
                stage=stage,
                block_number=one.log.block_number,
                block_hash=one.log.block_hash,
            )
        )
        self._note(db, identifier, stage, _place(one))
        return _entry(db.execute(select(messages).where(messages.c.id == identifier)).one())

    def _move(
        self,
        db: Connection,
        identifier: bytes,
        stage: Stage,
        detail: dict[str, Any],
        only_from: Stage | None = None,
        **values: Any,
    ) -> Entry | None:
        """The message at its new stage; None where it may not go there, as it is further on."""
        before = db.execute(
            select(messages.c.stage).where(messages.c.id == identifier)
        ).scalar_one()
        if not may_follow(Stage(before), stage) or only_from not in (None, before):
            return None
        db.execute(
            update(messages).where(messages.c.id == identifier).values(stage=stage, **values)
        )
        self._note(db, identifier, stage, detail)
        return _entry(db.execute(select(messages).where(messages.c.id == identifier)).one())

    def _note(
        self, db: Connection, identifier: bytes, stage: Stage, detail: dict[str, Any]
    ) -> None:
        db.execute(
            insert(transitions).values(
                message_id=identifier, stage=stage, at=time.time(), detail=detail
            )
        )

    def _drop(self, db: Connection, identifiers: Sequence[bytes]) -> None:
        db.execute(delete(messages).where(messages.c.id.in_(identifiers)))
        db.execute(delete(transitions).where(transitions.c.message_id.in_(identifiers)))

    def _reopen(self, db: Connection, origin: int, nonce: int) -> None:
        """Drop checkpoints over a message that is gone; what waited under them is batched anew."""
        waiting = select(messages.c.id).where(
            messages.c.origin == origin,
            messages.c.stage == Stage.BATCHED,
            messages.c.size > nonce,
        )
        for identifier in list(db.execute(waiting).scalars()):
            detail = {"reorg": True}
            self._move(db, identifier, Stage.FINALIZED, detail, root=None, size=None)
        stale = (checkpoints.c.origin == origin, checkpoints.c.size > nonce)
        db.execute(delete(checkpoints).where(*stale))

    def _save_cursor(self, db: Connection, origin: int, cursor: Cursor) -> None:
        raw = {
            "start": cursor.start,
            "next_block": cursor.next_block,
            "marks": [[mark.number, mark.hash.hex()] for mark in cursor.marks],
        }
        db.execute(delete(cursors).where(cursors.c.origin == origin))
        db.execute(insert(cursors).values(origin=origin, cursor=raw))


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        message=Message.decode(row.message),
        stage=Stage(row.stage),
        block_number=row.block_number,
        block_hash=row.block_hash,
        root=row.root,
        size=row.size,
        delivery_block=row.delivery_block,
        attempts=row.attempts,
        error=row.error,
    )


def _place(one: Dispatched) -> dict[str, Any]:
    return {
        "block": one.log.block_number,
        "transaction": "0x" + one.log.transaction_hash.hex(),
    }


def _engine(path: Path, read_only: bool = False) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": LOCK_TIMEOUT_S}
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    return engine


def _create(path: Path) -> None:
    """Make an empty journal, which stands at ``path`` with all its tables or not at all.

    The relayer and those who ask for its state may come at the same time: the first one's stands.
    """
    with TemporaryDirectory(dir=path.parent, prefix=".journal-") as folder:
        new = Path(folder) / path.name
        engine = _engine(new)
        with engine.connect() as db:
            db.exec_driver_sql("PRAGMA journal_mode=WAL")
        metadata.create_all(engine)
        engine.dispose()
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
