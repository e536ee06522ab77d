"""The modules on Hyperlane's own Mailbox: what passes, and every way in which nothing does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from bridge.chain.abi import decode, encode_call, selector
from bridge.domain.messages import Message
from bridge.testing import GUARDIAN, OWNER, STRANGER, Deployed, Reverted, World, padded, reverts
from tests.contracts.conftest import A, B
from tests.contracts.hyperlane_world import (
    HYPERLANE_A,
    HYPERLANE_B,
    URLS,
    Hyperlane,
    says,
)
from tests.contracts.test_hyperlane_hook import TAG


@pytest.fixture
def lane(world: World) -> Hyperlane:
    return Hyperlane.built(world)


@pytest.fixture(params=["null", "ccip"])
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def ready(lane: Hyperlane, to: str, message: bytes) -> bytes:
    """The metadata with which ``message``, the last that was dispatched, passes."""
    lane.attest()
    index = len(lane.world.a.messages) - 1
    if to == "ccip":
        return lane.metadata(index)
    lane.deliver(index)
    return b""


def announce(lane: Hyperlane, hyperlane_id: bytes, tag: bytes = TAG, to: str = "null") -> int:
    """A stranger's message with the body of an announcement; its nonce."""
    ism = lane.null_ism if to == "null" else lane.ccip_ism
    lane.world.a.outbox.send(
        "dispatch", B, padded(ism.address), tag + hyperlane_id, sender=STRANGER
    )
    lane.world.a.sync()
    return len(lane.world.a.messages) - 1


# What passes


def test_a_message_passes_once_it_is_attested(lane: Hyperlane, kind: str) -> None:
    message = lane.dispatch(kind, b"hello")
    metadata = ready(lane, kind, message)
    assert not lane.mailbox_b.call("delivered", keccak(message))
    lane.process(message, metadata)
    assert lane.received(kind) == (padded(STRANGER), b"hello")
    with pytest.raises(Reverted) as caught:
        lane.process(message, metadata)
    assert says(caught.value, "Mailbox: already delivered")


def test_both_modules_serve_one_hook(lane: Hyperlane) -> None:
    """An announcement is to the NULL module, and proof enough for the other."""
    message = lane.dispatch("ccip")
    metadata = ready(lane, "ccip", message)
    lane.deliver(0)
    lane.process(message, metadata)
    assert lane.null_ism.call("verify", b"", message) is True


def test_each_of_many_messages_passes_by_its_own_proof(lane: Hyperlane) -> None:
    messages = [lane.dispatch("ccip", bytes([number])) for number in range(5)]
    lane.attest()
    for index in (3, 0, 4):
        lane.process(messages[index], lane.metadata(index))
        assert lane.received("ccip")[1] == bytes([index])
    with reverts("WrongHyperlaneMessage", keccak(messages[1]), keccak(messages[2])):
        lane.process(messages[1], lane.metadata(2))


def test_the_ccip_module_takes_its_announcement_and_keeps_nothing(lane: Hyperlane) -> None:
    a = lane.world.a
    hook = a.machine.deploy(
        "HyperlaneHook", a.outbox.address, a.inbox.address, lane.mailbox_a.address, OWNER
    )
    b = lane.world.b
    ism = b.machine.deploy("HyperlaneCcipReadIsm", b.outbox.address, b.inbox.address, OWNER)
    hook.send("enrolDomain", HYPERLANE_B, B, padded(ism.address))
    ism.send("enrolDomain", HYPERLANE_A, A, padded(hook.address))
    lane.mailbox_a.send("setDefaultHook", hook.address)
    lane.recipients["ccip"].send("setInterchainSecurityModule", ism.address)
    message = lane.dispatch("ccip")
    lane.attest()
    (event,) = lane.deliver(0).events(ism)
    assert event.arguments == {"origin": A, "hyperlaneId": keccak(message)}
    with reverts("MalformedMetadata", 0):
        lane.process(message)
    lane.process(message, lane.metadata(0))


def test_they_say_what_they_are(lane: Hyperlane) -> None:
    assert (lane.null_ism.call("moduleType"), lane.ccip_ism.call("moduleType")) == (6, 7)


# What was not announced


def test_a_message_that_is_not_attested_does_not_pass(lane: Hyperlane, kind: str) -> None:
    message = lane.dispatch(kind)
    if kind == "null":
        with reverts("NotAttested", A, keccak(message)):
            lane.process(message)
        lane.attest()
        with reverts("NotAttested", A, keccak(message)):  # attested, and not yet delivered
            lane.process(message)
    else:
        with reverts("RootNotAttested", A, lane.world.a.tree.root()):
            lane.process(message, lane.metadata(0))
    assert not lane.mailbox_b.call("delivered", keccak(message))


def test_nor_does_another_that_looks_like_it(lane: Hyperlane, kind: str) -> None:
    message = lane.dispatch(kind, b"pay 1")
    metadata = ready(lane, kind, message)
    forged = message[:-1] + b"9"
    if kind == "null":
        with reverts("NotAttested", A, keccak(forged)):
            lane.process(forged)
    else:
        with reverts("WrongHyperlaneMessage", keccak(forged), keccak(message)):
            lane.process(forged, metadata)


def test_an_announcement_of_anybody_else_is_none(lane: Hyperlane, kind: str) -> None:
    """CrossCurve: whatever enters says who sent it, and that is looked at."""
    forged = Message(
        9, HYPERLANE_A, padded(OWNER), HYPERLANE_B, padded(lane.recipients[kind].address), b"x"
    ).encode()
    index = announce(lane, keccak(forged), to=kind)
    lane.attest()
    with reverts("RecipientReverted") as caught:
        lane.deliver(index)
    refusal = encode_call("NotPeer(uint32,bytes32)", A, padded(STRANGER))
    assert caught.value.arguments[1] == refusal
    if kind == "null":
        with reverts("NotAttested", A, keccak(forged)):
            lane.process(forged)
    else:
        with reverts("NotPeer", A, padded(STRANGER)):
            lane.process(forged, lane.metadata(index))


def test_only_the_inbox_announces(lane: Hyperlane) -> None:
    for ism in (lane.null_ism, lane.ccip_ism):
        with reverts("NotInbox", STRANGER.lower()):
            ism.send("handle", A, padded(lane.hook.address), TAG + bytes(32), sender=STRANGER)


def trusting(lane: Hyperlane, name: str, sender: str) -> Deployed:
    """A module that takes ``sender`` on A for the hook."""
    b = lane.world.b
    ism = b.machine.deploy(name, b.outbox.address, b.inbox.address, OWNER)
    ism.send("enrolDomain", HYPERLANE_A, A, padded(sender))
    return ism


@pytest.mark.parametrize(
    ("body", "tag"),
    [
        (b"", bytes(32)),
        (TAG, TAG),
        (TAG + b"\7" * 31, TAG),
        (TAG + b"\7" * 33, TAG),
        (b"\7" * 32 + TAG, b"\7" * 32),
        (b"\7" * 31, bytes(32)),
    ],
    ids=lambda value: str(len(value)),
)
def test_another_body_is_no_announcement(lane: Hyperlane, body: bytes, tag: bytes) -> None:
    ccip, message = trusting(lane, "HyperlaneCcipReadIsm", STRANGER), lane.dispatch("ccip")
    null = trusting(lane, "HyperlaneNullIsm", STRANGER)
    for ism in (ccip, null):
        lane.world.a.outbox.send("dispatch", B, padded(ism.address), body, sender=STRANGER)
    lane.world.a.sync()
    lane.attest()
    refusal = encode_call("NotAnnouncement(uint256,bytes32)", len(body), tag)
    for index in (1, 2):
        with reverts("RecipientReverted") as caught:
            lane.deliver(index)
        assert caught.value.arguments[1] == refusal
    with reverts("NotAnnouncement", len(body), tag):
        ccip.send("verify", lane.metadata(1), message)


# Origins


def test_one_chain_does_not_speak_for_another(lane: Hyperlane, kind: str) -> None:
    """A message that claims to be of a chain other than the one whose hook announced it."""
    ism = lane.null_ism if kind == "null" else lane.ccip_ism
    other = 1007
    ism.send("enrolDomain", other, 7, padded(lane.hook.address))
    claims = Message(
        0, other, padded(STRANGER), HYPERLANE_B, padded(lane.recipients[kind].address), b"x"
    ).encode()
    # What the hook's own chain would have to say: a module that believes a stranger there stands
    # for a Mailbox that lies.
    lying = trusting(
        lane, "HyperlaneNullIsm" if kind == "null" else "HyperlaneCcipReadIsm", STRANGER
    )
    lying.send("enrolDomain", other, 7, padded(STRANGER))
    lane.world.a.outbox.send(
        "dispatch", B, padded(lying.address), TAG + keccak(claims), sender=STRANGER
    )
    lane.world.a.sync()
    lane.attest()
    lane.deliver(0)
    if kind == "null":
        assert lying.call("attested", A, keccak(claims))
        with reverts("NotAttested", 7, keccak(claims)):
            lying.send("verify", b"", claims)
    else:
        with reverts("WrongOrigin", 7, A):
            lying.send("verify", lane.metadata(0), claims)


def test_an_origin_that_nobody_enrolled_is_refused(lane: Hyperlane, kind: str) -> None:
    message = lane.dispatch(kind)
    metadata = ready(lane, kind, message)
    decoded = Message.decode(message)
    for origin in (A, 1003):
        with reverts("UnknownHyperlaneDomain", origin):
            lane.process(replace(decoded, origin=origin).encode(), metadata)


# Metadata


def test_the_null_module_takes_no_metadata(lane: Hyperlane) -> None:
    message = lane.dispatch("null")
    ready(lane, "null", message)
    for metadata in (b"\0", bytes(32)):
        with reverts("UnexpectedMetadata", len(metadata)):
            lane.process(message, metadata)
    lane.process(message)


def test_a_message_without_a_header_is_refused(lane: Hyperlane) -> None:
    message = lane.dispatch("null", b"")[:-1]
    for ism in (lane.null_ism, lane.ccip_ism):
        with reverts("HyperlaneMessageTooShort", 76, 77):
            ism.send("verify", b"", message)
    with reverts("HyperlaneMessageTooShort", 76, 77):
        lane.ccip_ism.call("getOffchainVerifyInfo", message)


def test_metadata_has_one_encoding(lane: Hyperlane) -> None:
    """Every word of it is needed; nothing stands before, between or behind."""
    message = lane.dispatch("ccip")
    good = ready(lane, "ccip", message)
    assert len(good) == 320  # heads 64, proof 32 + 32, announcement 32 + 153 and 7 zeros
    bad = [b"", good[:31], good[:64], good[:-32], good[:-1], good + b"\0", good + bytes(32)]
    for at in (0, 32, 64, 128):  # both offsets and both lengths
        word = int.from_bytes(good[at : at + 32])
        bad += [
            good[:at] + value.to_bytes(32) + good[at + 32 :]
            for value in (0, word + 32, word - 32, word + 2**255, 2**256 - 1)
            if 0 <= value < 2**256 and value != word
        ]
    bad += [good[:at] + b"\1" + good[at + 1 :] for at in range(320 - 7, 320)]
    for metadata in bad:
        with pytest.raises(Reverted) as caught:
            lane.process(message, metadata)
        assert caught.value.name in ("MalformedMetadata", "MetadataTooShort"), metadata.hex()
    lane.process(message, good)


def test_what_is_proved_must_stand_under_the_root(lane: Hyperlane) -> None:
    lane.dispatch("ccip", b"first")
    message = lane.dispatch("ccip", b"second")
    lane.attest()
    proof, announcement = lane.world.metadata(lane.world.a, 1), lane.world.a.messages[1]

    def packed(proof: bytes, announcement: bytes) -> bytes:
        return encode(["bytes", "bytes"], [proof, announcement])

    forged = Message.decode(announcement)
    forged = replace(forged, body=TAG + keccak(message[:-1]))
    for metadata, error in (
        (packed(proof, forged.encode()), "ProofMismatch"),
        (packed(proof[:32] + bytes(32), announcement), "ProofMismatch"),
        (packed(proof[:32], announcement), "WrongProofLength"),
        (packed(proof + bytes(32), announcement), "WrongProofLength"),
        (packed(b"", announcement), "MetadataTooShort"),
        (packed(bytes(64), announcement), "ZeroRoot"),
        (packed(b"\7" * 64, announcement), "RootNotAttested"),
        (packed(proof, announcement[:88]), "MessageTooShort"),
        (packed(proof, message), "WrongDestination"),
        (packed(proof, b""), "MessageTooShort"),
    ):
        with reverts(error):
            lane.process(message, metadata)
    lane.process(message, packed(proof, announcement))


def test_a_denied_root_and_a_paused_origin_prove_nothing(lane: Hyperlane) -> None:
    message = lane.dispatch("ccip")
    metadata = ready(lane, "ccip", message)
    inbox = lane.world.b.inbox
    with lane.world.b.machine.undone():
        inbox.send("denyRoot", A, lane.world.a.tree.root(), sender=GUARDIAN)
        with reverts("RootNotAttested"):
            lane.process(message, metadata)
    inbox.send("pause", A, sender=GUARDIAN)
    with reverts("DomainPaused", A):
        lane.process(message, metadata)
    inbox.send("unpause", A, sender=GUARDIAN)
    lane.process(message, metadata)


# EIP-3668


def test_what_to_fetch_is_told_by_a_revert(lane: Hyperlane) -> None:
    message = lane.dispatch("ccip")
    with reverts("OffchainLookup") as caught:
        lane.ccip_ism.call("getOffchainVerifyInfo", message)
    sender, urls, data, callback, extra = caught.value.arguments
    assert caught.value.data[:4] == bytes.fromhex("556f1830")  # as EIP-3668 has it
    assert (sender, list(urls)) == (lane.ccip_ism.address.lower(), URLS)
    assert callback == selector("verify(bytes,bytes)")
    assert extra == message
    assert data[:4] == selector("hyperlaneProof(uint32,bytes32,uint32,bytes32)")
    asked = decode(["uint32", "bytes32", "uint32", "bytes32"], data[4:])
    assert asked == (A, padded(lane.hook.address), B, keccak(message))


def test_nobody_is_sent_to_fetch_for_an_unknown_chain(lane: Hyperlane) -> None:
    message = replace(Message.decode(lane.dispatch("ccip")), origin=1003).encode()
    with reverts("UnknownHyperlaneDomain", 1003):
        lane.ccip_ism.call("getOffchainVerifyInfo", message)


def test_the_owner_says_where_to_fetch(lane: Hyperlane) -> None:
    for urls in (["http://one/{data}"], ["http://two", "http://three/{sender}/{data}"]):
        (event,) = lane.ccip_ism.send("setUrls", urls).events(lane.ccip_ism)
        assert list(event.arguments["urls"]) == urls
        assert list(lane.ccip_ism.call("urls")) == urls
    with reverts("NoUrls"):
        lane.ccip_ism.send("setUrls", [])
    with reverts("NotOwner", STRANGER.lower()):
        lane.ccip_ism.send("setUrls", URLS, sender=STRANGER)


def test_modules_enrol_by_their_owner(lane: Hyperlane) -> None:
    for ism in (lane.null_ism, lane.ccip_ism):
        with reverts("NotOwner", STRANGER.lower()):
            ism.send("enrolDomain", 1003, 3, padded(OWNER), sender=STRANGER)
        with reverts("HyperlaneDomainKnown", HYPERLANE_A, A):
            ism.send("enrolDomain", HYPERLANE_A, 3, padded(OWNER))
        with reverts("PeerKnown", A):
            ism.send("enrolDomain", 1003, A, padded(OWNER))
