"""The Outbox's tree of message identifiers, and proofs against any size it has had.

A tree of ``size`` leaves has depth ``(size - 1).bit_length()``: the smallest that holds them. Leaf
``i`` is the identifier of message ``i``; the places after the last leaf are 32 zero bytes; an inner
node is ``keccak256(left || right)``. The root of one leaf is the leaf.

A subtree that is full never changes again, so ``IncrementalTree`` keeps the full ones. In a tree
of any older size at most one node a level is neither full nor empty: the one above the last leaf.
Those are computed again when a root or a proof is asked for, in O(log size) hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from bridge.crypto.hashing import keccak256
from bridge.domain.errors import InputError, ProofError

HASH_BYTES: Final = 32
MAX_DEPTH: Final = 32
"""A checkpoint's size has 32 bits."""


def _zero_subtrees() -> tuple[bytes, ...]:
    hashes = [bytes(HASH_BYTES)]
    for _ in range(MAX_DEPTH):
        hashes.append(keccak256(hashes[-1] + hashes[-1]))
    return tuple(hashes)


ZERO_SUBTREES: Final = _zero_subtrees()
"""``ZERO_SUBTREES[h]`` is the root of ``2^h`` missing leaves."""


def depth(size: int) -> int:
    """The depth of a tree of ``size`` leaves; ``InputError`` below 1 or above ``2^32 - 1``.

    >>> [depth(size) for size in (1, 2, 3, 4, 5)]
    [0, 1, 2, 2, 3]
    """
    if not 1 <= size < 1 << MAX_DEPTH:
        raise InputError(f"tree size: expected 1 to {(1 << MAX_DEPTH) - 1}, got {size}")
    return (size - 1).bit_length()


class IncrementalTree:
    """The Outbox's tree as it grows: append, root and proof are O(log size) hashes each.

    ``root`` and ``proof`` take the size that the tree has now or any that it has had.

    >>> tree = IncrementalTree(bytes([i]) * 32 for i in range(5))
    >>> siblings = tree.proof(2)
    >>> verify_proof(bytes([2]) * 32, 2, 5, siblings, tree.root())
    """

    __slots__ = ("_levels",)

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        # _levels[h][i] is the root of leaves i * 2^h to (i + 1) * 2^h - 1, all of them there.
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add one leaf of 32 bytes; ``InputError`` for another length."""
        _check_hash("leaf", leaf)
        node, level = leaf, 0
        while True:
            nodes = self._levels[level]
            nodes.append(node)
            if len(nodes) % 2:
                return
            node = keccak256(nodes[-2] + nodes[-1])
            level += 1
            if level == len(self._levels):
                self._levels.append([])

    def leaf(self, index: int) -> bytes:
        """The leaf at ``index``; ``InputError`` when the tree does not reach so far."""
        if not 0 <= index < len(self):
            raise InputError(f"leaf index: expected 0 to {len(self) - 1}, got {index}")
        return self._levels[0][index]

    def root(self, size: int | None = None) -> bytes:
        """The root over the first ``size`` leaves (all of them by default), 32 bytes.

        Raises ``InputError`` for a size below 1 or above what the tree has.
        """
        size = self._checked_size(size)
        return self._node(depth(size), 0, size, self._frontier(size))

    def proof(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The siblings of leaf ``index`` in the tree of ``size`` leaves, bottom first.

        As many as the tree is deep. Raises ``InputError`` for an index or size out of range.
        """
        size = self._checked_size(size)
        if not 0 <= index < size:
            raise InputError(f"leaf index: expected 0 to {size - 1}, got {index}")
        frontier = self._frontier(size)
        return tuple(
            self._node(level, (index >> level) ^ 1, size, frontier) for level in range(depth(size))
        )

    def range_proof(self, first: int, count: int, size: int | None = None) -> tuple[bytes, ...]:
        """The siblings of ``count`` leaves from ``first`` on in the tree of ``size`` leaves.

        At each level, bottom first: the sibling on the left where the range begins with a right
        child, then that on the right where it ends with a left child. Raises ``InputError`` for
        a range that is empty or leaves the tree.
        """
        size = self._checked_size(size)
        if count < 1 or not 0 <= first <= size - count:
            raise InputError(
                f"range: expected at least 1 leaf below {size}, got {count} from {first} on"
            )
        frontier = self._frontier(size)
        siblings = []
        last = first + count - 1
        for level in range(depth(size)):
            if first & 1:
                siblings.append(self._node(level, first - 1, size, frontier))
            if not last & 1:
                siblings.append(self._node(level, last + 1, size, frontier))
            first, last = first >> 1, last >> 1
        return tuple(siblings)

    def _checked_size(self, size: int | None) -> int:
        chosen = len(self) if size is None else size
        if not 1 <= chosen <= len(self):
            raise InputError(f"tree size: expected 1 to {len(self)}, got {chosen}")
        return chosen

    def _node(self, level: int, index: int, size: int, frontier: Sequence[bytes]) -> bytes:
        full = size >> level
        if index < full:
            return self._levels[level][index]
        return frontier[level] if index == full else ZERO_SUBTREES[level]

    def _frontier(self, size: int) -> list[bytes]:
        """``frontier[h]``: the node at ``(h, size >> h)``, the first of its level not full.

        When ``2^h`` divides ``size`` that node holds no leaf and is the zero subtree.
        """
        frontier = [ZERO_SUBTREES[0]]
        for level in range(depth(size)):
            first_open = size >> level
            if size % (1 << (level + 1)) == 0:
                frontier.append(ZERO_SUBTREES[level + 1])
            elif first_open % 2:
                left = self._levels[level][first_open - 1]
                frontier.append(keccak256(left + frontier[level]))
            else:
                frontier.append(keccak256(frontier[level] + ZERO_SUBTREES[level]))
        return frontier


class Frontier:
    """The same tree with its right edge alone: whatever its size, 32 nodes of it are kept.

    It gives the root of the size that it has now, and no proofs.

    >>> edge = Frontier()
    >>> for i in range(5):
    ...     edge.append(bytes([i]) * 32)
    >>> edge.root() == IncrementalTree(bytes([i]) * 32 for i in range(5)).root()
    True
    """

    __slots__ = ("_full", "_size")

    def __init__(self) -> None:
        # _full[h] is the last full subtree of 2^h leaves that is a left child.
        self._full: list[bytes] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add one leaf of 32 bytes; ``InputError`` for another length."""
        _check_hash("leaf", leaf)
        node, level = leaf, 0
        while self._size >> level & 1:
            node = keccak256(self._full[level] + node)
            level += 1
        if level == len(self._full):
            self._full.append(node)
        else:
            self._full[level] = node
        self._size += 1

    def root(self) -> bytes:
        """The root over all leaves, 32 bytes; ``InputError`` where there is none."""
        top = depth(self._size)
        if self._size == 1 << top:
            return self._full[top]
        node = ZERO_SUBTREES[0]
        for level in range(top):
            if self._size >> level & 1:
                node = keccak256(self._full[level] + node)
            else:
                node = keccak256(node + ZERO_SUBTREES[level])
        return node


def root(leaves: Iterable[bytes]) -> bytes:
    """The root of these leaves; ``InputError`` when there is none or one is not 32 bytes.

    >>> root([bytes([1]) * 32]) == bytes([1]) * 32
    True
    """
    return IncrementalTree(leaves).root()


def proof(leaves: Iterable[bytes], index: int) -> tuple[bytes, ...]:
    """The siblings of leaf ``index`` in the tree of these leaves, bottom first."""
    return IncrementalTree(leaves).proof(index)


def verify_proof(
    leaf: bytes, index: int, size: int, siblings: Sequence[bytes], root: bytes
) -> None:
    """Return when ``leaf`` stands at ``index`` of the tree of ``size`` leaves under ``root``.

    Raises ``ProofError`` for an index outside the tree, a number of siblings that is not the
    depth of the tree, a zero root, a hash that is not 32 bytes, or another root.
    """
    verify_range([leaf], index, size, siblings, root)


def verify_range(
    leaves: Sequence[bytes], first: int, size: int, siblings: Sequence[bytes], root: bytes
) -> None:
    """Return when ``leaves`` stand from ``first`` on in the tree of ``size`` leaves under ``root``.

    ``siblings`` are what ``IncrementalTree.range_proof`` gives. Raises ``ProofError`` for no
    leaves, leaves outside the tree, more or fewer siblings than the range asks for, a zero root,
    a hash that is not 32 bytes, or another root.
    """
    if not 1 <= size < 1 << MAX_DEPTH:
        raise ProofError(f"tree size: expected 1 to {(1 << MAX_DEPTH) - 1}, got {size}")
    if not leaves:
        raise ProofError("range: expected at least 1 leaf, got 0")
    last = first + len(leaves) - 1
    if first < 0 or last >= size:
        raise ProofError(f"leaf index: expected 0 to {size - 1}, got {first} to {last}")
    wanted = sum((first >> level & 1) + (~last >> level & 1) for level in range(depth(size)))
    if len(siblings) != wanted:
        raise ProofError(f"proof: expected {wanted} siblings for size {size}, got {len(siblings)}")
    hashes = (("leaf", leaves), ("root", (root,)), ("sibling", siblings))
    for what, value in ((what, value) for what, values in hashes for value in values):
        if len(value) != HASH_BYTES:
            raise ProofError(f"{what}: expected {HASH_BYTES} bytes, got {len(value)}")
    if not any(root):
        raise ProofError("root: expected a non-zero root, got zero")
    row = list(leaves)
    rest = iter(siblings)
    at = first
    for _ in range(depth(size)):
        if at & 1:
            row.insert(0, next(rest))
        if len(row) & 1:
            row.append(next(rest))
        row = [keccak256(row[i] + row[i + 1]) for i in range(0, len(row), 2)]
        at >>= 1
    if row[0] != root:
        what = f"leaf {first}" if first == last else f"leaves {first} to {last}"
        raise ProofError(f"proof of {what}: expected root {root.hex()}, got {row[0].hex()}")


def _check_hash(what: str, value: bytes) -> None:
    if len(value) != HASH_BYTES:
        raise InputError(f"{what}: expected {HASH_BYTES} bytes, got {len(value)}")
