"""BNB bridge, October 2022: a forged proof, by nodes that the verifier did not bind to the root."""

from __future__ import annotations

import random

import pytest

from bridge.crypto.hashing import keccak256
from bridge.domain.messages import Message
from bridge.testing import World, padded
from bridge.testing.machine import OWNER, Reverted, reverts
from tests.incidents.conftest import A, B, send


@pytest.mark.parametrize("size", [1, 2, 3, 6, 16])
def test_a_forged_message_has_no_proof(world: World, recipient: bytes, size: int) -> None:
    """Proofs put together from the tree's own nodes, the forgery's hash and zeros."""
    for number in range(size):
        send(world, recipient, bytes([number]))
    world.attest(world.a, world.b)
    tree, inbox = world.a.tree, world.b.inbox
    rng = random.Random(size)
    for _ in range(200):
        nonce = rng.randrange(size)
        forged = Message(nonce, A, padded(OWNER), B, recipient, rng.randbytes(8)).encode()
        siblings = list(tree.proof(nonce))
        nodes = [*siblings, tree.root(), tree.leaf(nonce), keccak256(forged), bytes(32)]
        for place in rng.sample(range(len(siblings)), rng.randint(0, len(siblings))):
            siblings[place] = rng.choice(nodes)
        with pytest.raises(Reverted, match="ProofMismatch"):
            inbox.send("process", tree.root() + b"".join(siblings), forged)
        first = rng.randrange(nonce + 1)
        given = [*world.a.messages[first:nonce], forged]
        range_siblings = list(tree.range_proof(first, len(given)))
        if range_siblings:
            range_siblings[rng.randrange(len(range_siblings))] = rng.choice(nodes)
        with pytest.raises(Reverted, match="ProofMismatch"):
            inbox.send("processRange", A, tree.root(), first, given, range_siblings)
    assert inbox.call("deliveredWord", A, 0) == 0


@pytest.mark.parametrize("place", range(3))
def test_every_sibling_is_bound_to_the_root(world: World, recipient: bytes, place: int) -> None:
    for number in range(8):
        send(world, recipient, bytes([number]))
    world.attest(world.a, world.b)
    for index in range(8):
        siblings = list(world.a.tree.proof(index))
        for bit in (0, 255):
            changed = int.from_bytes(siblings[place], "big") ^ 1 << bit
            bad = [*siblings]
            bad[place] = changed.to_bytes(32, "big")
            with reverts("ProofMismatch"):
                world.b.inbox.send(
                    "process", world.a.tree.root() + b"".join(bad), world.a.messages[index]
                )
        world.process(world.a, world.b, index)
