"""Front-running: whoever is first does the work of others and takes nothing from them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.chain.statements import Evidence, checkpoint_tuple, evidence_tuple, key_hash
from bridge.crypto.digests import checkpoint_digest
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.testing import Reverted, World
from bridge.testing.machine import GUARDIAN, STRANGER, reverts
from bridge.testing.world import SIGNERS, sign
from tests.incidents.conftest import A, send


@pytest.fixture
def nine(world: World, recipient: bytes) -> World:
    for number in range(9):
        send(world, recipient, bytes([number]))
    world.attest(world.a, world.b)
    return world


@pytest.mark.parametrize("first", [(4,), (0, 8), (0, 1, 2, 3, 4, 5, 6, 7, 8)])
def test_a_range_passes_over_what_somebody_delivered_first(
    nine: World, first: tuple[int, ...]
) -> None:
    for index in first:
        message = nine.a.messages[index]
        nine.b.inbox.send("process", nine.metadata(nine.a, index), message, sender=STRANGER)
    sent = nine.process_range(nine.a, nine.b, 0, 9)
    assert int.from_bytes(sent.output, "big") == 9 - len(first)
    names = [event.name for event in sent.events(nine.b.inbox)]
    assert names == ["Process", "ProcessId"] * (9 - len(first))
    assert nine.b.inbox.call("deliveredWord", A, 0) == 2**9 - 1


def test_signatures_that_somebody_brings_first_count_all_the_same(
    world: World, recipient: bytes
) -> None:
    """He pays for their verification. The batch of the relayer fails; what is left is brought."""
    send(world, recipient, b"")
    checkpoint = world.checkpoint(world.a, world.b)
    stolen = [world.signature(0, checkpoint)]
    struct = checkpoint_tuple(checkpoint)
    world.b.inbox.send("attest", struct, [0], stolen, sender=STRANGER)
    with reverts("SignerAlreadyCounted", 0):
        world.attest(world.a, world.b, checkpoint, (0, 1))
    world.attest(world.a, world.b, checkpoint, (1,))
    assert world.b.inbox.call("attestedSize", A, checkpoint.root) == 1


def test_a_root_attested_first_is_attested(world: World, recipient: bytes) -> None:
    send(world, recipient, b"")
    checkpoint = world.checkpoint(world.a, world.b)
    signatures = [world.signature(index, checkpoint) for index in (0, 1)]
    struct = checkpoint_tuple(checkpoint)
    world.b.inbox.send("attest", struct, [0, 1], signatures, sender=STRANGER)
    with reverts("AlreadyAttested", A, checkpoint.root):
        world.attest(world.a, world.b, checkpoint, (0, 1))
    world.process(world.a, world.b, 0)


def test_expiry_and_delivery_do_not_race(world: World, recipient: bytes) -> None:
    """There is no second in which both are possible, whoever comes first."""
    deadline = world.a.machine.timestamp + 100
    send(world, recipient, b"", deadline=deadline)
    world.attest(world.a, world.b)
    arguments = (world.metadata(world.a, 0), world.a.messages[0])
    for seconds in (0, 99, 100, 101, 10**6):
        possible = []
        for function in ("process", "expire"):
            with world.b.machine.undone():
                world.b.machine.warp(seconds)
                try:
                    world.b.inbox.send(function, *arguments, sender=STRANGER)
                except Reverted:
                    continue
                possible.append(function)
        assert possible == (["process"] if seconds <= 100 else ["expire"])


def test_an_equivocator_gains_nothing_by_being_revoked_first(
    world: World, recipient: bytes
) -> None:
    """The guardian was quicker than the evidence: he is revoked, and it cannot be undone."""
    send(world, recipient, b"")
    a = world.checkpoint(world.a, world.b)
    b = replace(a, root=b"\1" * 32)
    said = [sign(SIGNERS[0], checkpoint_digest(one), CHECKPOINT_CONTEXT) for one in (a, b)]
    key = key_hash(SIGNERS[0].keys[0])
    world.b.registry.send("revoke", key, sender=GUARDIAN)
    with reverts("KeyRevoked", key):
        evidence = evidence_tuple(Evidence(1, 0, 0, a, b, *said))
        world.b.registry.send("submitEvidence", evidence, sender=STRANGER)
    assert world.b.registry.call("revokedSigners", 1) == 0b001
