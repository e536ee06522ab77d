"""Ronin and Harmony 2022, Multichain 2023, Orbit 2024: stolen keys, and below the threshold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.chain.statements import checkpoint_tuple, key_hash, rotation_tuple, signer_set_hash
from bridge.crypto.hashing import keccak256
from bridge.domain.messages import Message
from bridge.domain.quorums import SignerSet
from bridge.domain.rotations import Rotation
from bridge.testing import World, padded
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, reverts
from bridge.testing.world import GOVERNANCE, HOUR_S, ML_DSA, raw, signer
from tests.contracts.conftest import ACCEPTS
from tests.incidents.conftest import A, B

NINE = tuple(signer((ML_DSA, 20 + number)) for number in range(9))
STOLEN = (0, 2, 5, 7)
"""Four of nine; five are a quorum, as at Ronin."""


@pytest.fixture(scope="module")
def nine_built() -> World:
    world = World.built(SignerSet(1, 5, NINE))
    world.a.outbox.send("dispatch", B, padded(world.b.machine.deploy_code(ACCEPTS)), b"")
    return world


@pytest.fixture
def nine(nine_built: World) -> Iterator[World]:
    with nine_built.a.machine.undone(), nine_built.b.machine.undone():
        yield nine_built.copy()


def forged(world: World) -> tuple[bytes, bytes]:
    """A message that nobody dispatched, and the root of a tree of it alone."""
    recipient = padded(world.b.machine.deploy_code(ACCEPTS))
    message = Message(0, A, padded(OWNER), B, recipient, b"to the thief").encode()
    return message, keccak256(message)


def test_threshold_minus_one_keys_deliver_nothing(nine: World) -> None:
    message, root = forged(nine)
    checkpoint = nine.checkpoint(nine.a, nine.b, root=root, size=1)
    nine.attest(nine.a, nine.b, checkpoint, STOLEN)
    with reverts("RootNotAttested", A, root):
        nine.b.inbox.send("process", root, message, sender=STRANGER)
    for index in STOLEN:
        with reverts("SignerAlreadyCounted", index):
            nine.attest(nine.a, nine.b, checkpoint, (index,))
    with reverts("InvalidSignature", 1):  # in another's name
        nine.b.inbox.send(
            "attest", checkpoint_tuple(checkpoint), [1], [nine.signature(STOLEN[0], checkpoint)]
        )
    # The fifth key is what makes the difference.
    nine.attest(nine.a, nine.b, checkpoint, (1,))
    nine.b.inbox.send("process", root, message, sender=STRANGER)


def test_threshold_minus_one_keys_rotate_nothing(nine: World) -> None:
    side = nine.b
    own = SignerSet(2, 5, NINE[::-1])
    digest = signer_set_hash(own, side.addresses())
    statement = Rotation(side.machine.chain_id, raw(side.registry.address), 1, digest)
    nine.rotate(side, statement, STOLEN)
    with reverts("RotationNotApproved"):
        side.registry.send(
            "scheduleRotation", rotation_tuple(statement), side.struct(own), sender=STRANGER
        )


def test_revocation_works_under_load(nine: World) -> None:
    """The thief's signatures are in, the quorum one short; the guardian revokes between two of
    his transactions, and the fifth key that he then gets is of no use."""
    message, root = forged(nine)
    checkpoint = nine.checkpoint(nine.a, nine.b, root=root, size=1)
    nine.attest(nine.a, nine.b, checkpoint, STOLEN)
    for index in STOLEN[:2]:
        nine.b.registry.send("revoke", key_hash(NINE[index].keys[0]), sender=GUARDIAN)
    nine.attest(nine.a, nine.b, checkpoint, (1,))
    with reverts("RootNotAttested", A, root):
        nine.b.inbox.send("process", root, message, sender=STRANGER)
    with reverts("RevokedSigner", 1, STOLEN[0]):
        nine.attest(nine.a, nine.b, nine.checkpoint(nine.a, nine.b), (STOLEN[0],))
    # Honest traffic goes on meanwhile with the seven that are left.
    nine.a.sync()
    nine.attest(nine.a, nine.b, signers=(1, 3, 4, 6, 8))
    nine.process(nine.a, nine.b, 0)


def test_two_of_five_is_refused(nine: World) -> None:
    """Harmony's quorum: two of five keys. A quorum here is more than half of the weight."""
    side = nine.b
    fresh = side.machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    members = side.struct(SignerSet(1, 5, NINE))[0][:5]
    with reverts("InvalidThreshold", 2, 5):
        fresh.send("initialise", (members, 2, 0, 0))
    fresh.send("initialise", (members, 3, 0, 0))


def test_the_owner_key_alone_delivers_nothing(nine: World) -> None:
    """Multichain, July 2023: one person held everything. The owner holds no signature."""
    message, root = forged(nine)
    side = nine.b
    with reverts("RootNotAttested", A, root):
        side.inbox.send("process", root, message, sender=OWNER)
    with reverts("OriginKnown", A):
        side.inbox.send("enrolOrigin", A, 31001, STRANGER, sender=OWNER)
    with reverts("AlreadyInitialised"):
        side.registry.send("initialise", side.struct(SignerSet(1, 5, NINE)), sender=OWNER)
    call = side.registry.artifact.call_data("recover", side.struct(SignerSet(2, 5, NINE)))
    side.registry.send("schedule", call)
    nine.warp(HOUR_S)
    with reverts("OperationFailed"):  # StillOperable: the quorum can act for itself
        side.registry.send("execute", call)


def test_the_guardian_key_alone_stops_and_delivers_nothing(nine: World) -> None:
    message, root = forged(nine)
    side = nine.b
    nine.a.sync()
    nine.attest(nine.a, nine.b, signers=(0, 1, 2, 3, 4))
    side.inbox.send("pause", 0, sender=GUARDIAN)
    with reverts("DomainPaused", 0):
        nine.process(nine.a, nine.b, 0)
    side.inbox.send("unpause", 0, sender=GUARDIAN)
    with reverts("RootNotAttested", A, root):
        side.inbox.send("process", root, message, sender=GUARDIAN)
    for contract, function, arguments, error in (
        (side.inbox, "enrolOrigin", (9, 9, STRANGER), "NotOwner"),
        (side.inbox, "allowRoot", (A, root), "NotScheduled"),
        (side.outbox, "withdrawFees", (GUARDIAN,), "NotOwner"),
        (side.registry, "schedule", (b"",), "NotOwner"),
    ):
        with reverts(error, GUARDIAN.lower()):
            contract.send(function, *arguments, sender=GUARDIAN)
    nine.process(nine.a, nine.b, 0)
