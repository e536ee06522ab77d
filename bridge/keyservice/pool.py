"""The pool of distilled key on disk. A byte leaves it once, whoever asks and whatever dies.

Taking commits before the bytes are returned: what a crash loses was given to nobody. Bytes that
were taken are overwritten, and a block's parts vanish when they are used up or old.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

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

from bridge.domain.errors import BlockConflict, InputError, PoolExhausted, PoolFull
from bridge.domain.keys import Provenance
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
from bridge.keyservice.schema import blocks, chunks, uses
from bridge.keyservice.sealingkey import subkey

LOCK = 0x41535452_504F4F4C
"""PostgreSQL's key of who changes a pool: "ASTRPOOL"."""
GRACE_S = 60.0
LOCAL = "keyservice"
"""The owner of blocks where there is no second KME."""


class Purpose(StrEnum):
    """What key is taken for. Signing keys come first: others leave them a reserve."""

    SIGNING = "signing"
    DELIVERY = "delivery"


class BlockState(StrEnum):
    """Whether a block's bits may be taken. Persisted, never renamed."""

    READY = "ready"
    COMPROMISED = "compromised"


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
        self.name = name
        self.limits = limits or PoolLimits()

    def __repr__(self) -> str:
        return f"KeyPool({self.name}, redacted)"

    @property
    def bits(self) -> int:
        """How many bits are there to take."""
        with self._engine.begin() as db:
            return self._available(db)

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
            held = _free_bits(db, blocks.c.free_bytes > literal_column("0"))
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
            row = db.execute(
                _with_blocks().where(
                    blocks.c.block_id == segment.block_id, chunks.c.number == number
                )
            ).first()
            if row is None or row.owner != owner or row.state == BlockState.COMPROMISED:
                raise BlockConflict(
                    f"block {segment.block_id}: expected bytes {segment.offset} to "
                    f"{segment.offset + segment.length} of one that {owner} owns, got none"
                )
            chunk = self._open(row)
            key += chunk.cut(start, segment.length)
            self._keep(db, chunk, segment.length)
            histories[segment.block_id] = _history(row)
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
            return destroy_blocks(db, old)

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
                chunk = self._open(row)
                before = missing
                for segment, data in chunk.take(missing):
                    pieces.append((segment, data, _history(row)))
                    missing -= len(data)
                self._keep(db, chunk, before - missing)
        pieces.reverse()
        return pieces

    def _insert(self, db: Connection, block: LinkBlock) -> None:
        history = block.history
        lifetime = self.limits.lifetime_s
        number = db.execute(
            insert(blocks)
            .values(
                block_id=history.block_id,
                link_id=history.link_id,
                owner=history.owner,
                state=BlockState.READY.value,
                source=history.source,
                simulated=history.simulated,
                qber=history.qber,
                leak_bits=history.leak_bits,
                epsilon=history.epsilon,
                created_at=history.created_at,
                expires_at=None if lifetime is None else history.created_at + lifetime,
                free_bytes=len(block.key),
            )
            .returning(blocks.c.number)
        ).scalar_one()
        block_key = self._block_key(history.block_id)
        rows = [
            {
                "block": number,
                "number": place,
                "free": [[0, len(part)]],
                "free_bytes": len(part),
                "sealed": seal_part(block_key, history.block_id, place, part),
            }
            for place, part in enumerate(parts(block.key))
        ]
        db.execute(insert(chunks), rows)

    def _known(self, db: Connection, block: LinkBlock) -> bool:
        query = select(blocks).where(blocks.c.block_id == block.history.block_id)
        row = db.execute(query).first()
        if row is None:
            return False
        if _history(row) != block.history:
            raise BlockConflict(f"block {row.block_id}: it is there already, with another history")
        return True

    def _open(self, row: Row[Any]) -> Chunk:
        plain = open_part(self._block_key(row.block_id), row.block_id, row.number, row.sealed)
        return Chunk(row.block, row.block_id, row.number, [list(part) for part in row.free], plain)

    def _keep(self, db: Connection, chunk: Chunk, taken: int) -> None:
        db.execute(
            update(blocks)
            .where(blocks.c.number == chunk.block)
            .values(free_bytes=blocks.c.free_bytes - taken)
        )
        place = (chunks.c.block == chunk.block, chunks.c.number == chunk.number)
        if not chunk.free:
            db.execute(delete(chunks).where(*place))
            return
        sealed = seal_part(
            self._block_key(chunk.block_id), chunk.block_id, chunk.number, bytes(chunk.plain)
        )
        db.execute(
            update(chunks)
            .where(*place)
            .values(free=chunk.free, free_bytes=chunk.free_bytes, sealed=sealed)
        )

    def _block_key(self, block_id: str) -> bytes:
        return subkey(self._sealing_key, f"block/{block_id}")

    def _mine(self, max_qber: float | None = None) -> Select[Any]:
        return _with_blocks().where(*self._good(max_qber))

    def _good(self, max_qber: float | None = None) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [
            blocks.c.owner == self.name,
            blocks.c.state == BlockState.READY.value,
            blocks.c.free_bytes > literal_column("0"),  # as the index has it
            or_(blocks.c.expires_at.is_(None), blocks.c.expires_at > time.time()),
        ]
        return conditions if max_qber is None else [*conditions, blocks.c.qber <= max_qber]

    def _available(self, db: Connection, max_qber: float | None = None) -> int:
        return _free_bits(db, *self._good(max_qber))

    def _reserve(self, purpose: Purpose) -> int:
        return 0 if purpose is Purpose.SIGNING else self.limits.reserve_bits


def lock_pool(db: Connection) -> None:
    """Nobody else gives or takes until this transaction ends. On SQLite that is so already."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(LOCK)))


def note_use(db: Connection, purpose: Purpose, subject: str, block_ids: Sequence[str]) -> None:
    """Remember what was made of blocks, for the day that one of them is compromised."""
    now = time.time()
    db.execute(
        insert(uses),
        [
            {"block_id": block_id, "purpose": purpose.value, "subject": subject, "at": now}
            for block_id in block_ids
        ],
    )


def destroy_blocks(db: Connection, which: ColumnElement[bool]) -> int:
    """Delete the bits of the blocks that ``which`` selects; how many there were."""
    chosen = and_(which, blocks.c.free_bytes > literal_column("0"))
    bits = _free_bits(db, chosen)
    db.execute(delete(chunks).where(chunks.c.block.in_(select(blocks.c.number).where(chosen))))
    db.execute(update(blocks).where(chosen).values(free_bytes=0))
    return bits


def _free_bits(db: Connection, *conditions: ColumnElement[bool]) -> int:
    query = select(func.coalesce(func.sum(blocks.c.free_bytes), 0)).where(*conditions)
    return 8 * int(db.execute(query).scalar_one())


def joined(origins: Sequence[Provenance]) -> Provenance:
    """One provenance for a key that several blocks gave bits to."""
    first = origins[0]
    if len(origins) == 1:
        return first
    return Provenance(
        source=first.source,
        simulated=any(origin.simulated for origin in origins),
        block_id="+".join(origin.block_id for origin in origins),
        qber=max(origin.qber for origin in origins),
        leak_bits=sum(origin.leak_bits for origin in origins),
        epsilon=sum(origin.epsilon for origin in origins),
        created_at=first.created_at,
    )


def _with_blocks() -> Select[Any]:
    return select(
        chunks,
        *(column for column in blocks.c if column.name not in ("number", "free_bytes")),
    ).join_from(chunks, blocks, chunks.c.block == blocks.c.number)


def _history(row: Row[Any]) -> BlockHistory:
    return BlockHistory(
        block_id=row.block_id,
        link_id=row.link_id,
        owner=row.owner,
        source=row.source,
        simulated=row.simulated,
        qber=row.qber,
        leak_bits=row.leak_bits,
        epsilon=row.epsilon,
        created_at=row.created_at,
    )
