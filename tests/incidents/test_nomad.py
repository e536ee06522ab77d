"""Nomad, August 2022: the zero root counted as confirmed, so any message was proven under it."""

from __future__ import annotations

import pytest

from bridge.chain.statements import checkpoint_tuple
from bridge.crypto.merkle import ZERO_SUBTREES
from bridge.domain.messages import Message
from bridge.domain.quorums import SignerSet
from bridge.testing import Deployed, World, padded
from bridge.testing.machine import OWNER, STRANGER, reverts
from bridge.testing.world import GOVERNANCE, HOUR_S, ML_DSA, SLH_DSA
from tests.contracts.test_rotation import NEXT, Change
from tests.incidents.conftest import A, B, attacker, send

ZERO = bytes(32)


@pytest.fixture
def bare(world: World) -> Deployed:
    """An Inbox right after its deployment: nothing was ever attested or enrolled."""
    registry = world.b.registry.address
    return world.b.machine.deploy("Inbox", B, registry, GOVERNANCE)


def forged(world: World, nonce: int = 0, body: bytes = b"all of it, to me") -> bytes:
    reentrant = attacker(world.b.machine, "Reentrant")
    return Message(nonce, A, padded(OWNER), B, padded(reentrant.address), body).encode()


def refused_everywhere(inbox: Deployed, message: bytes, error: str, *arguments: object) -> None:
    """No way of delivery takes the message under the zero root, with proofs of any length."""
    for siblings in range(4):
        with reverts(error, *arguments):
            inbox.send("process", ZERO + ZERO * siblings, message, sender=STRANGER)
        with reverts(error, *arguments):
            inbox.send("processRange", A, ZERO, 0, [message], [ZERO] * siblings, sender=STRANGER)
        with reverts(error, *arguments):
            inbox.send("expire", ZERO + ZERO * siblings, message, sender=STRANGER)
        with reverts(error, *arguments):
            inbox.call("requireProven", ZERO + ZERO * siblings, message)


def test_a_zero_root_is_refused_right_after_deployment(world: World, bare: Deployed) -> None:
    refused_everywhere(bare, forged(world), "ZeroRoot")
    bare.send("enrolOrigin", A, 31001, world.a.outbox.address)
    refused_everywhere(bare, forged(world), "ZeroRoot")
    assert bare.call("attestedSize", A, ZERO) == 0


def test_a_zero_root_is_refused_after_the_signers_changed(world: World) -> None:
    """Nomad's zero root came in with an upgrade. Here a set of signers is what is upgraded."""
    world.b.register(NEXT)
    change = Change(world, SignerSet(2, 2, NEXT))
    change.approve(0, 1)
    change.schedule()
    world.warp(HOUR_S)
    assert world.b.registry.call("currentEpoch") == 2
    refused_everywhere(world.b.inbox, forged(world), "ZeroRoot")


def test_a_zero_root_that_a_quorum_signed_is_refused(world: World, recipient: bytes) -> None:
    """The chain does not leave it to the signers."""
    send(world, recipient, b"")
    fields = list(checkpoint_tuple(world.checkpoint(world.a, world.b)))
    fields[3] = ZERO
    with reverts("ZeroRoot"):
        world.b.inbox.send("attest", tuple(fields), [0, 1], [b"", b""])
    assert world.b.inbox.call("attestedSize", A, ZERO) == 0


def test_the_root_of_nothing_but_missing_leaves_is_refused(world: World, recipient: bytes) -> None:
    """Subtrees of zeros stand in every tree that is not full; none of them was ever attested."""
    send(world, recipient, b"")
    world.attest(world.a, world.b)
    for root in ZERO_SUBTREES[1:]:
        with reverts("RootNotAttested", A, root):
            world.b.inbox.send("process", root, forged(world))


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("algorithm", [ML_DSA, SLH_DSA])
def test_a_zero_key_is_refused_in_the_first_set_and_in_the_next(
    world: World, algorithm: object, index: int
) -> None:
    side = world.b
    struct = side.struct(SignerSet(1, 2, world.signers))
    members = list(struct[0])
    verifier = side.verifiers[algorithm].address  # type: ignore[index]
    members[index] = (1, [(verifier, ZERO)])
    fresh = side.machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    with reverts("MalformedKey", index):
        fresh.send("initialise", (members, *struct[1:]))
    fresh.send("initialise", struct)
