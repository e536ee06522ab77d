"""What an attestor has read of each chain, in one SQLite file: messages and where it stands.

Messages and the cursor behind them are one transaction, which is on disk when it returns.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.chain.deployment import SideRecord
from bridge.chain.events import BlockMark, Cursor
from bridge.crypto.digests import message_id
from bridge.domain.errors import ConfigError
from bridge.domain.messages import Message

SCHEMA = """
CREATE TABLE IF NOT EXISTS origins (
    domain INTEGER PRIMARY KEY, chain_id TEXT NOT NULL, outbox TEXT NOT NULL, cursor TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS messages (
    domain INTEGER NOT NULL, nonce INTEGER NOT NULL, id BLOB NOT NULL, message BLOB NOT NULL,
    PRIMARY KEY (domain, nonce)
) WITHOUT ROWID;
"""
ROWS_AT_ONCE = 1_000


class TreeFile:
    """One attestor's file; another process that has it open is refused with ``ConfigError``.

    Each method may be called from any thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            self._db = sqlite3.connect(
                path, isolation_level=None, timeout=1.0, check_same_thread=False
            )
            # The lock is taken by the first write and kept: one file is one attestor's.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise ConfigError(str(path), [f"expected an attestor's own file: {error}"]) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def cursor(self, record: SideRecord) -> Cursor:
        """Where reading of a chain stands, at its start where nothing was read.

        ``ConfigError`` where the file was made for another Outbox of the domain.
        """
        with self._lock:
            row = self._db.execute(
                "SELECT chain_id, outbox, cursor FROM origins WHERE domain = ?", (record.domain,)
            ).fetchone()
        if row is None:
            return Cursor.at(record.start_block)
        if (row[0], row[1].lower()) != (str(record.chain_id), record.outbox.lower()):
            raise ConfigError(
                str(self._path),
                [
                    f"domain {record.domain}: expected chain id {record.chain_id} and Outbox "
                    f"{record.outbox}, the file was made for {row[0]} and {row[1]}"
                ],
            )
        raw = json.loads(row[2])
        marks = tuple(BlockMark(number, bytes.fromhex(hash_)) for number, hash_ in raw["marks"])
        return Cursor(raw["start"], raw["next_block"], marks)

    def leaves(self, domain: int) -> list[bytes]:
        """The ids of all messages of ``domain``, by nonce."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id FROM messages WHERE domain = ? ORDER BY nonce", (domain,)
            ).fetchall()
        return [row[0] for row in rows]

    def messages(self, domain: int, first: int) -> Iterator[Message]:
        """The messages of ``domain`` from a nonce on, a thousand in memory at once."""
        while True:
            with self._lock:
                rows = self._db.execute(
                    "SELECT message FROM messages WHERE domain = ? AND nonce >= ? "
                    "ORDER BY nonce LIMIT ?",
                    (domain, first, ROWS_AT_ONCE),
                ).fetchall()
            yield from (Message.decode(row[0]) for row in rows)
            first += len(rows)
            if len(rows) < ROWS_AT_ONCE:
                return

    def append(self, record: SideRecord, found: Sequence[Message], cursor: Cursor) -> None:
        """Keep messages that follow those there are, and the cursor behind them."""
        marks = [[mark.number, mark.hash.hex()] for mark in cursor.marks]
        text = json.dumps({"start": cursor.start, "next_block": cursor.next_block, "marks": marks})
        rows = [(record.domain, one.nonce, message_id(one), one.encode()) for one in found]
        place = (record.domain, str(record.chain_id), record.outbox, text)
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows)
                self._db.execute("INSERT OR REPLACE INTO origins VALUES (?, ?, ?, ?)", place)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
