"""The incremental tree against a naive recursive one."""

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from bridge.crypto.merkle import (
    Frontier,
    IncrementalTree,
    depth,
    proof,
    root,
    verify_proof,
    verify_range,
)
from bridge.domain.errors import InputError, ProofError

LEAVES = [keccak(i.to_bytes(4, "big")) for i in range(70)]


def naive_root(leaves: list[bytes], levels: int) -> bytes:
    """The definition: halve the places, missing leaves are zero."""
    if levels == 0:
        return leaves[0] if leaves else bytes(32)
    half = 1 << (levels - 1)
    left, right = leaves[:half], leaves[half:]
    return keccak(naive_root(left, levels - 1) + naive_root(right, levels - 1))


def naive_depth(size: int) -> int:
    levels = 0
    while 1 << levels < size:
        levels += 1
    return levels


@pytest.mark.parametrize("size", range(1, 71))
def test_every_small_tree_has_the_defined_root_and_proofs(size):
    tree = IncrementalTree(LEAVES)
    expected = naive_root(LEAVES[:size], naive_depth(size))
    assert depth(size) == naive_depth(size)
    assert tree.root(size) == root(LEAVES[:size]) == expected
    for index in range(size):
        siblings = tree.proof(index, size)
        assert siblings == proof(LEAVES[:size], index)
        verify_proof(LEAVES[index], index, size, siblings, expected)


@given(st.data(), st.integers(1, 600))
def test_proofs_of_any_size_verify_and_fit_no_other_place(data, count):
    tree = IncrementalTree(keccak(i.to_bytes(4, "big")) for i in range(count))
    size = data.draw(st.integers(1, count))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    top, siblings = tree.root(size), tree.proof(index, size)
    assert top == naive_root([tree.leaf(i) for i in range(size)], naive_depth(size))
    verify_proof(tree.leaf(index), index, size, siblings, top)
    if other != index:
        with pytest.raises(ProofError, match="expected root"):
            verify_proof(tree.leaf(index), other, size, siblings, top)
        with pytest.raises(ProofError, match="expected root"):
            verify_proof(tree.leaf(other), index, size, siblings, top)


def test_one_leaf_is_its_own_root():
    assert root(LEAVES[:1]) == LEAVES[0]
    assert proof(LEAVES[:1], 0) == ()
    verify_proof(LEAVES[0], 0, 1, (), LEAVES[0])
    with pytest.raises(ProofError, match="expected root"):
        verify_proof(LEAVES[0], 0, 1, (), LEAVES[1])


def test_the_root_of_an_older_size_stays_while_the_tree_grows():
    tree, roots = IncrementalTree(), []
    for leaf in LEAVES:
        tree.append(leaf)
        roots.append(tree.root())
    assert [tree.root(size) for size in range(1, len(LEAVES) + 1)] == roots


def test_the_right_edge_alone_gives_the_root_of_each_size():
    edge = Frontier()
    with pytest.raises(InputError, match="tree size: expected 1"):
        edge.root()
    for size, leaf in enumerate(LEAVES, start=1):
        edge.append(leaf)
        assert len(edge) == size
        assert edge.root() == naive_root(LEAVES[:size], naive_depth(size))
    with pytest.raises(InputError, match="leaf: expected 32 bytes, got 31"):
        edge.append(bytes(31))
    assert edge.root() == naive_root(LEAVES, naive_depth(len(LEAVES)))


def test_a_hundred_thousand_leaves():
    leaves = [i.to_bytes(32, "big") for i in range(1, 100_001)]
    tree = IncrementalTree(leaves)
    for size in (100_000, 99_999, 65_536, 65_537):
        top = tree.root(size)
        for index in (0, size // 2, size - 1):
            verify_proof(leaves[index], index, size, tree.proof(index, size), top)


class TestRejections:
    tree = IncrementalTree(LEAVES[:5])
    siblings = tree.proof(3)
    top = tree.root()

    def verify(self, **changes):
        case = {"leaf": LEAVES[3], "index": 3, "size": 5, "siblings": self.siblings}
        verify_proof(**(case | {"root": self.top} | changes))

    def test_the_case_itself_passes(self):
        self.verify()

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"index": 5}, "leaf index: expected 0 to 4, got 5"),
            ({"index": -1}, "got -1"),
            ({"size": 0}, "tree size"),
            ({"size": 2**32}, "tree size"),
            ({"size": 4}, "expected 2 siblings for size 4, got 3"),
            ({"siblings": siblings[:2]}, "expected 3 siblings for size 5, got 2"),
            ({"siblings": (*siblings, bytes(32))}, "expected 3 siblings for size 5, got 4"),
            ({"siblings": (siblings[0][:31], *siblings[1:])}, "sibling: expected 32 bytes, got 31"),
            ({"root": bytes(32)}, "expected a non-zero root"),
            ({"root": LEAVES[0]}, "proof of leaf 3: expected root"),
            ({"leaf": LEAVES[2]}, "proof of leaf 3: expected root"),
            ({"leaf": LEAVES[3][:31]}, "leaf: expected 32 bytes, got 31"),
        ],
    )
    def test_a_proof_that_does_not_fit(self, changes, message):
        with pytest.raises(ProofError, match=message):
            self.verify(**changes)

    @pytest.mark.parametrize("position", range(3))
    def test_a_changed_sibling(self, position):
        changed = list(self.siblings)
        changed[position] = keccak(changed[position])
        with pytest.raises(ProofError, match="expected root"):
            self.verify(siblings=tuple(changed))

    def test_the_tree_refuses_what_it_does_not_have(self):
        with pytest.raises(InputError, match="tree size: expected 1 to 5, got 6"):
            self.tree.root(6)
        with pytest.raises(InputError, match="tree size: expected 1 to 5, got 0"):
            self.tree.proof(0, 0)
        with pytest.raises(InputError, match="leaf index: expected 0 to 2, got 3"):
            self.tree.proof(3, 3)
        with pytest.raises(InputError, match="leaf index: expected 0 to 4, got 5"):
            self.tree.leaf(5)
        with pytest.raises(InputError, match="leaf: expected 32 bytes, got 31"):
            IncrementalTree([bytes(31)])
        with pytest.raises(InputError, match="tree size"):
            root([])
        with pytest.raises(InputError, match="expected 1 to 4294967295, got 0"):
            depth(0)


class TestRanges:
    """Range proofs against a tree that is built whole."""

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
    def test_every_range_of_every_small_tree(self, size):
        leaves = [bytes([number + 1]) * 32 for number in range(size)]
        tree = IncrementalTree([*leaves, bytes(31) + b"\x63"])  # it has grown since
        for first in range(size):
            for count in range(1, size - first + 1):
                siblings = tree.range_proof(first, count, size)
                chosen = leaves[first : first + count]
                verify_range(chosen, first, size, siblings, root(leaves))

    def test_a_range_of_one_is_a_proof(self):
        leaves = [bytes([number + 1]) * 32 for number in range(11)]
        tree = IncrementalTree(leaves)
        assert all(tree.range_proof(n, 1) == tree.proof(n) for n in range(11))

    def test_the_whole_tree_of_a_power_of_two_needs_no_sibling(self):
        tree = IncrementalTree(bytes([number + 1]) * 32 for number in range(8))
        assert tree.range_proof(0, 8) == ()

    @pytest.mark.parametrize(("first", "count"), [(0, 0), (-1, 2), (5, 1), (3, 3), (0, 6)])
    def test_a_range_outside_the_tree_is_refused(self, first, count):
        tree = IncrementalTree(bytes([number + 1]) * 32 for number in range(5))
        with pytest.raises(InputError, match=f"below 5, got {count} from {first} on"):
            tree.range_proof(first, count)

    def test_what_does_not_fit_is_refused(self):
        leaves = [bytes([number + 1]) * 32 for number in range(9)]
        tree = IncrementalTree(leaves)
        good = tree.range_proof(3, 3)
        fits = (leaves[3:6], 3, 9, good, tree.root())
        verify_range(*fits)
        for place, bad, message in (
            (0, leaves[3:5], "expected 5 siblings|expected root"),
            (0, [], "expected at least 1 leaf"),
            (0, [leaves[3], leaves[5], leaves[4]], "leaves 3 to 5: expected root"),
            (0, [leaves[3][:-1], *leaves[4:6]], "leaf: expected 32 bytes"),
            (1, 4, "expected"),
            (1, 7, "expected 0 to 8, got 7 to 9"),
            (1, -1, "expected 0 to 8"),
            (2, 0, "tree size"),
            (3, good[:-1], "siblings for size 9"),
            (3, (*good, bytes(32)), "siblings for size 9"),
            (4, bytes(32), "non-zero root"),
        ):
            with pytest.raises(ProofError, match=message):
                verify_range(*fits[:place], bad, *fits[place + 1 :])
