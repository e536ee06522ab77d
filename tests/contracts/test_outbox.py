"""The Outbox: Hyperlane's layout, the incremental tree, and what it refuses."""

import pytest

from bridge.crypto.digests import message_id
from bridge.crypto.merkle import root as naive_root
from bridge.domain.messages import Message
from tests.contracts.conftest import A, B, World
from tests.contracts.machine import OWNER, STRANGER, Machine, reverts

RECIPIENT = b"\x07".rjust(32, b"\0")


def test_a_message_has_hyperlanes_layout(world: World) -> None:
    sent = world.outbox.send("dispatch", B, RECIPIENT, b"body", sender=STRANGER)
    dispatch, dispatch_id = sent.events(world.outbox)
    expected = Message(
        nonce=0,
        origin=A,
        sender=bytes.fromhex(STRANGER[2:]).rjust(32, b"\0"),
        destination=B,
        recipient=RECIPIENT,
        body=b"body",
    )
    assert dispatch.arguments["message"] == expected.encode()
    assert Message.decode(dispatch.arguments["message"]) == expected
    assert dispatch_id.arguments["messageId"] == message_id(expected) == sent.output


def test_the_root_equals_the_reference_at_every_size(world: World) -> None:
    assert world.outbox.call("root") == bytes(32)
    for size in range(1, 70):
        world.dispatch(RECIPIENT, size.to_bytes(2))
        assert world.outbox.call("count") == size
        leaves = [world.tree.leaf(index) for index in range(size)]
        assert world.outbox.call("root") == world.tree.root() == naive_root(leaves)


def test_an_unknown_destination_is_refused(world: World) -> None:
    with reverts("UnknownDestination", 77):
        world.outbox.send("dispatch", 77, RECIPIENT, b"")
    assert world.outbox.call("count") == 0


def test_a_body_at_the_limit_is_taken_and_one_over_it_refused(world: World) -> None:
    limit = world.outbox.call("MAX_BODY_BYTES")
    assert limit == 8192
    world.outbox.send("dispatch", B, RECIPIENT, b"\1" * limit)
    with reverts("BodyTooLong", limit + 1, limit):
        world.outbox.send("dispatch", B, RECIPIENT, b"\1" * (limit + 1))
    assert world.outbox.call("count") == 1


def test_the_zero_recipient_is_refused(world: World) -> None:
    with reverts("ZeroRecipient"):
        world.outbox.send("dispatch", B, bytes(32), b"")


def test_only_the_owner_opens_routes_and_each_once(world: World) -> None:
    with reverts("NotOwner", STRANGER.lower()):
        world.outbox.send("enrolDestination", 5, sender=STRANGER)
    world.outbox.send("enrolDestination", 5)
    assert world.outbox.call("isDestination", 5)
    with reverts("DestinationKnown", 5):
        world.outbox.send("enrolDestination", 5)


@pytest.mark.parametrize("domain", [0, A])
def test_no_route_leads_to_zero_or_home(world: World, domain: int) -> None:
    with reverts("InvalidDomain", domain):
        world.outbox.send("enrolDestination", domain)


def test_an_outbox_of_domain_zero_is_not_deployed(machine: Machine) -> None:
    with reverts("InvalidDomain", 0):
        machine.deploy("Outbox", 0, OWNER)
