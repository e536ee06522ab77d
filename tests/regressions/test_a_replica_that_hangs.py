"""A process that was stopped within a transaction kept its locks, and others waited for ever."""

import time
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import literal, select
from sqlalchemy.exc import DBAPIError

from bridge.keyservice import database as keys
from bridge.keyservice.blockrows import lock_pool
from bridge.keyservice.hanging import HANGING_S
from bridge.relayer.journal import Journal
from bridge.relayer.journal.database import open_database
from bridge.relayer.journal.schema import replicas
from tests.postgres import Server


def test_other_relayers_go_on_and_it_hears_of_it(postgres: Server) -> None:
    url = postgres.create(f"hanging_{uuid4().hex}")
    journal = Journal(url)
    journal.beat("one")
    engine = open_database(url)
    hanging = engine.connect()
    hanging.execute(select(replicas.c.name).where(replicas.c.name == "one").with_for_update())
    started = time.monotonic()
    journal.beat("one")
    assert 0.5 * HANGING_S < time.monotonic() - started < 3.0 * HANGING_S
    with pytest.raises(DBAPIError, match="idle-in-transaction timeout"):
        hanging.execute(select(replicas.c.name))
    hanging.invalidate()
    hanging.close()
    with engine.begin() as again:
        assert again.execute(select(replicas.c.name)).scalar_one() == "one"
    engine.dispose()
    journal.close()


def test_other_key_services_go_on_and_it_hears_of_it(postgres: Server, tmp_path: Path) -> None:
    url, key = postgres.create(f"hanging_{uuid4().hex}"), tmp_path / "key"
    first, second = keys.open_database(url, key), keys.open_database(url, key)
    hanging = first.engine.connect()
    lock_pool(hanging)
    started = time.monotonic()
    with second.engine.begin() as db:
        lock_pool(db)
    assert 0.5 * HANGING_S < time.monotonic() - started < 3.0 * HANGING_S
    with pytest.raises(DBAPIError, match="idle-in-transaction timeout"):
        hanging.execute(select(literal(1)))
    hanging.invalidate()
    hanging.close()
    first.close()
    second.close()
