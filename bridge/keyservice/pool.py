"""The pool of distilled key on disk. A byte leaves it once, whoever asks and whatever dies.

Taking commits before the bytes are returned: what a crash loses was given to nobody. A block is
kept whole as it came; the first key that is taken of it leaves it in parts, in one transaction.
Bytes that were taken are overwritten, and parts vanish when they are used up or old.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from bridge.crypto.aead import OVERHEAD_BYTES
from bridge.domain.errors import BlockConflict, InputError, PoolExhausted, PoolFull, SealBroken
from bridge.domain.keys import Provenance
from bridge.keyservice.blockrows import (
    BlockState,
    Purpose,
    destroy_blocks,
    free_bits,
    history_of,
    joined,
    lock_pool,
    note_use,
    row_of,
    with_parts,
)
from bridge.keyservice.chunks import (
    CHUNK_BYTES,
    Chunk,
    Segment,
    by_chunk,
    open_part,
    parts,
    seal_part,
)
from bridge.keyservice.database import Database
from bridge.keyservice.linkblock import BlockHistory, LinkBlock
from bridge.keyservice.schema import blocks, chunks
from bridge.keyservice.sealingkey import subkey
from bridge.keyservice.wholes import open_whole, seal_whole

_log = structlog.stdlib.get_logger(__name__)

GRACE_S = 60.0
LOCAL = "keyservice"
"""The owner of blocks where there is no second KME."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Water marks in bits, and ageing.

    Above ``high_bits`` nobody fills, below ``low_bits`` somebody should; more than
    ``capacity_bits`` are refused. All but signing keys leave ``reserve_bits``. A block is destroyed
    ``lifetime_s`` after it was distilled.
    """

    high_bits: int = 1 << 16
    low_bits: int = 1 << 15
    reserve_bits: int = 1 << 12
    capacity_bits: int = 1 << 33
    lifetime_s: float | None = 24 * 3600.0

    def __post_init__(self) -> None:
        if not 8 <= self.low_bits <= self.high_bits <= self.capacity_bits:
            raise InputError(
                "pool: expected 8 <= low_bits <= high_bits <= capacity_bits, "
                f"got {self.low_bits}, {self.high_bits}, {self.capacity_bits}"
            )
        if self.reserve_bits < 0:
            raise InputError(f"pool: expected reserve_bits of 0 or more, got {self.reserve_bits}")
        if self.lifetime_s is not None and self.lifetime_s <= 0:
            raise InputError(f"pool: expected a lifetime above 0 s, got {self.lifetime_s}")


@dataclass(frozen=True, slots=True)
class PoolLevel:
    """The bits that are there to take; ``oldest_at`` is when the oldest came, in Unix seconds."""

    bits: int
    oldest_at: float | None


@dataclass(frozen=True, slots=True)
class LinkKey:
    """Bytes from the link, with where they came from. ``repr`` does not show them."""

    key: bytes = field(repr=False)
    provenance: Provenance
    segments: tuple[Segment, ...] = ()


class KeyPool:
    """The blocks in a database that ``name`` owns, oldest first. For threads and processes."""

    def __init__(
        self, database: Database, name: str = LOCAL, limits: PoolLimits | None = None
    ) -> None:
        self._engine = database.engine
        self._sealing_key = database.sealing_key
        self._slots = database.slots
        self.name = name
        self.limits = limits or PoolLimits()

    def __repr__(self) -> str:
        return f"KeyPool({self.name}, redacted)"

    @property
    def bits(self) -> int:
        """How many bits are there to take."""
        with self._engine.begin() as db:
            return self._available(db)

    def level(self) -> PoolLevel:
        """How much is there to take, and how old it is."""
        columns = func.coalesce(func.sum(blocks.c.free_bytes), 0), func.min(blocks.c.created_at)
        with self._engine.begin() as db:
            size, oldest = db.execute(select(*columns).where(*self._good())).one()
        return PoolLevel(8 * int(size), None if oldest is None else float(oldest))

    def available(self, purpose: Purpose) -> int:
        """How many bits are there to take for a purpose."""
        return max(0, self.bits - self._reserve(purpose))

    def simulated(self) -> bool:
        """Whether any key that is there to take comes from a simulated link."""
        query = select(blocks.c.number).where(*self._good(), blocks.c.simulated).limit(1)
        with self._engine.begin() as db:
            return db.execute(query).first() is not None

    def available_within(
        self, db: Connection, purpose: Purpose, max_qber: float | None = None
    ) -> int:
        """As `available`, within a transaction of the caller's that takes afterwards."""
        lock_pool(db)
        return max(0, self._available(db, max_qber) - self._reserve(purpose))

    def deposit(self, *deposited: LinkBlock) -> None:
        """Put blocks into the pool, all or none.

        A block that is there already is left as it is: a link may repeat itself. Where there are
        two KMEs the owner gets a block last, so that it gives away nothing that the other has not.
        Raises ``PoolFull``, and ``BlockConflict`` for the id of another block.
        """
        with self._engine.begin() as db:
            lock_pool(db)
            held = free_bits(db, blocks.c.free_bytes > literal_column("0"))
            for block in deposited:
                if self._known(db, block):
                    continue
                held += 8 * len(block.key)
                if held > self.limits.capacity_bits:
                    raise PoolFull(held, self.limits.capacity_bits)
                self._insert(db, block)

    def take(self, bits: int, subject: str, purpose: Purpose = Purpose.SIGNING) -> LinkKey:
        """``bits`` bits, a multiple of 8, that nobody was given before and nobody will be again.

        ``subject`` is the id of the key that is made of them. Where the key spans blocks, its
        provenance names all of them, the highest QBER, and the sums of leak and failure
        probability. Raises ``PoolExhausted``, taking nothing, when there are too few.
        """
        with self._engine.begin() as db:
            return self.take_within(db, bits, [subject], purpose)[0]

    def take_within(
        self,
        db: Connection,
        bits: int,
        subjects: Sequence[str],
        purpose: Purpose,
        max_qber: float | None = None,
    ) -> list[LinkKey]:
        """As `take`, a key for each subject, within a transaction that the caller commits.

        With ``max_qber`` from blocks alone whose QBER is no higher.
        """
        if bits < 8 or bits % 8:
            raise InputError(f"link key: expected a positive multiple of 8 bits, got {bits}")
        wanted = bits * len(subjects)
        lock_pool(db)
        available = self._available(db, max_qber) - self._reserve(purpose)
        if wanted > available:
            raise PoolExhausted(wanted, max(0, available))
        pieces = self._pieces(db, wanted // 8, max_qber)
        keys = []
        for subject in subjects:
            key, segments, histories = bytearray(), list[Segment](), dict[str, BlockHistory]()
            while len(key) < bits // 8:
                segment, data, history = pieces.pop()
                missing = bits // 8 - len(key)
                if len(data) > missing:
                    rest = Segment(
                        segment.block_id, segment.offset + missing, segment.length - missing
                    )
                    pieces.append((rest, data[missing:], history))
                    segment = Segment(segment.block_id, segment.offset, missing)
                key += data[:missing]
                segments.append(segment)
                histories[segment.block_id] = history
            note_use(db, purpose, subject, list(histories))
            provenance = joined([one.provenance() for one in histories.values()])
            keys.append(LinkKey(bytes(key), provenance, tuple(segments)))
        return keys

    def cut_within(
        self, db: Connection, owner: str, segments: Sequence[Segment], subject: str
    ) -> LinkKey:
        """These segments of blocks that ``owner``, the other KME, gave away at its end.

        Raises ``BlockConflict`` for what was taken before, is not here, or is not the other's to
        give.
        """
        key = bytearray()
        histories: dict[str, BlockHistory] = {}
        lock_pool(db)
        for segment in segments:
            number, start = by_chunk(segment)
            chosen = blocks.c.block_id == segment.block_id
            row = db.execute(with_parts(number).where(chosen)).first()
            opened = {}
            if row is not None and row.owner == owner and row.state == BlockState.READY:
                opened = {chunk.number: chunk for chunk in self._opened(db, row)}
            if row is None or number not in opened:
                raise BlockConflict(
                    f"block {segment.block_id}: expected bytes {segment.offset} to "
                    f"{segment.offset + segment.length} of one that {owner} owns, got none"
                )
            key += opened[number].cut(start, segment.length)
            self._keep(db, row, list(opened.values()), segment.length)
            histories[segment.block_id] = history_of(row)
        note_use(db, Purpose.DELIVERY, subject, list(histories))
        provenance = joined([one.provenance() for one in histories.values()])
        return LinkKey(bytes(key), provenance, tuple(segments))

    def expire(self) -> int:
        """Destroy blocks that are too old; how many bits of them nobody had taken.

        Those of the other KME a little later: it may have given bits away at the last moment, and
        its clock may be behind.
        """
        now = time.time()
        old = or_(
            and_(blocks.c.owner == self.name, blocks.c.expires_at <= now),
            blocks.c.expires_at <= now - GRACE_S,
        )
        with self._engine.begin() as db:
            lock_pool(db)
            destroyed = destroy_blocks(db, old)
            if self._slots is not None:
                taken = select(blocks.c.slot).where(blocks.c.slot.is_not(None))
                self._slots.wipe_all_but(db.execute(taken).scalars())
            return destroyed

    # rows

    def _pieces(
        self, db: Connection, wanted: int, max_qber: float | None
    ) -> list[tuple[Segment, bytes, BlockHistory]]:
        """``wanted`` bytes of the oldest blocks, the first piece last."""
        pieces: list[tuple[Segment, bytes, BlockHistory]] = []
        missing = wanted
        while missing > 0:
            query = self._mine(max_qber).order_by(blocks.c.number, chunks.c.number)
            rows = db.execute(query.limit(missing // CHUNK_BYTES + 1)).all()
            if not rows:
                raise PoolExhausted(8 * wanted, 8 * (wanted - missing))
            for row in rows:
                before = missing
                opened = self._opened(db, row)
                for chunk in opened:
                    for segment, data in chunk.take(missing):
                        pieces.append((segment, data, history_of(row)))
                        missing -= len(data)
                if missing < before:
                    self._keep(db, row, opened, before - missing)
                if missing == 0:
                    break
        pieces.reverse()
        return pieces

    def _insert(self, db: Connection, block: LinkBlock) -> None:
        history = block.history
        sealed = seal_whole(self._block_key(history.block_id), history, block.key)
        row = row_of(history, len(block.key), self.limits.lifetime_s)
        db.execute(insert(blocks).values(**row, sealed=sealed))

    def _known(self, db: Connection, block: LinkBlock) -> bool:
        query = select(blocks).where(blocks.c.block_id == block.history.block_id)
        row = db.execute(query).first()
        if row is None:
            return False
        if history_of(row) != block.history:
            raise BlockConflict(f"block {row.block_id}: it is there already, with another history")
        return True

    def _opened(self, db: Connection, row: Row[Any]) -> list[Chunk]:
        """The part that a row of `with_parts` names, or all parts of a block that is whole.

        None of a block that was lost, which is then marked so.
        """
        block_key = self._block_key(row.block_id)
        if row.part is not None:
            plain = open_part(block_key, row.block_id, row.part, row.part_sealed)
            free = [list(part) for part in row.part_free]
            return [Chunk(row.number, row.block_id, row.part, free, plain)]
        if row.sealed is not None:
            whole = open_whole(block_key, history_of(row), row.sealed)
        elif row.slot is not None and self._slots is not None:
            try:
                sealed = self._slots.read(row.slot, row.free_bytes + OVERHEAD_BYTES)
                whole = open_whole(block_key, history_of(row), sealed)
            except SealBroken as error:
                _log.error("pool.block_lost", block_id=row.block_id, reason=str(error))
                lost = {"state": BlockState.LOST.value, "free_bytes": 0, "slot": None}
                db.execute(update(blocks).where(blocks.c.number == row.number).values(**lost))
                return []
        else:
            return []
        return [
            Chunk(row.number, row.block_id, place, [[0, len(part)]], bytearray(part))
            for place, part in enumerate(parts(whole))
        ]

    def _keep(self, db: Connection, row: Row[Any], opened: Sequence[Chunk], taken: int) -> None:
        """What is left of the parts that were opened for a row, and nothing of what was taken."""
        was_whole = row.part is None
        values: dict[str, Any] = {"free_bytes": blocks.c.free_bytes - taken}
        if was_whole:
            values |= {"sealed": None, "slot": None}
        db.execute(update(blocks).where(blocks.c.number == row.number).values(**values))
        block_key = self._block_key(row.block_id)
        left = [
            {
                "block": row.number,
                "number": chunk.number,
                "free": chunk.free,
                "free_bytes": chunk.free_bytes,
                "sealed": seal_part(block_key, row.block_id, chunk.number, bytes(chunk.plain)),
            }
            for chunk in opened
            if chunk.free
        ]
        if was_whole:
            if left:
                db.execute(insert(chunks), left)
            return
        place = (chunks.c.block == row.number, chunks.c.number == row.part)
        change = update(chunks).values(**left[0]) if left else delete(chunks)
        db.execute(change.where(*place))

    def _block_key(self, block_id: str) -> bytes:
        return subkey(self._sealing_key, f"block/{block_id}")

    def _mine(self, max_qber: float | None = None) -> Select[Any]:
        return with_parts().where(*self._good(max_qber))

    def _good(self, max_qber: float | None = None) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [
            blocks.c.owner == self.name,
            blocks.c.state == BlockState.READY.value,
            blocks.c.free_bytes > literal_column("0"),  # as the index has it
            or_(blocks.c.expires_at.is_(None), blocks.c.expires_at > time.time()),
        ]
        return conditions if max_qber is None else [*conditions, blocks.c.qber <= max_qber]

    def _available(self, db: Connection, max_qber: float | None = None) -> int:
        return free_bits(db, *self._good(max_qber))

    def _reserve(self, purpose: Purpose) -> int:
        return 0 if purpose is Purpose.SIGNING else self.limits.reserve_bits
