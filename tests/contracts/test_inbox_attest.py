"""Attestation: a quorum of post-quantum signatures over one checkpoint, and all that is none."""

from __future__ import annotations

import pytest

from bridge.chain.statements import checkpoint_tuple
from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.providers import select
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, CONTEXTS
from bridge.domain.quorums import SignerSet
from bridge.testing.machine import OWNER, STRANGER, Machine, Sent, reverts
from bridge.testing.world import (
    GOVERNANCE,
    HOUR_S,
    ML_DSA,
    SLH_DSA,
    World,
    key_pair,
    padded,
    signature_of,
    signer,
)
from tests.contracts.conftest import ACCEPTS, B, dispatch

OTHER = b"\x0c" * 20


@pytest.fixture
def ready(world: World, recipient: bytes) -> World:
    """Three messages stand in the tree."""
    dispatch(world, recipient, b"\0", b"\1", b"\2")
    return world


def attest(
    world: World, checkpoint: Checkpoint, signers: list[int], signatures: list[bytes]
) -> Sent:
    return world.b.inbox.send("attest", checkpoint_tuple(checkpoint), signers, signatures)


def test_a_quorum_in_one_transaction_attests_the_root(ready: World) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b)
    sent = ready.attest(ready.a, ready.b, checkpoint, (0, 2))
    events = sent.events(ready.b.inbox)
    assert [event.name for event in events] == ["SignatureCounted", "SignatureCounted", "Attested"]
    assert events[-1].arguments["root"] == checkpoint.root
    assert events[-1].arguments["digest"] == checkpoint_digest(checkpoint)
    assert ready.b.inbox.call("attestedSize", 1, checkpoint.root) == 3


def test_signatures_may_come_one_by_one_from_anybody(ready: World) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b)
    for index, sender in ((1, STRANGER), (0, OWNER)):
        assert ready.b.inbox.call("attestedSize", 1, checkpoint.root) == 0
        signature = ready.signature(index, checkpoint)
        ready.b.inbox.send(
            "attest", checkpoint_tuple(checkpoint), [index], [signature], sender=sender
        )
    assert ready.b.inbox.call("counted", checkpoint_digest(checkpoint)) == 0b10
    assert ready.b.inbox.call("attestedSize", 1, checkpoint.root) == 3


def test_the_same_signer_twice_in_one_call_is_refused(ready: World) -> None:
    with reverts("SignerAlreadyCounted", 1):
        ready.attest(ready.a, ready.b, signers=(1, 1))


def test_many_valid_signatures_by_one_signer_count_once(ready: World) -> None:
    """Hedged signing gives another valid signature each time."""
    checkpoint = ready.checkpoint(ready.a, ready.b)
    ready.attest(ready.a, ready.b, checkpoint, (1,))
    digest, secret = checkpoint_digest(checkpoint), key_pair(ML_DSA, 2).secret
    again = select("default").signatures.sign(ML_DSA, secret, digest, CHECKPOINT_CONTEXT)
    assert again != ready.signature(1, checkpoint)
    assert ready.b.registry.call("isValidSignature", 1, 1, digest, CHECKPOINT_CONTEXT, again)
    with reverts("SignerAlreadyCounted", 1):
        attest(ready, checkpoint, [1], [again])


@pytest.mark.parametrize("index", [3, 255, 256, 2**256 - 1])
def test_a_signer_who_is_not_in_the_set_is_refused(ready: World, index: int) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b)
    with reverts("SignerNotInSet", index, 3):
        attest(ready, checkpoint, [index], [ready.signature(0, checkpoint)])


def test_a_key_outside_the_set_signs_for_nobody(ready: World) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b)
    stranger = signature_of(ML_DSA, 9, checkpoint_digest(checkpoint), CHECKPOINT_CONTEXT)
    with reverts("InvalidSignature", 0):
        attest(ready, checkpoint, [0], [stranger])


def test_nothing_comes_after_the_quorum(ready: World) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b)
    ready.attest(ready.a, ready.b, checkpoint, (0, 1))
    with reverts("AlreadyAttested", 1, checkpoint.root):
        ready.attest(ready.a, ready.b, checkpoint, (2,))


def test_the_zero_root_is_refused(ready: World) -> None:
    fields = list(checkpoint_tuple(ready.checkpoint(ready.a, ready.b)))
    fields[3] = bytes(32)
    with reverts("ZeroRoot"):
        ready.b.inbox.send("attest", tuple(fields), [0], [b""])


def test_an_empty_tree_is_refused(ready: World) -> None:
    fields = list(checkpoint_tuple(ready.checkpoint(ready.a, ready.b)))
    fields[4] = 0
    with reverts("ZeroSize"):
        ready.b.inbox.send("attest", tuple(fields), [0], [b""])


@pytest.mark.parametrize(
    ("change", "error", "arguments"),
    [
        ({"origin_domain": 9}, "UnknownOrigin", (9,)),
        ({"origin_chain_id": 5}, "WrongChainId", (31001, 5)),
        ({"outbox": OTHER}, "WrongOutbox", None),
        ({"destination_domain": 9}, "WrongDestination", (B, 9)),
        ({"destination_chain_id": 5}, "WrongChainId", (31002, 5)),
        ({"inbox": OTHER}, "WrongInbox", None),
        ({"epoch": 2}, "EpochNotUsable", (2,)),
        ({"epoch": 0}, "EpochNotUsable", (0,)),
    ],
)
def test_a_checkpoint_of_elsewhere_is_refused_however_well_signed(
    ready: World, change: dict[str, object], error: str, arguments: tuple[int, ...] | None
) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b, **change)
    with reverts(error, *(arguments or ())):
        ready.attest(ready.a, ready.b, checkpoint)


@pytest.mark.parametrize(
    "change",
    [
        {"origin_chain_id": 5},
        {"outbox": OTHER},
        {"root": b"\1" * 32},
        {"size": 2},
        {"destination_chain_id": 5},
        {"inbox": OTHER},
        {"epoch": 2},
    ],
)
def test_a_signature_over_another_checkpoint_is_none_of_this(
    ready: World, change: dict[str, object]
) -> None:
    elsewhere = ready.signature(0, ready.checkpoint(ready.a, ready.b, **change))
    with reverts("InvalidSignature", 0):
        attest(ready, ready.checkpoint(ready.a, ready.b), [0], [elsewhere])


@pytest.mark.parametrize("ctx", [b"", b"astralink/checkpoint/v2", *CONTEXTS[1:]])
def test_a_signature_under_another_context_is_refused(ready: World, ctx: bytes) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b)
    with reverts("InvalidSignature", 0):
        attest(ready, checkpoint, [0], [ready.signature(0, checkpoint, ctx)])


@pytest.mark.parametrize("change", ["truncate", "extend", "flip first", "flip last", "empty"])
@pytest.mark.parametrize("index", [0, 2])
def test_a_damaged_signature_is_refused(ready: World, change: str, index: int) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b)
    good = ready.signature(index, checkpoint)
    damaged = {
        "truncate": good[:-1],
        "extend": good + b"\0",
        "flip first": bytes([good[0] ^ 1]) + good[1:],
        "flip last": good[:-1] + bytes([good[-1] ^ 0x80]),
        "empty": b"",
    }[change]
    with reverts("InvalidSignature", index):
        attest(ready, checkpoint, [index], [damaged])


def test_one_bad_signature_spoils_the_transaction_and_counts_nothing(ready: World) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b)
    with reverts("InvalidSignature", 1):
        attest(ready, checkpoint, [0, 1], [ready.signature(0, checkpoint)] * 2)
    assert ready.b.inbox.call("counted", checkpoint_digest(checkpoint)) == 0


def test_counts_that_differ_and_no_signatures_are_refused(ready: World) -> None:
    checkpoint = ready.checkpoint(ready.a, ready.b)
    with reverts("LengthMismatch", 2, 1):
        attest(ready, checkpoint, [0, 1], [b""])
    with reverts("NoSignatures"):
        attest(ready, checkpoint, [], [])


def test_a_signer_with_two_keys_needs_both(machine: Machine) -> None:
    """A hybrid signer: breaking one family of its signatures forges none of its own."""
    both = signer((ML_DSA, 1), (SLH_DSA, 3))
    members = (both, signer((ML_DSA, 2)), signer((ML_DSA, 4)))
    world = World.built(SignerSet(1, 2, members, lattice_threshold=2, hash_threshold=1))
    dispatch(world, padded(world.b.machine.deploy_code(ACCEPTS)), b"hybrid")
    checkpoint = world.checkpoint(world.a, world.b)
    digest = checkpoint_digest(checkpoint)
    lattice = signature_of(ML_DSA, 1, digest, CHECKPOINT_CONTEXT)
    hashed = signature_of(SLH_DSA, 3, digest, CHECKPOINT_CONTEXT)
    head = len(lattice).to_bytes(4, "big")
    for bad in (
        *(lattice, hashed, b"", head[:3], head + lattice, head + lattice + hashed[:-1]),
        len(hashed).to_bytes(4, "big") + hashed + lattice,
        b"\xff" * 4 + lattice + hashed,
    ):
        with reverts("InvalidSignature", 0):
            attest(world, checkpoint, [0], [bad])
    # The other two are enough weight, but nobody among them signs with SLH-DSA.
    world.attest(world.a, world.b, checkpoint, (1, 2))
    assert world.b.inbox.call("attestedSize", 1, checkpoint.root) == 0
    world.attest(world.a, world.b, checkpoint, (0,))
    assert world.b.inbox.call("attestedSize", 1, checkpoint.root) == 1


def test_an_inbox_over_an_uninitialised_registry_attests_nothing(ready: World) -> None:
    machine = ready.b.machine
    empty = machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    ready.b.inbox = machine.deploy("Inbox", B, empty.address, GOVERNANCE)
    ready.b.inbox.send("enrolOrigin", 1, 31001, ready.a.outbox.address)
    for epoch in (0, 1):
        with reverts("EpochNotUsable", epoch):
            ready.attest(ready.a, ready.b, ready.checkpoint(ready.a, ready.b, epoch=epoch))


def test_an_inbox_without_a_registry_is_not_deployed(machine: Machine) -> None:
    with reverts("RegistryHasNoCode", "0x" + "cc" * 20):
        machine.deploy("Inbox", B, "0x" + "cc" * 20, GOVERNANCE)
    registry = machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    with reverts("InvalidDomain", 0):
        machine.deploy("Inbox", 0, registry.address, GOVERNANCE)


def test_origins_are_enrolled_once_and_by_the_owner(world: World) -> None:
    other, inbox = "0x" + OTHER.hex(), world.b.inbox
    with reverts("NotOwner", STRANGER.lower()):
        inbox.send("enrolOrigin", 5, 5, other, sender=STRANGER)
    with reverts("OriginKnown", 1):
        inbox.send("enrolOrigin", 1, 5, other)
    for domain in (0, B):
        with reverts("InvalidDomain", domain):
            inbox.send("enrolOrigin", domain, 5, other)
    for chain_id, outbox in ((0, other), (5, "0x" + "00" * 20)):
        with reverts("InvalidOrigin"):
            inbox.send("enrolOrigin", 5, chain_id, outbox)
