"""The hook: it announces what its Mailbox just dispatched, pays for it, and nothing else."""

from __future__ import annotations

import pytest
from eth_abi.packed import encode_packed
from eth_utils.crypto import keccak

from bridge.chain.abi import encode_call
from bridge.domain.messages import Message
from bridge.testing import OWNER, STRANGER, World, padded, reverts
from tests.contracts.conftest import REFUSES, A, B
from tests.contracts.hyperlane_world import HYPERLANE_A, HYPERLANE_B, Hyperlane

TAG = keccak(b"astralink/hyperlane/dispatched/v1")
SCHEDULE = (3, 100_000, 16)
FEE = 3 * (100_000 + 60_000 + 64 * 16)
REFUNDED = "0x" + "fe" * 20
NOBODY = "0x" + "00" * 20


@pytest.fixture
def lane(world: World) -> Hyperlane:
    return Hyperlane.built(world)


@pytest.fixture
def charging(lane: Hyperlane) -> Hyperlane:
    lane.world.a.outbox.send("setFeeSchedule", B, SCHEDULE)
    return lane


def metadata(refund: str = REFUNDED, *token: str, variant: int = 1) -> bytes:
    types = ["uint16", "uint256", "uint256", "address"] + ["address"] * len(token)
    return encode_packed(types, [variant, 7, 250_000, refund, *token])


def dispatch(lane: Hyperlane, data: bytes, value: int, hook: str | None = None) -> None:
    recipient = padded(lane.recipients["null"].address)
    more = () if hook is None else (hook,)
    lane.mailbox_a.send(
        "dispatch", HYPERLANE_B, recipient, b"body", data, *more, sender=STRANGER, value=value
    )


def balance(lane: Hyperlane, address: str) -> int:
    return int(lane.world.a.machine.evm.get_balance(address))


def test_a_dispatch_of_the_mailbox_is_announced_to_the_module(lane: Hyperlane) -> None:
    message = lane.dispatch("null")
    (announced,) = (Message.decode(one) for one in lane.world.a.messages)
    assert (announced.origin, announced.destination) == (A, B)
    assert announced.sender == padded(lane.hook.address)
    assert announced.recipient == padded(lane.null_ism.address)
    assert announced.body == TAG + keccak(message)
    assert (announced.gas_limit, announced.deadline) == (60_000, 0)
    logs = [
        lane.hook.artifact.event(topics, data)
        for address, topics, data in lane.world.a.machine.logs
        if address == lane.hook.address
    ]
    assert logs[-1] is not None
    assert logs[-1].arguments == {
        "hyperlaneId": keccak(message),
        "messageId": lane.world.a.tree.leaf(0),
    }


def test_it_says_what_it_is(lane: Hyperlane) -> None:
    assert lane.hook.call("hookType") == 6
    assert lane.hook.call("mailbox") == lane.mailbox_a.address.lower()
    assert lane.hook.call("domainOf", HYPERLANE_B) == B


def test_what_the_mailbox_did_not_dispatch_is_not_announced(lane: Hyperlane) -> None:
    """Else anybody could have made-up messages attested."""
    latest = keccak(lane.dispatch("null"))
    forged = Message(
        1, HYPERLANE_A, padded(OWNER), HYPERLANE_B, padded(lane.recipients["null"].address), b"x"
    ).encode()
    with reverts("NotDispatched", keccak(forged), latest):
        lane.hook.send("postDispatch", b"", forged, sender=STRANGER)
    with reverts("NotDispatched", keccak(b""), latest):
        lane.hook.send("postDispatch", b"", b"", sender=STRANGER)
    assert lane.world.a.outbox.call("count") == 1


def test_nor_is_what_it_dispatched_before(lane: Hyperlane) -> None:
    first, second = lane.dispatch("null", b"first"), lane.dispatch("null", b"second")
    with reverts("NotDispatched", keccak(first), keccak(second)):
        lane.hook.send("postDispatch", b"", first)


def test_the_latest_may_be_announced_again_by_who_pays(charging: Hyperlane) -> None:
    message = charging.dispatch("null", value=FEE)
    with reverts("FeeTooLow", FEE, 0):
        charging.hook.send("postDispatch", b"", message, sender=STRANGER)
    charging.hook.send("postDispatch", b"", message, sender=STRANGER, value=FEE)
    charging.world.a.sync()
    bodies = [Message.decode(one).body for one in charging.world.a.messages]
    assert bodies == [TAG + keccak(message)] * 2


def test_another_destination_is_refused(lane: Hyperlane) -> None:
    with reverts("UnknownHyperlaneDomain", 77):
        lane.mailbox_a.send("dispatch", 77, padded(OWNER), b"")
    message = Message(0, HYPERLANE_A, padded(OWNER), 77, padded(OWNER), b"").encode()
    with reverts("UnknownHyperlaneDomain", 77):
        lane.hook.call("quoteDispatch", b"", message)
    # The bridge's own number of that chain is none of Hyperlane's.
    with reverts("UnknownHyperlaneDomain", B):
        lane.mailbox_a.send("dispatch", B, padded(OWNER), b"")


# Fees


def test_the_mailbox_quotes_the_fee_and_less_is_refused(charging: Hyperlane) -> None:
    recipient = padded(charging.recipients["null"].address)
    assert charging.mailbox_a.call("quoteDispatch", HYPERLANE_B, recipient, b"body") == FEE
    with reverts("FeeTooLow", FEE, FEE - 1):
        charging.dispatch("null", value=FEE - 1)
    assert charging.world.a.outbox.call("count") == 0
    charging.dispatch("null", value=FEE)
    assert balance(charging, charging.world.a.outbox.address) == FEE
    assert balance(charging, charging.hook.address) == 0


def test_the_excess_goes_back_to_the_sender_of_the_message(charging: Hyperlane) -> None:
    before = balance(charging, STRANGER)
    charging.dispatch("null", value=FEE + 500)
    assert balance(charging, STRANGER) == before - FEE


def test_or_to_whom_the_metadata_names(charging: Hyperlane) -> None:
    before = balance(charging, STRANGER)
    dispatch(charging, metadata(), FEE + 500)
    assert balance(charging, STRANGER) == before - FEE - 500
    assert balance(charging, REFUNDED) == 500
    # Metadata that ends before its refund address names nobody.
    dispatch(charging, metadata()[:85], FEE + 500)
    assert balance(charging, STRANGER) == before - 2 * FEE - 500


def test_an_excess_that_nobody_takes_undoes_the_dispatch(charging: Hyperlane) -> None:
    refuses = charging.world.a.machine.deploy_code(REFUSES)
    with reverts("RefundFailed", refuses.lower(), 1):
        dispatch(charging, metadata(refuses), FEE + 1)
    with reverts("RefundFailed", charging.hook.address.lower(), 1):
        dispatch(charging, metadata(NOBODY), FEE + 1)
    dispatch(charging, metadata(NOBODY), FEE)


def test_as_required_hook_it_is_paid_what_it_quotes(charging: Hyperlane) -> None:
    """And the rest goes to the other hook; here to the same one, as the hook of the dispatch."""
    charging.mailbox_a.send("setRequiredHook", charging.hook.address)
    recipient = padded(charging.recipients["null"].address)
    arguments = (HYPERLANE_B, recipient, b"body", metadata(), charging.hook.address)
    assert charging.mailbox_a.call("quoteDispatch", *arguments) == 2 * FEE
    with reverts("FeeTooLow", FEE, FEE - 1):
        dispatch(charging, metadata(), 2 * FEE - 1, charging.hook.address)
    dispatch(charging, metadata(), 2 * FEE + 5, charging.hook.address)
    assert charging.world.a.outbox.call("count") == 2
    assert balance(charging, REFUNDED) == 5


# Metadata


@pytest.mark.parametrize(
    ("data", "good"),
    [
        (b"", True),
        (metadata(), True),
        (b"\0\1", True),
        (metadata(REFUNDED, NOBODY), True),
        (metadata()[:86] + b"\1" * 19, True),
        (b"\0", False),
        (b"\1", False),
        (metadata(variant=0), False),
        (metadata(variant=2), False),
        (metadata(variant=0x0101), False),
        (metadata(REFUNDED, STRANGER), False),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, bytes) else None,
)
def test_metadata_is_standard_and_pays_in_ether(lane: Hyperlane, data: bytes, good: bool) -> None:
    assert lane.hook.call("supportsMetadata", data) is good
    message = lane.dispatch("null")
    if good:
        lane.hook.call("quoteDispatch", data, message)
        lane.hook.send("postDispatch", data, message)
        return
    with reverts("UnsupportedMetadata", len(data)):
        lane.hook.call("quoteDispatch", data, message)
    with reverts("UnsupportedMetadata", len(data)):
        lane.hook.send("postDispatch", data, message)


def test_a_quote_for_no_message_is_refused(lane: Hyperlane) -> None:
    message = lane.dispatch("null", b"")
    assert len(message) == 77
    lane.hook.call("quoteDispatch", b"", message)
    with reverts("HyperlaneMessageTooShort", 76, 77):
        lane.hook.call("quoteDispatch", b"", message[:-1])


# Who may do what


def test_a_hook_takes_no_messages(lane: Hyperlane) -> None:
    """Not even of its module."""
    world = lane.world
    world.b.outbox.send("dispatch", A, padded(lane.hook.address), b"")
    world.b.sync()
    world.attest(world.b, world.a)
    with reverts("RecipientReverted") as caught:
        world.process(world.b, world.a, 0)
    assert caught.value.arguments[1] == encode_call("NotPeer(uint32,bytes32)", B, padded(OWNER))
    a = world.a
    other = a.machine.deploy(
        "HyperlaneHook", a.outbox.address, a.inbox.address, lane.mailbox_a.address, OWNER
    )
    other.send("enrolDomain", HYPERLANE_B, B, padded(OWNER))
    world.b.outbox.send("dispatch", A, padded(other.address), b"")
    world.b.sync()
    world.attest(world.b, world.a)
    with reverts("RecipientReverted") as caught:
        world.process(world.b, world.a, 1)
    assert caught.value.arguments[1] == encode_call("NothingTaken(uint32)", B)


def test_domains_are_enrolled_by_the_owner_and_each_once(lane: Hyperlane) -> None:
    peer = padded(lane.null_ism.address)
    with reverts("NotOwner", STRANGER.lower()):
        lane.hook.send("enrolDomain", 1003, 3, peer, sender=STRANGER)
    with reverts("InvalidHyperlaneDomain", 0):
        lane.hook.send("enrolDomain", 0, 3, peer)
    with reverts("HyperlaneDomainKnown", HYPERLANE_B, B):
        lane.hook.send("enrolDomain", HYPERLANE_B, 3, peer)
    with reverts("PeerKnown", B):
        lane.hook.send("enrolDomain", 1003, B, peer)
    for domain, bad in ((0, peer), (A, peer), (3, bytes(32))):
        with reverts("InvalidPeer", domain, bad):
            lane.hook.send("enrolDomain", 1003, domain, bad)
    assert lane.hook.call("domainOf", 1003) == 0
    lane.hook.send("enrolDomain", 1003, 3, peer)
    assert lane.hook.call("domainOf", 1003) == 3


def test_a_hook_of_no_mailbox_is_not_deployed(lane: Hyperlane) -> None:
    a = lane.world.a
    with reverts("MailboxHasNoCode", STRANGER.lower()):
        a.machine.deploy("HyperlaneHook", a.outbox.address, a.inbox.address, STRANGER, OWNER)
