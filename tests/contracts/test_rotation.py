"""Rotation: the outgoing quorum names the next set, which waits, and strands nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from bridge.chain.abi import encode
from bridge.chain.statements import (
    SIGNER_SET_ABI,
    checkpoint_tuple,
    key_hash,
    rotation_tuple,
    signer_set_hash,
)
from bridge.crypto.digests import checkpoint_digest, rotation_digest
from bridge.crypto.hashing import keccak256
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, CONTEXTS, ROTATION_CONTEXT
from bridge.domain.quorums import SignerSet
from bridge.domain.rotations import Rotation
from bridge.testing import World
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, reverts
from bridge.testing.world import HOUR_S, MAXIMUM_AGE_S, ML_DSA, SIGNERS, raw, sign, signer
from tests.contracts.conftest import dispatch

NEXT = (signer((ML_DSA, 2)), signer((ML_DSA, 5)), signer((ML_DSA, 6)))
"""Keeps one key, at another index, and has two new ones."""


@dataclass
class Change:
    """A rotation of B's registry to ``signer_set``."""

    world: World
    signer_set: SignerSet

    def statement(self, **changes: object) -> Rotation:
        side = self.world.b
        made = Rotation(
            side.machine.chain_id,
            raw(side.registry.address),
            self.world.epoch,
            signer_set_hash(self.signer_set, side.addresses()),
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    def approve(self, *signers: int, **changes: object) -> None:
        self.world.rotate(self.world.b, self.statement(**changes), signers)

    def schedule(self, **changes: object) -> None:
        side = self.world.b
        statement = rotation_tuple(self.statement(**changes))
        side.registry.send(
            "scheduleRotation", statement, side.struct(self.signer_set), sender=STRANGER
        )


@pytest.fixture
def change(world: World) -> Change:
    world.b.register(NEXT)
    return Change(world, SignerSet(2, 2, NEXT))


@pytest.fixture
def waiting(change: Change) -> Change:
    """Approved and scheduled."""
    change.approve(0, 1)
    change.schedule()
    return change


def follow(world: World) -> None:
    """From here on the next set attests."""
    world.signers, world.epoch = NEXT, 2


def test_the_outgoing_quorum_names_the_next_set(change: Change) -> None:
    registry, now = change.world.b.registry, change.world.b.machine.timestamp
    change.approve(0)
    with reverts("RotationNotApproved"):
        change.schedule()
    change.approve(2)
    change.schedule()
    assert (registry.call("currentEpoch"), registry.call("pendingEpoch")) == (1, 2)
    assert registry.call("epochInfo", 2)[0] == now + HOUR_S
    assert registry.call("epochInfo", 1)[1] == now + HOUR_S + MAXIMUM_AGE_S
    assert not registry.call("isUsable", 2)
    change.world.warp(HOUR_S - 1)
    assert registry.call("currentEpoch") == 1
    change.world.warp(1)  # no transaction: time alone
    assert (registry.call("currentEpoch"), registry.call("pendingEpoch")) == (2, 0)
    assert registry.call("isUsable", 1)
    assert registry.call("isUsable", 2)
    change.world.warp(MAXIMUM_AGE_S)
    assert registry.call("isUsable", 1)
    change.world.warp(1)
    assert not registry.call("isUsable", 1)
    assert registry.call("currentEpoch") == 2


def test_what_is_in_flight_arrives_whenever_the_set_changes(
    waiting: Change, recipient: bytes
) -> None:
    """An epoch that ends while messages fly strands none of them."""
    world = waiting.world
    dispatch(world, recipient, b"attested before")
    world.attest(world.a, world.b)
    dispatch(world, recipient, b"signed before, brought after")
    late = world.checkpoint(world.a, world.b)
    world.attest(world.a, world.b, late, (0,))
    world.warp(HOUR_S)
    world.attest(world.a, world.b, late, (1,))  # the second half, under the old epoch
    dispatch(world, recipient, b"never signed by the old set")
    dispatch(world, recipient, b"half signed by it")
    half = world.checkpoint(world.a, world.b)
    world.attest(world.a, world.b, half, (2,))
    world.warp(MAXIMUM_AGE_S + 1)
    with reverts("EpochNotUsable", 1):
        world.attest(world.a, world.b, half, (1,))
    follow(world)
    world.attest(world.a, world.b, world.checkpoint(world.a, world.b), (1, 2))
    # The roots that the old set attested go on serving.
    world.process(world.a, world.b, 0, size=1)
    world.process(world.a, world.b, 1, size=2)
    assert int.from_bytes(world.process_range(world.a, world.b, 0, 4).output) == 2


def test_the_next_set_attests_nothing_before_its_time(waiting: Change, recipient: bytes) -> None:
    world = waiting.world
    dispatch(world, recipient, b"early")
    follow(world)
    with reverts("EpochNotUsable", 2):
        world.attest(world.a, world.b)
    world.warp(HOUR_S)
    world.attest(world.a, world.b)


def test_a_signature_of_one_epoch_is_none_of_another(waiting: Change, recipient: bytes) -> None:
    """The key that stays has to sign anew: the epoch is in the checkpoint."""
    world = waiting.world
    dispatch(world, recipient, b"x")
    world.warp(HOUR_S)
    old = world.checkpoint(world.a, world.b)
    signature = sign(SIGNERS[1], checkpoint_digest(old), CHECKPOINT_CONTEXT)
    with reverts("InvalidSignature", 0):  # the same key is signer 0 of the next set
        world.b.inbox.send("attest", as_new(old), [0], [signature])


def as_new(checkpoint: Checkpoint) -> tuple[object, ...]:
    return (*checkpoint_tuple(checkpoint)[:-1], 2)


def test_one_rotation_follows_another(waiting: Change) -> None:
    world, registry = waiting.world, waiting.world.b.registry
    world.warp(HOUR_S)
    follow(world)
    back = Change(world, SignerSet(3, 2, SIGNERS))
    with reverts("WrongEpoch", 2, 1):
        back.approve(0, 1, epoch=1)
    back.approve(0, 1)
    back.schedule()
    world.warp(HOUR_S)
    assert registry.call("currentEpoch") == 3
    assert [registry.call("isUsable", epoch) for epoch in (1, 2, 3)] == [True, True, True]
    world.warp(MAXIMUM_AGE_S)
    assert [registry.call("isUsable", epoch) for epoch in (1, 2, 3)] == [False, True, True]


def test_while_one_rotation_waits_there_is_no_other(waiting: Change) -> None:
    other = Change(waiting.world, SignerSet(2, 3, NEXT))
    with reverts("RotationPending", 2):
        other.approve(0, 1)
    with reverts("RotationPending", 2):
        waiting.schedule()


def test_the_guardian_cancels_and_the_statement_is_spent(waiting: Change) -> None:
    world, registry = waiting.world, waiting.world.b.registry
    for sender in (OWNER, STRANGER):
        with reverts("NotGuardian", sender.lower()):
            registry.send("cancelRotation", sender=sender)
    registry.send("cancelRotation", sender=GUARDIAN)
    with reverts("NoRotationPending"):
        registry.send("cancelRotation", sender=GUARDIAN)
    digest = rotation_digest(waiting.statement())
    with reverts("CancelledRotation", digest):
        waiting.schedule()
    world.warp(2 * HOUR_S)
    assert registry.call("currentEpoch") == 1
    assert not registry.call("isUsable", 2)
    world.warp(2 * MAXIMUM_AGE_S)
    assert registry.call("isUsable", 1)  # its end is taken back as well
    # The same set with another salt, under a number that was never used.
    waiting.approve(0, 1, salt=1)
    waiting.schedule(salt=1)
    world.warp(HOUR_S)
    assert registry.call("currentEpoch") == 3


def test_once_active_a_rotation_is_not_cancelled(waiting: Change) -> None:
    waiting.world.warp(HOUR_S)
    with reverts("NoRotationPending"):
        waiting.world.b.registry.send("cancelRotation", sender=GUARDIAN)


@pytest.mark.parametrize(
    ("changes", "error", "arguments"),
    [
        ({"chain_id": 31001}, "WrongChainId", (31002, 31001)),
        ({"registry": b"\x0c" * 20}, "WrongRegistry", None),
        ({"epoch": 2}, "WrongEpoch", (1, 2)),
    ],
)
def test_a_rotation_of_elsewhere_is_refused_however_well_signed(
    change: Change, changes: dict[str, object], error: str, arguments: tuple[int, ...] | None
) -> None:
    """A fork with the same keys and another chain id rotates nothing."""
    with reverts(error, *(arguments or ())):
        change.approve(0, 1, **changes)
    with reverts(error, *(arguments or ())):
        change.schedule(**changes)


def test_the_hash_of_no_set_is_refused(change: Change) -> None:
    zero = list(rotation_tuple(change.statement()))
    zero[3] = bytes(32)
    with reverts("ZeroSetHash"):
        change.world.b.registry.send("approveRotation", tuple(zero), [0], [b""])


def test_another_set_than_the_signed_one_is_refused(change: Change) -> None:
    change.approve(0, 1)
    side = change.world.b
    other = SignerSet(2, 3, NEXT)
    with reverts(
        "WrongSignerSet",
        *(signer_set_hash(s, side.addresses()) for s in (change.signer_set, other)),
    ):
        side.registry.send(
            "scheduleRotation", rotation_tuple(change.statement()), side.struct(other)
        )


def test_a_signed_set_below_the_minimum_is_refused_all_the_same(world: World) -> None:
    """No quorum can vote the minimum away."""
    side = world.b
    verifier = side.verifiers[ML_DSA].address
    keys = [(1, side.struct(SignerSet(1, 2, SIGNERS))[0][n][1]) for n in range(3)]
    for salt, (struct, error) in enumerate(
        (
            ((keys, 1, 0, 0), "InvalidWeight"),
            ((keys[:2], 2, 0, 0), "InvalidSignerCount"),
            (([*keys[:2], (1, [(verifier, bytes(32))])], 2, 0, 0), "MalformedKey"),
        )
    ):
        digest = keccak256(encode([SIGNER_SET_ABI], [struct]))
        statement = Rotation(31002, raw(side.registry.address), 1, digest, salt)
        world.rotate(side, statement)
        with reverts(error):
            side.registry.send("scheduleRotation", rotation_tuple(statement), struct)
    assert side.registry.call("pendingEpoch") == 0


@pytest.mark.parametrize("ctx", [b"", *(ctx for ctx in CONTEXTS if ctx != ROTATION_CONTEXT)])
def test_a_signature_under_another_context_rotates_nothing(change: Change, ctx: bytes) -> None:
    statement = change.statement()
    signature = sign(SIGNERS[0], rotation_digest(statement), ctx)
    with reverts("InvalidSignature", 0):
        change.world.b.registry.send("approveRotation", rotation_tuple(statement), [0], [signature])


def test_signatures_count_once_each_and_of_the_set_alone(change: Change) -> None:
    registry, statement = change.world.b.registry, rotation_tuple(change.statement())
    change.approve(0)
    with reverts("SignerAlreadyCounted", 0):
        change.approve(0)
    with reverts("SignerNotInSet", 3, 3):
        registry.send("approveRotation", statement, [3], [b""])
    with reverts("LengthMismatch", 1, 0):
        registry.send("approveRotation", statement, [1], [])
    with reverts("NoSignatures"):
        registry.send("approveRotation", statement, [], [])
    with reverts("InvalidSignature", 1):
        registry.send("approveRotation", statement, [1], [b"\0" * 4627])
    assert registry.call("counted", rotation_digest(change.statement())) == 0b1


def test_threshold_minus_one_rotates_nothing(change: Change) -> None:
    """Ronin, Harmony: whoever holds one key less than the threshold holds nothing."""
    for alone in range(3):
        with change.world.b.machine.undone():
            change.approve(alone)
            with reverts("RotationNotApproved"):
                change.schedule()


def test_a_signer_revoked_after_he_approved_does_not_count(change: Change) -> None:
    change.approve(0, 1)
    hashed = key_hash(SIGNERS[1].keys[0])
    change.world.b.registry.send("revoke", hashed, sender=GUARDIAN)
    with reverts("RotationNotApproved"):
        change.schedule()
    change.approve(2)
    with reverts("KeyRevoked", hashed):  # and the next set still has his key
        change.schedule()
