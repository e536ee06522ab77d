"""Old records are forgotten, and none that somebody may ask for."""

import dataclasses
import time
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from bridge.domain.errors import InputError
from bridge.keyservice import retention
from bridge.keyservice.audit import AuditLog
from bridge.keyservice.blockrows import Purpose
from bridge.keyservice.chunks import CHUNK_BYTES
from bridge.keyservice.compromise import Compromise, declare
from bridge.keyservice.database import Database
from bridge.keyservice.linkblock import LinkBlock
from bridge.keyservice.pool import KeyPool, PoolLimits
from bridge.keyservice.promises import Promise, Promises, PromiseState
from bridge.keyservice.retention import Pruned, prune
from bridge.keyservice.schema import blocks as block_rows
from bridge.keyservice.schema import promises, recipients, uses
from bridge.keyservice.store import KeyStore

Blocks = tuple[LinkBlock, LinkBlock]
LIMITS = PoolLimits(reserve_bits=0, lifetime_s=None)
DAY_S = 24 * 3600.0


def count(database: Database, table: object) -> int:
    with database.engine.begin() as db:
        return int(db.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def aged(block: LinkBlock, days: float) -> LinkBlock:
    history = dataclasses.replace(
        block.history, block_id=str(uuid4()), created_at=time.time() - days * DAY_S
    )
    return dataclasses.replace(block, history=history)


def test_uses_and_used_up_blocks_go_when_they_are_old_and_no_sooner(
    opened: Database, blocks: Blocks
) -> None:
    pool = KeyPool(opened, limits=LIMITS)
    old, fresh = aged(blocks[0], 31), aged(blocks[1], 0)
    pool.deposit(old, fresh)
    pool.take(8 * len(old.key), "given", Purpose.DELIVERY)
    assert prune(opened) == Pruned(), "its use is of today"
    with opened.engine.begin() as db:
        db.execute(update(uses).values(at=time.time() - 31 * DAY_S))
    assert prune(opened, 32 * DAY_S) == Pruned()
    assert prune(opened) == Pruned(uses=1, blocks=1)
    assert prune(opened) == Pruned()
    with opened.engine.begin() as db:
        left = list(db.execute(select(block_rows.c.block_id)).scalars())
    assert left == [fresh.history.block_id]
    assert pool.take(pool.bits, "id").key == fresh.key
    (entry,) = AuditLog(opened).entries()
    told = entry.data()
    assert told["event"] == "records.pruned"
    assert (told["uses"], told["promises"], told["blocks"]) == (1, 0, 1)
    assert told["retention_s"] == retention.RETENTION_S == 30 * DAY_S


def test_an_old_block_with_key_in_it_and_one_that_signing_keys_came_of_stay(
    store: KeyStore, blocks: Blocks
) -> None:
    database = store.database
    pool = KeyPool(database, limits=LIMITS)
    signing, half = aged(blocks[0], 100), aged(blocks[1], 100)
    pool.deposit(signing, half)
    pool.take(8 * len(signing.key), "a signing key", Purpose.SIGNING)
    pool.take(256, "given", Purpose.DELIVERY)
    with database.engine.begin() as db:
        db.execute(update(uses).values(at=time.time() - 99 * DAY_S))
    assert prune(database) == Pruned(uses=1)
    assert count(database, block_rows) == 2
    damage = declare(store, store.audit, Compromise(0.0, time.time()))
    assert set(damage.block_ids) == {signing.history.block_id, half.history.block_id}
    assert damage.pool_bits_destroyed == 8 * (len(half.key) - 32)


def test_promises_that_wait_stay_however_old(opened: Database, blocks: Blocks) -> None:
    kept = Promises(opened, lifetime_s=3600.0)
    pool = KeyPool(opened, limits=LIMITS)
    pool.deposit(blocks[0])
    ids = {state: str(uuid4()) for state in PromiseState}
    with opened.engine.begin() as db:
        for state, key_id in ids.items():
            key = pool.take_within(db, 256, [key_id], Purpose.DELIVERY)[0]
            kept.keep(db, Promise(key_id, "alice", ("bob", "carol"), key.key, key.provenance))
            mine = promises.c.key_id == key_id
            old = time.time() - 31 * DAY_S
            db.execute(update(promises).where(mine).values(state=state.value, created_at=old))
    assert prune(opened) == Pruned(promises=3)
    with opened.engine.begin() as db:
        left = list(db.execute(select(promises.c.key_id)).scalars())
        named = set(db.execute(select(recipients.c.key_id)).scalars())
    assert left == [ids[PromiseState.WAITING]]
    assert named == set(left)


def test_much_is_forgotten_in_parts(
    opened: Database, blocks: Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 4)
    pool = KeyPool(opened, limits=LIMITS)
    pool.deposit(dataclasses.replace(blocks[0], key=bytes(CHUNK_BYTES)))
    with opened.engine.begin() as db:
        pool.take_within(db, 256, [str(n) for n in range(10)], Purpose.DELIVERY)
    later = time.time() + 31 * DAY_S
    assert [prune(opened, now=later).uses for _ in range(4)] == [4, 4, 2, 0]


@pytest.mark.parametrize("retention_s", [0.0, -1.0, float("nan")])
def test_a_retention_of_nothing_is_refused(store: KeyStore, retention_s: float) -> None:
    with pytest.raises(InputError, match="retention: expected above 0 s"):
        prune(store.database, retention_s)
