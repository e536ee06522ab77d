"""Delivery of a range: one proof for many, and no message in another's way."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.abi import encode_call, selector
from bridge.crypto.merkle import verify_range
from bridge.domain.messages import DEFAULT_GAS_LIMIT, Message
from bridge.testing import World, padded
from bridge.testing.machine import OWNER, STRANGER, Sent, reverts
from tests.contracts.conftest import (
    BOMBS,
    BURNS,
    CALLS,
    REFUSES,
    STORES,
    TRIES,
    A,
    B,
    dispatch,
)


@pytest.fixture
def nine(world: World, recipient: bytes) -> World:
    dispatch(world, recipient, *(bytes([number]) for number in range(9)))
    world.attest(world.a, world.b)
    return world


def send(
    world: World, first: int, given: list[bytes], siblings: list[bytes], **how: object
) -> Sent:
    root = world.a.tree.root()
    return world.b.inbox.send("processRange", A, root, first, given, siblings, **how)


def delivered(world: World) -> list[int]:
    count = len(world.a.messages)
    return [index for index in range(count) if world.b.inbox.call("delivered", A, index)]


def failures(world: World, sent: Sent) -> dict[int, bytes]:
    events = sent.events(world.b.inbox)
    return {
        event.arguments["nonce"]: event.arguments["reason"]
        for event in events
        if event.name == "DeliveryFailed"
    }


def test_every_range_of_a_tree_is_delivered(nine: World) -> None:
    for first in range(9):
        for count in range(1, 10 - first):
            with nine.b.machine.undone():
                sent = nine.process_range(nine.a, nine.b, first, count)
                assert int.from_bytes(sent.output) == count
                assert delivered(nine) == list(range(first, first + count))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.integers(1, 80))
def test_a_range_proof_of_any_tree_holds_on_and_off_chain(
    bridge_world: World, data: st.DataObject, size: int
) -> None:
    first = data.draw(st.integers(0, size - 1), "first")
    count = data.draw(st.integers(1, size - first), "count")
    world = bridge_world.copy()
    with world.a.machine.undone(), world.b.machine.undone():
        dispatch(world, padded(OWNER), *(number.to_bytes(2) for number in range(size)))
        world.attest(world.a, world.b)
        # The recipient has no code: each proven message is a failure that is told.
        sent = world.process_range(world.a, world.b, first, count)
        assert list(failures(world, sent)) == list(range(first, first + count))
        leaves = [world.a.tree.leaf(index) for index in range(first, first + count)]
        siblings = world.a.tree.range_proof(first, count)
        verify_range(leaves, first, size, siblings, world.a.tree.root())


def test_messages_left_out_stand_as_their_identifiers(nine: World) -> None:
    given = [nine.a.messages[2], nine.a.tree.leaf(3), nine.a.messages[4]]
    sent = send(nine, 2, given, list(nine.a.tree.range_proof(2, 3)))
    assert int.from_bytes(sent.output) == 2
    assert delivered(nine) == [2, 4]
    nine.process(nine.a, nine.b, 3)


def test_messages_to_another_destination_are_in_nobodys_way(world: World, recipient: bytes) -> None:
    world.a.outbox.send("enrolDestination", 7)
    dispatch(world, recipient, b"0")
    world.a.outbox.send("dispatch", 7, recipient, b"elsewhere")
    dispatch(world, recipient, b"2")
    world.attest(world.a, world.b)
    assert int.from_bytes(world.process_range(world.a, world.b, 0, 3).output) == 2
    assert delivered(world) == [0, 2]
    with reverts("WrongDestination", B, 7):
        send(world, 1, [world.a.messages[1]], list(world.a.tree.range_proof(1, 1)))


def test_a_message_delivered_before_is_passed_over(nine: World) -> None:
    """Front-run delivery: somebody brings one message of the range first."""
    nine.process(nine.a, nine.b, 4)
    sent = nine.process_range(nine.a, nine.b, 0, 9)
    assert int.from_bytes(sent.output) == 8
    assert failures(nine, sent) == {}
    assert int.from_bytes(nine.process_range(nine.a, nine.b, 0, 9).output) == 0


def test_the_failing_are_recorded_with_their_reasons_and_hold_up_nobody(
    world: World, recipient: bytes
) -> None:
    machine, inbox = world.b.machine, world.b.inbox
    nobody = "0x" + "cc" * 20
    codes = {1: REFUSES, 2: BURNS, 3: BOMBS}
    bad = {index: padded(machine.deploy_code(code)) for index, code in codes.items()}
    bad |= {4: padded(nobody), 5: b"\1" * 32, 6: padded(inbox.address)}
    bad |= {7: padded(world.b.registry.address)}
    for index in range(9):
        dispatch(world, bad.get(index, recipient), bytes([index]))
    world.attest(world.a, world.b)
    sent = world.process_range(world.a, world.b, 0, 9)
    assert delivered(world) == [0, 8]
    reasons = failures(world, sent)
    assert list(reasons) == list(range(1, 8))
    assert reasons[1] == bytes.fromhex("2a2a2a2a")
    assert reasons[2] == b""
    assert reasons[3] == bytes(256)
    assert reasons[4] == encode_call("RecipientHasNoCode(address)", nobody)
    assert reasons[5] == encode_call("InvalidRecipient(bytes32)", b"\1" * 32)
    for index, address in ((6, inbox.address), (7, world.b.registry.address)):
        assert reasons[index] == encode_call("ForbiddenRecipient(address)", address)
    # All stay deliverable: one that got its code since is delivered.
    again = world.process_range(world.a, world.b, 0, 9)
    assert list(failures(world, again)) == list(reasons)


def test_a_recipient_may_not_deliver_from_within(world: World) -> None:
    stores = padded(world.b.machine.deploy_code(STORES))
    dispatch(world, stores, b"\x07" * 32)
    inner = world.b.inbox.artifact.call_data(
        "process", world.metadata(world.a, 0), world.a.messages[0]
    )
    body = padded(world.b.inbox.address) + inner
    dispatch(world, padded(world.b.machine.deploy_code(CALLS)), body)
    dispatch(world, padded(world.b.machine.deploy_code(TRIES)), body)
    first = world.checkpoint(world.a, world.b, root=world.a.tree.root(1), size=1)
    world.attest(world.a, world.b, first)
    world.attest(world.a, world.b)
    sent = world.process_range(world.a, world.b, 1, 2)
    assert failures(world, sent) == {1: selector("Reentered()")}
    assert delivered(world) == [2]  # its own message is delivered, what it tried is not
    world.process(world.a, world.b, 0)


def test_a_range_with_too_little_gas_reverts_whole(nine: World) -> None:
    """Nobody can make a recipient fail by giving the transaction little gas."""
    given, siblings = nine.a.messages[:4], list(nine.a.tree.range_proof(0, 4))
    with reverts("InsufficientGas"):
        send(nine, 0, given, siblings, gas=DEFAULT_GAS_LIMIT + 60_000)
    assert delivered(nine) == []
    send(nine, 0, given, siblings, gas=DEFAULT_GAS_LIMIT + 180_000)
    assert delivered(nine) == [0, 1, 2, 3]


def test_bodies_of_all_lengths_arrive_as_they_were_sent(world: World) -> None:
    postcard = world.b.machine.deploy(
        "Postcard", world.b.outbox.address, world.b.inbox.address, OWNER
    )
    postcard.send("enrolPeer", A, padded(STRANGER))
    texts = ["", "x", "x" * 31, "x" * 32, "x" * 33, "x" * 500, ""]
    for text in texts:
        body = encode(["uint8", "string"], [1, text])
        world.a.outbox.send("dispatch", B, padded(postcard.address), body, sender=STRANGER)
    world.a.sync()
    world.attest(world.a, world.b)
    sent = world.process_range(world.a, world.b, 0, len(texts))
    assert [event.arguments["text"] for event in sent.events(postcard)] == texts


@pytest.mark.parametrize("change", ["one less", "one more", "flipped", "swapped"])
def test_a_proof_that_does_not_fit_is_refused(nine: World, change: str) -> None:
    given, good = nine.a.messages[3:6], list(nine.a.tree.range_proof(3, 3))
    flipped = [good[0], bytes([good[1][0] ^ 1]) + good[1][1:], *good[2:]]
    bad = {
        "one less": good[:-1],
        "one more": [*good, bytes(32)],
        "flipped": flipped,
        "swapped": [good[1], good[0], *good[2:]],
    }[change]
    if len(bad) != len(good):
        with reverts("WrongProofLength", len(good), len(bad)):
            send(nine, 3, given, bad)
    else:
        with reverts("ProofMismatch"):
            send(nine, 3, given, bad)
    send(nine, 3, given, good)


def test_messages_out_of_place_are_refused(nine: World) -> None:
    m, proof = nine.a.messages, list(nine.a.tree.range_proof(3, 2))
    with reverts("WrongNonce", 3, 4):
        send(nine, 3, [m[4], m[3]], proof)
    with reverts("WrongNonce", 4, 3):
        send(nine, 3, [m[3], m[3]], proof)
    with reverts("ProofMismatch"):
        send(nine, 3, [nine.a.tree.leaf(4), m[4]], proof)
    with reverts("EmptyRange"):
        send(nine, 3, [], proof)
    with reverts("MessageTooShort", 31, 77):
        send(nine, 3, [m[3], b"\0" * 31], proof)
    with reverts("MessageTooShort", 64, 77):
        send(nine, 2, [nine.a.tree.leaf(2) + nine.a.tree.leaf(3)], proof[:1] * 4)


@pytest.mark.parametrize(("first", "count"), [(8, 2), (9, 1), (2**32 - 1, 1), (0, 10)])
def test_a_range_beyond_the_tree_is_refused(nine: World, first: int, count: int) -> None:
    with reverts("IndexOutOfRange", first + count - 1, 9):
        send(nine, first, [bytes(32)] * count, [])


def test_a_forged_message_and_another_origin_are_refused(nine: World, recipient: bytes) -> None:
    forged = Message(3, A, bytes(32), B, recipient, b"forged").encode()
    with reverts("ProofMismatch"):
        send(nine, 3, [forged], list(nine.a.tree.range_proof(3, 1)))
    other = Message(3, 7, bytes(32), B, recipient, b"").encode()
    with reverts("WrongOrigin", A, 7):
        send(nine, 3, [other], list(nine.a.tree.range_proof(3, 1)))
    with reverts("ZeroRoot"):
        nine.b.inbox.send("processRange", A, bytes(32), 0, nine.a.messages[:1], [])
    with reverts("RootNotAttested", 7, nine.a.tree.root()):
        nine.b.inbox.send("processRange", 7, nine.a.tree.root(), 0, nine.a.messages[:1], [])
