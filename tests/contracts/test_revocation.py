"""Revocation at once, the recovery of a set of which too few are left, and evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.chain.abi import encode_call
from bridge.chain.statements import Evidence, Leaf, evidence_tuple, key_hash
from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.merkle import IncrementalTree
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, ROTATION_CONTEXT
from bridge.domain.quorums import SignerSet
from bridge.testing import World
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, Machine, reverts
from bridge.testing.world import HOUR_S, ML_DSA, SIGNERS, SLH_DSA, sign, signature_of, signer
from tests.contracts.conftest import A, dispatch
from tests.contracts.test_rotation import NEXT, Change

FRESH = tuple(signer((ML_DSA, number)) for number in (7, 8, 9))


def hash_of(index: int) -> bytes:
    return key_hash(SIGNERS[index].keys[0])


def revoke(world: World, index: int) -> None:
    world.b.registry.send("revoke", hash_of(index), sender=GUARDIAN)


def test_a_revoked_signer_stops_at_once(world: World, recipient: bytes) -> None:
    dispatch(world, recipient, b"x")
    checkpoint = world.checkpoint(world.a, world.b)
    revoke(world, 0)
    with reverts("RevokedSigner", 1, 0):
        world.attest(world.a, world.b, checkpoint, (0,))
    world.attest(world.a, world.b, checkpoint, (1, 2))
    assert world.b.inbox.call("attestedSize", A, checkpoint.root) == 1


def test_what_he_signed_before_does_not_count_any_more(world: World, recipient: bytes) -> None:
    """Revocation under load: his signature is in, the quorum is one short of it."""
    dispatch(world, recipient, b"x")
    checkpoint = world.checkpoint(world.a, world.b)
    world.attest(world.a, world.b, checkpoint, (0,))
    revoke(world, 0)
    world.attest(world.a, world.b, checkpoint, (1,))
    assert world.b.inbox.call("attestedSize", A, checkpoint.root) == 0
    world.attest(world.a, world.b, checkpoint, (2,))
    assert world.b.inbox.call("attestedSize", A, checkpoint.root) == 1


def test_thresholds_stay_as_they_are(world: World, recipient: bytes) -> None:
    registry = world.b.registry
    before = registry.call("epochInfo", 1)
    revoke(world, 0)
    assert registry.call("epochInfo", 1) == before
    assert registry.call("revokedSigners", 1) == 0b001
    assert not registry.call("isQuorum", 1, 0b011)
    assert registry.call("isQuorum", 1, 0b110)
    assert registry.call("isOperable", 1)
    revoke(world, 1)
    assert not registry.call("isOperable", 1)
    dispatch(world, recipient, b"x")
    world.attest(world.a, world.b, signers=(2,))
    assert world.b.inbox.call("attestedSize", A, world.a.tree.root()) == 0


def test_only_the_guardian_revokes_and_only_what_is_there(world: World) -> None:
    registry = world.b.registry
    for sender in (OWNER, STRANGER):
        with reverts("NotGuardian", sender.lower()):
            registry.send("revoke", hash_of(0), sender=sender)
    for unknown in (bytes(32), b"\7" * 32):
        with reverts("UnknownKey", unknown):
            registry.send("revoke", unknown, sender=GUARDIAN)
    revoke(world, 0)
    with reverts("KeyRevoked", hash_of(0)):
        revoke(world, 0)


def recovery(world: World, signer_set: SignerSet) -> bytes:
    side = world.b
    side.register(signer_set.signers)
    return side.registry.artifact.call_data("recover", side.struct(signer_set))


def test_a_set_of_which_too_few_are_left_is_replaced(world: World, recipient: bytes) -> None:
    registry = world.b.registry
    dispatch(world, recipient, b"in flight")
    revoke(world, 0)
    revoke(world, 1)
    call = recovery(world, SignerSet(2, 2, FRESH))
    registry.send("schedule", call)
    with reverts("OperationNotReady"):
        registry.send("execute", call)
    world.warp(HOUR_S)
    registry.send("execute", call)
    assert registry.call("currentEpoch") == 2
    assert registry.call("isOperable", 2)
    world.warp(1)
    assert not registry.call("isUsable", 1)
    world.signers, world.epoch = FRESH, 2
    world.attest(world.a, world.b)
    world.process(world.a, world.b, 0)


def test_a_set_that_can_act_is_not_replaced(world: World) -> None:
    """The owner has no way around the quorum while there is one."""
    registry = world.b.registry
    revoke(world, 0)
    call = recovery(world, SignerSet(2, 2, FRESH))
    with reverts("NotScheduled", OWNER.lower()):
        registry.send("recover", world.b.struct(SignerSet(2, 2, FRESH)))
    registry.send("schedule", call)
    world.warp(HOUR_S)
    with reverts("OperationFailed") as caught:
        registry.send("execute", call)
    assert caught.value.arguments[1] == encode_call("StillOperable(uint32)", 1)


def test_a_revoked_key_never_comes_back(world: World) -> None:
    registry = world.b.registry
    revoke(world, 0)
    revoke(world, 1)
    again = SignerSet(2, 2, (*FRESH[:2], SIGNERS[0]))
    call = registry.artifact.call_data("recover", world.b.struct(again))
    registry.send("schedule", call)
    world.b.register(FRESH)
    world.warp(HOUR_S)
    with reverts("OperationFailed") as caught:
        registry.send("execute", call)
    assert caught.value.arguments[1][4:] == hash_of(0)


# Evidence


def forked(world: World, sizes: tuple[int, int] = (3, 3), at: int = 1) -> Evidence:
    """Signer 0 said of A's Outbox two trees that differ from leaf ``at`` on."""
    leaves = [bytes([number + 1]) * 32 for number in range(max(sizes))]
    trees = [
        IncrementalTree(leaves[: sizes[0]]),
        IncrementalTree([*leaves[:at], *(b"\xee" + leaf[1:] for leaf in leaves[at : sizes[1]])]),
    ]
    a, b = (said(world, tree) for tree in trees)
    evidence = Evidence(1, 0, 0, a, b, signed(0, a), signed(0, b))
    if sizes[0] == sizes[1]:
        return evidence
    leaf_a, leaf_b = (Leaf(tree.leaf(at), tree.proof(at)) for tree in trees)
    return replace(evidence, index=at, leaf_a=leaf_a, leaf_b=leaf_b)


def said(world: World, tree: IncrementalTree, **changes: object) -> Checkpoint:
    made = Checkpoint(
        *(1, 31001, bytes.fromhex(world.a.outbox.address[2:]), tree.root(), len(tree)),
        *(2, 31002, bytes.fromhex(world.b.inbox.address[2:]), 1),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def signed(index: int, checkpoint: Checkpoint, ctx: bytes = CHECKPOINT_CONTEXT) -> bytes:
    return sign(SIGNERS[index], checkpoint_digest(checkpoint), ctx)


def submit(world: World, evidence: Evidence) -> None:
    world.b.registry.send("submitEvidence", evidence_tuple(evidence), sender=STRANGER)


@pytest.mark.parametrize(
    ("sizes", "at"), [((3, 3), 1), ((1, 1), 0), ((3, 7), 1), ((9, 4), 0), ((2, 200), 1)]
)
def test_two_roots_that_cannot_both_be_remove_the_signer(
    world: World, sizes: tuple[int, int], at: int
) -> None:
    evidence = forked(world, sizes, at)
    sent = world.b.registry.send("submitEvidence", evidence_tuple(evidence), sender=STRANGER)
    events = sent.events(world.b.registry)
    assert [event.name for event in events] == ["Equivocation", "SignerRemoved", "SignerRevoked"]
    assert events[0].arguments["digestA"] == checkpoint_digest(evidence.a)
    assert events[2].arguments == {"keyHash": hash_of(0), "byEvidence": True}
    assert world.b.registry.call("revokedSigners", 1) == 0b001
    with reverts("KeyRevoked", hash_of(0)):
        submit(world, evidence)


def test_it_does_not_matter_to_whom_they_were_said(world: World) -> None:
    """A root for one chain and another for a second one, in whatever epoch, is two-faced too."""
    evidence = forked(world)
    b = replace(evidence.b, destination_domain=7, destination_chain_id=7, inbox=b"\7" * 20, epoch=4)
    submit(world, replace(evidence, b=b, signature_b=signed(0, b)))


def test_trees_of_two_sizes_that_agree_are_no_evidence(world: World) -> None:
    tree = IncrementalTree(bytes([number + 1]) * 32 for number in range(7))
    small, large = said(world, IncrementalTree([tree.leaf(0), tree.leaf(1)])), said(world, tree)
    signatures = (signed(0, small), signed(0, large))
    two = Leaf(tree.leaf(1), IncrementalTree([tree.leaf(0), tree.leaf(1)]).proof(1))
    for index, leaf_a, leaf_b in (
        (0, Leaf(bytes(32), ()), Leaf(bytes(32), ())),
        (1, two, Leaf(tree.leaf(1), tree.proof(1))),
        (1, two, Leaf(tree.leaf(2), tree.proof(2))),  # another leaf, of another index
        (1, two, Leaf(b"\xee" * 32, tree.proof(1))),  # a leaf that is not there
        (2, Leaf(bytes(32), two.siblings), Leaf(tree.leaf(2), tree.proof(2))),  # beyond the small
    ):
        with reverts("NoConflict"):
            submit(world, Evidence(1, 0, 0, small, large, *signatures, index, leaf_a, leaf_b))


def test_the_same_checkpoint_twice_is_no_evidence(world: World) -> None:
    evidence = forked(world)
    with reverts("NoConflict"):
        submit(world, replace(evidence, b=evidence.a, signature_b=evidence.signature_a))


@pytest.mark.parametrize(
    "change", [{"origin_domain": 9}, {"origin_chain_id": 9}, {"outbox": b"\x0c" * 20}]
)
def test_two_outboxes_have_two_trees(world: World, change: dict[str, object]) -> None:
    evidence = forked(world)
    b = replace(evidence.b, **change)  # type: ignore[arg-type]
    with reverts("NoConflict"):
        submit(world, replace(evidence, b=b, signature_b=signed(0, b)))


def test_nobody_is_removed_for_what_he_did_not_sign(world: World) -> None:
    evidence = forked(world)
    other = signed(1, evidence.b)
    for bad in (other, b"", signed(0, evidence.a), signed(0, evidence.b, ROTATION_CONTEXT)):
        with reverts("InvalidSignature", 0):
            submit(world, replace(evidence, signature_b=bad))
        with reverts("InvalidSignature", 0):
            submit(
                world, replace(evidence, signature_a=bad if bad != evidence.signature_a else b"")
            )
    with reverts("InvalidSignature", 1):
        submit(world, replace(evidence, signer=1))
    with reverts("SignerNotInSet", 3, 3):
        submit(world, replace(evidence, signer=3))
    with reverts("SignerNotInSet", 0, 0):
        submit(world, replace(evidence, epoch=2))
    with reverts("KeyNotOfSigner", 1, 1):
        submit(world, replace(evidence, key=1))
    assert world.b.registry.call("revokedSigners", 1) == 0


def test_either_key_of_a_signer_with_two_removes_him(machine: Machine) -> None:
    both = signer((ML_DSA, 1), (SLH_DSA, 3))
    world = World.built(SignerSet(1, 2, (both, signer((ML_DSA, 2)), signer((ML_DSA, 4)))))
    evidence = replace(forked(world), key=1)
    a, b = (
        signature_of(SLH_DSA, 3, checkpoint_digest(one), CHECKPOINT_CONTEXT)
        for one in (evidence.a, evidence.b)
    )
    submit(world, replace(evidence, signature_a=a, signature_b=b))
    assert world.b.registry.call("revokedSigners", 1) == 0b001


def test_a_key_is_revoked_in_every_epoch(world: World, recipient: bytes) -> None:
    world.b.register(NEXT)
    change = Change(world, SignerSet(2, 2, NEXT))
    change.approve(0, 1)
    change.schedule()
    revoke(world, 1)  # signer 1 now, signer 0 of the next set
    assert world.b.registry.call("revokedSigners", 1) == 0b010
    assert world.b.registry.call("revokedSigners", 2) == 0b001
    dispatch(world, recipient, b"x")
    world.warp(HOUR_S)
    world.signers, world.epoch = NEXT, 2
    with reverts("RevokedSigner", 2, 0):
        world.attest(world.a, world.b, signers=(0, 1))
    world.attest(world.a, world.b, signers=(1, 2))
