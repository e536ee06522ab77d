"""Signing keys at rest, and the memory of what each of them signed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, Row, Table, insert, select
from sqlalchemy.exc import DatabaseError, IntegrityError

from bridge.crypto.aead import seal, unseal
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import (
    ConfigError,
    Equivocation,
    LabelTaken,
    RotationConflict,
    SealBroken,
    UnknownKey,
)
from bridge.domain.keys import Algorithm, Provenance, PublicKeyRecord
from bridge.domain.rotations import Rotation
from bridge.keyservice.schema import (
    meta,
    metadata,
    open_engine,
    signed_roots,
    signed_rotations,
    signing_keys,
)
from bridge.keyservice.secretfile import read_or_create_secret

_KEY_CHECK = "key_check"
_KEY_CHECK_TEXT = b"astralink/keyservice/v1"


class KeyStore:
    """Keys sealed under the key file, in one SQLite database. Safe for threads and processes."""

    def __init__(self, engine: Engine, sealing_key: bytes) -> None:
        self._engine = engine
        self._sealing_key = sealing_key

    def __repr__(self) -> str:
        return f"KeyStore({self._engine.url}, redacted)"

    @classmethod
    def open(cls, database: Path, key_file: Path) -> KeyStore:
        """The store at ``database``, sealed under ``key_file``; both are made at the first start.

        Raises ``ConfigError`` when the key file is not the one that the database was made with, is
        missing while the database is there, or is readable by others, and when the database is no
        database.
        """
        if database.exists() and database.stat().st_size and not key_file.exists():
            raise ConfigError(
                str(key_file), [f"expected the key file that {database} was made with, got none"]
            )
        sealing_key = read_or_create_secret(key_file)
        engine = open_engine(database)
        try:
            with engine.begin() as connection:
                metadata.create_all(connection)
                _check_sealing_key(connection, sealing_key, database, key_file)
        except DatabaseError as error:
            raise ConfigError(
                str(database), [f"expected a database of the key service: {error.orig}"]
            ) from error
        return cls(engine, sealing_key)

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()

    def add_key(self, record: PublicKeyRecord, seed: bytes) -> None:
        """Stores a key with its seed sealed; ``LabelTaken`` when another key has the label."""
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
            with self._engine.begin() as connection:
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

        Raises ``UnknownKey``, and ``SealBroken`` when the row was changed.
        """
        row = self._row(key_id)
        associated_data = _associated_data(row.key_id, Algorithm(row.algorithm))
        return unseal(self._sealing_key, row.sealed_seed, associated_data)

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

    def _first(self, table: Table, place: dict[str, object], column: str, value: bytes) -> bytes:
        """What stands in ``column`` at ``place``, which is ``value`` where nothing stood there.

        ``UnknownKey`` for a key that is not here.
        """
        signed_at = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            with self._engine.begin() as connection:
                query = select(table.c[column])
                for name, part in place.items():
                    query = query.where(table.c[name] == part)
                signed: bytes | None = connection.execute(query).scalar_one_or_none()
                if signed is None:
                    row = {**place, column: value, "signed_at": signed_at}
                    connection.execute(insert(table).values(row))
        except IntegrityError as error:
            raise UnknownKey(str(place["key_id"])) from error
        return value if signed is None else signed

    def _row(self, key_id: str) -> Row[tuple[object, ...]]:
        with self._engine.begin() as connection:
            query = select(signing_keys).where(signing_keys.c.key_id == key_id)
            row = connection.execute(query).first()
        if row is None:
            raise UnknownKey(key_id)
        return row


def _check_sealing_key(
    connection: Connection, sealing_key: bytes, database: Path, key_file: Path
) -> None:
    """Opens a known record that the first start sealed; ``ConfigError`` when it does not open."""
    query = select(meta.c.value).where(meta.c.name == _KEY_CHECK)
    sealed = connection.execute(query).scalar_one_or_none()
    if sealed is None:
        value = seal(sealing_key, _KEY_CHECK_TEXT, _KEY_CHECK.encode())
        connection.execute(insert(meta).values(name=_KEY_CHECK, value=value))
        return
    try:
        unseal(sealing_key, sealed, _KEY_CHECK.encode())
    except SealBroken as error:
        raise ConfigError(
            str(key_file), [f"expected the key file that {database} was made with, got another"]
        ) from error


def _associated_data(key_id: str, algorithm: Algorithm) -> bytes:
    return f"astralink/signing-seed/{algorithm}/{key_id}".encode()


def _record(row: Row[tuple[object, ...]]) -> PublicKeyRecord:
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
