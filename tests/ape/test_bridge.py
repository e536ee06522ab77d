"""A postcard there and its answer back, attested by a quorum, and what the contracts refuse."""

from __future__ import annotations

import pytest
from conftest import HOUR_S, A, B, Bridge, Route, refuses, signer_set
from eth_abi import decode

from bridge.crypto.digests import message_id
from bridge.crypto.hashing import keccak256
from bridge.domain.messages import address_to_bytes32

GAS_CAP = 1 << 24  # of a transaction, EIP-7825


def test_a_quorum_attests_the_root_of_the_outbox(attested: Route) -> None:
    (log,) = attested.attestation.decode_logs(attested.destination.inbox.Attested)
    assert bytes(log.root) == attested.tree.root() == bytes(attested.origin.outbox.root())
    assert attested.destination.inbox.attestedSize(A, attested.tree.root()) == 2
    assert attested.attestation.gas_used < GAS_CAP


def test_a_postcard_is_answered(attested: Route, back: Route, stranger) -> None:
    sent = attested.messages[0]
    delivery = attested.process(0, stranger)
    (processed,) = delivery.decode_logs(attested.destination.inbox.ProcessId)
    assert bytes(processed.messageId) == message_id(sent)
    assert attested.destination.inbox.delivered(A, sent.nonce)
    assert attested.destination.postcard.received() == 1

    answer = back.collect(delivery)
    assert decode(["uint8", "string"], answer.body) == (1, "Received: hello")
    back.attest(stranger, (0, 1))
    back.process(0, stranger)
    assert back.destination.inbox.delivered(B, answer.nonce)
    assert back.destination.postcard.received() == 1


def test_a_message_is_delivered_once(attested: Route, owner, stranger) -> None:
    attested.process(1, stranger)
    for anybody in (stranger, owner):
        with refuses(attested.destination.inbox.AlreadyDelivered, origin=A, nonce=1):
            attested.process(1, anybody)
    attested.process(0, stranger)


def test_a_proof_of_another_message_is_refused(attested: Route, owner) -> None:
    inbox, root = attested.destination.inbox, attested.tree.root()
    metadata = root + b"".join(attested.tree.proof(1))
    first = attested.tree.leaf(0)
    with refuses(inbox.ProofMismatch, expected=root, got=keccak256(first + first)):
        inbox.process(metadata, attested.messages[0].encode(), sender=owner)
    attested.process(0, owner)


def test_signatures_may_come_one_by_one_and_deliver_nothing_before_the_quorum(
    there: Route, owner, stranger
) -> None:
    there.send("hello", owner)
    inbox, root = there.destination.inbox, there.tree.root()
    there.attest(owner, (1,))
    with refuses(inbox.RootNotAttested, origin=A, root=root):
        there.process(2, owner)
    with refuses(inbox.SignerAlreadyCounted, signer=1):
        there.attest(stranger, (1,))
    there.attest(stranger, (0,))
    assert inbox.attestedSize(A, root) == 3
    with refuses(inbox.AlreadyAttested, origin=A, root=root):
        there.attest(owner, (1,))
    there.process(2, owner)


def test_a_signature_of_another_context_or_checkpoint_is_refused(there: Route, owner) -> None:
    there.send("hello", owner)
    inbox = there.destination.inbox
    with refuses(inbox.InvalidSignature, signer=0):
        there.attest(owner, (0,), ctx=b"astralink/checkpoint/v2")
    with refuses(inbox.EpochNotUsable, epoch=2):
        there.attest(owner, (0,), there.checkpoint(epoch=2))
    with refuses(inbox.WrongChainId, expected=there.bridge.chain_id, got=5):
        there.attest(owner, (0,), there.checkpoint(destination_chain_id=5))


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
        side.registry.initialise(([], 2, 0, 0), sender=owner)


def test_a_set_that_one_key_could_speak_for_is_refused(
    project, bridge: Bridge, owner, governance
) -> None:
    registry = project.SignerRegistry.deploy(governance, HOUR_S, HOUR_S, sender=owner)
    with refuses(registry.InvalidWeight, index=0, weight=1, threshold=1):
        registry.initialise(signer_set(bridge.verifier, (1, 2, 3), 1), sender=owner)
    with refuses(registry.InvalidSignerCount, signers=2, minimum=3, maximum=256):
        registry.initialise(signer_set(bridge.verifier, (1, 2), 2), sender=owner)
    with refuses(registry.DuplicateKey, first=0, second=1):
        registry.initialise(signer_set(bridge.verifier, (1, 1, 2), 2), sender=owner)


def test_isolation_takes_back_what_a_test_did(attested: Route) -> None:
    assert attested.origin.outbox.count() == 2
    assert not attested.destination.inbox.delivered(A, 0)
    assert attested.destination.postcard.received() == 0


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
