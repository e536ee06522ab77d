"""Signing keys at rest, and the memory of what each of them signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from bridge.crypto.aead import seal, unseal
from bridge.crypto.digests import statement_content
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import (
    Equivocation,
    InputError,
    KeyUnusable,
    LabelTaken,
    RotationConflict,
    UnknownKey,
    VerdictConflict,
)
from bridge.domain.keys import Algorithm, Provenance, PublicKeyRecord
from bridge.domain.rotations import Rotation
from bridge.domain.verdicts import Statement
from bridge.keyservice.audit import AuditLog
from bridge.keyservice.database import Database, open_database
from bridge.keyservice.schema import (
    signed_roots,
    signed_rotations,
    signed_verdicts,
    signing_keys,
)
from bridge.keyservice.sealingkey import SealingKeySource


class KeyState(StrEnum):
    """Where a key is in its life. A replaced one still works until it is destroyed.

    Persisted, never renamed.
    """

    ACTIVE = "active"
    REPLACED = "replaced"
    DESTROYED = "destroyed"
    COMPROMISED = "compromised"


USABLE = (KeyState.ACTIVE, KeyState.REPLACED)


@dataclass(frozen=True, slots=True)
class KeyLife:
    """How far a key is: what it did, and which key comes after it, since when (Unix seconds)."""

    key_id: str
    state: KeyState
    signatures: int
    successor: str | None
    replaced_at: float | None


class KeyStore:
    """Keys sealed under the sealing key, in one database. Safe for threads and processes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.audit = AuditLog(database)
        self._engine = database.engine
        self._sealing_key = database.sealing_key

    def __repr__(self) -> str:
        return f"KeyStore({self._engine.url}, redacted)"

    @classmethod
    def open(cls, where: Path | str, key: SealingKeySource | Path) -> KeyStore:
        """The store in the database at ``where``; raises as `open_database`."""
        return cls(open_database(where, key))

    def close(self) -> None:
        """Lets go of the database."""
        self.database.close()

    def add_key(self, record: PublicKeyRecord, seed: bytes) -> None:
        """Stores a key with its seed sealed; ``LabelTaken`` when another key has the label."""
        with self._engine.begin() as connection:
            self.add_key_within(connection, record, seed)

    def add_key_within(self, connection: Connection, record: PublicKeyRecord, seed: bytes) -> None:
        """As `add_key`, within a transaction of the caller's, who rolls it back on an error."""
        sealed = seal(self._sealing_key, seed, _associated_data(record.key_id, record.algorithm))
        values = {
            "key_id": record.key_id,
            "label": record.label,
            "algorithm": record.algorithm.value,
            "public_key": record.public_key,
            "sealed_seed": sealed,
            **asdict(record.provenance),
        }
        try:
            connection.execute(insert(signing_keys).values(values))
        except IntegrityError as error:
            raise LabelTaken(record.label) from error

    def keys(self) -> list[PublicKeyRecord]:
        """All keys in the order of their labels, without their seeds."""
        with self._engine.begin() as connection:
            rows = connection.execute(select(signing_keys).order_by(signing_keys.c.label))
            return [_record(row) for row in rows]

    def key(self, key_id: str) -> PublicKeyRecord:
        """The key with that id, without its seed; ``UnknownKey`` when there is none."""
        return _record(self._row(key_id))

    def label_taken(self, label: str) -> bool:
        """Whether a key has that label."""
        with self._engine.begin() as connection:
            query = select(signing_keys.c.key_id).where(signing_keys.c.label == label)
            return connection.execute(query).first() is not None

    def seed(self, key_id: str) -> bytes:
        """The seed of a key. For the signer only.

        Raises ``UnknownKey``, ``KeyUnusable``, and ``SealBroken`` when the row was changed.
        """
        row = self._row(key_id)
        if row.state not in USABLE:
            raise KeyUnusable(key_id, row.state)
        associated_data = _associated_data(row.key_id, Algorithm(row.algorithm))
        return unseal(self._sealing_key, row.sealed_seed, associated_data)

    def lives(self) -> dict[str, KeyLife]:
        """How far each key is, by its id."""
        with self._engine.begin() as connection:
            return {row.key_id: _life(row) for row in connection.execute(select(signing_keys))}

    def life(self, key_id: str) -> KeyLife:
        """How far a key is; ``UnknownKey`` when there is none."""
        return _life(self._row(key_id))

    def count_use(self, key_id: str) -> None:
        """A key does something that leaves no record of its own.

        Raises ``UnknownKey`` and ``KeyUnusable``.
        """
        with self._engine.begin() as connection:
            _require_usable(connection, key_id)
            _count(connection, key_id)

    def replace(self, connection: Connection, key_id: str, successor: str, at: float) -> None:
        """``successor`` comes after a key that is active, within the caller's transaction.

        ``KeyUnusable`` for one that is not active.
        """
        changed = connection.execute(
            update(signing_keys)
            .where(signing_keys.c.key_id == key_id, signing_keys.c.state == KeyState.ACTIVE.value)
            .values(state=KeyState.REPLACED.value, successor=successor, replaced_at=at)
        )
        if changed.rowcount == 0:
            query = select(signing_keys.c.state).where(signing_keys.c.key_id == key_id)
            state = connection.execute(query).scalar_one_or_none()
            raise UnknownKey(key_id) if state is None else KeyUnusable(key_id, state)

    def require_replaced(self, connection: Connection, key_id: str) -> None:
        """Pass for a key that has a successor; ``UnknownKey`` or ``KeyUnusable`` otherwise."""
        query = select(signing_keys.c.state).where(signing_keys.c.key_id == key_id)
        state = connection.execute(query.with_for_update()).scalar_one_or_none()
        if state is None:
            raise UnknownKey(key_id)
        if state != KeyState.REPLACED:
            raise KeyUnusable(key_id, f"{state}, not replaced")

    def wipe(
        self, connection: Connection, key_ids: Sequence[str], state: KeyState
    ) -> list[PublicKeyRecord]:
        """Delete the seeds of keys, within the caller's transaction; those that had one.

        What a key signed stays on record: it must not be asked for again.
        """
        if state in USABLE:
            raise InputError(f"wiped key: expected it to be destroyed or compromised, got {state}")
        chosen = signing_keys.c.key_id.in_(key_ids), signing_keys.c.state.in_(USABLE)
        rows = connection.execute(
            select(signing_keys).where(*chosen).order_by(signing_keys.c.label)
        ).all()
        connection.execute(
            update(signing_keys).where(*chosen).values(state=state.value, sealed_seed=b"")
        )
        return [_record(row) for row in rows]

    def record_root(self, key_id: str, checkpoint: Checkpoint) -> None:
        """Puts on disk that ``key_id`` signs this root, or raises ``Equivocation``.

        The first root for a size stands for ever. When this returns, the record is committed; the
        same root again changes nothing. A signature may leave only after this. Raises
        ``UnknownKey`` for a key that is not here.
        """
        place: dict[str, object] = {
            "key_id": key_id,
            "origin_domain": checkpoint.origin_domain,
            "origin_chain_id": str(checkpoint.origin_chain_id),
            "outbox": checkpoint.outbox,
            "destination_domain": checkpoint.destination_domain,
            "inbox": checkpoint.inbox,
            "epoch": checkpoint.epoch,
            "size": checkpoint.size,
        }
        signed = self._first(signed_roots, place, "root", checkpoint.root)
        if signed != checkpoint.root:
            raise Equivocation(key_id, checkpoint.size, signed, checkpoint.root)

    def record_rotation(self, key_id: str, rotation: Rotation) -> None:
        """Puts on disk that ``key_id`` signs this rotation, or raises ``RotationConflict``.

        The first set for an epoch and a salt stands for ever. Otherwise as ``record_root``.
        """
        place: dict[str, object] = {
            "key_id": key_id,
            "chain_id": str(rotation.chain_id),
            "registry": rotation.registry,
            "epoch": rotation.epoch,
            "salt": str(rotation.salt),
        }
        signed = self._first(signed_rotations, place, "set_hash", rotation.set_hash)
        if signed != rotation.set_hash:
            raise RotationConflict(key_id, rotation.epoch, rotation.salt, signed, rotation.set_hash)

    def record_statement(self, key_id: str, statement: Statement) -> None:
        """Puts on disk that ``key_id`` signs a verdict or revocation, or ``VerdictConflict``.

        The first for a registry, contract and sequence stands for ever; the same may be signed in
        another epoch. Otherwise as ``record_root``.
        """
        place: dict[str, object] = {
            "key_id": key_id,
            "registry_chain_id": str(statement.place.registry_chain_id),
            "registry": statement.place.registry,
            "chain_id": str(statement.chain_id),
            "address": statement.address,
            "sequence": str(statement.place.sequence),
        }
        content = statement_content(statement)
        signed = self._first(signed_verdicts, place, "statement", content)
        if signed != content:
            raise VerdictConflict(key_id, statement.place.sequence, signed, content)

    def _first(self, table: Table, place: dict[str, object], column: str, value: bytes) -> bytes:
        """What stands in ``column`` at ``place``, which is ``value`` where nothing stood there.

        ``UnknownKey`` for a key that is not here, ``KeyUnusable`` for one that signs no more.
        """
        signed_at = datetime.now(UTC).isoformat(timespec="seconds")
        key_id = str(place["key_id"])
        with self._engine.begin() as connection:
            _require_usable(connection, key_id)
            query = select(table.c[column])
            for name, part in place.items():
                query = query.where(table.c[name] == part)
            signed: bytes | None = connection.execute(query).scalar_one_or_none()
            if signed is None:
                row = {**place, column: value, "signed_at": signed_at}
                connection.execute(insert(table).values(row))
                self.audit.append(
                    connection, f"{table.name}.recorded", key_id=key_id, **{column: value.hex()}
                )
            if signed in (None, value):
                _count(connection, key_id)
        return value if signed is None else signed

    def _row(self, key_id: str) -> Row[Any]:
        with self._engine.begin() as connection:
            query = select(signing_keys).where(signing_keys.c.key_id == key_id)
            row = connection.execute(query).first()
        if row is None:
            raise UnknownKey(key_id)
        return row


def _associated_data(key_id: str, algorithm: Algorithm) -> bytes:
    return f"astralink/signing-seed/{algorithm}/{key_id}".encode()


def _require_usable(connection: Connection, key_id: str) -> None:
    """Locks the key's row, so that what it signs is recorded one after the other."""
    query = select(signing_keys.c.state).where(signing_keys.c.key_id == key_id)
    state = connection.execute(query.with_for_update()).scalar_one_or_none()
    if state is None:
        raise UnknownKey(key_id)
    if state not in USABLE:
        raise KeyUnusable(key_id, state)


def _count(connection: Connection, key_id: str) -> None:
    connection.execute(
        update(signing_keys)
        .where(signing_keys.c.key_id == key_id)
        .values(signatures=signing_keys.c.signatures + 1)
    )


def _life(row: Row[Any]) -> KeyLife:
    return KeyLife(
        key_id=row.key_id,
        state=KeyState(row.state),
        signatures=row.signatures,
        successor=row.successor,
        replaced_at=row.replaced_at,
    )


def _record(row: Row[Any]) -> PublicKeyRecord:
    return PublicKeyRecord(
        key_id=row.key_id,
        label=row.label,
        algorithm=Algorithm(row.algorithm),
        public_key=row.public_key,
        provenance=Provenance(
            source=row.source,
            simulated=row.simulated,
            block_id=row.block_id,
            qber=row.qber,
            leak_bits=row.leak_bits,
            epsilon=row.epsilon,
            created_at=row.created_at,
        ),
    )
