"""A postcard there and its answer back, attested by a quorum, and what the contracts refuse."""

from __future__ import annotations

from ape import reverts
from conftest import A, B, Bridge, Route, key_pair
from eth_abi import decode

from bridge.crypto.digests import checkpoint_digest, message_id
from bridge.domain.messages import address_to_bytes32


def test_a_postcard_is_answered(there: Route, back: Route, owner, stranger) -> None:
    sent = there.send("hello", owner)
    attested = there.attest(stranger)
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


def test_a_message_is_delivered_once(project, there: Route, owner, stranger) -> None:
    there.send("hello", owner)
    there.attest(stranger)
    there.process(0, stranger)
    with reverts(there.destination.inbox.AlreadyDelivered(A, 0)):
        there.process(0, stranger)
    with reverts(project.Inbox.AlreadyDelivered):
        there.process(0, owner)


def test_signatures_may_come_in_two_transactions(there: Route, owner, stranger) -> None:
    there.send("hello", owner)
    inbox, root = there.destination.inbox, there.tree.root()
    there.attest(owner, (1,))
    assert inbox.attestedSize(A, root) == 0
    with reverts(inbox.SignerAlreadyCounted(1)):
        there.attest(stranger, (1,))
    there.attest(stranger, (0,))
    assert inbox.attestedSize(A, root) == 1
    with reverts(inbox.AlreadyAttested(checkpoint_digest(there.checkpoint()))):
        there.attest(owner, (2,))


def test_a_root_without_a_quorum_delivers_nothing(project, there: Route, owner) -> None:
    there.send("hello", owner)
    there.attest(owner, (1,))
    with reverts(project.Inbox.RootNotAttested):
        there.process(0, owner)


def test_a_signature_of_another_context_or_checkpoint_is_refused(
    project, there: Route, owner
) -> None:
    there.send("hello", owner)
    with reverts(there.destination.inbox.InvalidSignature(0)):
        there.attest(owner, ctx=b"astralink/checkpoint/v2")
    with reverts(there.destination.inbox.WrongEpoch(1, 2)):
        there.attest(owner, checkpoint=there.checkpoint(epoch=2))
    with reverts(project.Inbox.WrongChainId):
        there.attest(owner, checkpoint=there.checkpoint(destination_chain_id=5))


def test_a_proof_of_another_message_is_refused(project, there: Route, owner) -> None:
    for text in ("first", "second"):
        there.send(text, owner)
    there.attest(owner)
    metadata = there.tree.root() + b"".join(there.tree.proof(1))
    with reverts(project.Inbox.ProofMismatch):
        there.destination.inbox.process(metadata, there.messages[0].encode(), sender=owner)
    there.process(0, owner)


def test_only_the_inbox_hands_over_messages(project, bridge: Bridge, stranger) -> None:
    side, other = bridge.sides[A], bridge.sides[B]
    peer = address_to_bytes32(other.postcard.address)
    with reverts(side.postcard.NotInbox(stranger.address)):
        side.postcard.handle(B, peer, b"", sender=stranger)


def test_the_owner_alone_enrols_and_once(project, bridge: Bridge, owner, stranger) -> None:
    side = bridge.sides[A]
    with reverts(side.outbox.NotOwner(stranger.address)):
        side.outbox.enrolDestination(9, sender=stranger)
    with reverts(side.outbox.DestinationKnown(B)):
        side.outbox.enrolDestination(B, sender=owner)
    with reverts(side.inbox.OriginKnown(B)):
        side.inbox.enrolOrigin(B, 5, side.outbox, sender=owner)
    with reverts(project.SignerRegistry.AlreadyInitialised):
        side.registry.initialise([], 2, sender=owner)


def test_a_set_that_one_key_could_speak_for_is_refused(project, bridge: Bridge, owner) -> None:
    registry = project.SignerRegistry.deploy(owner, sender=owner)
    members = [(bridge.verifier.address, key_pair(number).public_key) for number in (1, 2, 3)]
    with reverts(registry.InvalidThreshold(1, 3, 2)):
        registry.initialise(members, 1, sender=owner)
    with reverts(registry.DuplicateKey(0, 1)):
        registry.initialise([members[0], members[0]], 2, sender=owner)


def test_isolation_takes_back_what_a_test_did(there: Route) -> None:
    assert there.origin.outbox.count() == 0
