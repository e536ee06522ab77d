"""A new journal was meant to have a write-ahead log and had none: readers and the relayer waited
for each other."""

import sqlite3
import time
from pathlib import Path

from bridge.relayer.journal import Journal


def test_a_journal_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    writer = sqlite3.connect(path, isolation_level=None)
    try:
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        # What a commit takes: with a rollback journal no reader is let in meanwhile.
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("INSERT INTO replicas VALUES ('one', 1.0)")
        began = time.monotonic()
        reader = Journal(path, read_only=True)
        assert reader.all_entries() == []
        reader.close()
        assert time.monotonic() - began < 10
    finally:
        writer.close()
