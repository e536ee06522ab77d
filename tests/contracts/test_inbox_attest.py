"""Attestation: a quorum of post-quantum signatures over one checkpoint, and all that is none."""

import pytest

from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.providers import select
from bridge.domain.checkpoints import CHECKPOINT_CONTEXT
from tests.contracts.conftest import A_CHAIN_ID, SLH, B, World, as_tuple, key_pair
from tests.contracts.machine import CHAIN_ID, OWNER, STRANGER, Machine, reverts

OTHER = b"\x0c" * 20


@pytest.fixture
def ready(world: World, recipient: bytes) -> World:
    """Three messages stand in the tree."""
    for number in range(3):
        world.dispatch(recipient, bytes([number]))
    return world


def test_a_quorum_in_one_transaction_attests_the_root(ready: World) -> None:
    checkpoint = ready.checkpoint()
    sent = ready.attest(checkpoint, (0, 2))
    events = sent.events(ready.inbox)
    assert [event.name for event in events] == ["SignatureCounted", "SignatureCounted", "Attested"]
    assert events[-1].arguments["root"] == checkpoint.root
    assert ready.inbox.call("attestedSize", 1, checkpoint.root) == 3
    assert ready.inbox.call("counted", checkpoint_digest(checkpoint)) == 0b101


def test_signatures_may_come_one_by_one_from_anybody(ready: World) -> None:
    checkpoint = ready.checkpoint()
    for index, sender in ((1, STRANGER), (0, OWNER)):
        assert ready.inbox.call("attestedSize", 1, checkpoint.root) == 0
        signature = ready.signature(index, checkpoint)
        ready.inbox.send("attest", as_tuple(checkpoint), [index], [signature], sender=sender)
    assert ready.inbox.call("attestedSize", 1, checkpoint.root) == 3


def test_the_digest_is_the_one_computed_off_chain(ready: World) -> None:
    checkpoint = ready.checkpoint()
    events = ready.attest(checkpoint).events(ready.inbox)
    assert events[0].arguments["digest"] == checkpoint_digest(checkpoint)


def test_the_same_signer_twice_in_one_call_is_refused(ready: World) -> None:
    with reverts("SignerAlreadyCounted", 1):
        ready.attest(signers=(1, 1))


def test_another_valid_signature_of_the_same_signer_counts_no_second_time(ready: World) -> None:
    checkpoint = ready.checkpoint()
    ready.attest(checkpoint, (1,))
    again = select("default").signatures.sign(
        SLH, key_pair(2).secret, checkpoint_digest(checkpoint), CHECKPOINT_CONTEXT
    )
    assert again != ready.signature(1, checkpoint)  # signing is hedged: both are valid
    with reverts("SignerAlreadyCounted", 1):
        ready.inbox.send("attest", as_tuple(checkpoint), [1], [again])


@pytest.mark.parametrize("index", [3, 255, 256, 2**256 - 1])
def test_a_signer_who_is_not_in_the_set_is_refused(ready: World, index: int) -> None:
    checkpoint = ready.checkpoint()
    signature = ready.signature(0, checkpoint)
    with reverts("SignerNotInSet", index, 3):
        ready.inbox.send("attest", as_tuple(checkpoint), [index], [signature])


def test_a_key_outside_the_set_signs_for_nobody(ready: World) -> None:
    checkpoint = ready.checkpoint()
    ready.keys = (9, 9, 9)
    with reverts("InvalidSignature", 0):
        ready.attest(checkpoint, (0, 1))


def test_nothing_comes_after_the_quorum(ready: World) -> None:
    checkpoint = ready.checkpoint()
    ready.attest(checkpoint, (0, 1))
    with reverts("AlreadyAttested", checkpoint_digest(checkpoint)):
        ready.attest(checkpoint, (2,))


def test_the_zero_root_is_refused(ready: World) -> None:
    with reverts("ZeroRoot"):
        zero = (*as_tuple(ready.checkpoint())[:3], bytes(32), *as_tuple(ready.checkpoint())[4:])
        ready.inbox.send("attest", zero, [0], [b""])


def test_an_empty_tree_is_refused(ready: World) -> None:
    fields = list(as_tuple(ready.checkpoint()))
    fields[4] = 0
    with reverts("ZeroSize"):
        ready.inbox.send("attest", tuple(fields), [0], [b""])


@pytest.mark.parametrize(
    ("change", "error", "arguments"),
    [
        ({"origin_domain": 9}, "UnknownOrigin", (9,)),
        ({"origin_chain_id": 5}, "WrongChainId", (A_CHAIN_ID, 5)),
        ({"outbox": OTHER}, "WrongOutbox", None),
        ({"destination_domain": 9}, "WrongDestination", (B, 9)),
        ({"destination_chain_id": 5}, "WrongChainId", (CHAIN_ID, 5)),
        ({"inbox": OTHER}, "WrongInbox", None),
        ({"epoch": 2}, "WrongEpoch", (1, 2)),
        ({"epoch": 0}, "WrongEpoch", (1, 0)),
    ],
)
def test_a_checkpoint_of_elsewhere_is_refused_however_well_signed(
    ready: World, change: dict[str, object], error: str, arguments: tuple[int, ...] | None
) -> None:
    checkpoint = ready.checkpoint(**change)
    with reverts(error, *(arguments or ())):
        ready.attest(checkpoint)


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
    elsewhere = ready.signature(0, ready.checkpoint(**change))
    with reverts("InvalidSignature", 0):
        ready.inbox.send("attest", as_tuple(ready.checkpoint()), [0], [elsewhere])


@pytest.mark.parametrize("ctx", [b"", b"astralink/checkpoint/v2", b"astralink/rotation/v1"])
def test_a_signature_under_another_context_is_refused(ready: World, ctx: bytes) -> None:
    checkpoint = ready.checkpoint()
    with reverts("InvalidSignature", 0):
        ready.inbox.send("attest", as_tuple(checkpoint), [0], [ready.signature(0, checkpoint, ctx)])


@pytest.mark.parametrize("change", ["truncate", "extend", "flip first", "flip last", "empty"])
def test_a_damaged_signature_is_refused(ready: World, change: str) -> None:
    good = ready.signature(0, ready.checkpoint())
    damaged = {
        "truncate": good[:-1],
        "extend": good + b"\0",
        "flip first": bytes([good[0] ^ 1]) + good[1:],
        "flip last": good[:-1] + bytes([good[-1] ^ 0x80]),
        "empty": b"",
    }[change]
    with reverts("InvalidSignature", 0):
        ready.inbox.send("attest", as_tuple(ready.checkpoint()), [0], [damaged])


def test_one_bad_signature_spoils_the_transaction_and_counts_nothing(ready: World) -> None:
    checkpoint = ready.checkpoint()
    signatures = [ready.signature(0, checkpoint), ready.signature(0, checkpoint)]
    with reverts("InvalidSignature", 1):
        ready.inbox.send("attest", as_tuple(checkpoint), [0, 1], signatures)
    assert ready.inbox.call("counted", checkpoint_digest(checkpoint)) == 0


def test_counts_that_differ_and_no_signatures_are_refused(ready: World) -> None:
    checkpoint = as_tuple(ready.checkpoint())
    with reverts("LengthMismatch", 2, 1):
        ready.inbox.send("attest", checkpoint, [0, 1], [b""])
    with reverts("NoSignatures"):
        ready.inbox.send("attest", checkpoint, [], [])


def test_an_inbox_over_an_uninitialised_registry_attests_nothing(
    machine: Machine, world: World, recipient: bytes
) -> None:
    world.dispatch(recipient)
    empty = machine.deploy("SignerRegistry", OWNER)
    world.inbox = machine.deploy("Inbox", B, empty.address, OWNER)
    world.inbox.send("enrolOrigin", 1, A_CHAIN_ID, world.outbox.address)
    with reverts("Uninitialised"):
        world.attest()


def test_an_inbox_without_a_registry_is_not_deployed(machine: Machine) -> None:
    with reverts("RegistryHasNoCode", "0x" + "cc" * 20):
        machine.deploy("Inbox", B, "0x" + "cc" * 20, OWNER)
    registry = machine.deploy("SignerRegistry", OWNER)
    with reverts("InvalidDomain", 0):
        machine.deploy("Inbox", 0, registry.address, OWNER)


def test_origins_are_enrolled_once_and_by_the_owner(world: World) -> None:
    other = "0x" + OTHER.hex()
    with reverts("NotOwner", STRANGER.lower()):
        world.inbox.send("enrolOrigin", 5, 5, other, sender=STRANGER)
    with reverts("OriginKnown", 1):
        world.inbox.send("enrolOrigin", 1, 5, other)
    for domain in (0, B):
        with reverts("InvalidDomain", domain):
            world.inbox.send("enrolOrigin", domain, 5, other)
    for chain_id, outbox in ((0, other), (5, "0x" + "00" * 20)):
        with reverts("InvalidOrigin"):
            world.inbox.send("enrolOrigin", 5, chain_id, outbox)
