"""A postcard there and its answer back, attested by a quorum, and what the contracts refuse."""

from __future__ import annotations

import pytest
from conftest import A, B, Bridge, Route, key_pair, refuses
from eth_abi import decode

from bridge.crypto.digests import checkpoint_digest, message_id
from bridge.crypto.hashing import keccak256
from bridge.domain.messages import address_to_bytes32

GAS_CAP = 1 << 24  # of a transaction, EIP-7825


def test_a_postcard_is_answered(there: Route, back: Route, owner, stranger) -> None:
    sent = there.send("hello", owner)
    attested = there.attest(stranger)
    assert attested.gas_used < GAS_CAP
    (log,) = attested.decode_logs(there.destination.inbox.Attested)
    assert bytes(log.root) == there.tree.root() == bytes(there.origin.outbox.root())
    assert there.destination.inbox.attestedSize(A, there.tree.root()) == 1

    assert not there.destination.inbox.delivered(A, sent.nonce)
    delivery = there.process(0, stranger)
    (processed,) = delivery.decode_logs(there.destination.inbox.ProcessId)
    assert bytes(processed.messageId) == message_id(sent)
    assert there.destination.inbox.delivered(A, sent.nonce)
    assert there.destination.postcard.received() == 1

    answer = back.collect(delivery)
    assert decode(["uint8", "string"], answer.body) == (1, "Received: hello")
    back.attest(stranger, (0, 1))
    back.process(0, stranger)
    assert back.destination.inbox.delivered(B, answer.nonce)
    assert back.destination.postcard.received() == 1


def test_a_message_is_delivered_once(there: Route, owner, stranger) -> None:
    there.send("hello", owner)
    there.attest(stranger)
    there.process(0, stranger)
    for anybody in (stranger, owner):
        with refuses(there.destination.inbox.AlreadyDelivered, origin=A, nonce=0):
            there.process(0, anybody)


def test_signatures_may_come_in_two_transactions(there: Route, owner, stranger) -> None:
    there.send("hello", owner)
    inbox, root = there.destination.inbox, there.tree.root()
    there.attest(owner, (1,))
    assert inbox.attestedSize(A, root) == 0
    with refuses(inbox.SignerAlreadyCounted, signer=1):
        there.attest(stranger, (1,))
    there.attest(stranger, (0,))
    assert inbox.attestedSize(A, root) == 1
    with refuses(inbox.AlreadyAttested, digest=checkpoint_digest(there.checkpoint())):
        there.attest(owner, (2,))


def test_a_root_without_a_quorum_delivers_nothing(there: Route, owner) -> None:
    there.send("hello", owner)
    there.attest(owner, (1,))
    with refuses(there.destination.inbox.RootNotAttested, origin=A, root=there.tree.root()):
        there.process(0, owner)


def test_a_signature_of_another_context_or_checkpoint_is_refused(there: Route, owner) -> None:
    there.send("hello", owner)
    inbox = there.destination.inbox
    with refuses(inbox.InvalidSignature, signer=0):
        there.attest(owner, ctx=b"astralink/checkpoint/v2")
    with refuses(inbox.WrongEpoch, expected=1, got=2):
        there.attest(owner, checkpoint=there.checkpoint(epoch=2))
    with refuses(inbox.WrongChainId, expected=there.bridge.chain_id, got=5):
        there.attest(owner, checkpoint=there.checkpoint(destination_chain_id=5))


def test_a_proof_of_another_message_is_refused(there: Route, owner) -> None:
    for text in ("first", "second"):
        there.send(text, owner)
    there.attest(owner)
    inbox, root = there.destination.inbox, there.tree.root()
    metadata = root + b"".join(there.tree.proof(1))
    first = there.tree.leaf(0)
    with refuses(inbox.ProofMismatch, expected=root, got=keccak256(first + first)):
        inbox.process(metadata, there.messages[0].encode(), sender=owner)
    there.process(0, owner)


def test_only_the_inbox_hands_over_messages(bridge: Bridge, stranger) -> None:
    side, other = bridge.sides[A], bridge.sides[B]
    peer = address_to_bytes32(other.postcard.address)
    with refuses(side.postcard.NotInbox, caller=stranger.address):
        side.postcard.handle(B, peer, b"", sender=stranger)


def test_the_owner_alone_enrols_and_once(bridge: Bridge, owner, stranger) -> None:
    side = bridge.sides[A]
    with refuses(side.outbox.NotOwner, caller=stranger.address):
        side.outbox.enrolDestination(9, sender=stranger)
    with refuses(side.outbox.DestinationKnown, domain=B):
        side.outbox.enrolDestination(B, sender=owner)
    with refuses(side.inbox.OriginKnown, domain=B):
        side.inbox.enrolOrigin(B, 5, side.outbox, sender=owner)
    with refuses(side.registry.AlreadyInitialised):
        side.registry.initialise([], 2, sender=owner)


def test_a_set_that_one_key_could_speak_for_is_refused(project, bridge: Bridge, owner) -> None:
    registry = project.SignerRegistry.deploy(owner, sender=owner)
    members = [(bridge.verifier.address, key_pair(number).public_key) for number in (1, 2, 3)]
    with refuses(registry.InvalidThreshold, threshold=1, signers=3, minimum=2):
        registry.initialise(members, 1, sender=owner)
    with refuses(registry.DuplicateKey, first=0, second=1):
        registry.initialise([members[0], members[0]], 2, sender=owner)


def test_isolation_takes_back_what_a_test_did(there: Route) -> None:
    assert there.origin.outbox.count() == 0


def test_an_expected_refusal_is_held_to_its_name_and_arguments(bridge: Bridge, stranger) -> None:
    outbox = bridge.sides[A].outbox
    wrong = [
        (outbox.DestinationKnown, {"domain": 9}),
        (outbox.NotOwner, {"caller": outbox.address}),
        (outbox.NotOwner, {}),
        (outbox.NotOwner, {"nobody": stranger.address}),
    ]
    for error, arguments in wrong:
        with pytest.raises(AssertionError), refuses(error, **arguments):
            outbox.enrolDestination(9, sender=stranger)
    with pytest.raises(AssertionError), refuses(outbox.NotOwner, caller=stranger.address):
        outbox.count()
