"""The fast way into a pool: whole blocks of a link's end, several in one transaction.

Where several ends of a process put blocks at once, one of them writes for all that wait. `put`
returns when the block is kept, so that no death of the process loses it. A loss of power may lose
the blocks of the last moments, which nobody was given then: a key is taken under a commit that
waits for the disk, and that takes what came before it along.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4, uuid5

import structlog
from sqlalchemy import Connection, and_, delete, literal_column, or_, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from bridge.domain.errors import BridgeError, InputError, PoolFull, StoreUnavailable
from bridge.keyservice.blockrows import destroy_blocks, lock_pool, row_of
from bridge.keyservice.database import Database, write_ahead
from bridge.keyservice.linkblock import (
    SIMULATED_LINK,
    SIMULATED_SOURCE,
    BlockHistory,
    LinkBlock,
)
from bridge.keyservice.pool import LOCAL, PoolLimits
from bridge.keyservice.schema import blocks
from bridge.keyservice.sealingkey import subkey
from bridge.keyservice.wholes import MOST_BYTES, seal_whole
from bridge.quantum.ends.halves import KeyBlock

_log = structlog.stdlib.get_logger(__name__)

FREE_SLOTS = 64
"""How many slots are looked for at once."""


class Overflow(StrEnum):
    """What becomes of a block that would lift the pool above its high water mark."""

    REFUSE = "refuse"
    """`PoolFull`: the link waits."""
    DROP_OLDEST = "drop oldest"
    """The oldest blocks are destroyed, down to the low mark: as if they were used up."""


@dataclass(slots=True)
class _Waiting:
    """A sealed block whose `put` has not returned yet."""

    row: dict[str, Any]
    sealed: bytes
    done: bool = False
    failure: BaseException | None = None


@dataclass(slots=True)
class IntakeCounts:
    """What came and what had to go, since the intake was opened."""

    blocks: int = 0
    bits: int = 0
    dropped_blocks: int = 0
    dropped_bits: int = 0
    transactions: int = 0


class PoolIntake:
    """Puts whole blocks into the pool that ``owner`` has in a database. For threads.

    One for each process: an intake looks after the write-ahead log of an embedded database, which
    others may read and take from meanwhile. ``close`` it.
    """

    def __init__(
        self,
        database: Database,
        limits: PoolLimits | None = None,
        overflow: Overflow = Overflow.REFUSE,
        owner: str = LOCAL,
    ) -> None:
        self.limits = limits or PoolLimits()
        self.overflow = overflow
        self.owner = owner
        self.counts = IntakeCounts()
        self._sealing_key = database.sealing_key
        self._slots = database.slots
        self._queue = threading.Lock()
        self._writer = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._free: list[int] = []
        self._held: int | None = None
        self._connection = database.engine.connect()
        self._statement, self._columns = _insertion(self._connection)
        self._log = write_ahead(database, self._connection) if self._slots is not None else None

    def put(self, block: LinkBlock) -> None:
        """Keep a block; returns when it is kept.

        Raises ``PoolFull`` where the overflow is refused, ``InputError`` for an id that is there
        already, ``StoreUnavailable`` where the database did not do it.
        """
        self.put_all([block])

    def put_all(self, several: Sequence[LinkBlock]) -> None:
        """`put` for each, in one transaction where none is refused.

        All that can be are kept; what the first one that was not failed with is raised.
        """
        batch = [self._sealed(block) for block in several]
        with self._queue:
            self._waiting += batch
        with self._writer:
            if not all(one.done for one in batch):
                self._write()
        for one in batch:
            if one.failure is not None:
                raise one.failure

    def _sealed(self, block: LinkBlock) -> _Waiting:
        history = block.history
        key = subkey(self._sealing_key, f"block/{history.block_id}")
        return _Waiting(
            row_of(history, len(block.key), self.limits.lifetime_s),
            seal_whole(key, history, block.key),
        )

    def close(self) -> None:
        """Let go of the database; slots that no block has are wiped."""
        with self._writer:
            if self._slots is not None:
                with self._connection.begin():
                    self._slots.wipe_all_but(self._slots_in_use())
            if self._log is not None:
                self._log.close()
            self._connection.close()

    # within the writer's lock

    def _write(self) -> None:
        with self._queue:
            batch, self._waiting = self._waiting, []
        try:
            self._commit(batch)
        except BridgeError as error:
            if len(batch) == 1:
                batch[0].failure = error
            else:
                self._one_by_one(batch)
        except BaseException as error:
            for one in batch:
                one.failure = error
            raise
        finally:
            for one in batch:
                one.done = True

    def _one_by_one(self, batch: Sequence[_Waiting]) -> None:
        """What was refused together: each by itself, so that each hears its own."""
        for one in batch:
            try:
                self._commit([one])
            except BridgeError as error:
                one.failure = error

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        bits = sum(8 * one.row["free_bytes"] for one in batch)
        dropped = (0, 0)
        given: list[int] = []
        try:
            with self._connection.begin():
                lock_pool(self._connection)
                if self._held is None or self._held + bits > self.limits.high_bits:
                    dropped = self._make_room(bits)
                self._insert(batch, given)
        except IntegrityError as error:
            self._held, self._free = None, []
            raise InputError(f"block {batch[0].row['block_id']}: it is there already") from error
        except DBAPIError as error:
            self._held, self._free = None, []
            raise StoreUnavailable(str(error.orig)) from error
        except BaseException:
            self._held, self._free = None, []
            raise
        assert self._held is not None
        self._held += bits
        counts = self.counts
        counts.blocks += len(batch)
        counts.bits += bits
        counts.dropped_blocks += dropped[0]
        counts.dropped_bits += dropped[1]
        counts.transactions += 1

    def _insert(self, batch: Sequence[_Waiting], given: list[int]) -> None:
        slots = self._slots
        rows = []
        for one in batch:
            if slots is None or one.row["free_bytes"] > MOST_BYTES:
                rows.append(one.row | {"sealed": one.sealed, "slot": None})
                continue
            if not self._free:
                self._free = self._find_slots([*given])
            given.append(self._free.pop())
            rows.append(one.row | {"sealed": None, "slot": given[-1]})
        self._connection.exec_driver_sql(
            self._statement, [tuple(row[name] for name in self._columns) for row in rows]
        )
        if slots is not None:
            for one, row in zip(batch, rows, strict=True):
                if row["slot"] is not None:
                    slots.write(row["slot"], one.sealed)

    def _find_slots(self, given: Sequence[int]) -> list[int]:
        used = {*self._slots_in_use(), *given}
        free = [slot for slot in range(len(used) + FREE_SLOTS) if slot not in used]
        return free[FREE_SLOTS - 1 :: -1]  # the lowest is taken first

    def _slots_in_use(self) -> list[int]:
        query = select(blocks.c.slot).where(blocks.c.slot.is_not(None))
        return [int(slot) for slot in self._connection.execute(query).scalars()]

    def _make_room(self, bits: int) -> tuple[int, int]:
        """Look how much there is; the number of blocks and bits that had to go for ``bits``."""
        db, limits = self._connection, self.limits
        query = select(blocks.c.number, blocks.c.free_bytes, blocks.c.slot, _WHOLE.label("whole"))
        mine = (blocks.c.owner == self.owner, blocks.c.free_bytes > literal_column("0"))
        rows = db.execute(query.where(*mine).order_by(blocks.c.number)).all()
        self._held = 8 * sum(row.free_bytes for row in rows)
        if self._held + bits <= limits.high_bits:
            return 0, 0
        if self.overflow is Overflow.REFUSE:
            raise PoolFull(self._held + bits, limits.high_bits)
        gone = []
        for row in rows:
            if self._held + bits <= limits.low_bits:
                break
            gone.append(row)
            self._held -= 8 * row.free_bytes
        if not gone:
            return 0, 0
        older = and_(blocks.c.owner == self.owner, blocks.c.number <= gone[-1].number)
        # Of a block that is whole nothing was made, so nobody will ever ask for its history.
        db.execute(delete(blocks).where(older, _WHOLE))
        if not all(row.whole for row in gone):
            destroy_blocks(db, older)
        self._free += [row.slot for row in reversed(gone) if row.slot is not None]
        return len(gone), 8 * sum(row.free_bytes for row in gone)


_WHOLE = or_(blocks.c.slot.is_not(None), blocks.c.sealed.is_not(None))


def _insertion(db: Connection) -> tuple[str, tuple[str, ...]]:
    """A row's insertion as the driver takes it, and the columns in its order.

    Compiling it again for each block would be half of what a block costs.
    """
    columns = tuple(one.name for one in blocks.c if one.name != "number")
    marks = ", ".join(["?" if db.dialect.paramstyle == "qmark" else "%s"] * len(columns))
    return f"INSERT INTO blocks ({', '.join(columns)}) VALUES ({marks})", columns  # noqa: S608


class PoolSink:
    """A `bridge.quantum.ends.sink.Sink` of one end of one link, into a pool.

    Both ends of a link name its blocks alike when they are given the same ``session``, a UUID that
    no other run of the link had. Blocks belong to ``owners`` in turn: the KMEs that may give them
    away, or the intake's alone.
    """

    def __init__(
        self,
        intake: PoolIntake,
        link_id: str = SIMULATED_LINK,
        session: UUID | None = None,
        owners: Sequence[str] | None = None,
        source: str = SIMULATED_SOURCE,
        simulated: bool = True,
    ) -> None:
        self._intake = intake
        self._link_id = link_id
        self._session = session or uuid4()
        self._owners = tuple(owners or (intake.owner,))
        if not isinstance(self._session, UUID):
            raise InputError(f"session: expected a UUID, got {session!r}")
        self._source = source
        self._simulated = simulated

    def put(self, block: KeyBlock) -> None:
        """Keep the block's key; see `PoolIntake.put`."""
        self._intake.put(self.named(block))

    def named(self, block: KeyBlock) -> LinkBlock:
        """The block's key with its history, for `PoolIntake.put_all`."""
        return LinkBlock(block.key, self.history(block), None, block.secret_fraction)

    def history(self, block: KeyBlock) -> BlockHistory:
        """What the pool is told of a block. Its QBER is that of all its bits, counted."""
        return BlockHistory(
            block_id=str(uuid5(self._session, str(block.number))),
            link_id=self._link_id,
            owner=self._owners[block.number % len(self._owners)],
            source=self._source,
            simulated=self._simulated,
            qber=block.errors / block.length,
            leak_bits=block.leak_bits,
            epsilon=block.epsilon_secrecy + block.epsilon_correctness,
            created_at=time.time(),
        )
