"""One chain as an attestor sees it: the tree of its final messages, checked against its Outbox.

What contradicts what was final stops the view for good: an attestor that has seen two truths signs
neither. A person decides then, and deletes the attestor's file to have it read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice

import structlog

from bridge.chain.contracts import dispatched
from bridge.chain.events import Cursor, scan
from bridge.crypto.digests import message_id
from bridge.crypto.merkle import IncrementalTree
from bridge.domain.errors import BridgeError, FinalizedChanged, NotFinalized, TreeMismatch
from bridge.domain.messages import Message
from bridge.relayer.route import Side
from bridge.relayer.treefile import TreeFile

log = structlog.get_logger()


class OriginView:
    """The tree of one side, read through its client and kept in ``file``.

    ``block`` is the final block up to which it was read, ``stopped`` the contradiction that ended
    it, ``problem`` what the last reading failed with. Belongs to one event loop.
    """

    def __init__(self, side: Side, file: TreeFile) -> None:
        self.side = side
        self.tree = IncrementalTree(file.leaves(side.domain))
        self.stopped: BridgeError | None = None
        self.problem: BridgeError | None = None
        self.current = False
        self._file = file
        self._cursor = file.cursor(side.record)
        self._lock = asyncio.Lock()
        self._compared = False

    @property
    def block(self) -> int:
        """The final block up to which the tree was read."""
        return self._cursor.next_block - 1

    def messages(self, first: int = 0) -> Iterator[Message]:
        """The messages that the tree has now, from a nonce on, out of the file."""
        return islice(self._file.messages(self.side.domain, first), len(self.tree) - first)

    async def reach(self, size: int) -> IncrementalTree:
        """The tree with ``size`` messages or more, which the Outbox has too.

        Raises ``NotFinalized`` where fewer are final, what stopped the view, and what the chain
        raises.
        """
        if self.stopped is None and (len(self.tree) < size or not self._compared):
            await self.grow()
        if self.stopped is not None:
            raise self.stopped
        if len(self.tree) < size:
            raise NotFinalized(self.side.name, size, len(self.tree))
        return self.tree

    async def grow(self) -> None:
        """Read what became final. Raises what stopped the view, and what the chain raises."""
        async with self._lock:
            if self.stopped is not None:
                raise self.stopped
            try:
                await self._grow()
                self.problem = None
                self.current = True
            except (FinalizedChanged, TreeMismatch) as error:
                self.stopped = self.problem = error
                log.critical(
                    "attestor_halted", chain=self.side.name, reason=str(error), size=len(self.tree)
                )
                raise
            except BridgeError as error:
                self.problem = error
                self.current = False
                raise

    async def _grow(self) -> None:
        outbox = self.side.outbox
        topics = [outbox.artifact.topic("Dispatch")]
        if (await self.side.client.finalized()).number < self.block:
            return  # who answers now is behind, which contradicts nothing
        while True:
            found = await scan(self.side.client, self._cursor, outbox.address, topics)
            if found.removed_from_block is not None:
                raise FinalizedChanged(self.side.name, found.removed_from_block, self.block)
            if found.cursor == self._cursor:
                break
            messages = [dispatched(one).message for one in found.logs]
            for nonce, message in enumerate(messages, start=len(self.tree)):
                if message.nonce != nonce:
                    raise TreeMismatch(
                        self.side.name,
                        found.cursor.next_block - 1,
                        f"message {message.nonce} at place {nonce}",
                        "each message at the place of its nonce",
                    )
            keeping = asyncio.ensure_future(self._keep(messages, found.cursor))
            try:
                await asyncio.shield(keeping)
            except asyncio.CancelledError:
                await keeping  # what is in the file is in the tree, whoever goes away
                raise
        if not self._compared:
            await self._compare()
            self._compared = True

    async def _keep(self, messages: list[Message], cursor: Cursor) -> None:
        await asyncio.to_thread(self._file.append, self.side.record, messages, cursor)
        self._cursor = cursor
        for message in messages:
            self.tree.append(message_id(message))
        self._compared = self._compared and not messages

    async def _compare(self) -> None:
        """Hold the tree against what the Outbox itself says at the same block."""
        outbox = self.side.outbox
        size = await outbox.call("count", block=self.block)
        own = f"{len(self.tree)} messages"
        if size != len(self.tree):
            raise TreeMismatch(self.side.name, self.block, own, f"{size}")
        if size == 0:
            return
        root = await outbox.call("root", block=self.block)
        if root != self.tree.root():
            raise TreeMismatch(
                self.side.name,
                self.block,
                f"{own} and root 0x{self.tree.root().hex()}",
                f"root 0x{root.hex()}",
            )
