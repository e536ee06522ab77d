"""What an attestor keeps: whole or not at all, for one Outbox, in one process."""

import sqlite3
import stat

import pytest

from bridge.chain.events import BlockMark, Cursor
from bridge.crypto.digests import message_id
from bridge.domain.errors import ConfigError
from bridge.relayer import treefile
from bridge.relayer.treefile import TreeFile

CURSOR = Cursor(3, 11, (BlockMark(7, b"\x07" * 32), BlockMark(10, b"\x0a" * 32)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "attestors" / "one.sqlite"


@pytest.fixture
def file(path):
    opened = TreeFile(path)
    yield opened
    opened.close()


def test_what_was_kept_is_there_after_a_restart(path, file, found, record):
    messages = [found(nonce).message for nonce in range(3)]
    assert file.cursor(record(1)) == Cursor.at(0)
    file.append(record(1), messages, CURSOR)
    file.append(record(2), [], Cursor(0, 5))
    file.close()
    again = TreeFile(path)
    assert again.cursor(record(1)) == CURSOR
    assert again.cursor(record(2)) == Cursor(0, 5)
    assert again.leaves(1) == [message_id(one) for one in messages]
    assert again.leaves(2) == []
    assert list(again.messages(1, 0)) == messages
    assert list(again.messages(1, 2)) == messages[2:]
    again.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_messages_are_read_in_parts(file, found, record, monkeypatch):
    monkeypatch.setattr(treefile, "ROWS_AT_ONCE", 2)
    messages = [found(nonce).message for nonce in range(4)]
    file.append(record(1), messages, CURSOR)
    assert list(file.messages(1, 0)) == messages
    assert list(file.messages(1, 1)) == messages[1:]
    assert list(file.messages(1, 4)) == []


def test_messages_and_cursor_are_kept_together_or_not_at_all(file, found, record):
    file.append(record(1), [found(0).message], Cursor(0, 5))
    with pytest.raises(sqlite3.IntegrityError):
        file.append(record(1), [found(1).message, found(0).message], CURSOR)
    assert file.cursor(record(1)) == Cursor(0, 5)
    assert len(file.leaves(1)) == 1
    file.append(record(1), [found(1).message], CURSOR)
    assert len(file.leaves(1)) == 2


@pytest.mark.parametrize("changed", [{"chain_id": 5}, {"outbox": "0x" + "99" * 20}])
def test_another_outbox_of_the_domain_is_refused(file, record, changed):
    file.append(record(1), [], CURSOR)
    with pytest.raises(ConfigError, match="the file was made for 31001 and 0x1111"):
        file.cursor(record(1).model_copy(update=changed))
    assert file.cursor(record(1)) == CURSOR


def test_one_file_is_one_attestors(path, file):
    with pytest.raises(ConfigError, match="expected an attestor's own file: database is locked"):
        TreeFile(path)


def test_something_else_is_no_such_file(path):
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(ConfigError, match="expected an attestor's own file: file is not"):
        TreeFile(path)
