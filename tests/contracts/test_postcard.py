"""The sample application: it answers its peer, and nobody else may speak to it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from eth_abi.abi import encode

from bridge.chain.abi import encode_call
from bridge.domain.messages import Message
from bridge.testing import World, padded
from bridge.testing.machine import OWNER, STRANGER, Deployed, reverts
from tests.contracts.conftest import A, B


def body(kind: int, text: str) -> bytes:
    return encode(["uint8", "string"], [kind, text])


@dataclass
class Pair:
    """A Postcard on each chain."""

    world: World
    a: Deployed
    b: Deployed

    def texts(self, postcard: Deployed) -> list[str]:
        """What it received, in order."""
        found = []
        for address, topics, data in postcard.machine.logs:
            event = postcard.artifact.event(topics, data) if address == postcard.address else None
            if event is not None and event.name == "Received":
                found.append(event.arguments["text"])
        return found


@pytest.fixture
def pair(world: World) -> Pair:
    a, b = (
        side.machine.deploy("Postcard", side.outbox.address, side.inbox.address, OWNER)
        for side in (world.a, world.b)
    )
    a.send("enrolPeer", B, padded(b.address))
    b.send("enrolPeer", A, padded(a.address))
    return Pair(world, a, b)


def refused(pair: Pair, index: int) -> bytes:
    """What the Postcard on B reverts with when message ``index`` of A is delivered to it."""
    pair.world.a.sync()
    pair.world.attest(pair.world.a, pair.world.b)
    with reverts("RecipientReverted") as caught:
        pair.world.process(pair.world.a, pair.world.b, index)
    reason: bytes = caught.value.arguments[1]
    return reason


def test_a_text_is_answered_and_an_answer_is_not(pair: Pair) -> None:
    pair.a.send("send", B, bytes(32), "hello", sender=STRANGER)
    assert pair.world.relay() == 2
    assert pair.texts(pair.b) == ["hello"]
    assert pair.texts(pair.a) == ["Received: hello"]
    assert (pair.a.call("received"), pair.b.call("received")) == (1, 1)


def test_a_postcard_goes_to_the_peer(pair: Pair) -> None:
    sent = pair.a.send("send", B, bytes(32), "hello")
    message = Message.decode(sent.events(pair.world.a.outbox)[0].arguments["message"])
    assert (message.sender, message.recipient) == (padded(pair.a.address), padded(pair.b.address))
    assert message.body == body(0, "hello")
    assert sent.events(pair.a)[0].arguments["text"] == "hello"


def test_answers_are_paid_from_what_the_contract_holds(pair: Pair) -> None:
    pair.world.b.outbox.send("setFeeSchedule", A, (1, 0, 0))
    pair.a.send("send", B, bytes(32), "hello")
    fee = pair.world.b.outbox.call("quoteDispatch", A, padded(pair.a.address), b"")
    assert refused(pair, 0) == b""  # it has nothing to pay with
    pair.world.b.machine.raw_call(pair.b.address, b"", OWNER, static=False, value=fee)
    pair.world.process(pair.world.a, pair.world.b, 0)
    assert pair.world.b.machine.evm.get_balance(pair.b.address) == 0


def test_only_the_inbox_delivers(pair: Pair) -> None:
    with reverts("NotInbox", OWNER.lower()):
        pair.b.send("handle", A, padded(pair.a.address), body(0, "forged"))


def test_only_the_peer_is_heard(pair: Pair) -> None:
    pair.world.a.outbox.send("dispatch", B, padded(pair.b.address), body(0, "forged"))
    assert refused(pair, 0) == encode_call("NotPeer(uint32,bytes32)", A, padded(OWNER))


def test_nor_is_the_peers_address_on_another_chain(pair: Pair) -> None:
    """The same address on another domain is somebody else."""
    own = pair.world.b
    alone = own.machine.deploy("Postcard", own.outbox.address, own.inbox.address, OWNER)
    alone.send("enrolPeer", 9, padded(OWNER))
    pair.world.a.outbox.send("dispatch", B, padded(alone.address), body(0, "forged"))
    assert refused(pair, 0) == encode_call("NotPeer(uint32,bytes32)", A, padded(OWNER))


def test_a_text_over_the_limit_is_refused(pair: Pair) -> None:
    limit = pair.a.call("MAX_TEXT_BYTES")
    with reverts("TextTooLong", limit + 1, limit):
        pair.a.send("send", B, bytes(32), "x" * (limit + 1))


def test_the_longest_text_is_delivered_and_answered(pair: Pair) -> None:
    """With the gas that a message has when nothing else is said."""
    limit = pair.a.call("MAX_TEXT_BYTES")
    pair.a.send("send", B, bytes(32), "x" * limit)
    assert pair.world.relay() == 2
    assert pair.texts(pair.a) == ["Received: " + "x" * limit]


def test_peers_are_set_once_and_by_the_owner(pair: Pair) -> None:
    with reverts("NotOwner", STRANGER.lower()):
        pair.a.send("enrolPeer", 5, padded(OWNER), sender=STRANGER)
    with reverts("PeerKnown", B):
        pair.a.send("enrolPeer", B, padded(OWNER))


def test_an_application_over_half_a_bridge_is_not_deployed(pair: Pair) -> None:
    own = pair.world.a
    nobody = "0x" + "cc" * 20
    other = own.machine.deploy("Outbox", 9, (OWNER, STRANGER, 3600))
    for outbox, inbox in (
        (nobody, own.inbox.address),
        (own.outbox.address, nobody),
        (other.address, own.inbox.address),
    ):
        with reverts("InvalidBridge", outbox.lower(), inbox.lower()):
            own.machine.deploy("Postcard", outbox, inbox, OWNER)
