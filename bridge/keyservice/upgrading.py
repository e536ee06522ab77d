"""Bringing the key service's database to the revision that this program knows, in one transaction.

alembic takes a third of a second to load, so it is imported where something is to be done only.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from bridge.domain.errors import ConfigError
from bridge.keyservice import migrations

FOLDER = Path(migrations.__file__).parent
ADVISORY_LOCK = 0x41535452_4B455953
"""PostgreSQL's key of who upgrades: "ASTRKEYS"."""
_one_at_a_time = threading.Lock()
"""alembic keeps what it works on in globals."""


def revision_of(db: Connection) -> str | None:
    """The revision of a database; None where it has none yet."""
    if not inspect(db).has_table(migrations.VERSION_TABLE):
        return None
    found: str | None = db.execute(
        text(f"SELECT version_num FROM {migrations.VERSION_TABLE}")  # noqa: S608 - a constant
    ).scalar_one_or_none()
    return found


def upgrade(engine: Engine) -> None:
    """Make a database what this program expects, whether it is empty, old, or there already.

    Who comes second waits and finds it done. ``ConfigError`` where a newer program made it.
    """
    with engine.begin() as db:  # on SQLite with its write lock
        if db.dialect.name == "postgresql":
            db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        at = revision_of(db)
        if at == migrations.HEAD:
            return
        if at is None and inspect(db).has_table("signing_keys"):
            _alembic("stamp", db, migrations.FIRST)
        elif at is not None and at not in _revisions():
            raise ConfigError(
                engine.url.render_as_string(hide_password=True),
                [
                    f"key service: expected revision {migrations.HEAD} or an older one, got {at}: "
                    "a newer program made it"
                ],
            )
        _alembic("upgrade", db, migrations.HEAD)


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
