"""py-evm's database in one SQLite file, written once a block.

Each block is one SQLite transaction over a write-ahead log: a process that is killed leaves the
last whole block behind, never half of one. The file is locked while a chain runs on it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eth.db.backends.base import BaseDB

from bridge.domain.errors import InputError

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_blocks (number INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class SqliteStore(BaseDB):
    """A key-value store in ``path``, or in memory where there is none.

    Belongs to the thread that opened it. Raises ``InputError`` for a file that is no such store,
    that another process holds, or that belongs to another chain id.
    """

    def __init__(self, path: Path | None, chain_id: int) -> None:
        self._where = str(path) if path else ":memory:"
        try:
            self._connection = sqlite3.connect(self._where, isolation_level=None, timeout=1.0)
        except sqlite3.DatabaseError as error:
            raise InputError(f"state file {self._where}: {error}") from error
        try:
            self._prepare(chain_id)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise InputError(f"state file {self._where}: {error}") from error
        except InputError:
            self._connection.close()
            raise

    def _prepare(self, chain_id: int) -> None:
        run = self._connection.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)
        run("BEGIN IMMEDIATE")
        run("INSERT OR IGNORE INTO settings VALUES ('chain_id', ?)", (chain_id,))
        (stored,) = run("SELECT value FROM settings WHERE name = 'chain_id'").fetchone()
        run("COMMIT")
        if stored != chain_id:
            raise InputError(
                f"state file {self._where}: expected chain id {chain_id}, it holds {stored}"
            )

    def __getitem__(self, key: bytes) -> bytes:
        """The value under ``key``; ``KeyError`` where there is none."""
        row = self._connection.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        value: bytes = row[0]
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """Put ``value`` under ``key``."""
        self._connection.execute(
            "INSERT INTO entries VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def __delitem__(self, key: bytes) -> None:
        """Drop ``key``; ``KeyError`` where it is not."""
        if not self._connection.execute("DELETE FROM entries WHERE key = ?", (key,)).rowcount:
            raise KeyError(key)

    def _exists(self, key: bytes) -> bool:
        row = self._connection.execute("SELECT 1 FROM entries WHERE key = ?", (key,)).fetchone()
        return row is not None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside are kept together, or none of them where the body raises."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def mark_logs(self, number: int) -> None:
        """Note that block ``number`` has logs."""
        self._connection.execute("INSERT OR IGNORE INTO log_blocks VALUES (?)", (number,))

    def forget_logs_after(self, number: int) -> None:
        """Drop the notes of all blocks above ``number``: a reorg took them away."""
        self._connection.execute("DELETE FROM log_blocks WHERE number > ?", (number,))

    def blocks_with_logs(self, first: int, last: int) -> tuple[int, ...]:
        """The numbers of the blocks with logs from ``first`` to ``last``, both included."""
        rows = self._connection.execute(
            "SELECT number FROM log_blocks WHERE number BETWEEN ? AND ? ORDER BY number",
            (first, last),
        )
        return tuple(number for (number,) in rows)

    def close(self) -> None:
        """Close the file and give up its lock."""
        self._connection.close()
