"""Delivery: each message once, under an attested root, with the one proof that fits."""

from __future__ import annotations

import pytest

from bridge.chain.abi import selector
from bridge.domain.messages import DEFAULT_GAS_LIMIT, Message
from bridge.testing import World, padded
from bridge.testing.machine import STRANGER, reverts
from tests.contracts.conftest import BOMBS, BURNS, CALLS, REFUSES, STORES, A, B, dispatch


def attested(world: World, recipient: bytes, count: int) -> World:
    dispatch(world, recipient, *(bytes([number]) for number in range(count)))
    world.attest(world.a, world.b)
    return world


def deployed(world: World, code: bytes) -> bytes:
    return padded(world.b.machine.deploy_code(code))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_every_message_of_a_tree_is_delivered(world: World, recipient: bytes, count: int) -> None:
    attested(world, recipient, count)
    for index, message in enumerate(world.a.messages):
        metadata = world.metadata(world.a, index)
        sent = world.b.inbox.send("process", metadata, message, sender=STRANGER)
        process, process_id = sent.events(world.b.inbox)
        assert process.arguments["origin"] == A
        assert process_id.arguments["messageId"] == world.a.tree.leaf(index)
        assert world.b.inbox.call("delivered", A, index)
    assert not world.b.inbox.call("delivered", A, count)


def test_a_message_is_delivered_once(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    world.process(world.a, world.b, 1)
    with reverts("AlreadyDelivered", A, 1):
        world.process(world.a, world.b, 1)


def test_nor_again_under_a_later_root(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    world.process(world.a, world.b, 1)
    attested(world, recipient, 2)
    with reverts("AlreadyDelivered", A, 1):
        world.process(world.a, world.b, 1)
    world.process(world.a, world.b, 4)


def test_an_older_root_goes_on_serving(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    attested(world, recipient, 2)
    world.process(world.a, world.b, 0, size=3)


def test_the_zero_root_is_refused(world: World, recipient: bytes) -> None:
    dispatch(world, recipient, b"")
    with reverts("ZeroRoot"):
        world.b.inbox.send("process", bytes(32), world.a.messages[0])


def test_a_root_that_nobody_attested_is_refused(world: World, recipient: bytes) -> None:
    dispatch(world, recipient, b"")
    with reverts("RootNotAttested", A, world.a.tree.root()):
        world.process(world.a, world.b, 0)


def test_one_signature_is_no_quorum(world: World, recipient: bytes) -> None:
    dispatch(world, recipient, b"")
    world.attest(world.a, world.b, signers=(1,))
    with reverts("RootNotAttested", A, world.a.tree.root()):
        world.process(world.a, world.b, 0)


def test_a_proof_of_another_index_is_refused(world: World, recipient: bytes) -> None:
    attested(world, recipient, 4)
    with reverts("ProofMismatch"):
        world.b.inbox.send("process", world.metadata(world.a, 2), world.a.messages[1])


def test_a_nonce_beyond_the_tree_is_refused(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    for nonce in (3, 4, 2**32 - 1):
        beyond = Message(nonce, A, bytes(32), B, recipient, b"forged").encode()
        with reverts("IndexOutOfRange", nonce, 3):
            world.b.inbox.send("process", world.metadata(world.a, 2), beyond)


def test_a_message_that_was_never_sent_is_refused(world: World, recipient: bytes) -> None:
    attested(world, recipient, 3)
    forged = Message(1, A, bytes(32), B, recipient, b"forged").encode()
    with reverts("ProofMismatch"):
        world.b.inbox.send("process", world.metadata(world.a, 1), forged)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_a_proof_too_short_too_long_or_with_leftovers_is_refused(
    world: World, recipient: bytes, count: int
) -> None:
    attested(world, recipient, count)
    good, inbox, message = world.metadata(world.a, 0), world.b.inbox, world.a.messages[0]
    bad = [good + b"\0", good + bytes(32)]
    if len(good) > 32:
        bad += [good[:-1], good[:-32]]
    for metadata in bad:
        with reverts("WrongProofLength", len(good), len(metadata)):
            inbox.send("process", metadata, message)
    for metadata in (b"", good[:31]):
        with reverts("MetadataTooShort", len(metadata), 32):
            inbox.send("process", metadata, message)
    inbox.send("process", good, message)


def test_a_flipped_sibling_is_refused(world: World, recipient: bytes) -> None:
    attested(world, recipient, 4)
    metadata = bytearray(world.metadata(world.a, 2))
    metadata[40] ^= 1
    with reverts("ProofMismatch"):
        world.b.inbox.send("process", bytes(metadata), world.a.messages[2])


def test_an_inner_node_passes_for_no_leaf(world: World, recipient: bytes) -> None:
    attested(world, recipient, 4)
    pair = world.a.tree.leaf(0) + world.a.tree.leaf(1)
    with reverts("MessageTooShort", 64, 77):
        world.b.inbox.send("process", world.metadata(world.a, 0)[:64], pair)


def test_a_message_of_another_layout_or_destination_is_refused(
    world: World, recipient: bytes
) -> None:
    attested(world, recipient, 1)
    sender = Message.decode(world.a.messages[0]).sender
    metadata = world.metadata(world.a, 0)
    for version in (0, 2, 5, 255):
        other = Message(0, A, sender, B, recipient, b"", version=version).encode()
        with reverts("WrongVersion", version):
            world.b.inbox.send("process", metadata, other)
    cut = Message(0, A, sender, B, recipient, b"", version=4).encode()[:-1]
    with reverts("MessageTooShort", 88, 89):
        world.b.inbox.send("process", metadata, cut)
    elsewhere = Message(0, A, sender, 9, recipient, b"").encode()
    with reverts("WrongDestination", B, 9):
        world.b.inbox.send("process", metadata, elsewhere)


def test_a_message_of_another_origin_is_not_under_this_root(world: World, recipient: bytes) -> None:
    attested(world, recipient, 1)
    world.b.inbox.send("enrolOrigin", 7, 7, world.a.outbox.address)
    other = Message(0, 7, bytes(32), B, recipient, b"").encode()
    with reverts("RootNotAttested", 7, world.a.tree.root()):
        world.b.inbox.send("process", world.metadata(world.a, 0), other)


def test_a_recipient_without_code_is_refused_and_the_message_stays(world: World) -> None:
    nobody = "0x" + "cc" * 20
    attested(world, padded(nobody), 1)
    with reverts("RecipientHasNoCode", nobody):
        world.process(world.a, world.b, 0)
    assert not world.b.inbox.call("delivered", A, 0)


def test_a_recipient_that_is_no_address_is_refused(world: World) -> None:
    attested(world, b"\1" * 32, 1)
    with reverts("InvalidRecipient", b"\1" * 32):
        world.process(world.a, world.b, 0)


def test_a_recipient_that_reverts_leaves_the_message_deliverable(world: World) -> None:
    refuses = deployed(world, REFUSES)
    attested(world, refuses, 1)
    with reverts("RecipientReverted", "0x" + refuses[12:].hex(), bytes.fromhex("2a2a2a2a")):
        world.process(world.a, world.b, 0)
    assert not world.b.inbox.call("delivered", A, 0)


def test_a_recipient_has_the_gas_of_its_message_and_no_more(world: World) -> None:
    burns = deployed(world, BURNS)
    attested(world, burns, 1)
    with reverts("RecipientReverted", "0x" + burns[12:].hex(), b""):
        world.process(world.a, world.b, 0)
    used = world.b.machine.evm.result.gas_used
    assert DEFAULT_GAS_LIMIT < used < DEFAULT_GAS_LIMIT + 150_000


def test_a_deliverer_who_gives_too_little_gas_fails_and_not_the_message(world: World) -> None:
    """Gas griefing: an outer call that runs dry inside looks like the recipient's refusal."""
    stores = deployed(world, STORES)
    attested(world, stores, 1)
    message, metadata = world.a.messages[0], world.metadata(world.a, 0)
    with reverts("InsufficientGas"):
        world.b.inbox.send("process", metadata, message, gas=DEFAULT_GAS_LIMIT)
    world.b.inbox.send("process", metadata, message, gas=DEFAULT_GAS_LIMIT + 120_000)


def test_of_a_bomb_of_a_reason_only_the_beginning_is_kept(world: World) -> None:
    bombs = deployed(world, BOMBS)
    attested(world, bombs, 1)
    with reverts("RecipientReverted", "0x" + bombs[12:].hex(), bytes(256)):
        world.process(world.a, world.b, 0)


def test_a_recipient_delivers_nothing_itself(world: World) -> None:
    """A reentrant `handle`: neither its own message again nor any other."""
    calls, inbox = deployed(world, CALLS), world.b.inbox
    dispatch(world, deployed(world, STORES), b"\x07" * 32)
    inner = inbox.artifact.call_data("process", world.metadata(world.a, 0), world.a.messages[0])
    dispatch(world, calls, padded(inbox.address) + inner)
    first = world.checkpoint(world.a, world.b, root=world.a.tree.root(1), size=1)
    world.attest(world.a, world.b, first)
    world.attest(world.a, world.b)
    with reverts("RecipientReverted") as caught:
        world.process(world.a, world.b, 1)
    assert caught.value.arguments[1] == selector("Reentered()")
    assert not world.b.inbox.call("delivered", A, 1)
    world.process(world.a, world.b, 0)


def test_delivered_bits_are_one_for_each_nonce(world: World, recipient: bytes) -> None:
    attested(world, recipient, 200)
    attested(world, recipient, 58)
    for index in (0, 255, 256, 257):
        world.process(world.a, world.b, index)
    flags = [world.b.inbox.call("delivered", A, index) for index in range(258)]
    assert [index for index, flag in enumerate(flags) if flag] == [0, 255, 256, 257]
    assert world.b.inbox.call("deliveredWord", A, 0) == 1 | 1 << 255
    assert world.b.inbox.call("deliveredWord", A, 1) == 0b11
