"""The sample application: it answers its peer, and nobody else may speak to it."""

import pytest
from eth_abi.abi import encode

from bridge.domain.messages import Message
from tests.contracts.conftest import A, B, World, padded
from tests.contracts.machine import OWNER, STRANGER, Deployed, reverts

PEER = b"\x0d".rjust(32, b"\0")
INBOX = STRANGER


def body(kind: int, text: str) -> bytes:
    return encode(["uint8", "string"], [kind, text])


@pytest.fixture
def postcard(world: World) -> Deployed:
    made = world.machine.deploy("Postcard", world.outbox.address, INBOX, OWNER)
    made.send("enrolPeer", B, PEER)
    return made


def test_a_postcard_goes_to_the_peer(world: World, postcard: Deployed) -> None:
    sent = postcard.send("send", B, bytes(32), "hello")
    message = Message.decode(sent.events(world.outbox)[0].arguments["message"])
    assert (message.sender, message.recipient) == (padded(postcard.address), PEER)
    assert message.body == body(0, "hello")
    assert sent.events(postcard)[0].arguments["text"] == "hello"


def test_a_text_is_answered_and_an_answer_is_not(world: World, postcard: Deployed) -> None:
    sent = postcard.send("handle", B, PEER, body(0, "hello"), sender=INBOX)
    (received,) = sent.events(postcard)
    assert received.arguments["text"] == "hello"
    answer = Message.decode(sent.events(world.outbox)[0].arguments["message"])
    assert answer.body == body(1, "Received: hello")
    assert (answer.origin, answer.destination, answer.recipient) == (A, B, PEER)

    quiet = postcard.send("handle", B, PEER, body(1, "Received: hello"), sender=INBOX)
    assert quiet.events(world.outbox) == []
    assert postcard.call("received") == 2


def test_only_the_inbox_delivers(postcard: Deployed) -> None:
    with reverts("NotInbox", OWNER.lower()):
        postcard.send("handle", B, PEER, body(0, "forged"), sender=OWNER)


@pytest.mark.parametrize(("origin", "sender"), [(B, b"\x0e".rjust(32, b"\0")), (9, PEER)])
def test_only_the_peer_is_heard(postcard: Deployed, origin: int, sender: bytes) -> None:
    with reverts("NotPeer", origin, sender):
        postcard.send("handle", origin, sender, body(0, "forged"), sender=INBOX)


def test_the_zero_sender_is_nobodys_peer(postcard: Deployed) -> None:
    with reverts("NotPeer", 9, bytes(32)):
        postcard.send("handle", 9, bytes(32), body(0, "forged"), sender=INBOX)


def test_a_text_over_the_limit_is_refused(postcard: Deployed) -> None:
    limit = postcard.call("MAX_TEXT_BYTES")
    postcard.send("send", B, bytes(32), "x" * limit)
    with reverts("TextTooLong", limit + 1, limit):
        postcard.send("send", B, bytes(32), "x" * (limit + 1))


def test_the_longest_text_can_be_answered(world: World, postcard: Deployed) -> None:
    limit = postcard.call("MAX_TEXT_BYTES")
    sent = postcard.send("handle", B, PEER, body(0, "x" * limit), sender=INBOX)
    assert len(sent.events(world.outbox)) == 2


def test_peers_are_set_once_and_by_the_owner(postcard: Deployed) -> None:
    with reverts("NotOwner", STRANGER.lower()):
        postcard.send("enrolPeer", 5, PEER, sender=STRANGER)
    with reverts("PeerKnown", B):
        postcard.send("enrolPeer", B, PEER)
