"""What the chains said: messages seen, messages final, and how far each Outbox was read."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from bridge.chain.contracts import Dispatched
from bridge.chain.events import BlockMark, Cursor
from bridge.chain.records import Log
from bridge.crypto.hashing import keccak256
from bridge.domain.delivery import Stage
from bridge.relayer.journal.records import Entry, entry_of
from bridge.relayer.journal.schema import checkpoints, cursors, messages, transitions
from bridge.relayer.journal.steps import Steps, chunks


class _Seen(NamedTuple):
    """What the tables take of a message: encoded and hashed once, there may be thousands."""

    id: bytes
    place: tuple[int, int]
    destination: int
    encoded: bytes
    log: Log

    @classmethod
    def of(cls, one: Dispatched) -> _Seen:
        encoded = one.message.encode()
        return cls(keccak256(encoded), _place(one), one.message.destination, encoded, one.log)


class Observing(Steps):
    """The part of the journal that the stages observe and finalize write."""

    def observe(self, found: Sequence[Dispatched]) -> list[Entry]:
        """Note messages seen in blocks that may still go; the new ones come back."""
        with self._engine.begin() as db:
            known = self._known(db, found)
            fresh = [_Seen.of(one) for one in found if _place(one) not in known]
            self._add(db, fresh)
            return self._these(db, [one.id for one in fresh])

    def forget_observed(self, origin: int, seen: set[bytes], above_block: int) -> int:
        """Drop messages of ``origin`` above a block that the chain no longer shows.

        Those at or below it, which became final meanwhile, ``finalize`` drops.
        """
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
        with self._engine.begin() as db:
            known = self._known(db, found)
            seen = [_Seen.of(one) for one in found]
            # What was observed at a nonce in a block that went away is another message.
            gone = {
                one.place: known[one.place]
                for one in seen
                if one.place in known and known[one.place] != one.id
            }
            if gone:
                self._drop(db, list(gone.values()))
                self._reopen(db, origin, min(nonce for _, nonce in gone))
            fresh = [one for one in seen if one.place not in known or one.place in gone]
            self._add(db, fresh)
            new = {one.place for one in fresh}
            self._settle(db, [one for one in seen if one.place not in new])
            entries: list[Entry] = []
            for detail, group in _by_transaction(seen):
                these = [one.id for one in group]
                entries += self._move_these(
                    db, Stage.FINALIZED, detail, these, only_from=Stage.OBSERVED
                )
            self._drop_passed(db, origin, cursor.next_block)
            self._save_cursor(db, origin, cursor)
        return entries

    def next_nonce(self, origin: int) -> int:
        """The nonce after the highest of ``origin`` that is final."""
        query = select(func.max(messages.c.nonce)).where(
            messages.c.origin == origin, messages.c.stage != Stage.OBSERVED
        )
        with self._engine.begin() as db:
            highest: int | None = db.execute(query).scalar_one()
        return 0 if highest is None else highest + 1

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

    def _known(self, db: Connection, found: Sequence[Dispatched]) -> dict[tuple[int, int], bytes]:
        """Identifiers of what the journal has at the places of ``found``."""
        known = {}
        by_origin = groupby(sorted(map(_place, found)), key=lambda place: place[0])
        for origin, places in by_origin:
            for part in chunks([nonce for _, nonce in places]):
                rows = db.execute(
                    select(messages.c.nonce, messages.c.id).where(
                        messages.c.origin == origin, messages.c.nonce.in_(part)
                    )
                )
                known.update({(origin, row.nonce): row.id for row in rows})
        return known

    def _these(self, db: Connection, identifiers: Sequence[bytes]) -> list[Entry]:
        entries = []
        for part in chunks(identifiers):
            rows = db.execute(select(messages).where(messages.c.id.in_(part)))
            entries += [entry_of(row) for row in rows]
        return sorted(entries, key=lambda entry: (entry.origin, entry.nonce))

    def _add(self, db: Connection, fresh: Sequence[_Seen]) -> None:
        """New rows, observed."""
        if not fresh:
            return
        now = time.time()
        db.execute(
            insert(messages),
            [
                {
                    "id": one.id,
                    "origin": one.place[0],
                    "nonce": one.place[1],
                    "destination": one.destination,
                    "message": one.encoded,
                    "stage": Stage.OBSERVED,
                    "since": now,
                    "block_number": one.log.block_number,
                    "block_hash": one.log.block_hash,
                    "attempts": 0,
                    "next_attempt_at": 0.0,
                }
                for one in fresh
            ],
        )
        for detail, group in _by_transaction(fresh):
            act = self._act(db, Stage.OBSERVED, detail)
            rows = [{"message_id": one.id, "act": act} for one in group]
            db.execute(insert(transitions), rows)

    def _settle(self, db: Connection, found: Sequence[_Seen]) -> None:
        """Write down the blocks that messages finally stand in, where they are not final yet."""
        if not found:
            return
        db.execute(
            update(messages)
            .where(messages.c.id == bindparam("which"), messages.c.stage == Stage.OBSERVED)
            .values(block_number=bindparam("number"), block_hash=bindparam("hash")),
            [
                {
                    "which": one.id,
                    "number": one.log.block_number,
                    "hash": one.log.block_hash,
                }
                for one in found
            ],
        )

    def _drop_passed(self, db: Connection, origin: int, next_block: int) -> None:
        """Drop what was observed in blocks that are final and have not got it: a reorg took it."""
        passed = select(messages.c.id).where(
            messages.c.origin == origin,
            messages.c.stage == Stage.OBSERVED,
            messages.c.block_number < next_block,
        )
        self._drop(db, list(db.execute(passed).scalars()))

    def _reopen(self, db: Connection, origin: int, nonce: int) -> None:
        """Drop checkpoints over a message that is gone; what waited under them is batched anew."""
        waiting = (messages.c.origin == origin) & (messages.c.size > nonce)
        batched = waiting & (messages.c.stage == Stage.BATCHED)
        self._move(db, Stage.FINALIZED, {"reorg": True}, batched, root=None, size=None)
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


def _place(one: Dispatched) -> tuple[int, int]:
    return one.message.origin, one.message.nonce


def _by_transaction(found: Sequence[_Seen]) -> Iterable[tuple[dict[str, Any], list[_Seen]]]:
    """Messages of one transaction together, with what is told of it."""
    for key, group in groupby(found, key=lambda one: one.log.transaction_hash):
        members = list(group)
        yield {"block": members[0].log.block_number, "transaction": "0x" + key.hex()}, members
