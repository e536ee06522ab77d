"""A cursor over a contract's logs that stays behind ``finalized`` and notices reorgs.

web3's filters never report a log that a reorg took away. So the cursor keeps hashes of blocks it
has read, and each scan first asks whether the newest of them still is on the chain.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.chain.client import ChainClient, Topics
from bridge.chain.records import BlockRef, Log
from bridge.domain.errors import ChainUnreachable

MAX_MARKS = 256
BLOCKS_A_SCAN = 5_000
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class BlockMark:
    """A block that was read: its number and the hash it had."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Cursor:
    """What was read so far: everything from ``start`` up to, not with, ``next_block``.

    ``marks`` are at most ``MAX_MARKS`` blocks below ``next_block``, the oldest first: each block
    that had logs, and the last one of each scan.
    """

    start: int
    next_block: int
    marks: tuple[BlockMark, ...] = ()

    @classmethod
    def at(cls, start: int) -> Cursor:
        """A cursor that has read nothing and begins with block ``start``."""
        return cls(start, start)


@dataclass(frozen=True, slots=True)
class Scan:
    """New logs and the cursor behind them.

    Where ``removed_from_block`` is a number, a reorg took all blocks from it on: what was
    learned from them is void, and ``logs`` begins there again.
    """

    logs: tuple[Log, ...]
    cursor: Cursor
    removed_from_block: int | None


async def scan(
    client: ChainClient, cursor: Cursor, address: str, topics: Topics, blocks: int = BLOCKS_A_SCAN
) -> Scan:
    """The logs of ``address`` from the cursor up to ``finalized``, at most ``blocks`` of them.

    The last common block is the newest mark that is still on the chain; a reorg between two
    marks counts from the older one. Raises ``ChainUnreachable`` when the chain changes under
    each of three attempts.
    """
    for _ in range(ATTEMPTS):
        rewound = await _rewind(client, cursor)
        removed = rewound.next_block if rewound is not cursor else None
        finalized = await client.finalized()
        last = min(finalized.number, rewound.next_block + blocks - 1)
        if last < rewound.next_block:
            return Scan((), rewound, removed)
        before = finalized if last == finalized.number else await client.block(last)
        logs = await client.logs(address, topics, rewound.next_block, last)
        after = await client.find_block(last)
        if after is not None and after.hash == before.hash:
            return Scan(logs, _advance(rewound, logs, before), removed)
    raise ChainUnreachable(
        client.settings.name,
        client.settings.rpc_url,
        f"the chain was reorged during each of {ATTEMPTS} scans",
    )


async def _rewind(client: ChainClient, cursor: Cursor) -> Cursor:
    """The cursor itself where its newest mark stands, else one behind the last mark that does."""
    for kept in range(len(cursor.marks), 0, -1):
        mark = cursor.marks[kept - 1]
        block = await client.find_block(mark.number)
        if block is not None and block.hash == mark.hash:
            if kept == len(cursor.marks):
                return cursor
            return Cursor(cursor.start, mark.number + 1, cursor.marks[:kept])
    return Cursor.at(cursor.start) if cursor.marks else cursor


def _advance(cursor: Cursor, logs: tuple[Log, ...], last: BlockRef) -> Cursor:
    read = {log.block_number: log.block_hash for log in logs} | {last.number: last.hash}
    new = tuple(BlockMark(number, read[number]) for number in sorted(read))
    return Cursor(cursor.start, last.number + 1, (cursor.marks + new)[-MAX_MARKS:])
