"""The journal's revisions: what they make, what is brought to them, and what is refused."""

import subprocess
import sys
import threading
import warnings

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from bridge.crypto.digests import message_id
from bridge.domain.delivery import Stage
from bridge.domain.errors import ConfigError, JournalUnavailable
from bridge.relayer.journal import Journal, migrations, upgrading
from bridge.relayer.journal.database import open_database
from bridge.relayer.journal.schema import metadata
from tests.unit.relayer.test_journal import bring, where

__all__ = ["where"]


def plain(where) -> Engine:
    """A connection that knows nothing of the journal."""
    return create_engine(where if isinstance(where, str) else f"sqlite:///{where}")


def execute(where, *statements: str) -> None:
    engine = plain(where)
    with engine.begin() as db:
        for statement in statements:
            db.execute(text(statement))
    engine.dispose()


def revision(where) -> str | None:
    engine = plain(where)
    with engine.connect() as db:
        found = upgrading.revision_of(db)
    engine.dispose()
    return found


def differences(where) -> list[object]:
    """What alembic would change so that the tables are as ``metadata`` says."""
    engine = plain(where)
    with engine.connect() as db, warnings.catch_warnings():
        # An index over an expression is read back by no SQLAlchemy for SQLite.
        warnings.filterwarnings("ignore", ".*expression-based index")
        context = MigrationContext.configure(db, opts={"compare_server_default": True})
        found = list(compare_metadata(context, metadata))
    engine.dispose()
    return found


def indexes(where) -> list[tuple[str, str]]:
    """The indexes of a SQLite with their whole text."""
    engine = plain(where)
    with engine.connect() as db:
        rows = db.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
    engine.dispose()
    names = {row.name: " ".join(row.sql.split()) for row in rows if "INDEX" in row.sql}
    return sorted(names.items())


def make_old(where) -> None:
    """A journal from before there were revisions."""
    if not isinstance(where, str):
        execute(where, "PRAGMA journal_mode=WAL")
    engine = plain(where)
    with engine.begin() as db:
        upgrading._alembic("upgrade", db, migrations.FIRST)
        db.execute(text(f"DROP TABLE {migrations.VERSION_TABLE}"))
    engine.dispose()


def test_head_is_the_newest_of_the_revisions():
    script = ScriptDirectory.from_config(upgrading._config())
    assert script.get_current_head() == migrations.HEAD
    assert script.get_bases() == [migrations.FIRST]


def test_the_revisions_make_what_the_schema_says(where):
    Journal(where).close()
    assert revision(where) == migrations.HEAD
    assert differences(where) == []


def test_a_difference_would_be_seen(where):
    Journal(where).close()
    execute(where, "ALTER TABLE replicas ADD COLUMN more INTEGER", "DROP INDEX open_transactions")
    kinds = {change[0] for change in differences(where)}
    assert kinds == {"remove_column", "add_index"}


def test_indexes_are_the_same_to_the_letter(tmp_path):
    made, said = tmp_path / "made.sqlite", tmp_path / "said.sqlite"
    Journal(made).close()
    engine = plain(said)
    metadata.create_all(engine)
    engine.dispose()
    assert indexes(made) == indexes(said)
    assert any("messages_by_tail" in name for name, _ in indexes(made))


def test_a_journal_from_before_revisions_is_taken_up_with_what_is_in_it(where, found):
    make_old(where)
    assert revision(where) is None
    with pytest.raises(ConfigError, match=f"revision {migrations.HEAD}, got none: it is older"):
        Journal(where, read_only=True)
    assert revision(where) is None
    journal = Journal(where)
    identifier = bring(journal, found(0), Stage.ATTESTED)
    journal.close()
    assert revision(where) == migrations.HEAD
    reader = Journal(where, read_only=True)
    assert reader.entry(identifier).id == message_id(found(0).message)
    reader.close()


def test_tables_of_something_else_are_refused_and_stay(where):
    make_old(where)
    execute(where, "ALTER TABLE messages RENAME COLUMN stage TO phase")
    before = repr(differences(where))
    with pytest.raises(ConfigError, match=r"table messages: expected columns .*stage"):
        Journal(where)
    assert revision(where) is None
    assert repr(differences(where)) == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_journal_of_a_newer_program_is_refused(where, read_only):
    Journal(where).close()
    execute(where, f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(ConfigError, match=f"revision {migrations.HEAD} or an older one, got 9999"):
        Journal(where, read_only=read_only)
    assert revision(where) == "9999"


def test_an_upgrade_that_fails_leaves_nothing(where, monkeypatch):
    make_old(where)
    do = upgrading._alembic

    def fail(command, db, which):
        do(command, db, which)
        if command == "stamp":
            raise RuntimeError("power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(upgrading, "_alembic", fail)
        with pytest.raises(RuntimeError, match="power"):
            Journal(where)
    assert revision(where) is None
    Journal(where).close()
    assert revision(where) == migrations.HEAD


def test_many_upgrade_at_once_and_one_does_it(where):
    make_old(where)
    failures = []

    def open_it():
        try:
            Journal(where).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert revision(where) == migrations.HEAD
    assert differences(where) == []


def test_two_processes_upgrade_at_once(where):
    make_old(where)
    code = (
        "import sys; from pathlib import Path; from bridge.relayer.journal import Journal\n"
        "where = sys.argv[1]; Journal(where if '://' in where else Path(where)).close()"
    )
    command = [sys.executable, "-c", code, str(where)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(one.communicate()[1], one.returncode) for one in both] == [(b"", 0), (b"", 0)]
    assert revision(where) == migrations.HEAD


def test_a_journal_at_head_is_opened_without_alembic(where):
    Journal(where).close()
    code = (
        "import sys; from pathlib import Path; from bridge.relayer.journal import Journal\n"
        "where = sys.argv[1]; where = where if '://' in where else Path(where)\n"
        "Journal(where).close(); Journal(where, read_only=True).close()\n"
        "sys.exit(any(name.split('.')[0] in ('alembic', 'mako') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(where)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_password_is_not_told():
    engine = create_engine("postgresql+psycopg://bridge:secret@127.0.0.1:1/none")
    assert "secret" not in str(upgrading._wrong(engine, "x"))
    with pytest.raises(JournalUnavailable) as caught:
        open_database("postgresql+psycopg://bridge:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 100)
    with pytest.raises(JournalUnavailable, match="not a database"):
        Journal(path)
