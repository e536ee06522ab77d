import dataclasses
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import ConfigError, Equivocation, LabelTaken, SealBroken, UnknownKey
from bridge.domain.keys import PublicKeyRecord
from bridge.keyservice.store import KeyStore

MakeRecord = Callable[..., PublicKeyRecord]
SEED = bytes(range(1, 33))


def everything_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_key_comes_back_as_it_was_stored(store: KeyStore, make_record: MakeRecord) -> None:
    record = make_record()
    store.add_key(record, SEED)
    assert store.key(record.key_id) == record
    assert store.keys() == [record]
    assert store.seed(record.key_id) == SEED
    assert store.label_taken(record.label)
    assert not store.label_taken("other")


def test_an_unknown_key_is_refused(store: KeyStore, checkpoint: Checkpoint) -> None:
    for ask in (store.key, store.seed):
        with pytest.raises(UnknownKey, match="no key with id nobody"):
            ask("nobody")
    with pytest.raises(UnknownKey, match="nobody"):
        store.record_root("nobody", checkpoint)


def test_a_label_is_given_once(store: KeyStore, make_record: MakeRecord) -> None:
    store.add_key(make_record(), SEED)
    with pytest.raises(LabelTaken, match="'first'"):
        store.add_key(make_record(key_id="another"), SEED)
    assert len(store.keys()) == 1


def test_the_seed_is_nowhere_on_disk_in_the_clear(
    tmp_path: Path, store: KeyStore, make_record: MakeRecord
) -> None:
    record = make_record()
    store.add_key(record, SEED)
    on_disk = everything_on_disk(tmp_path)
    assert record.public_key in on_disk
    assert SEED not in on_disk
    assert SEED.hex().encode() not in on_disk


def test_the_database_is_for_its_owner_only(store: KeyStore, database: Path) -> None:
    for path in database.parent.glob("keyservice.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_survive_a_restart(
    store: KeyStore, database: Path, key_file: Path, make_record: MakeRecord
) -> None:
    store.add_key(make_record(), SEED)
    store.close()
    again = KeyStore.open(database, key_file)
    assert again.seed(make_record().key_id) == SEED
    again.close()


def test_a_wrong_key_file_is_refused_at_the_start(
    store: KeyStore, database: Path, key_file: Path
) -> None:
    store.close()
    key_file.write_text("ab" * 32)
    with pytest.raises(ConfigError, match=r"keyservice\.key.*(?s:.)*got another"):
        KeyStore.open(database, key_file)


def test_a_lost_key_file_is_refused_and_not_replaced(
    store: KeyStore, database: Path, key_file: Path
) -> None:
    store.close()
    key_file.unlink()
    with pytest.raises(ConfigError, match="was made with, got none"):
        KeyStore.open(database, key_file)
    assert not key_file.exists()


def test_a_file_that_is_no_database_is_refused(
    store: KeyStore, tmp_path: Path, key_file: Path
) -> None:
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"no database at all " * 100)
    with pytest.raises(ConfigError, match="expected a database of the key service"):
        KeyStore.open(other, key_file)


def test_a_sealed_seed_moved_to_another_key_does_not_open(
    store: KeyStore, database: Path, make_record: MakeRecord
) -> None:
    store.add_key(make_record(), SEED)
    store.add_key(make_record(key_id="second", label="second"), SEED[::-1])
    with sqlite3.connect(database) as connection:
        connection.execute(
            "UPDATE signing_keys SET sealed_seed = "
            "(SELECT sealed_seed FROM signing_keys WHERE key_id = 'second')"
        )
    connection.close()
    with pytest.raises(SealBroken):
        store.seed(make_record().key_id)
    assert store.seed("second") == SEED[::-1]


# anti-equivocation


def test_the_same_root_again_is_allowed_and_another_is_not(
    store: KeyStore, make_record: MakeRecord, checkpoint: Checkpoint, other_root: Checkpoint
) -> None:
    record = make_record()
    store.add_key(record, SEED)
    store.record_root(record.key_id, checkpoint)
    store.record_root(record.key_id, checkpoint)
    with pytest.raises(Equivocation, match="for size 7"):
        store.record_root(record.key_id, other_root)
    store.record_root(record.key_id, checkpoint)


@pytest.mark.parametrize(
    "change",
    [
        {"origin_domain": 5},
        {"origin_chain_id": 5},
        {"outbox": b"\x05" * 20},
        {"destination_domain": 5},
        {"inbox": b"\x05" * 20},
        {"epoch": 5},
        {"size": 5},
    ],
)
def test_another_place_has_a_root_of_its_own(
    store: KeyStore,
    make_record: MakeRecord,
    checkpoint: Checkpoint,
    other_root: Checkpoint,
    change: dict[str, int | bytes],
) -> None:
    record = make_record()
    store.add_key(record, SEED)
    store.record_root(record.key_id, checkpoint)
    elsewhere = dataclasses.replace(other_root, **change)  # type: ignore[arg-type]
    store.record_root(record.key_id, elsewhere)
    with pytest.raises(Equivocation):
        store.record_root(record.key_id, dataclasses.replace(elsewhere, root=b"\x77" * 32))


def test_another_chain_id_for_one_destination_is_no_way_round(
    store: KeyStore, make_record: MakeRecord, checkpoint: Checkpoint, other_root: Checkpoint
) -> None:
    record = make_record()
    store.add_key(record, SEED)
    store.record_root(record.key_id, checkpoint)
    with pytest.raises(Equivocation):
        store.record_root(record.key_id, dataclasses.replace(other_root, destination_chain_id=5))


def test_another_key_has_a_memory_of_its_own(
    store: KeyStore, make_record: MakeRecord, checkpoint: Checkpoint, other_root: Checkpoint
) -> None:
    store.add_key(make_record(), SEED)
    store.add_key(make_record(key_id="second", label="second"), SEED)
    store.record_root(make_record().key_id, checkpoint)
    store.record_root("second", other_root)


def test_equivocation_is_refused_after_a_restart(
    store: KeyStore,
    database: Path,
    key_file: Path,
    make_record: MakeRecord,
    checkpoint: Checkpoint,
    other_root: Checkpoint,
) -> None:
    record = make_record()
    store.add_key(record, SEED)
    store.record_root(record.key_id, checkpoint)
    store.close()
    again = KeyStore.open(database, key_file)
    with pytest.raises(Equivocation):
        again.record_root(record.key_id, other_root)
    again.record_root(record.key_id, checkpoint)
    again.close()


RACER = """
import sys
from pathlib import Path
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import Equivocation
from bridge.keyservice.store import KeyStore

store = KeyStore.open(Path(sys.argv[1]), Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
for size in range(1, 21):
    root = bytes([int(sys.argv[4])]) * 32
    checkpoint = Checkpoint(1, 1, b"o" * 20, root, size, 2, 2, b"i" * 20, 1)
    try:
        store.record_root(sys.argv[3], checkpoint)
        print("signed", size, flush=True)
    except Equivocation:
        print("refused", size, flush=True)
store.close()
"""


def test_processes_that_race_sign_one_root_for_each_size(
    store: KeyStore, database: Path, key_file: Path, make_record: MakeRecord
) -> None:
    record = make_record()
    store.add_key(record, SEED)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(database), str(key_file), record.key_id, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2, 3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    lines = [line for racer in racers for line in racer.communicate(timeout=60)[0].splitlines()]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    for size in range(1, 21):
        assert lines.count(f"signed {size}") == 1
        assert lines.count(f"refused {size}") == 2
