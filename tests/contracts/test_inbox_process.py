"""Delivery: each message once, under an attested root, with the one proof that fits."""

import pytest

from bridge.domain.messages import Message
from tests.contracts.conftest import REFUSES, A, B, World, padded
from tests.contracts.machine import STRANGER, reverts


def attested(world: World, recipient: bytes, count: int) -> World:
    for number in range(count):
        world.dispatch(recipient, bytes([number]))
    world.attest()
    return world


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_every_message_of_a_tree_is_delivered(world: World, recipient: bytes, count: int) -> None:
    attested(world, recipient, count)
    for index, message in enumerate(world.messages):
        sent = world.inbox.send("process", world.metadata(index), message, sender=STRANGER)
        process, process_id = sent.events(world.inbox)
        assert process.arguments["origin"] == A
        assert process_id.arguments["messageId"] == world.tree.leaf(index)
        assert world.inbox.call("delivered", A, index)
    assert not world.inbox.call("delivered", A, count)


def test_a_message_is_delivered_once(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    world.inbox.send("process", world.metadata(1), world.messages[1])
    with reverts("AlreadyDelivered", A, 1):
        world.inbox.send("process", world.metadata(1), world.messages[1])


def test_nor_again_under_a_later_root(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    world.inbox.send("process", world.metadata(1), world.messages[1])
    attested(world, recipient, 2)
    with reverts("AlreadyDelivered", A, 1):
        world.inbox.send("process", world.metadata(1), world.messages[1])
    world.inbox.send("process", world.metadata(4), world.messages[4])


def test_an_older_root_goes_on_serving(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    attested(world, recipient, 2)
    world.inbox.send("process", world.metadata(0, size=3), world.messages[0])


def test_the_zero_root_is_refused(world: World, recipient: bytes) -> None:
    message = world.dispatch(recipient)
    with reverts("ZeroRoot"):
        world.inbox.send("process", bytes(32), message)


def test_a_root_that_nobody_attested_is_refused(world: World, recipient: bytes) -> None:
    message = world.dispatch(recipient)
    with reverts("RootNotAttested", A, world.tree.root()):
        world.inbox.send("process", world.metadata(0), message)


def test_one_signature_is_no_quorum(world: World, recipient: bytes) -> None:
    message = world.dispatch(recipient)
    world.attest(signers=(1,))
    with reverts("RootNotAttested", A, world.tree.root()):
        world.inbox.send("process", world.metadata(0), message)


def test_a_proof_of_another_index_is_refused(world: World, recipient: bytes) -> None:
    attested(world, recipient, 4)
    with reverts("ProofMismatch"):
        world.inbox.send("process", world.metadata(2), world.messages[1])


def test_a_nonce_beyond_the_tree_is_refused(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    for nonce in (3, 4, 2**32 - 1):
        beyond = Message(nonce, A, bytes(32), B, recipient, b"forged").encode()
        with reverts("IndexOutOfRange", nonce, 3):
            world.inbox.send("process", world.metadata(2), beyond)


def test_a_message_that_was_never_sent_is_refused(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    forged = Message(1, A, bytes(32), B, recipient, b"forged").encode()
    with reverts("ProofMismatch"):
        world.inbox.send("process", world.metadata(1), forged)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_a_proof_too_short_too_long_or_with_leftovers_is_refused(
    world: World, recipient: bytes, count: int
) -> None:
    attested(world, recipient, count)
    good = world.metadata(0)
    bad = [good + b"\0", good + bytes(32)]
    if len(good) > 32:
        bad += [good[:-1], good[:-32]]
    for metadata in bad:
        with reverts("WrongProofLength", len(good), len(metadata)):
            world.inbox.send("process", metadata, world.messages[0])
    for metadata in (b"", good[:31]):
        with reverts("MetadataTooShort", len(metadata), 32):
            world.inbox.send("process", metadata, world.messages[0])
    world.inbox.send("process", good, world.messages[0])


def test_a_flipped_sibling_is_refused(world: World, recipient: bytes) -> None:
    attested(world, recipient, 4)
    metadata = bytearray(world.metadata(2))
    metadata[40] ^= 1
    with reverts("ProofMismatch"):
        world.inbox.send("process", bytes(metadata), world.messages[2])


def test_an_inner_node_passes_for_no_leaf(world: World, recipient: bytes) -> None:
    attested(world, recipient, 4)
    pair = world.tree.leaf(0) + world.tree.leaf(1)
    with reverts("MessageTooShort", 64, 77):
        world.inbox.send("process", world.metadata(0)[:64], pair)


def test_a_message_of_another_layout_or_destination_is_refused(
    world: World, recipient: bytes
) -> None:
    attested(world, recipient, 1)
    message = Message.decode(world.messages[0])
    other_version = Message(0, A, message.sender, B, recipient, b"", version=2).encode()
    with reverts("WrongVersion", 3, 2):
        world.inbox.send("process", world.metadata(0), other_version)
    elsewhere = Message(0, A, message.sender, 9, recipient, b"").encode()
    with reverts("WrongDestination", B, 9):
        world.inbox.send("process", world.metadata(0), elsewhere)


def test_a_message_of_another_origin_is_not_under_this_root(world: World, recipient: bytes) -> None:
    attested(world, recipient, 1)
    world.inbox.send("enrolOrigin", 7, 7, world.outbox.address)
    other = Message(0, 7, bytes(32), B, recipient, b"").encode()
    with reverts("RootNotAttested", 7, world.tree.root()):
        world.inbox.send("process", world.metadata(0), other)


def test_a_recipient_without_code_is_refused_and_the_message_stays(world: World) -> None:
    nobody = "0x" + "cc" * 20
    attested(world, padded(nobody), 1)
    with reverts("RecipientHasNoCode", nobody):
        world.inbox.send("process", world.metadata(0), world.messages[0])
    assert not world.inbox.call("delivered", A, 0)


def test_a_recipient_that_is_no_address_is_refused(world: World) -> None:
    attested(world, b"\1" * 32, 1)
    with reverts("InvalidRecipient", b"\1" * 32):
        world.inbox.send("process", world.metadata(0), world.messages[0])


def test_a_recipient_that_reverts_leaves_the_message_deliverable(world: World) -> None:
    refuses = world.machine.deploy_code(REFUSES)
    attested(world, padded(refuses), 1)
    with reverts("RecipientReverted", refuses.lower(), bytes.fromhex("2a2a2a2a")):
        world.inbox.send("process", world.metadata(0), world.messages[0])
    assert not world.inbox.call("delivered", A, 0)


def test_delivered_bits_are_one_for_each_nonce(world: World, recipient: bytes) -> None:
    for _ in range(258):
        world.dispatch(recipient, b"")
    world.attest()
    for index in (0, 255, 256, 257):
        world.inbox.send("process", world.metadata(index), world.messages[index])
    flags = [world.inbox.call("delivered", A, index) for index in range(258)]
    assert [index for index, flag in enumerate(flags) if flag] == [0, 255, 256, 257]
