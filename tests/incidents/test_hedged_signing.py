"""Hedged signing: one signer has any number of valid signatures, and one voice."""

from __future__ import annotations

from bridge.chain.statements import checkpoint_tuple, rotation_tuple, signer_set_hash
from bridge.crypto.digests import checkpoint_digest, rotation_digest
from bridge.crypto.providers import select
from bridge.domain.contexts import CHECKPOINT_CONTEXT, ROTATION_CONTEXT
from bridge.domain.quorums import SignerSet
from bridge.domain.rotations import Rotation
from bridge.testing import World
from bridge.testing.machine import STRANGER, reverts
from bridge.testing.world import ML_DSA, SIGNERS, key_pair, raw
from tests.incidents.conftest import A, send


def many(message: bytes, ctx: bytes, count: int = 5) -> list[bytes]:
    """Signatures of signer 0 over one message, each another."""
    secret = key_pair(ML_DSA, 1).secret
    made = [select("default").signatures.sign(ML_DSA, secret, message, ctx) for _ in range(count)]
    assert len(set(made)) == count
    return made


def test_many_signatures_of_one_signer_attest_nothing(world: World, recipient: bytes) -> None:
    send(world, recipient, b"")
    checkpoint = world.checkpoint(world.a, world.b)
    struct, digest = checkpoint_tuple(checkpoint), checkpoint_digest(checkpoint)
    first, *others = many(digest, CHECKPOINT_CONTEXT)
    with reverts("SignerAlreadyCounted", 0):
        world.b.inbox.send("attest", struct, [0] * 5, [first, *others], sender=STRANGER)
    for index in (1, 2):  # nor in the name of the others
        with reverts("InvalidSignature", index):
            world.b.inbox.send("attest", struct, [0, index], [first, others[0]], sender=STRANGER)
    world.b.inbox.send("attest", struct, [0], [first], sender=STRANGER)
    for other in others:
        with reverts("SignerAlreadyCounted", 0):
            world.b.inbox.send("attest", struct, [0], [other], sender=STRANGER)
    assert world.b.inbox.call("counted", digest) == 0b1
    assert world.b.inbox.call("attestedSize", A, checkpoint.root) == 0
    world.attest(world.a, world.b, checkpoint, (1,))
    assert world.b.inbox.call("attestedSize", A, checkpoint.root) == 1


def test_many_signatures_of_one_signer_rotate_nothing(world: World) -> None:
    side = world.b
    signer_set = SignerSet(2, 3, SIGNERS)
    set_hash = signer_set_hash(signer_set, side.addresses())
    statement = Rotation(side.machine.chain_id, raw(side.registry.address), 1, set_hash)
    first, *others = many(rotation_digest(statement), ROTATION_CONTEXT)
    side.registry.send("approveRotation", rotation_tuple(statement), [0], [first])
    for other in others:
        with reverts("SignerAlreadyCounted", 0):
            side.registry.send("approveRotation", rotation_tuple(statement), [0], [other])
    with reverts("RotationNotApproved"):
        side.registry.send(
            "scheduleRotation", rotation_tuple(statement), side.struct(signer_set), sender=STRANGER
        )
