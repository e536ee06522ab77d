"""Wormhole's guardian sets expired with funds locked: an epoch that ends while messages fly."""

from __future__ import annotations

import pytest

from bridge.chain.statements import key_hash
from bridge.domain.quorums import SignerSet
from bridge.testing import World
from bridge.testing.machine import GUARDIAN, reverts
from bridge.testing.world import HOUR_S, MAXIMUM_AGE_S, SIGNERS
from tests.contracts.test_rotation import NEXT, Change
from tests.incidents.conftest import A, send


@pytest.fixture
def rotating(world: World) -> World:
    """The next set is approved and waits."""
    world.b.register(NEXT)
    change = Change(world, SignerSet(2, 2, NEXT))
    change.approve(0, 1)
    change.schedule()
    return world


def test_every_message_in_flight_arrives_whenever_the_epoch_ends(
    rotating: World, recipient: bytes
) -> None:
    """Cut between any two steps: attested, half attested, not attested; none is stranded."""
    world = rotating
    steps = (0, HOUR_S - 1, HOUR_S, HOUR_S + MAXIMUM_AGE_S, HOUR_S + MAXIMUM_AGE_S + 1, 10**7)
    for before in steps:
        for between in steps:
            with world.a.machine.undone(), world.b.machine.undone():
                trial = world.copy()
                send(trial, recipient, b"flying")
                checkpoint = trial.checkpoint(trial.a, trial.b)
                trial.warp(before)
                if trial.b.registry.call("isUsable", 1):
                    trial.attest(trial.a, trial.b, checkpoint, (0,))
                trial.warp(between)
                if trial.b.registry.call("isUsable", 1):
                    trial.attest(trial.a, trial.b, checkpoint, (1, 2)[: 1 + (before > HOUR_S)])
                if trial.b.inbox.call("attestedSize", A, checkpoint.root) == 0:
                    trial.signers, trial.epoch = NEXT, 2
                    trial.attest(trial.a, trial.b)
                trial.process(trial.a, trial.b, 0)


def test_what_the_old_set_attested_serves_for_ever(rotating: World, recipient: bytes) -> None:
    send(rotating, recipient, b"slow")
    rotating.attest(rotating.a, rotating.b)
    rotating.warp(10 * MAXIMUM_AGE_S)
    assert not rotating.b.registry.call("isUsable", 1)
    rotating.process(rotating.a, rotating.b, 0)


def test_a_set_that_left_attests_nothing_after_its_time(rotating: World, recipient: bytes) -> None:
    """Keys of old epochs lie about; nothing is to be had with them."""
    send(rotating, recipient, b"x")
    checkpoint = rotating.checkpoint(rotating.a, rotating.b)
    rotating.attest(rotating.a, rotating.b, checkpoint, (0,))
    rotating.warp(HOUR_S + MAXIMUM_AGE_S + 1)
    for signers in ((1,), (1, 2), (0, 1, 2)):
        with reverts("EpochNotUsable", 1):
            rotating.attest(rotating.a, rotating.b, checkpoint, signers)
    assert rotating.b.inbox.call("attestedSize", A, checkpoint.root) == 0


def test_a_key_revoked_after_it_left_counts_no_more(rotating: World, recipient: bytes) -> None:
    """The old epoch is still valid for what is in flight, and a key of it is found stolen."""
    send(rotating, recipient, b"x")
    rotating.warp(HOUR_S)
    assert rotating.b.registry.call("currentEpoch") == 2
    rotating.b.registry.send("revoke", key_hash(SIGNERS[0].keys[0]), sender=GUARDIAN)
    with reverts("RevokedSigner", 1, 0):
        rotating.attest(rotating.a, rotating.b, signers=(0, 1))
    rotating.attest(rotating.a, rotating.b, signers=(1, 2))
    rotating.process(rotating.a, rotating.b, 0)
