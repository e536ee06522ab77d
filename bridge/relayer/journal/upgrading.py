"""Bringing a journal to the revision that this program knows, in one transaction, once.

alembic takes a third of a second to load, so it is imported where something is to be done only.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.pool import StaticPool

from bridge.domain.errors import ConfigError
from bridge.relayer.journal import migrations

FOLDER = Path(migrations.__file__).parent
ADVISORY_LOCK = 0x41535452_4C494E4B
"""PostgreSQL's key of who upgrades: "ASTRLINK"."""
_one_at_a_time = threading.Lock()
"""alembic keeps what it works on in globals."""


def revision_of(db: Connection) -> str | None:
    """The revision of a journal; None where it has none yet."""
    if not inspect(db).has_table(migrations.VERSION_TABLE):
        return None
    found: str | None = db.execute(
        text(f"SELECT version_num FROM {migrations.VERSION_TABLE}")  # noqa: S608 - a constant
    ).scalar_one_or_none()
    return found


def upgrade(engine: Engine) -> None:
    """Make a journal what this program expects, whether it is empty, old, or there already.

    Who comes second waits and finds it done. ``ConfigError`` where a newer program made it, or
    something else did.
    """
    with engine.begin() as db:  # on SQLite with its write lock
        if db.dialect.name == "postgresql":
            db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        at = revision_of(db)
        if at == migrations.HEAD:
            return
        if at is None and inspect(db).has_table("messages"):
            _require_first_tables(engine, db)
            _alembic("stamp", db, migrations.FIRST)
        elif at is not None:
            _require_known(engine, at)
        _alembic("upgrade", db, migrations.HEAD)


def require_head(engine: Engine) -> None:
    """``ConfigError`` for a journal that is not of this program's revision; nothing is written."""
    with engine.begin() as db:
        at = revision_of(db)
    if at == migrations.HEAD:
        return
    if at is not None:
        _require_known(engine, at)
    raise _wrong(
        engine, f"{migrations.HEAD}, got {at or 'none'}: it is older; `astralink relay` upgrades it"
    )


def _require_known(engine: Engine, at: str) -> None:
    if at not in _revisions():
        raise _wrong(
            engine, f"{migrations.HEAD} or an older one, got {at}: a newer program made it"
        )


def _require_first_tables(engine: Engine, db: Connection) -> None:
    """A journal without a revision must be what was made before there were any."""
    scratch = create_engine("sqlite://", poolclass=StaticPool)
    with scratch.begin() as empty:
        _alembic("upgrade", empty, migrations.FIRST)
        expected = _columns(empty)
    scratch.dispose()
    got = _columns(db)
    problems = [
        f"table {table}: expected columns {', '.join(sorted(columns))}, "
        f"got {', '.join(sorted(got[table])) if table in got else 'no such table'}"
        for table, columns in expected.items()
        if got.get(table) != columns
    ]
    if problems:
        raise ConfigError(_place(engine), ["expected a relayer's journal", *problems])


def _columns(db: Connection) -> dict[str, set[str]]:
    inspector = inspect(db)
    return {
        table: {column["name"] for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
        if table != migrations.VERSION_TABLE
    }


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _alembic(command: str, db: Connection, revision: str) -> None:
    import alembic.command

    config = _config()
    config.attributes["connection"] = db
    with _one_at_a_time:
        getattr(alembic.command, command)(config, revision)


def _revisions() -> set[str]:
    from alembic.script import ScriptDirectory

    return {one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()}


def _wrong(engine: Engine, what: str) -> ConfigError:
    return ConfigError(_place(engine), [f"journal: expected revision {what}"])


def _place(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    return engine.url.render_as_string(hide_password=True)
