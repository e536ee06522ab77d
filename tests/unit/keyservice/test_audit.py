import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bridge.domain.errors import AuditBroken
from bridge.keyservice.audit import GENESIS, AuditLog, chain, check_export
from bridge.keyservice.database import Database
from bridge.keyservice.sealingkey import subkey


@pytest.fixture
def log(opened: Database) -> AuditLog:
    log = AuditLog(opened)
    for number in range(3):
        log.note("key.created", key_id=f"key {number}")
    return log


def exported(log: AuditLog) -> list[str]:
    return [json.dumps(one.data()) for one in log.entries()]


def test_each_entry_stands_on_the_one_before_it(log: AuditLog) -> None:
    entries = list(log.entries())
    assert [one.number for one in entries] == [1, 2, 3]
    assert entries[0].hash == chain(GENESIS, entries[0].line)
    assert entries[2].hash == chain(entries[1].hash, entries[2].line)
    assert entries[1].data()["event"] == "key.created"
    assert [one.number for one in log.entries(after=2)] == [3]


def test_an_export_is_checked_without_a_key(log: AuditLog) -> None:
    lines = exported(log)
    assert check_export(lines) == (3, list(log.entries())[-1].hash)
    assert check_export([]) == (0, GENESIS)
    assert check_export([*lines[:1], "", *lines[1:]])[0] == 3


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (lambda lines: [lines[0], lines[1].replace("key 1", "key 7"), lines[2]], 2),
        (lambda lines: [lines[0], lines[2]], 2),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[1], lines[0], lines[2]], 1),
        (lambda lines: [*lines, lines[2]], 4),
        (lambda lines: [lines[0], "no json"], 2),
        (lambda lines: [lines[0], "{}"], 2),
        (lambda lines: [lines[0], "[]"], 2),
    ],
)
def test_a_changed_export_is_told_by_its_entry(log: AuditLog, change, number: int) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AuditBroken) as error:
        check_export(change(exported(log)))
    assert error.value.number == number


def test_the_database_takes_no_change(log: AuditLog, opened: Database) -> None:
    for statement in ("DELETE FROM audit WHERE number = 3", "UPDATE audit SET entry = '{}'"):
        with pytest.raises(DBAPIError, match="append-only"), opened.engine.begin() as db:
            db.execute(text(statement))
    assert len(list(log.entries())) == 3


def test_who_has_the_database_but_not_the_key_makes_no_entry(
    log: AuditLog, opened: Database
) -> None:
    last = list(log.entries())[-1]
    line = json.dumps({"number": 4, "event": "key.created"}, separators=(",", ":"), sort_keys=True)
    digest = chain(last.hash, line)
    with opened.engine.begin() as db:
        db.execute(
            text("INSERT INTO audit (number, entry, hash, mac) VALUES (4, :line, :hash, :mac)"),
            {"line": line, "hash": digest, "mac": subkey(bytes(32), "audit")},
        )
    with pytest.raises(AuditBroken, match="entry 4: its MAC"):
        list(log.entries())
    # By the hashes alone it fits: those are for who has no key.
    assert check_export(
        [*exported_before(log), json.dumps({**json.loads(line), "hash": digest.hex()})]
    )


def exported_before(log: AuditLog) -> list[str]:
    entries = log.entries()
    return [json.dumps(next(entries).data()) for _ in range(3)]


def test_nothing_is_logged_of_what_was_rolled_back(log: AuditLog, opened: Database) -> None:
    with opened.engine.connect() as db, db.begin() as transaction:
        log.append(db, "key.created", key_id="never")
        transaction.rollback()
    log.note("key.created", key_id="key 3")
    assert [one.number for one in log.entries()] == [1, 2, 3, 4]
