"""The cursor where the chain misbehaves in ways that no development chain can be told to."""

from __future__ import annotations

import pytest

from bridge.chain.client import ChainSettings
from bridge.chain.events import BLOCKS_A_SCAN, MAX_MARKS, BlockMark, Cursor, scan
from bridge.chain.records import BlockRef, Log
from bridge.domain.errors import ChainUnreachable


def block_hash(number: int, fork: int = 0) -> bytes:
    return bytes([fork]) + number.to_bytes(31)


class ScriptedChain:
    """Blocks and logs by number; ``flip`` reorgs everything at each reading of logs."""

    settings = ChainSettings("scripted", 1, 1, "http://scripted")

    def __init__(self, finalized: int, with_logs: tuple[int, ...] = (), flip: int = 0) -> None:
        self.tip, self.with_logs, self.flip, self.fork = finalized, with_logs, flip, 0

    async def find_block(self, number: int) -> BlockRef | None:
        if number > self.tip:
            return None
        return BlockRef(number, block_hash(number, self.fork), bytes(32), number)

    async def block(self, number: int) -> BlockRef:
        found = await self.find_block(number)
        assert found is not None
        return found

    async def finalized(self) -> BlockRef:
        return await self.block(self.tip)

    async def logs(self, address: str, topics: object, first: int, last: int) -> tuple[Log, ...]:
        found = tuple(
            Log(address, (), b"", number, block_hash(number, self.fork), bytes(32), 0)
            for number in self.with_logs
            if first <= number <= last
        )
        if self.flip:
            self.flip -= 1
            self.fork += 1
        return found


async def test_nothing_new_leaves_the_cursor() -> None:
    cursor = Cursor(0, 6, (BlockMark(5, block_hash(5)),))
    found = await scan(ScriptedChain(5), cursor, "0x", [])
    assert (found.logs, found.cursor, found.removed_from_block) == ((), cursor, None)


async def test_blocks_with_logs_are_marked() -> None:
    found = await scan(ScriptedChain(9, (2, 4)), Cursor.at(1), "0x", [])
    assert [mark.number for mark in found.cursor.marks] == [2, 4, 9]
    assert found.cursor.next_block == 10


async def test_a_scan_is_bounded() -> None:
    found = await scan(ScriptedChain(3 * BLOCKS_A_SCAN), Cursor.at(1), "0x", [])
    assert found.cursor.next_block == BLOCKS_A_SCAN + 1


async def test_marks_are_bounded() -> None:
    found = await scan(ScriptedChain(1000, tuple(range(1000))), Cursor.at(0), "0x", [])
    assert len(found.cursor.marks) == MAX_MARKS
    assert found.cursor.marks[-1] == BlockMark(1000, block_hash(1000))


async def test_a_reorg_while_logs_are_read_is_tried_again() -> None:
    chain = ScriptedChain(9, (4,), flip=1)
    found = await scan(chain, Cursor.at(0), "0x", [])
    assert found.logs[0].block_hash == block_hash(4, fork=1)
    assert found.cursor.marks[-1].hash == block_hash(9, fork=1)


async def test_a_chain_that_never_rests_is_unreachable() -> None:
    with pytest.raises(ChainUnreachable, match="reorged during each of 3 scans"):
        await scan(ScriptedChain(9, flip=99), Cursor.at(0), "0x", [])


async def test_the_newest_mark_that_stands_is_the_common_block() -> None:
    marks = (BlockMark(2, block_hash(2)), BlockMark(5, bytes(32)), BlockMark(8, bytes(32)))
    found = await scan(ScriptedChain(9, (2, 4, 6)), Cursor(0, 9, marks), "0x", [])
    assert found.removed_from_block == 3
    assert [log.block_number for log in found.logs] == [4, 6]
    assert [mark.number for mark in found.cursor.marks] == [2, 4, 6, 9]


async def test_no_common_mark_begins_again() -> None:
    cursor = Cursor(3, 9, (BlockMark(8, bytes(32)),))
    found = await scan(ScriptedChain(9, (2, 4)), cursor, "0x", [])
    assert found.removed_from_block == 3
    assert [log.block_number for log in found.logs] == [4]


async def test_a_chain_that_lost_blocks_removes_them() -> None:
    marks = (BlockMark(2, block_hash(2)), BlockMark(8, block_hash(8)))
    found = await scan(ScriptedChain(4), Cursor(0, 9, marks), "0x", [])
    assert found.removed_from_block == 3
    assert found.cursor.next_block == 5
