"""The heads that were seen of a chain: a block that is gone is noticed by its hash."""

from __future__ import annotations

from bridge.chain.client import ChainClient
from bridge.chain.records import BlockRef

REMEMBERED = 128


class Heads:
    """The newest heads of one chain as they were seen, at most ``REMEMBERED``."""

    def __init__(self) -> None:
        self._hashes: dict[int, bytes] = {}
        self._done: tuple[BlockRef, BlockRef] | None = None

    def done(self, head: BlockRef, finalized: BlockRef) -> None:
        """Note that what these two blocks brought was written down."""
        self._done = head, finalized

    def are_done(self, head: BlockRef, finalized: BlockRef) -> bool:
        """Whether nothing came since that."""
        return self._done == (head, finalized)

    async def gone(self, client: ChainClient, head: BlockRef) -> int:
        """How many blocks a reorg took since the last call; ``head`` is remembered.

        Between two heads that were seen it counts from the older one.
        """
        if not self._hashes:
            self._hashes[head.number] = head.hash
            return 0
        first, last = min(self._hashes), max(self._hashes)
        if head.number < last:
            return 0  # who answers now is behind, which is no reorg
        while self._hashes and not await self._stands(client, head):
            del self._hashes[max(self._hashes)]
        depth = last - max(self._hashes, default=first - 1)
        self._hashes[head.number] = head.hash
        while len(self._hashes) > REMEMBERED:
            del self._hashes[min(self._hashes)]
        return depth

    async def _stands(self, client: ChainClient, head: BlockRef) -> bool:
        """Whether the newest that is remembered is on the chain of ``head``."""
        number = max(self._hashes)
        if head.number == number:
            return head.hash == self._hashes[number]
        if head.number == number + 1:
            return head.parent_hash == self._hashes[number]
        block = await client.find_block(number)
        return block is None or block.hash == self._hashes[number]  # None: it is behind
