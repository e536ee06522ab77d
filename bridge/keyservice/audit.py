"""The audit log: append-only, each entry's hash over the one before it.

An entry is one line of JSON, and its hash is SHA-256 of the hash before it and the line; the first
stands on 32 zero bytes. Anybody can check an export. The database keeps a MAC beside each hash,
under a key derived from the sealing key, so that who writes to the database alone makes no entries.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from bridge.domain.errors import AuditBroken
from bridge.keyservice.database import Database
from bridge.keyservice.instants import iso
from bridge.keyservice.schema import audit
from bridge.keyservice.sealingkey import subkey

GENESIS = bytes(32)
LOCK = 0x41535452_41554454
"""PostgreSQL's key of who appends: "ASTRAUDT"."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its number from 1 on, the line that was hashed, and its hash."""

    number: int
    line: str
    hash: bytes

    def data(self) -> dict[str, Any]:
        """As it is exported."""
        return {**json.loads(self.line), "hash": self.hash.hex()}


class AuditLog:
    """Appends to the log of a database and checks it."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._mac_key = subkey(database.sealing_key, "audit")

    def append(self, db: Connection, event: str, **detail: object) -> None:
        """Append within the transaction of what is told, so that neither is there alone."""
        if db.dialect.name == "postgresql":
            db.execute(select(func.pg_advisory_xact_lock(LOCK)))
        last = db.execute(
            select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
        ).first()
        number, previous = (1, GENESIS) if last is None else (last.number + 1, last.hash)
        line = json.dumps(
            {"number": number, "at": iso(time.time()), "event": event, **detail},
            separators=(",", ":"),
            sort_keys=True,
        )
        digest = chain(previous, line)
        mac = hmac.digest(self._mac_key, digest, "sha256")
        db.execute(insert(audit).values(number=number, entry=line, hash=digest, mac=mac))

    def note(self, event: str, **detail: object) -> None:
        """Append in a transaction of its own."""
        with self._engine.begin() as db:
            self.append(db, event, **detail)

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """The entries after a number, each checked against the one before it.

        Raises ``AuditBroken`` at the first that does not fit.
        """
        previous = GENESIS
        number = 0
        while True:
            with self._engine.begin() as db:
                rows = db.execute(
                    select(audit)
                    .where(audit.c.number > number)
                    .order_by(audit.c.number)
                    .limit(PAGE)
                ).all()
            for row in rows:
                number += 1
                _fits(row.number, number, previous, row.entry, row.hash)
                if not hmac.compare_digest(row.mac, hmac.digest(self._mac_key, row.hash, "sha256")):
                    raise AuditBroken(number, "its MAC is not the key service's")
                previous = row.hash
                if number > after:
                    yield Entry(number, row.entry, row.hash)
            if len(rows) < PAGE:
                return


def check_export(lines: Iterable[str]) -> tuple[int, bytes]:
    """How many entries an export has and the hash of its last; needs no key.

    Raises ``AuditBroken`` at the first entry that does not fit. An export that was cut off at its
    end fits: hold its last hash against one that was noted elsewhere.
    """
    number, previous = 0, GENESIS
    for text in lines:
        if not text.strip():
            continue
        number += 1
        try:
            data = json.loads(text)
            digest = bytes.fromhex(data.pop("hash"))
            stated = data["number"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AuditBroken(number, f"expected an entry with number and hash: {error}") from None
        line = json.dumps(data, separators=(",", ":"), sort_keys=True)
        _fits(stated, number, previous, line, digest)
        previous = digest
    return number, previous


def chain(previous: bytes, line: str) -> bytes:
    """The hash of an entry: SHA-256 of the hash before it and the line."""
    return hashlib.sha256(previous + line.encode()).digest()


def _fits(stated: int, number: int, previous: bytes, line: str, digest: bytes) -> None:
    if stated != number:
        raise AuditBroken(number, f"expected number {number}, got {stated}")
    expected = chain(previous, line)
    if digest != expected:
        raise AuditBroken(number, f"expected hash {expected.hex()}, got {digest.hex()}")
