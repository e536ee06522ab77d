"""Kelp and LayerZero, 2026: one verifier out of one, fed by poisoned endpoints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.chain.abi import encode, encode_call
from bridge.chain.statements import (
    SIGNER_SET_ABI,
    Evidence,
    evidence_tuple,
    key_hash,
    rotation_tuple,
)
from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.hashing import keccak256
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.domain.messages import Message
from bridge.domain.quorums import SignerSet
from bridge.domain.rotations import Rotation
from bridge.testing import World, padded
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, reverts
from bridge.testing.world import GOVERNANCE, HOUR_S, SIGNERS, raw, sign
from tests.incidents.conftest import A, B, send

# Sets in which one signer alone is a quorum: by number, by threshold, by weight.
LONELY = {
    "one of one": ([(1, 0)], 1, "InvalidSignerCount"),
    "two of two": ([(1, 0), (1, 1)], 2, "InvalidSignerCount"),
    "one of three": ([(1, 0), (1, 1), (1, 2)], 1, "InvalidWeight"),
    "one heavy enough": ([(5, 0), (1, 1), (1, 2)], 5, "InvalidWeight"),
    "zero of three": ([(1, 0), (1, 1), (1, 2)], 0, "InvalidWeight"),
    "no majority": ([(1, 0), (1, 1), (1, 2), (1, 2)], 2, "DuplicateKey"),
}


@pytest.mark.parametrize("name", LONELY)
def test_a_quorum_of_one_is_refused_by_the_chain(world: World, name: str) -> None:
    """At the first set, by a rotation that the quorum itself signed, and at a recovery."""
    members, threshold, error = LONELY[name]
    side = world.b
    known = side.struct(SignerSet(1, 2, SIGNERS))[0]
    struct = ([(weight, known[index][1]) for weight, index in members], threshold, 0, 0)
    fresh = side.machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    with reverts(error):
        fresh.send("initialise", struct)
    digest = keccak256(encode([SIGNER_SET_ABI], [struct]))
    statement = Rotation(side.machine.chain_id, raw(side.registry.address), 1, digest)
    world.rotate(side, statement)
    with reverts(error):
        side.registry.send("scheduleRotation", rotation_tuple(statement), struct)
    for index in (0, 1):
        side.registry.send("revoke", key_hash(SIGNERS[index].keys[0]), sender=GUARDIAN)
    call = side.registry.artifact.call_data("recover", struct)
    side.registry.send("schedule", call)
    world.warp(HOUR_S)
    with reverts("OperationFailed") as caught:
        side.registry.send("execute", call)
    assert caught.value.arguments[1] != encode_call("StillOperable(uint32)", 1)


def test_one_signer_with_poisoned_endpoints_moves_nothing_and_is_shown(
    world: World, recipient: bytes
) -> None:
    """He signs the root of a chain that is not there; then the true one. That is evidence."""
    send(world, recipient, b"true")
    true = world.checkpoint(world.a, world.b)
    lie = Message(0, A, padded(OWNER), B, recipient, b"forged").encode()
    poisoned = replace(true, root=keccak256(lie))
    world.attest(world.a, world.b, poisoned, (0,))
    with reverts("RootNotAttested", A, poisoned.root):
        world.b.inbox.send("process", poisoned.root, lie, sender=STRANGER)
    world.attest(world.a, world.b, true, (0, 1))
    said = [sign(SIGNERS[0], checkpoint_digest(c), CHECKPOINT_CONTEXT) for c in (true, poisoned)]
    evidence = Evidence(1, 0, 0, true, poisoned, *said)
    world.b.registry.send("submitEvidence", evidence_tuple(evidence), sender=STRANGER)
    with reverts("RevokedSigner", 1, 0):
        world.attest(world.a, world.b, replace(poisoned, root=b"\1" * 32), (0,))
    world.process(world.a, world.b, 0)


def test_a_fail_over_lowers_no_quorum(world: World, recipient: bytes) -> None:
    """Two of three are down for good. The third alone is still nothing."""
    send(world, recipient, b"x")
    before = world.b.registry.call("epochInfo", 1)
    for index in (0, 1):
        key = key_hash(SIGNERS[index].keys[0])
        world.b.registry.send("revoke", key, sender=GUARDIAN)
    assert world.b.registry.call("epochInfo", 1) == before
    world.attest(world.a, world.b, signers=(2,))
    assert world.b.inbox.call("attestedSize", A, world.a.tree.root()) == 0
    with reverts("SignerAlreadyCounted", 2):
        world.attest(world.a, world.b, signers=(2,))
