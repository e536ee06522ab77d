"""What the chains and the journal said, side by side in a temporary file.

A past of any length is held against the journal by questions to this file, so that memory does not
grow with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

SCHEMA = """
CREATE TABLE dispatched (
    origin INTEGER, nonce INTEGER, destination INTEGER, id BLOB, block INTEGER,
    PRIMARY KEY (origin, nonce)
) WITHOUT ROWID;
CREATE INDEX dispatched_by_id ON dispatched (id);
CREATE TABLE delivered (
    destination INTEGER, id BLOB, block INTEGER, times INTEGER, PRIMARY KEY (destination, id)
) WITHOUT ROWID;
CREATE TABLE closed (
    destination INTEGER, origin INTEGER, nonce INTEGER, PRIMARY KEY (destination, origin, nonce)
) WITHOUT ROWID;
CREATE TABLE failed (
    destination INTEGER, id BLOB, times INTEGER, PRIMARY KEY (destination, id)
) WITHOUT ROWID;
CREATE TABLE expired (
    destination INTEGER, id BLOB, PRIMARY KEY (destination, id)
) WITHOUT ROWID;
CREATE TABLE attested (
    destination INTEGER, origin INTEGER, size INTEGER, root BLOB, source TEXT,
    PRIMARY KEY (source, destination, origin, size, root)
) WITHOUT ROWID;
CREATE TABLE held (
    id BLOB PRIMARY KEY, origin INTEGER, nonce INTEGER, destination INTEGER, stage TEXT,
    block INTEGER, delivery_block INTEGER
) WITHOUT ROWID;
CREATE VIEW outcomes AS
    SELECT d.origin, d.destination, d.nonce, d.id, d.block,
        e.id IS NOT NULL AS delivered, x.id IS NOT NULL AS expired, COALESCE(f.times, 0) AS failures
    FROM dispatched d
    LEFT JOIN delivered e ON e.destination = d.destination AND e.id = d.id
    LEFT JOIN expired x ON x.destination = d.destination AND x.id = d.id
    LEFT JOIN failed f ON f.destination = d.destination AND f.id = d.id;
"""

INBOX, JOURNAL = "inbox", "journal"
"""Who says that a root is attested, or is to be."""


class Ledger:
    """The file, which is gone at the end of the block. Each method may be called by any thread."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="astralink-audit-")
        self._db = sqlite3.connect(
            Path(self._folder.name) / "ledger.sqlite",
            isolation_level=None,
            check_same_thread=False,
        )
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._db.close()
        self._folder.cleanup()

    # What was said

    def dispatched(self, rows: Sequence[tuple[int, int, int, bytes, int]]) -> None:
        """Messages: origin, nonce, destination, id, block."""
        self._many("INSERT OR REPLACE INTO dispatched VALUES (?, ?, ?, ?, ?)", rows)

    def delivered(self, rows: Sequence[tuple[int, bytes, int]]) -> None:
        """Deliveries as events: destination, id, block. The same one again counts again."""
        self._many(
            "INSERT INTO delivered VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1",
            rows,
        )

    def closed(self, rows: Sequence[tuple[int, int, int]]) -> None:
        """Deliveries as bits: destination, origin, nonce."""
        self._many("INSERT INTO closed VALUES (?, ?, ?)", rows)

    def failed(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Deliveries that failed: destination, id."""
        self._many(
            "INSERT INTO failed VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1", rows
        )

    def expired(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Messages that expired: destination, id."""
        self._many("INSERT OR IGNORE INTO expired VALUES (?, ?)", rows)

    def attested(self, rows: Sequence[tuple[int, int, int, bytes]], source: str) -> None:
        """Roots as ``source`` has them: destination, origin, size, root."""
        said = [(*row, source) for row in rows]
        self._many("INSERT OR IGNORE INTO attested VALUES (?, ?, ?, ?, ?)", said)

    def held(self, rows: Sequence[tuple[bytes, int, int, int, str, int, int | None]]) -> None:
        """Messages of the journal: id, origin, nonce, destination, stage, two blocks."""
        self._many("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    # What is asked

    def ask(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, one after the other."""
        yield from self._db.execute(query, values)

    def one(self, query: str, *values: Any) -> tuple[int, ...]:
        """The one row of numbers that a query gives."""
        return tuple(int(value) for value in self._db.execute(query, values).fetchone())

    def leaves(self, origin: int) -> Iterator[tuple[int, bytes]]:
        """Nonces and ids of an origin's messages, by nonce."""
        yield from self.ask(
            "SELECT nonce, id FROM dispatched WHERE origin = ? ORDER BY nonce", origin
        )

    def _many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")
