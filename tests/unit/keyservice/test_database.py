"""The database: its revisions, and where its sealing key may come from."""

import warnings
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from bridge.domain.errors import ConfigError, Equivocation, StoreUnavailable
from bridge.domain.keys import PublicKeyRecord
from bridge.keyservice import migrations
from bridge.keyservice.database import Database, open_database
from bridge.keyservice.schema import metadata
from bridge.keyservice.sealingkey import KeyFile, KeyVariable, WrappedKey, subkey
from bridge.keyservice.store import KeyState, KeyStore
from bridge.keyservice.upgrading import revision_of

VARIABLE = "ASTRALINK_TEST_SEALING_KEY"


def test_the_revisions_make_what_the_schema_says(opened: Database) -> None:
    with opened.engine.begin() as db, warnings.catch_warnings():
        options = {"version_table": migrations.VERSION_TABLE}
        context = MigrationContext.configure(db, opts=options)
        assert list(compare_metadata(context, metadata)) == []
        assert revision_of(db) == migrations.HEAD


def test_a_newer_programs_database_is_refused(where: Path | str, key_file: Path) -> None:
    database = open_database(where, key_file)
    with database.engine.begin() as db:
        db.execute(text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'"))
    database.close()
    with pytest.raises(ConfigError, match="got 9999: a newer program made it"):
        open_database(where, key_file)


FIRST_TABLES = """
CREATE TABLE meta (name VARCHAR PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE signing_keys (key_id VARCHAR(36) PRIMARY KEY, label VARCHAR NOT NULL UNIQUE,
  algorithm VARCHAR NOT NULL, public_key BLOB NOT NULL, sealed_seed BLOB NOT NULL,
  source VARCHAR NOT NULL, simulated BOOLEAN NOT NULL, block_id VARCHAR NOT NULL,
  qber FLOAT NOT NULL, leak_bits INTEGER NOT NULL, epsilon FLOAT NOT NULL,
  created_at VARCHAR NOT NULL);
CREATE TABLE signed_roots (key_id VARCHAR(36) REFERENCES signing_keys, origin_domain INTEGER,
  origin_chain_id VARCHAR, outbox BLOB, destination_domain INTEGER, inbox BLOB, epoch INTEGER,
  size INTEGER, root BLOB NOT NULL, signed_at VARCHAR NOT NULL, PRIMARY KEY (key_id, origin_domain,
  origin_chain_id, outbox, destination_domain, inbox, epoch, size));
CREATE TABLE signed_rotations (key_id VARCHAR(36) REFERENCES signing_keys, chain_id VARCHAR,
  registry BLOB, epoch INTEGER, salt VARCHAR, set_hash BLOB NOT NULL, signed_at VARCHAR NOT NULL,
  PRIMARY KEY (key_id, chain_id, registry, epoch, salt));
"""
"""As the program made them before there were revisions."""


def test_a_database_from_before_the_pool_keeps_its_keys_and_what_they_signed(
    database: Path,
    key_file: Path,
    make_record,
    checkpoint,
    other_root,  # type: ignore[no-untyped-def]
) -> None:
    record: PublicKeyRecord = make_record()
    new = KeyStore.open(database.with_name("new.sqlite"), key_file)
    new.add_key(record, b"s" * 32)
    new.record_root(record.key_id, checkpoint)
    new.close()
    old = create_engine(f"sqlite:///{database}")
    with old.begin() as db:
        for statement in FIRST_TABLES.split(";"):
            if statement.strip():
                db.execute(text(statement))
        db.execute(text(f"ATTACH '{database.with_name('new.sqlite')}' AS new"))
        columns = [row[1] for row in db.execute(text("PRAGMA main.table_info(signing_keys)"))]
        names = ", ".join(columns)
        db.execute(text(f"INSERT INTO signing_keys SELECT {names} FROM new.signing_keys"))
        for table in ("meta", "signed_roots"):
            db.execute(text(f"INSERT INTO {table} SELECT * FROM new.{table}"))
    old.dispose()
    store = KeyStore.open(database, key_file)
    assert store.keys() == [record]
    assert store.seed(record.key_id) == b"s" * 32
    assert store.life(record.key_id).state is KeyState.ACTIVE
    with pytest.raises(Equivocation):
        store.record_root(record.key_id, other_root)
    store.close()


def test_a_server_that_is_away_is_said_to_be_away(key_file: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"(?i)refused|connect"):
        open_database("postgresql+psycopg://bridge@127.0.0.1:9/nothing", key_file)
    assert StoreUnavailable.retryable


# Where the key comes from


class Vault:
    """A key management service of sixteen lines: it adds and takes away a mask."""

    def __init__(self, mask: int) -> None:
        self._mask = mask

    def wrap(self, key: bytes) -> bytes:
        return bytes(byte ^ self._mask for byte in key)

    def unwrap(self, wrapped: bytes) -> bytes:
        return self.wrap(wrapped)


def test_each_source_opens_what_it_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "5a" * 32)
    sources = [
        KeyFile(tmp_path / "file" / "key"),
        KeyVariable(VARIABLE),
        WrappedKey(tmp_path / "wrapped", Vault(0x55)),
    ]
    for number, source in enumerate(sources):
        where = tmp_path / f"{number}.sqlite"
        first = open_database(where, source)
        first.close()
        again = open_database(where, source)
        assert again.sealing_key == first.sealing_key
        again.close()
    assert open_database(tmp_path / "1.sqlite", sources[1]).sealing_key == b"\x5a" * 32
    assert (tmp_path / "wrapped").read_text().strip() != sources[2].make().hex()


def test_another_key_is_refused_and_a_lost_one_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "keys.sqlite"
    monkeypatch.setenv(VARIABLE, "5a" * 32)
    open_database(where, KeyVariable(VARIABLE)).close()
    monkeypatch.setenv(VARIABLE, "5b" * 32)
    with pytest.raises(ConfigError, match=rf"{VARIABLE}(?s:.)*got another"):
        open_database(where, KeyVariable(VARIABLE))
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ConfigError, match=rf"{VARIABLE}(?s:.)*got none"):
        open_database(where, KeyVariable(VARIABLE))
    with pytest.raises(ConfigError, match="got none"):
        open_database(where, WrappedKey(tmp_path / "wrapped", Vault(1)))
    assert not (tmp_path / "wrapped").exists()
    made = WrappedKey(tmp_path / "wrapped", Vault(1))
    open_database(tmp_path / "other.sqlite", made).close()
    with pytest.raises(ConfigError, match="got another"):
        open_database(tmp_path / "other.sqlite", WrappedKey(tmp_path / "wrapped", Vault(2)))


@pytest.mark.parametrize("value", ["", "5a", "zz" * 32, "5a" * 33])
def test_a_variable_that_is_no_key_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ConfigError, match=f"64 hex digits, got {len(value)}"):
        open_database(tmp_path / "keys.sqlite", KeyVariable(VARIABLE))


def test_every_purpose_has_a_key_of_its_own() -> None:
    keys = {subkey(bytes(32), purpose) for purpose in ("audit", "block/a", "block/b", "promise/a")}
    assert len(keys) == 4
    assert subkey(bytes(32), "audit") != subkey(b"\x01" * 32, "audit")
