"""batch: one checkpoint over all that became final, however many messages that is."""

from __future__ import annotations

from bridge.crypto.merkle import IncrementalTree
from bridge.relayer.journal import Batch, Entry, Journal
from bridge.relayer.route import Route

LEAVES_A_READ = 20_000


class Trees:
    """The tree of each origin's finalized messages, grown from the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._trees: dict[int, IncrementalTree] = {}

    def grown(self, origin: int) -> IncrementalTree:
        """The tree of ``origin`` with every message that is final by now.

        It is grown anew where its last message was replaced: then a chain lost final blocks.
        """
        tree = self._trees.setdefault(origin, IncrementalTree())
        last = len(tree) - 1
        if last >= 0 and self._journal.leaf(origin, last) != tree.leaf(last):
            tree = self._trees[origin] = IncrementalTree()
        while leaves := self._journal.leaves(origin, len(tree), LEAVES_A_READ):
            for leaf in leaves:
                tree.append(leaf)
        return tree


def batch(route: Route, journal: Journal, trees: Trees) -> list[Entry]:
    """Messages of the route that stand under a new checkpoint now.

    The tree is the Outbox's, with the messages to all destinations; the checkpoint is this
    destination's. While one is on its way to the chain no other is opened: what becomes final
    meanwhile is one batch, however much it is. One that finds no quorum is overtaken by a larger.
    """
    origin, destination = route.origin.domain, route.destination.domain
    if any(one.transaction is not None for one in journal.unattested(origin, destination)):
        return []
    tree = trees.grown(origin)
    last = journal.last_finalized(origin, destination, len(tree))
    if last is None:
        return []
    size = last + 1
    return journal.open_batch(Batch(origin, destination, size, tree.root(size), attested=False))
