"""The fast way into a pool: whole blocks, in slots beside an embedded database."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from bridge.domain.errors import BlockConflict, InputError, PoolExhausted, PoolFull
from bridge.keyservice.blockrows import BlockState
from bridge.keyservice.chunks import CHUNK_BYTES, Segment
from bridge.keyservice.compromise import Compromise, declare
from bridge.keyservice.database import Database, open_database
from bridge.keyservice.intake import Overflow, PoolIntake, PoolSink
from bridge.keyservice.linkblock import BlockHistory, LinkBlock
from bridge.keyservice.pool import KeyPool, PoolLimits
from bridge.keyservice.schema import blocks as rows
from bridge.keyservice.store import KeyStore
from bridge.keyservice.wholes import MOST_BYTES, SLOT_BYTES
from bridge.quantum.ends.halves import KeyBlock
from bridge.quantum.ends.medium import Light
from tests.unit.quantum.link_pair import cut_wires, link_ends, run_blocks

WIDE = PoolLimits(high_bits=1 << 30, low_bits=1 << 29, reserve_bits=0)
LENGTH = 3 * CHUNK_BYTES + 100


def block(length: int = LENGTH, owner: str = "keyservice", **changes: float | str) -> LinkBlock:
    history = BlockHistory(
        block_id=str(uuid4()),
        link_id="simulated-1",
        owner=owner,
        source="bb84-simulation",
        simulated=True,
        qber=0.01 / 3,
        leak_bits=9000,
        epsilon=1e-10 / 3,
        created_at=time.time(),
    )
    return LinkBlock(os.urandom(length), dataclasses.replace(history, **changes))  # type: ignore[arg-type]


@pytest.fixture
def intake(opened: Database) -> Iterator[PoolIntake]:
    made = PoolIntake(opened, WIDE)
    yield made
    made.close()


def test_what_was_put_leaves_in_order_with_its_history_and_once(
    opened: Database, intake: PoolIntake
) -> None:
    first, second = block(), block()
    intake.put(first)
    intake.put(second)
    pool = KeyPool(opened, limits=WIDE)
    assert pool.bits == 8 * 2 * LENGTH
    key = pool.take(256, "id")
    assert key.key == first.key[:32]
    assert key.provenance == first.history.provenance()
    assert pool.take(8 * LENGTH, "id").key == first.key[32:] + second.key[:32]
    assert pool.take(pool.bits, "id").key == second.key[32:]
    with pytest.raises(PoolExhausted):
        pool.take(8, "id")


def test_blocks_are_in_slots_beside_a_sqlite_and_in_rows_elsewhere(
    opened: Database, intake: PoolIntake
) -> None:
    small, large = block(64), block(MOST_BYTES + 1)
    intake.put(small)
    intake.put(large)
    with opened.engine.begin() as db:
        found = db.execute(select(rows.c.slot, rows.c.sealed).order_by(rows.c.number)).all()
    assert [row.slot for row in found] == ([0, None] if opened.slots else [None, None])
    assert [row.sealed is None for row in found] == [opened.slots is not None, False]
    pool = KeyPool(opened, limits=WIDE)
    assert pool.take(pool.bits, "id").key == small.key + large.key


def test_the_other_end_cuts_a_block_that_came_this_way(
    opened: Database, intake: PoolIntake
) -> None:
    one = block(owner="kme-a")
    intake.put(one)
    mine = KeyPool(opened, "kme-b", WIDE)
    segment = Segment(one.history.block_id, CHUNK_BYTES + 64, 32)
    with opened.engine.begin() as db:
        cut = mine.cut_within(db, "kme-a", [segment], "id").key
    assert cut == one.key[CHUNK_BYTES + 64 : CHUNK_BYTES + 96]
    with opened.engine.begin() as db, pytest.raises(BlockConflict, match="some were taken"):
        mine.cut_within(db, "kme-a", [segment], "id")
    with opened.engine.begin() as db, pytest.raises(BlockConflict, match="got none"):
        mine.cut_within(db, "kme-a", [Segment(one.history.block_id, 9 * CHUNK_BYTES, 8)], "id")


def test_many_put_at_once_and_each_block_is_there(opened: Database, intake: PoolIntake) -> None:
    made = [[block(64) for _ in range(8)] for _ in range(8)]
    start = threading.Barrier(8)

    def put(mine: list[LinkBlock]) -> None:
        start.wait(30)
        for one in mine:
            intake.put(one)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, made))
    assert intake.counts.blocks == 64
    assert intake.counts.transactions <= 64
    pool = KeyPool(opened, limits=WIDE)
    taken = {pool.take(512, "id").key for _ in range(64)}
    assert taken == {one.key for mine in made for one in mine}


def test_64_takers_and_a_putter_never_share_a_byte(opened: Database, intake: PoolIntake) -> None:
    made = [block(LENGTH - 100) for _ in range(4)]
    start = threading.Barrier(65)

    def drain(_: int) -> list[bytes]:
        pool = KeyPool(opened, limits=WIDE)
        start.wait(30)
        taken: list[bytes] = []
        while len(taken) < 24:
            try:
                taken.append(pool.take(512, "id").key)
            except PoolExhausted:
                if intake.counts.blocks == len(made):
                    return taken
        return taken

    with ThreadPoolExecutor(65) as threads:
        takers = [threads.submit(drain, number) for number in range(64)]
        start.wait(30)
        for one in made:
            intake.put(one)
        taken = [key for taker in takers for key in taker.result()]
    whole = {one.key[n : n + 64] for one in made for n in range(0, len(one.key), 64)}
    assert len(taken) == len(set(taken))
    assert set(taken) <= whole
    rest = KeyPool(opened, limits=WIDE)
    assert 8 * sum(len(key) for key in taken) + rest.bits == 8 * sum(len(b.key) for b in made)


def test_the_same_id_twice_is_refused_and_the_others_of_its_transaction_are_kept(
    opened: Database, intake: PoolIntake
) -> None:
    good = block(64)
    intake.put(good)
    with pytest.raises(InputError, match="there already"):
        intake.put(LinkBlock(os.urandom(64), good.history))
    others = [block(64) for _ in range(4)]
    gate = threading.Barrier(5)

    def put(one: LinkBlock) -> BaseException | None:
        gate.wait(30)
        try:
            intake.put(one)
        except InputError as error:
            return error
        return None

    with ThreadPoolExecutor(5) as threads:
        came = list(threads.map(put, [LinkBlock(os.urandom(64), good.history), *others]))
    assert [type(one) for one in came] == [InputError, *[type(None)] * 4]
    pool = KeyPool(opened, limits=WIDE)
    taken = {pool.take(512, "id").key for _ in range(5)}
    assert taken == {good.key, *(one.key for one in others)}


def test_several_are_kept_in_one_transaction_and_one_that_is_refused_costs_no_other(
    opened: Database, intake: PoolIntake
) -> None:
    made = [block(64) for _ in range(3)]
    intake.put_all(made[:2])
    intake.put_all([])
    assert intake.counts.transactions == 1
    with pytest.raises(InputError, match="there already"):
        intake.put_all([made[2], LinkBlock(os.urandom(64), made[0].history)])
    pool = KeyPool(opened, limits=WIDE)
    assert {pool.take(512, "id").key for _ in range(3)} == {one.key for one in made}
    assert pool.bits == 0


def marks(high: int, low: int) -> PoolLimits:
    return PoolLimits(8 * LENGTH * high, 8 * LENGTH * low, 0)


def test_above_the_high_mark_the_link_waits(opened: Database) -> None:
    intake = PoolIntake(opened, marks(2, 1))
    first, second, third = block(), block(), block()
    intake.put(first)
    intake.put(second)
    with pytest.raises(PoolFull):
        intake.put(third)
    pool = KeyPool(opened, limits=WIDE)
    assert pool.bits == 16 * LENGTH
    assert pool.take(8 * LENGTH, "id").key == first.key
    intake.put(third)
    assert pool.take(pool.bits, "id").key == second.key + third.key
    intake.close()


def test_or_the_oldest_go_and_a_long_run_needs_no_more_room_than_a_short_one(
    opened: Database,
) -> None:
    intake = PoolIntake(opened, marks(6, 3), Overflow.DROP_OLDEST)
    made = [block() for _ in range(200)]
    sizes = []
    for number, one in enumerate(made):
        intake.put(one)
        if number in (20, 199) and opened.slots is not None:
            sizes.append(opened.slots.path.stat().st_size)
    pool = KeyPool(opened, limits=WIDE)
    held = pool.bits // (8 * LENGTH)
    assert 3 <= held <= 6
    assert intake.counts.dropped_blocks == 200 - held
    assert intake.counts.dropped_bits == 8 * LENGTH * (200 - held)
    with opened.engine.begin() as db:
        assert db.execute(select(func.count()).select_from(rows)).scalar_one() == held
    assert pool.take(pool.bits, "id").key == b"".join(one.key for one in made[-held:])
    if sizes:
        assert sizes[0] == sizes[1] <= 8 * SLOT_BYTES
    intake.close()


def test_a_block_that_was_used_keeps_its_history_when_its_rest_goes(opened: Database) -> None:
    intake = PoolIntake(opened, marks(2, 1), Overflow.DROP_OLDEST)
    used = block()
    intake.put(used)
    pool = KeyPool(opened, limits=WIDE)
    pool.take(256, "id")
    for _ in range(4):
        intake.put(block())
    with opened.engine.begin() as db:
        ids = set(db.execute(select(rows.c.block_id)).scalars())
        free = db.execute(
            select(rows.c.free_bytes).where(rows.c.block_id == used.history.block_id)
        ).scalar_one()
    assert used.history.block_id in ids
    assert free == 0
    assert len(ids) == 1 + pool.bits // (8 * LENGTH)
    intake.close()


def test_a_slot_that_was_changed_is_a_lost_block_and_the_next_one_is_given(
    database: Path, key_file: Path
) -> None:
    opened = open_database(database, key_file)
    intake = PoolIntake(opened, WIDE)
    for changed in ("bits", "history"):
        first, second = block(), block()
        intake.put(first)
        intake.put(second)
        with opened.engine.begin() as db:
            mine = rows.c.block_id == first.history.block_id
            slot = db.execute(select(rows.c.slot).where(mine)).scalar_one()
            assert slot is not None
            assert opened.slots is not None
            if changed == "bits":
                opened.slots.write(slot, os.urandom(200))
            else:
                db.execute(update(rows).where(mine).values(qber=0.001))
        pool = KeyPool(opened, limits=WIDE)
        assert pool.take(256, "id").key == second.key[:32]
        with opened.engine.begin() as db:
            state = db.execute(select(rows.c.state).where(mine)).scalar_one()
        assert state == BlockState.LOST
        pool.take(pool.bits, "id")
    intake.close()
    opened.close()


def test_a_compromise_reaches_whole_blocks(database: Path, key_file: Path) -> None:
    store = KeyStore.open(database, key_file)
    intake = PoolIntake(store.database, WIDE)
    first, second = block(created_at=1000.0), block()
    intake.put(first)
    intake.put(second)
    damage = declare(store, store.audit, Compromise(999.0, 1001.0))
    assert damage.block_ids == (first.history.block_id,)
    assert damage.pool_bits_destroyed == 8 * LENGTH
    pool = KeyPool(store.database, limits=dataclasses.replace(WIDE, lifetime_s=None))
    assert pool.take(pool.bits, "id").key == second.key
    intake.close()
    store.close()


def test_slots_are_wiped_once_their_block_is_gone(database: Path, key_file: Path) -> None:
    opened = open_database(database, key_file)
    intake = PoolIntake(opened, WIDE)
    assert opened.slots is not None
    first, second = block(), block()
    intake.put(first)
    intake.put(second)
    before = opened.slots.path.read_bytes()
    assert first.key[:32] not in before
    sealed = before[:LENGTH]
    assert any(sealed)
    pool = KeyPool(opened, limits=WIDE)
    pool.take(256, "id")
    assert pool.expire() == 0
    after = opened.slots.path.read_bytes()
    assert not any(after[:SLOT_BYTES])
    assert any(after[SLOT_BYTES:])
    assert pool.take(pool.bits, "id").key == first.key[32:] + second.key
    intake.close()
    assert not any(opened.slots.path.read_bytes())
    opened.close()


PUTTER = """
import dataclasses, os, sys, time
from pathlib import Path
from uuid import uuid4
from bridge.keyservice.database import open_database
from bridge.keyservice.intake import PoolIntake
from bridge.keyservice.linkblock import BlockHistory, LinkBlock
from bridge.keyservice.pool import PoolLimits

where = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
intake = PoolIntake(open_database(where, Path(sys.argv[2])), PoolLimits(1 << 30, 1 << 29, 0))
while True:
    history = BlockHistory(str(uuid4()), "l", "keyservice", "s", True, 0.01, 9, 1e-10, time.time())
    key = os.urandom(9000)
    intake.put(LinkBlock(key, history))
    print(key[:32].hex(), flush=True)
"""


def killed(process: subprocess.Popen[str]) -> list[str]:
    """The whole lines that a process had written when it was killed."""
    assert process.stdout is not None
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait(60)
    process.stdout.close()
    return [line for line in rest.split() if len(line) == 64]


def test_what_put_returned_for_is_there_after_kill_9(where: Path | str, key_file: Path) -> None:
    open_database(where, key_file).close()
    told: list[str] = []
    for kills_after in (1, 7, 30):
        putter = subprocess.Popen(
            [sys.executable, "-c", PUTTER, str(where), str(key_file)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert putter.stdout is not None
        told += [putter.stdout.readline().strip() for _ in range(kills_after)]
        told += killed(putter)
    database = open_database(where, key_file)
    pool = KeyPool(database, limits=WIDE)
    there = [pool.take(8 * 9000, "id").key[:32].hex() for _ in range(pool.bits // (8 * 9000))]
    assert pool.bits == 0, "no block is there in part"
    assert len(told) >= 38
    assert set(told) <= set(there)
    # A kill may leave the one block that was kept and not told yet.
    assert len(there) - len(told) <= 3
    database.close()


TAKER = """
import sys
from pathlib import Path
from bridge.keyservice.database import open_database
from bridge.keyservice.pool import KeyPool, PoolLimits

where = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
pool = KeyPool(open_database(where, Path(sys.argv[2])), limits=PoolLimits(reserve_bits=0))
while True:
    print(pool.take(256, "id").key.hex(), flush=True)
"""


def test_nothing_that_was_given_of_a_whole_block_is_given_again_after_kill_9(
    where: Path | str, key_file: Path
) -> None:
    database = open_database(where, key_file)
    intake = PoolIntake(database, WIDE)
    made = [block(320) for _ in range(64)]  # ten keys each, so that many are divided
    for one in made:
        intake.put(one)
    given: list[str] = []
    for kills_after in (1, 9, 12, 30):
        taker = subprocess.Popen(
            [sys.executable, "-c", TAKER, str(where), str(key_file)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert taker.stdout is not None
        given += [taker.stdout.readline().strip() for _ in range(kills_after)]
        given += killed(taker)
    pool = KeyPool(database, limits=WIDE)
    left = pool.take(pool.bits, "id").key
    rest = [left[n : n + 32].hex() for n in range(0, len(left), 32)]
    whole = {one.key[n : n + 32].hex() for one in made for n in range(0, 320, 32)}
    assert len(given) >= 52
    assert len(set(given + rest)) == len(given) + len(rest)
    assert set(given + rest) <= whole
    assert len(whole) - len(given) - len(rest) <= 4
    intake.close()
    database.close()


def key_block(number: int, key: bytes) -> KeyBlock:
    return KeyBlock(
        number=number,
        key=key,
        qber=0.02,
        errors=160,
        phase_errors=900,
        leak_bits=1400,
        rounds=9,
        length=16384,
        sample_size=1024,
        pulses=70000,
        clicks=35000,
        sifted=17500,
        epsilon_secrecy=1e-10,
        epsilon_correctness=1e-15,
    )


def test_both_ends_name_and_own_their_blocks_alike(tmp_path: Path) -> None:
    session = uuid4()
    seen = []
    for name in ("kme-a", "kme-b"):
        database = open_database(tmp_path / f"{name}.sqlite", tmp_path / name)
        intake = PoolIntake(database, WIDE, owner=name)
        sink = PoolSink(intake, "link-1", session, ("kme-a", "kme-b"))
        for number in (1, 2, 3):
            sink.put(key_block(number, bytes([number]) * 64))
        pool = KeyPool(database, name, WIDE)
        taken = pool.take(pool.bits, "id")
        assert taken.provenance.qber == 160 / 16384
        assert taken.provenance.leak_bits == 1400 * len(taken.provenance.block_id.split("+"))
        with database.engine.begin() as db:
            order = select(rows.c.block_id, rows.c.owner).order_by(rows.c.number)
            seen.append([tuple(row) for row in db.execute(order)])
        assert taken.key == (bytes([2]) * 64 if name == "kme-a" else b"\1" * 64 + b"\3" * 64)
        intake.close()
        database.close()
    assert seen[0] == seen[1]
    assert len({name for name, _ in seen[0]}) == 3
    assert [owner for _, owner in seen[0]] == ["kme-b", "kme-a", "kme-b"]


def test_another_session_names_its_blocks_otherwise_and_no_uuid_is_refused(
    opened: Database, intake: PoolIntake
) -> None:
    one = key_block(1, bytes(64))
    ids = {PoolSink(intake).history(one).block_id for _ in range(8)}
    assert len(ids) == 8
    assert all(str(UUID(name)) == name for name in ids)
    with pytest.raises(InputError, match="expected a UUID, got 'x'"):
        PoolSink(intake, session="x")  # type: ignore[arg-type]


def test_two_real_ends_put_the_same_key_into_two_pools(tmp_path: Path) -> None:
    light = Light(click=0.5, misalignment=0.01, dark_count_probability=1e-6)
    session = uuid4()
    databases = [
        open_database(tmp_path / name / "pool.sqlite", tmp_path / f"key-{name}") for name in "ab"
    ]
    intakes = [PoolIntake(one, WIDE, Overflow.DROP_OLDEST) for one in databases]
    sinks = [PoolSink(one, "link-1", session) for one in intakes]
    try:
        made = run_blocks(link_ends(light, timeout_s=600.0), 3)
        for sink, blocks in zip(sinks, made, strict=True):
            for one in blocks:
                assert isinstance(one, KeyBlock)
                sink.put(one)
    finally:
        cut_wires()
    taken = []
    for database in databases:
        pool = KeyPool(database, limits=WIDE)
        taken.append([pool.take(256, "id") for _ in range(pool.bits // 256)])
    assert [one.key for one in taken[0]] == [one.key for one in taken[1]]
    assert len(taken[0]) > 50
    for one, other in zip(*taken, strict=True):
        assert one.segments == other.segments
        assert 0.005 < one.provenance.qber == other.provenance.qber < 0.02
        assert one.provenance.simulated
    for intake, database in zip(intakes, databases, strict=True):
        intake.close()
        database.close()
