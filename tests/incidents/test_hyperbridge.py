"""Hyperbridge, April 2026: a proof for a leaf index beyond the number of leaves was accepted."""

from __future__ import annotations

import pytest

from bridge.crypto.hashing import keccak256
from bridge.domain.messages import Message
from bridge.testing import World, padded
from bridge.testing.machine import OWNER, STRANGER, Reverted, reverts
from tests.incidents.conftest import A, B, send


@pytest.fixture
def five(world: World, recipient: bytes) -> World:
    """Five messages of an attested tree of depth 3: places 5 to 7 are missing leaves."""
    for number in range(5):
        send(world, recipient, bytes([number]))
    world.attest(world.a, world.b)
    return world


def forged(nonce: int, recipient: bytes) -> bytes:
    return Message(nonce, A, padded(OWNER), B, recipient, b"forged").encode()


@pytest.mark.parametrize("nonce", [5, 7, 8, 13, 2**31, 2**32 - 1])
def test_an_index_beyond_the_count_is_refused_whatever_the_proof(
    five: World, recipient: bytes, nonce: int
) -> None:
    """13 is 5 in the depth that the tree has: a verifier that drops high bits takes it for 5."""
    inbox, root = five.b.inbox, five.a.tree.root()
    for index in range(5):
        metadata = root + b"".join(five.a.tree.proof(index))
        with reverts("IndexOutOfRange", nonce, 5):
            inbox.send("process", metadata, forged(nonce, recipient), sender=STRANGER)
    siblings = list(five.a.tree.range_proof(0, 5))
    for first, given in ((nonce, [forged(nonce, recipient)]), (4, [five.a.messages[4]] * 10)):
        last = first + len(given) - 1
        with reverts("IndexOutOfRange", last, 5):
            inbox.send("processRange", A, root, first, given, siblings)


def test_a_missing_leaf_is_no_message(five: World) -> None:
    """The padding of the tree is 32 zero bytes, which a range could name as an identifier."""
    inbox, root = five.b.inbox, five.a.tree.root()
    given = [five.a.messages[4], bytes(32)]
    with reverts("IndexOutOfRange", 5, 5):
        inbox.send("processRange", A, root, 4, given, list(five.a.tree.range_proof(4, 1)))


def test_one_message_at_two_places_of_a_range_is_refused(five: World) -> None:
    inbox, root = five.b.inbox, five.a.tree.root()
    given = [five.a.messages[1], five.a.messages[1]]
    with reverts("WrongNonce", 2, 1):
        inbox.send("processRange", A, root, 1, given, list(five.a.tree.range_proof(1, 2)))
    assert inbox.call("deliveredWord", A, 0) == 0


@pytest.mark.parametrize("first", range(5))
def test_leftovers_and_missing_siblings_are_refused(five: World, first: int) -> None:
    inbox, tree = five.b.inbox, five.a.tree
    for count in range(1, 6 - first):
        siblings = list(tree.range_proof(first, count))
        given = five.a.messages[first : first + count]
        for bad in ([*siblings, bytes(32)], [*siblings, tree.root()], siblings[:-1]):
            if len(bad) == len(siblings):
                continue
            with reverts("WrongProofLength", len(siblings), len(bad)):
                inbox.send("processRange", A, tree.root(), first, given, bad)
    assert inbox.call("deliveredWord", A, 0) == 0


def test_no_node_of_the_tree_proves_a_forged_message(five: World, recipient: bytes) -> None:
    """Every sibling that the tree has, at every height, beside a message that was never sent."""
    tree, inbox = five.a.tree, five.b.inbox
    known = {bytes(32), *(tree.leaf(index) for index in range(5))}
    known |= {sibling for index in range(5) for sibling in tree.proof(index)}
    message = forged(2, recipient)
    for low in known:
        for middle in known:
            for high in known:
                with pytest.raises(Reverted, match="ProofMismatch"):
                    inbox.call("requireProven", tree.root() + low + middle + high, message)


def test_the_depth_is_the_sizes_and_not_the_callers(five: World, recipient: bytes) -> None:
    """A shallower or deeper proof of the same root: an inner node as a leaf, a leaf as a node."""
    tree, inbox = five.a.tree, five.b.inbox
    inner = keccak256(tree.leaf(0) + tree.leaf(1))
    assert inner in tree.proof(2)
    for length in (0, 1, 2, 4):
        metadata = tree.root() + b"".join((tree.proof(0) * 2)[:length])
        with reverts("WrongProofLength", 32 * 4, 32 + 32 * length):
            inbox.send("process", metadata, five.a.messages[0])
    with reverts("MessageTooShort", 64, 77):
        inbox.send("process", tree.root() + b"".join(tree.proof(0)), tree.leaf(0) + tree.leaf(1))
