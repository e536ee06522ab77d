import dataclasses
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bridge.domain.errors import BlockConflict, InputError, PoolExhausted, PoolFull, SealBroken
from bridge.keyservice.blockrows import Purpose
from bridge.keyservice.chunks import CHUNK_BYTES, Segment
from bridge.keyservice.database import Database, open_database
from bridge.keyservice.linkblock import LinkBlock
from bridge.keyservice.pool import KeyPool, PoolLimits
from bridge.keyservice.schema import blocks as rows
from bridge.keyservice.schema import chunks

Blocks = tuple[LinkBlock, LinkBlock]
NO_RESERVE = PoolLimits(reserve_bits=0)
_names = itertools.count()


def big(blocks: Blocks, length: int, owner: str = "keyservice") -> LinkBlock:
    """A block of ``length`` random bytes with a history of its own."""
    number = f"00000000-0000-4000-8000-{next(_names):012x}"
    history = dataclasses.replace(blocks[0].history, block_id=number, owner=owner)
    return LinkBlock(os.urandom(length), history)


def test_bits_leave_in_order_and_once(opened: Database, blocks: Blocks) -> None:
    pool = KeyPool(opened)
    pool.deposit(blocks[0])
    taken = b"".join(pool.take(64, "id").key for _ in range(10))
    assert taken == blocks[0].key[:80]
    assert pool.bits == 8 * (len(blocks[0].key) - 80)


def test_a_key_says_where_it_comes_from(opened: Database, blocks: Blocks) -> None:
    pool = KeyPool(opened)
    pool.deposit(blocks[0])
    key = pool.take(256, "id")
    assert key.provenance == blocks[0].history.provenance()
    assert key.provenance.simulated
    assert key.segments == (Segment(blocks[0].history.block_id, 0, 32),)


def test_a_key_over_two_blocks_names_both(opened: Database, blocks: Blocks) -> None:
    pool = KeyPool(opened)
    pool.deposit(*blocks)
    pool.take(8 * len(blocks[0].key) - 64, "id")
    key = pool.take(128, "id")
    first, second = (block.history for block in blocks)
    assert key.key == blocks[0].key[-8:] + blocks[1].key[:8]
    assert key.provenance.block_id == f"{first.block_id}+{second.block_id}"
    assert key.provenance.qber == max(first.qber, second.qber)
    assert key.provenance.leak_bits == first.leak_bits + second.leak_bits
    assert key.provenance.epsilon == first.epsilon + second.epsilon
    assert [(one.block_id, one.length) for one in key.segments] == [
        (first.block_id, 8),
        (second.block_id, 8),
    ]


def test_a_key_over_the_parts_of_a_block_is_whole(opened: Database, blocks: Blocks) -> None:
    pool = KeyPool(opened)
    block = big(blocks, 2 * CHUNK_BYTES + 100)
    pool.deposit(block)
    pool.take(8 * (CHUNK_BYTES - 4), "id")
    with opened.engine.begin() as db:
        first, second = pool.take_within(
            db, 8 * (CHUNK_BYTES + 8) // 2, ["a", "b"], Purpose.SIGNING
        )
    half = CHUNK_BYTES // 2 + 4
    assert first.key + second.key == block.key[CHUNK_BYTES - 4 : CHUNK_BYTES - 4 + 2 * half]
    assert [one.length for one in first.segments] == [4, half - 4]
    assert [one.length for one in second.segments] == [half - 4, 4]
    assert pool.bits == 8 * 96


def test_an_empty_pool_gives_nothing_and_loses_nothing(opened: Database, blocks: Blocks) -> None:
    pool = KeyPool(opened)
    with pytest.raises(PoolExhausted, match="256 bits wanted, 0 available"):
        pool.take(256, "id")
    pool.deposit(blocks[0])
    everything = pool.bits
    with pytest.raises(PoolExhausted):
        pool.take(everything + 8, "id")
    assert pool.bits == everything
    assert pool.take(everything, "id").key == blocks[0].key
    with pytest.raises(PoolExhausted):
        pool.take(8, "id")


@pytest.mark.parametrize("bits", [0, -8, 7, 12])
def test_part_of_a_byte_is_refused(store, bits: int) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="multiple of 8"):
        KeyPool(store.database).take(bits, "id")


def test_bits_survive_a_restart_and_taken_ones_do_not(
    where: Path | str, key_file: Path, blocks: Blocks
) -> None:
    first = open_database(where, key_file)
    KeyPool(first).deposit(blocks[0])
    taken = KeyPool(first).take(256, "id").key
    first.close()
    second = open_database(where, key_file)
    rest = KeyPool(second).bits
    assert taken + KeyPool(second).take(rest, "id").key == blocks[0].key
    second.close()


def test_no_key_is_on_disk_in_the_clear_nor_readable_with_the_file_once_taken(
    store,
    database: Path,
    tmp_path: Path,
    blocks: Blocks,  # type: ignore[no-untyped-def]
) -> None:
    pool = KeyPool(store.database)
    pool.deposit(blocks[0])
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert blocks[0].key[:32] not in on_disk
    assert blocks[0].history.block_id.encode() in on_disk
    pool.take(256, "id")
    with store.database.engine.begin() as db:
        row = db.execute(pool._mine()).first()
        assert row is not None
        (part,) = pool._opened(db, row)
    assert part.plain[:32] == bytes(32)
    assert part.plain[32:] == blocks[0].key[32 : len(part.plain)]


def test_a_part_that_was_changed_or_moved_does_not_open(opened: Database, blocks: Blocks) -> None:
    pool = KeyPool(opened)
    first, second = big(blocks, 2 * CHUNK_BYTES), big(blocks, CHUNK_BYTES)
    pool.deposit(first, second)
    pool.take(256, "id")
    with opened.engine.begin() as db:
        parts = select(chunks.c.number, chunks.c.sealed).order_by(chunks.c.number)
        other = db.execute(parts).all()[1].sealed
        db.execute(update(chunks).where(chunks.c.number == 0).values(sealed=other))
    with pytest.raises(SealBroken):
        pool.take(256, "id")


def test_a_whole_block_that_was_changed_or_moved_does_not_open(
    opened: Database, blocks: Blocks
) -> None:
    pool = KeyPool(opened)
    pool.deposit(*blocks)
    with opened.engine.begin() as db:
        row = rows.c.block_id == blocks[0].history.block_id
        sealed = db.execute(select(rows.c.sealed).where(row)).scalar_one()
        other = db.execute(select(rows.c.sealed).where(~row)).scalar_one()
        for wrong in ({"sealed": other}, {"sealed": sealed, "leak_bits": 1}):
            db.execute(update(rows).where(row).values(**wrong))
            with pytest.raises(SealBroken):
                pool.take_within(db, 256, ["id"], Purpose.SIGNING)
        right = {"sealed": sealed, "leak_bits": blocks[0].history.leak_bits}
        db.execute(update(rows).where(row).values(**right))
    assert pool.take(256, "id").key == blocks[0].key[:32]


def test_a_block_is_deposited_once(opened: Database, blocks: Blocks) -> None:
    pool = KeyPool(opened)
    pool.deposit(blocks[0])
    pool.take(256, "id")
    left = pool.bits
    pool.deposit(blocks[0])
    assert pool.bits == left
    other = dataclasses.replace(blocks[0].history, qber=0.5)
    with pytest.raises(BlockConflict, match="another history"):
        pool.deposit(dataclasses.replace(blocks[0], history=other))


def test_more_than_the_pool_takes_is_pushed_back_and_nothing_of_it_is_kept(
    opened: Database, blocks: Blocks
) -> None:
    bits = 8 * len(blocks[0].key)
    pool = KeyPool(opened, limits=PoolLimits(8, 8, 0, capacity_bits=bits + 8))
    with pytest.raises(PoolFull, match=f"at most {bits + 8}"):
        pool.deposit(*blocks)
    assert pool.bits == 0
    pool.deposit(blocks[0])
    with pytest.raises(PoolFull):
        pool.deposit(blocks[1])
    assert PoolFull.retryable


def test_applications_leave_a_reserve_for_signing_keys(opened: Database, blocks: Blocks) -> None:
    pool = KeyPool(opened, limits=PoolLimits(reserve_bits=1024))
    pool.deposit(blocks[0])
    free = pool.bits - 1024
    assert pool.available(Purpose.DELIVERY) == free
    with pytest.raises(PoolExhausted, match=f"{free + 8} bits wanted, {free} available"):
        pool.take(free + 8, "id", Purpose.DELIVERY)
    pool.take(free, "id", Purpose.DELIVERY)
    with pytest.raises(PoolExhausted):
        pool.take(8, "id", Purpose.DELIVERY)
    assert len(pool.take(1024, "id", Purpose.SIGNING).key) == 128


def test_old_key_is_not_given_and_destroyed(opened: Database, blocks: Blocks) -> None:
    old = dataclasses.replace(blocks[0].history, created_at=time.time() - 100)
    pool = KeyPool(opened, limits=PoolLimits(reserve_bits=0, lifetime_s=99))
    pool.deposit(dataclasses.replace(blocks[0], history=old), blocks[1])
    assert pool.bits == 8 * len(blocks[1].key)
    assert pool.take(256, "id").key == blocks[1].key[:32]
    assert pool.expire() == 8 * len(blocks[0].key)
    assert pool.expire() == 0
    with opened.engine.begin() as db:
        assert {row.block for row in db.execute(select(chunks.c.block))} == {2}


def test_the_other_ends_old_key_is_destroyed_after_its_owner_had_time_to_give_it(
    opened: Database, blocks: Blocks
) -> None:
    pool = KeyPool(opened, "kme-b", PoolLimits(reserve_bits=0, lifetime_s=100))
    old = dataclasses.replace(blocks[0].history, created_at=time.time() - 110, owner="kme-a")
    older = dataclasses.replace(blocks[1].history, created_at=time.time() - 170, owner="kme-a")
    late, too_late = (
        dataclasses.replace(block, history=history)
        for block, history in zip(blocks, (old, older), strict=True)
    )
    pool.deposit(late, too_late)
    assert pool.expire() == 8 * len(too_late.key)
    with opened.engine.begin() as db:
        segment = Segment(old.block_id, 0, 32)
        assert pool.cut_within(db, "kme-a", [segment], "id").key == late.key[:32]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"low_bits": 0}, "low_bits"),
        ({"low_bits": 100, "high_bits": 99}, "high_bits"),
        ({"capacity_bits": 1 << 15}, "capacity_bits"),
        ({"reserve_bits": -1}, "reserve_bits"),
        ({"lifetime_s": 0}, "lifetime"),
    ],
)
def test_limits_that_make_no_sense_are_refused(change: dict[str, int], named: str) -> None:
    with pytest.raises(InputError, match=named):
        PoolLimits(**change)


# The other end


def test_the_other_end_cuts_the_same_bytes_in_any_order_and_once(
    opened: Database, blocks: Blocks
) -> None:
    block = big(blocks, CHUNK_BYTES + 64, owner="kme-a")
    mine = KeyPool(opened, "kme-b", NO_RESERVE)
    mine.deposit(block)
    identifier = block.history.block_id
    assert mine.bits == 0, "what the other owns is not here to take"

    def cut(*segments: Segment) -> bytes:
        with opened.engine.begin() as db:
            return mine.cut_within(db, "kme-a", segments, "id").key

    assert cut(Segment(identifier, 96, 32)) == block.key[96:128]
    assert cut(Segment(identifier, 0, 32), Segment(identifier, CHUNK_BYTES, 8)) == (
        block.key[:32] + block.key[CHUNK_BYTES : CHUNK_BYTES + 8]
    )
    for again in (
        Segment(identifier, 96, 32),
        Segment(identifier, 80, 32),
        Segment(identifier, 0, 1),
    ):
        with pytest.raises(BlockConflict, match="some were taken"):
            cut(Segment(identifier, 200, 8), again)
    assert cut(Segment(identifier, 200, 8)) == block.key[200:208], "a refusal takes nothing"
    assert cut(Segment(identifier, 32, 64)) == block.key[32:96]


@pytest.mark.parametrize(
    "segment",
    [(0, 0), (-8, 8), (CHUNK_BYTES - 4, 8), (5 * CHUNK_BYTES, 8), (CHUNK_BYTES, 65)],
)
def test_segments_that_are_not_in_the_block_are_refused(
    store,
    blocks: Blocks,
    segment: tuple[int, int],  # type: ignore[no-untyped-def]
) -> None:
    block = big(blocks, CHUNK_BYTES + 64, owner="kme-a")
    mine = KeyPool(store.database, "kme-b")
    mine.deposit(block)
    with store.database.engine.begin() as db, pytest.raises(BlockConflict):
        mine.cut_within(db, "kme-a", [Segment(block.history.block_id, *segment)], "id")


def test_one_cuts_nothing_of_its_own_for_the_other(opened: Database, blocks: Blocks) -> None:
    block = big(blocks, 64, owner="kme-b")
    mine = KeyPool(opened, "kme-b")
    mine.deposit(block)
    segment = Segment(block.history.block_id, 0, 32)
    with opened.engine.begin() as db, pytest.raises(BlockConflict, match="kme-a owns"):
        mine.cut_within(db, "kme-a", [segment], "id")


def test_only_good_blocks_are_taken_where_that_is_asked(opened: Database, blocks: Blocks) -> None:
    bad = dataclasses.replace(blocks[0].history, qber=0.03)
    pool = KeyPool(opened, limits=NO_RESERVE)
    pool.deposit(dataclasses.replace(blocks[0], history=bad), blocks[1])
    with opened.engine.begin() as db:
        (key,) = pool.take_within(db, 256, ["id"], Purpose.DELIVERY, max_qber=0.029)
    assert key.key == blocks[1].key[:32]
    with opened.engine.begin() as db, pytest.raises(PoolExhausted, match="0 available"):
        pool.take_within(db, 256, ["id"], Purpose.DELIVERY, max_qber=0.0)


# Many at once


def test_64_clients_never_share_a_byte(opened: Database, blocks: Blocks) -> None:
    block = big(blocks, 64 * 4 * 32)
    KeyPool(opened, limits=NO_RESERVE).deposit(block)
    start = threading.Barrier(64)

    def drain(_: int) -> list[bytes]:
        pool = KeyPool(opened, limits=NO_RESERVE)
        start.wait(30)
        taken = []
        while True:
            try:
                taken.append(pool.take(256, "id", Purpose.DELIVERY).key)
            except PoolExhausted:
                return taken

    with ThreadPoolExecutor(64) as threads:
        taken = [key for keys in threads.map(drain, range(64)) for key in keys]
    assert len(taken) == 256
    assert sorted(taken) == sorted(block.key[n : n + 32] for n in range(0, len(block.key), 32))


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


def test_nothing_that_was_given_is_given_again_after_kill_9(
    where: Path | str, key_file: Path, blocks: Blocks
) -> None:
    database = open_database(where, key_file)
    pool = KeyPool(database, limits=NO_RESERVE)
    block = big(blocks, 1 << 17)
    pool.deposit(block)
    given: list[str] = []
    for kills_after in (3, 20, 50):
        taker = subprocess.Popen(
            [sys.executable, "-c", TAKER, str(where), str(key_file)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert taker.stdout is not None
        given += [taker.stdout.readline().strip() for _ in range(kills_after)]
        taker.send_signal(signal.SIGKILL)
        given += [line for line in taker.communicate(timeout=180)[0].split("\n") if len(line) == 64]
    left = pool.take(pool.bits, "id").key
    rest = [left[n : n + 32].hex() for n in range(0, len(left), 32)]
    assert len(given) >= 73
    assert len(set(given + rest)) == len(given) + len(rest)
    whole = {block.key[n : n + 32].hex() for n in range(0, len(block.key), 32)}
    assert set(given + rest) <= whole
    # A kill may lose the one key that was committed and not told yet; it loses no more.
    assert len(whole) - len(set(given + rest)) <= 3
    database.close()


def test_key_bits_do_not_show_in_repr(store, blocks: Blocks) -> None:  # type: ignore[no-untyped-def]
    pool = KeyPool(store.database)
    pool.deposit(blocks[0])
    key = pool.take(256, "id")
    for text in (repr(pool), repr(key), repr(blocks[0]), repr(store.database)):
        assert repr(key.key)[2:-1] not in text
        assert key.key.hex() not in text
    assert "key=" not in repr(key)
    assert repr(store.database.sealing_key) not in repr(store.database)
