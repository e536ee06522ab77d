"""Deadlines: after it the destination refuses for ever, and the origin hears of it."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from bridge.chain.abi import encode_call
from bridge.domain.messages import Message
from bridge.testing import World, padded
from bridge.testing.machine import OWNER, STRANGER, Deployed, reverts
from tests.contracts.conftest import STORES, A, B, dispatch

HOUR_S = 3_600
NOBODY = "0x" + "00" * 20


def timed(world: World, recipient: bytes, body: bytes = b"timed", seconds: int = HOUR_S) -> int:
    """A message with a deadline so many seconds from now; its deadline."""
    deadline = world.a.machine.timestamp + seconds
    world.a.outbox.send("dispatch", B, recipient, body, (deadline, 0, NOBODY))
    world.a.sync()
    return deadline


def expire(world: World, index: int) -> None:
    metadata = world.metadata(world.a, index)
    world.b.inbox.send("expire", metadata, world.a.messages[index], sender=STRANGER)


def test_a_message_with_options_says_them(world: World, recipient: bytes) -> None:
    deadline = world.a.machine.timestamp + 1
    world.a.outbox.send("dispatch", B, recipient, b"body", (deadline, 77_000, NOBODY))
    world.a.sync()
    message = Message.decode(world.a.messages[0])
    assert (message.version, message.deadline, message.gas_limit) == (4, deadline, 77_000)
    assert message.body == b"body"
    assert message.encode() == world.a.messages[0]


def test_the_last_second_delivers_and_the_next_does_not(world: World, recipient: bytes) -> None:
    deadline = timed(world, recipient)
    world.attest(world.a, world.b)
    world.warp(HOUR_S)
    assert world.b.machine.timestamp == deadline
    with reverts("DeadlineNotPassed", deadline, deadline):
        expire(world, 0)
    with world.b.machine.undone():
        world.process(world.a, world.b, 0)
    world.warp(1)
    with reverts("DeadlinePassed", deadline, deadline + 1):
        world.process(world.a, world.b, 0)


def test_in_a_range_a_late_message_is_a_failure_that_says_so(
    world: World, recipient: bytes
) -> None:
    deadline = timed(world, recipient)
    dispatch(world, recipient, b"without end")
    world.attest(world.a, world.b)
    world.warp(HOUR_S + 1)
    sent = world.process_range(world.a, world.b, 0, 2)
    failed = next(e for e in sent.events(world.b.inbox) if e.name == "DeliveryFailed")
    assert failed.arguments["reason"] == encode_call(
        "DeadlinePassed(uint64,uint256)", deadline, deadline + 1
    )
    assert not world.b.inbox.call("delivered", A, 0)
    assert world.b.inbox.call("delivered", A, 1)


def test_an_expired_message_is_never_delivered_nor_expired_again(
    world: World, recipient: bytes
) -> None:
    timed(world, recipient)
    world.attest(world.a, world.b)
    world.warp(HOUR_S + 1)
    expire(world, 0)
    identifier = world.a.tree.leaf(0)
    assert world.b.inbox.call("expired", A, identifier)
    assert not world.b.inbox.call("delivered", A, 0)
    assert world.b.inbox.call("deliveredWord", A, 0) == 0
    with reverts("AlreadyDelivered", A, 0):
        world.process(world.a, world.b, 0)
    with reverts("AlreadyDelivered", A, 0):
        expire(world, 0)
    assert int.from_bytes(world.process_range(world.a, world.b, 0, 1).output) == 0


def test_a_delivered_message_does_not_expire(world: World, recipient: bytes) -> None:
    timed(world, recipient)
    world.attest(world.a, world.b)
    world.process(world.a, world.b, 0)
    world.warp(HOUR_S + 1)
    with reverts("AlreadyDelivered", A, 0):
        expire(world, 0)
    assert world.b.inbox.call("delivered", A, 0)


def test_a_message_without_a_deadline_does_not_expire(world: World, recipient: bytes) -> None:
    dispatch(world, recipient, b"without end")
    world.attest(world.a, world.b)
    world.warp(10 * 365 * 24 * HOUR_S)
    with reverts("DeadlineNotPassed"):
        expire(world, 0)
    world.process(world.a, world.b, 0)


def test_what_nobody_attested_does_not_expire(world: World, recipient: bytes) -> None:
    timed(world, recipient)
    world.warp(HOUR_S + 1)
    with reverts("RootNotAttested"):
        expire(world, 0)
    world.attest(world.a, world.b)
    made_up = Message.decode(world.a.messages[0])
    forged = Message(0, A, made_up.sender, B, recipient, b"other", 4, made_up.deadline).encode()
    with reverts("ProofMismatch"):
        world.b.inbox.send("expire", world.metadata(world.a, 0), forged)


def test_a_deadline_in_the_past_is_refused_at_once(world: World, recipient: bytes) -> None:
    now = world.a.machine.timestamp
    for deadline in (1, now - 1, now):
        with reverts("DeadlinePassed", deadline, now):
            world.a.outbox.send("dispatch", B, recipient, b"", (deadline, 0, NOBODY))
    world.a.outbox.send("dispatch", B, recipient, b"", (now + 1, 0, NOBODY))


def test_a_gas_limit_is_kept_and_bounded(world: World) -> None:
    stores = padded(world.b.machine.deploy_code(STORES))
    most = 10_000_000
    for limit in (1_000, most):
        world.a.outbox.send("dispatch", B, stores, limit.to_bytes(32), (0, limit, NOBODY))
    with reverts("GasLimitTooHigh", most + 1, most):
        world.a.outbox.send("dispatch", B, stores, b"", (0, most + 1, NOBODY))
    world.a.sync()
    world.attest(world.a, world.b)
    sent = world.process_range(world.a, world.b, 0, 2)
    assert [e.name for e in sent.events(world.b.inbox)] == [
        "DeliveryFailed",
        "Process",
        "ProcessId",
    ]


# Receipts


@pytest.fixture
def acknowledged(world: World, recipient: bytes) -> World:
    """Three messages, of which 0 and 2 were delivered; their receipt is under way."""
    dispatch(world, recipient, b"0", b"1", b"2")
    world.attest(world.a, world.b)
    for index in (0, 2):
        world.process(world.a, world.b, index)
    world.b.receipts.send("acknowledge", A, [0], sender=STRANGER)
    return world


def back(world: World) -> None:
    """All of B's messages to A, delivered."""
    world.b.sync()
    world.attest(world.b, world.a)
    world.process_range(world.b, world.a, 0, len(world.b.messages))


def test_a_receipt_travels_back(acknowledged: World) -> None:
    receipts = acknowledged.a.receipts
    assert not receipts.call("delivered", B, 0)
    back(acknowledged)
    assert [receipts.call("delivered", B, index) for index in range(4)] == [
        True,
        False,
        True,
        False,
    ]
    assert not receipts.call("delivered", 7, 0)


def test_receipts_add_up_in_any_order(acknowledged: World) -> None:
    acknowledged.process(acknowledged.a, acknowledged.b, 1)
    acknowledged.b.receipts.send("acknowledge", A, [0])
    acknowledged.b.sync()
    acknowledged.attest(acknowledged.b, acknowledged.a)
    for index in (1, 0):
        acknowledged.process(acknowledged.b, acknowledged.a, index)
    assert all(acknowledged.a.receipts.call("delivered", B, index) for index in range(3))


def test_what_was_not_delivered_is_not_acknowledged(acknowledged: World) -> None:
    with reverts("NothingDelivered", A, 1):
        acknowledged.b.receipts.send("acknowledge", A, [1])
    with reverts("NothingDelivered", 7, 0):
        acknowledged.b.receipts.send("acknowledge", 7, [0])
    for words in ([], list(range(65))):
        with reverts("InvalidCount", len(words), 64):
            acknowledged.b.receipts.send("acknowledge", A, words)


def test_word_of_a_timeout_travels_back(world: World, recipient: bytes) -> None:
    timed(world, recipient)
    dispatch(world, recipient, b"without end")
    world.attest(world.a, world.b)
    identifier = world.a.tree.leaf(0)
    with reverts("NotExpired", A, identifier):
        world.b.receipts.send("sendTimeouts", A, [identifier])
    world.warp(HOUR_S + 1)
    expire(world, 0)
    with reverts("NotExpired", A, world.a.tree.leaf(1)):
        world.b.receipts.send("sendTimeouts", A, [identifier, world.a.tree.leaf(1)])
    world.b.receipts.send("sendTimeouts", A, [identifier], sender=STRANGER)
    assert not world.a.receipts.call("timedOut", B, identifier)
    back(world)
    assert world.a.receipts.call("timedOut", B, identifier)
    assert not world.a.receipts.call("timedOut", B, world.a.tree.leaf(1))
    assert not world.a.receipts.call("delivered", B, 0)


def test_only_receipts_of_the_peer_are_heard(world: World) -> None:
    """An application can dispatch the same body: the sender is its own, so it is no receipt."""
    receipts = world.a.receipts
    tag = receipts.call("TIMEOUT_TAG")
    forged = encode(["bytes32", "bytes32[]"], [tag, [b"\1" * 32]])
    world.b.outbox.send("dispatch", A, padded(receipts.address), forged)
    world.b.sync()
    world.attest(world.b, world.a)
    with reverts("RecipientReverted") as caught:
        world.process(world.b, world.a, 0)
    assert caught.value.arguments[1] == encode_call("NotPeer(uint32,bytes32)", B, padded(OWNER))
    with reverts("NotInbox", OWNER.lower()):
        receipts.send("handle", B, padded(world.b.receipts.address), forged)


def test_the_receipts_service_knows_no_other_body(world: World) -> None:
    own = world.a
    receipts = own.machine.deploy("Receipts", own.outbox.address, own.inbox.address, OWNER)
    receipts.send("enrolPeer", B, padded(OWNER))
    for body in (b"\7" * 32, receipts.call("TIMEOUT_TAG"), b""):
        world.b.outbox.send("dispatch", A, padded(receipts.address), body)
    world.b.sync()
    world.attest(world.b, world.a)
    sent = world.process_range(world.b, world.a, 0, 3)
    reasons = [event.arguments["reason"] for event in sent.events(own.inbox)]
    # Another tag; a tag with nothing behind it; no tag.
    assert reasons == [encode_call("NotReceipt(bytes32)", b"\7" * 32), b"", b""]


def test_peers_are_enrolled_once_and_by_the_owner(world: World) -> None:
    receipts: Deployed = world.a.receipts
    with reverts("NotOwner", STRANGER.lower()):
        receipts.send("enrolPeer", 7, b"\1" * 32, sender=STRANGER)
    with reverts("PeerKnown", B):
        receipts.send("enrolPeer", B, b"\1" * 32)
    for domain, peer in ((7, bytes(32)), (0, b"\1" * 32), (A, b"\1" * 32)):
        with reverts("InvalidPeer", domain, peer):
            receipts.send("enrolPeer", domain, peer)
