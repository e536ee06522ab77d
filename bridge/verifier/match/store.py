"""Verified contracts and the jobs that verified them, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    delete,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError

from bridge.domain.errors import AlreadyRunning, ConfigError, SourceRefused

REVISION = 1
LOCK_TIMEOUT_S = 30.0
MAX_LIMIT = 200

_metadata = MetaData()
contracts = Table(
    "contracts",
    _metadata,
    Column("match_id", Integer, primary_key=True),
    Column("chain_id", String(20), nullable=False),
    Column("address", String(42), nullable=False),
    Column("runtime_match", Integer, nullable=False),
    Column("creation_match", Integer, nullable=False),
    Column("verified_at", String(32), nullable=False),
    Column("code_hash", String(66), nullable=False),
    Column("code_size", Integer, nullable=False, index=True),
    Column("summary", Text, nullable=False),
    Column("details", Text, nullable=False),
    UniqueConstraint("chain_id", "address"),
    sqlite_autoincrement=True,
)
jobs = Table(
    "jobs",
    _metadata,
    Column("verification_id", String(36), primary_key=True),
    Column("chain_id", String(20), nullable=False),
    Column("address", String(42), nullable=False),
    Column("started", String(32), nullable=False),
    Column("finished", String(32)),
    Column("compile_ms", Integer),
    Column("contract", Text),
    Column("error", Text),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A verified contract; ``summary`` has its match, ``details`` everything else."""

    match_id: int
    runtime: int
    creation: int
    code_hash: str
    summary: dict[str, Any]
    details: dict[str, Any]


class Store:
    """The store in a file that is made where it is not there. Safe for threads."""

    def __init__(self, path: Path) -> None:
        """``ConfigError`` for a file that is something else, or of a newer program."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = _sqlite(path)
        try:
            with self._engine.begin() as db:
                revision = db.execute(text("PRAGMA user_version")).scalar_one()
                if revision not in (0, REVISION):
                    raise ConfigError(
                        str(path), [f"expected a store of revision {REVISION}, got {revision}"]
                    )
                _metadata.create_all(db)
                db.execute(text(f"PRAGMA user_version = {REVISION}"))
        except DatabaseError as error:
            self._engine.dispose()
            raise ConfigError(
                str(path), [f"expected a store of verified contracts: {error.orig}"]
            ) from error
        except BaseException:
            self._engine.dispose()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    # Jobs

    def begin(self, verification_id: str, chain_id: int, address: str) -> None:
        """Note a job; ``AlreadyRunning`` while another one verifies the same contract."""
        with self._engine.begin() as db:
            waiting = select(jobs.c.verification_id).where(
                jobs.c.chain_id == str(chain_id),
                jobs.c.address == address,
                jobs.c.finished.is_(None),
            )
            if db.execute(waiting).first() is not None:
                raise AlreadyRunning(
                    f"contract {address} on chain {chain_id} is being verified already"
                )
            values = {
                "verification_id": verification_id,
                "chain_id": str(chain_id),
                "address": address,
                "started": now(),
            }
            db.execute(insert(jobs).values(values))

    def finish(
        self,
        verification_id: str,
        compile_ms: int,
        contract: Mapping[str, Any],
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Note how a job ended."""
        with self._engine.begin() as db:
            _finish(db, verification_id, compile_ms, contract, error)

    def unfinished(self) -> list[str]:
        """The jobs that have not ended: after a start, those that a stop broke off."""
        with self._engine.begin() as db:
            query = select(jobs.c.verification_id).where(jobs.c.finished.is_(None))
            return [row.verification_id for row in db.execute(query)]

    def job(self, verification_id: str) -> dict[str, Any] | None:
        """A job as Sourcify tells it; None for one that is not known."""
        with self._engine.begin() as db:
            query = select(jobs).where(jobs.c.verification_id == verification_id)
            row = db.execute(query).first()
        if row is None:
            return None
        value: dict[str, Any] = {
            "isJobCompleted": row.finished is not None,
            "verificationId": row.verification_id,
            "jobStartTime": row.started,
            "contract": json.loads(row.contract)
            if row.contract
            else {**_no_match(row.chain_id, row.address)},
        }
        if row.finished is not None:
            value["jobFinishTime"] = row.finished
            value["compilationTime"] = str(row.compile_ms or 0)
        if row.error:
            value["error"] = json.loads(row.error)
        return value

    # Contracts

    def put(
        self,
        chain_id: int,
        address: str,
        matches: tuple[int, int],
        code: tuple[str, int],
        summary: Mapping[str, Any],
        details: Mapping[str, Any],
        void: bool = False,
    ) -> dict[str, Any]:
        """Store a contract in place of what was there; its summary with id and time.

        ``matches`` are runtime and creation, ``code`` the hash and size of the runtime code.
        ``SourceRefused`` where what is there is of the same code and as good, and not ``void``.
        """
        with self._engine.begin() as db:
            chosen = contracts.c.chain_id == str(chain_id), contracts.c.address == address
            row = db.execute(select(contracts).where(*chosen)).first()
            if row is not None:
                worse = matches[0] <= row.runtime_match and matches[1] <= row.creation_match
                if worse and row.code_hash == code[0] and not void:
                    raise SourceRefused(
                        "the contract is already verified, and this is no better match",
                        "already_verified",
                    )
                db.execute(delete(contracts).where(contracts.c.match_id == row.match_id))
            at = now()
            values = {
                "chain_id": str(chain_id),
                "address": address,
                "runtime_match": matches[0],
                "creation_match": matches[1],
                "verified_at": at,
                "code_hash": code[0],
                "code_size": code[1],
                "summary": "{}",
                "details": json.dumps(details),
            }
            match_id = db.execute(insert(contracts).values(values)).inserted_primary_key
            assert match_id is not None
            whole = {**summary, "verifiedAt": at, "matchId": str(match_id[0])}
            db.execute(
                update(contracts)
                .where(contracts.c.match_id == match_id[0])
                .values(summary=json.dumps(whole))
            )
            return whole

    def contract(self, chain_id: int, address: str) -> Stored | None:
        """The verified contract, or None."""
        with self._engine.begin() as db:
            query = select(contracts).where(
                contracts.c.chain_id == str(chain_id), contracts.c.address == address
            )
            row = db.execute(query).first()
        return None if row is None else _stored(row)

    def on_all_chains(self, address: str) -> list[dict[str, Any]]:
        """The summaries of what is verified at an address, on any chain."""
        with self._engine.begin() as db:
            query = select(contracts.c.summary).where(contracts.c.address == address)
            rows = db.execute(query.order_by(contracts.c.match_id))
            return [json.loads(row.summary) for row in rows]

    def page(
        self, chain_id: int, limit: int, descending: bool, after: int | None
    ) -> list[dict[str, Any]]:
        """Summaries of a chain's contracts by match id, those after ``after``."""
        key = contracts.c.match_id
        query = select(contracts.c.summary).where(contracts.c.chain_id == str(chain_id))
        if after is not None:
            query = query.where(key < after if descending else key > after)
        query = query.order_by(key.desc() if descending else key).limit(min(limit, MAX_LIMIT))
        with self._engine.begin() as db:
            return [json.loads(row.summary) for row in db.execute(query)]

    def of_size(self, code_size: int, limit: int) -> list[Stored]:
        """Contracts whose runtime code has that many bytes, the best matches first."""
        query = select(contracts).where(contracts.c.code_size == code_size)
        query = query.order_by(contracts.c.runtime_match.desc(), contracts.c.match_id.desc())
        with self._engine.begin() as db:
            return [_stored(row) for row in db.execute(query.limit(limit))]


def now() -> str:
    """The time as Sourcify writes it: 2026-01-31T12:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _no_match(chain_id: str, address: str) -> dict[str, Any]:
    return {
        "match": None,
        "creationMatch": None,
        "runtimeMatch": None,
        "chainId": chain_id,
        "address": address,
    }


def _finish(
    db: Connection,
    verification_id: str,
    compile_ms: int,
    contract: Mapping[str, Any],
    error: Mapping[str, Any] | None,
) -> None:
    db.execute(
        update(jobs)
        .where(jobs.c.verification_id == verification_id)
        .values(
            finished=now(),
            compile_ms=compile_ms,
            contract=json.dumps(contract) if contract else None,
            error=None if error is None else json.dumps(error),
        )
    )


def _stored(row: Row[Any]) -> Stored:
    return Stored(
        row.match_id,
        row.runtime_match,
        row.creation_match,
        row.code_hash,
        json.loads(row.summary),
        json.loads(row.details),
    )


def _sqlite(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": LOCK_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
