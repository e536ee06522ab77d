"""An attestor: signs a root only after it has built the same one from the chain itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.chain.contracts import dispatched
from bridge.chain.events import Cursor, scan
from bridge.crypto.digests import message_id
from bridge.crypto.merkle import IncrementalTree
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import RootMismatch
from bridge.domain.quorums import Signer, packed_signatures
from bridge.keyservice.client import KeyServiceClient
from bridge.relayer.route import Route, Side
from bridge.relayer.supply import SupplyGuard, Tally


@dataclass
class _View:
    cursor: Cursor
    tally: Tally
    tree: IncrementalTree = field(default_factory=IncrementalTree)


class Attestor:
    """One signer with its own view of the chains; ``index`` is its place in the registry.

    With a ``guard`` it signs nothing while the tokens of the two chains do not add up.
    """

    def __init__(
        self,
        index: int,
        signer: Signer,
        keys: KeyServiceClient,
        guard: SupplyGuard | None = None,
    ) -> None:
        self.index = index
        self.signer = signer
        self._keys = keys
        self._guard = guard
        self._views: dict[int, _View] = {}

    async def sign(self, route: Route, checkpoint: Checkpoint) -> bytes:
        """A signature over ``checkpoint``.

        Raises ``RootMismatch`` when the finalized messages of the chain, read here, give another
        root, ``SupplyBroken`` when the guard finds tokens that nothing stands behind, and what the
        key service raises.
        """
        view = await self._grown(route.origin)
        tree = view.tree
        own = tree.root(checkpoint.size) if checkpoint.size <= len(tree) else bytes(32)
        if own != checkpoint.root:
            raise RootMismatch(self.signer.name, checkpoint.size, own, checkpoint.root)
        if self._guard is not None:
            await self._guard.check(route, view.tally, view.cursor.next_block - 1)
        signatures = [
            await self._keys.sign_checkpoint(key.key_id, checkpoint) for key in self.signer.keys
        ]
        return packed_signatures(signatures)

    async def _grown(self, origin: Side) -> _View:
        def fresh() -> _View:
            return _View(Cursor.at(origin.record.start_block), Tally.of(origin.record))

        view = self._views.setdefault(origin.domain, fresh())
        topics = [origin.outbox.artifact.topic("Dispatch")]
        while True:
            found = await scan(origin.client, view.cursor, origin.outbox.address, topics)
            if found.removed_from_block is not None:
                view = self._views[origin.domain] = fresh()  # read it all again
                continue
            for one in map(dispatched, found.logs):
                if one.message.nonce == len(view.tree):
                    view.tree.append(message_id(one.message))
                    view.tally.add(one.message)
            if found.cursor == view.cursor:
                return view
            view.cursor = found.cursor
