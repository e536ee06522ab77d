"""The Outbox: Hyperlane's layout, the incremental tree, fees, and what it refuses."""

from __future__ import annotations

import pytest

from bridge.chain.abi import encode_call
from bridge.crypto.digests import message_id
from bridge.crypto.merkle import root as naive_root
from bridge.domain.messages import DEFAULT_GAS_LIMIT, Message
from bridge.testing import World, padded
from bridge.testing.machine import STRANGER, Machine, reverts
from bridge.testing.world import GOVERNANCE
from tests.contracts.conftest import CALLS, REFUSES, A, B

RECIPIENT = b"\x07".rjust(32, b"\0")
NOBODY = "0x" + "00" * 20
FEE_TAKER = "0x" + "fe" * 20
SCHEDULE = (3, 100_000, 16)  # wei a gas, gas of a delivery, gas a byte


@pytest.fixture
def charging(world: World) -> World:
    world.a.outbox.send("setFeeSchedule", B, SCHEDULE)
    return world


def test_a_message_has_hyperlanes_layout(world: World) -> None:
    sent = world.a.outbox.send("dispatch", B, RECIPIENT, b"body", sender=STRANGER)
    dispatched, dispatch_id = sent.events(world.a.outbox)
    expected = Message(
        nonce=0,
        origin=A,
        sender=bytes.fromhex(STRANGER[2:]).rjust(32, b"\0"),
        destination=B,
        recipient=RECIPIENT,
        body=b"body",
    )
    assert dispatched.arguments["message"] == expected.encode()
    assert Message.decode(dispatched.arguments["message"]) == expected
    assert dispatch_id.arguments["messageId"] == message_id(expected) == sent.output


def test_the_root_equals_the_reference_at_every_size(world: World) -> None:
    assert world.a.outbox.call("root") == bytes(32)
    for size in range(1, 70):
        world.a.outbox.send("dispatch", B, RECIPIENT, size.to_bytes(2))
        world.a.sync()
        assert world.a.outbox.call("count") == size
        leaves = [world.a.tree.leaf(index) for index in range(size)]
        assert world.a.outbox.call("root") == world.a.tree.root() == naive_root(leaves)


def test_an_unknown_destination_is_refused(world: World) -> None:
    with reverts("UnknownDestination", 77):
        world.a.outbox.send("dispatch", 77, RECIPIENT, b"")
    with reverts("UnknownDestination", 77):
        world.a.outbox.call("quoteDispatch", 77, RECIPIENT, b"")
    assert world.a.outbox.call("count") == 0


def test_a_body_at_the_limit_is_taken_and_one_over_it_refused(world: World) -> None:
    limit = world.a.outbox.call("MAX_BODY_BYTES")
    assert limit == 8192
    world.a.outbox.send("dispatch", B, RECIPIENT, b"\1" * limit)
    with reverts("BodyTooLong", limit + 1, limit):
        world.a.outbox.send("dispatch", B, RECIPIENT, b"\1" * (limit + 1))
    assert world.a.outbox.call("count") == 1


def test_the_zero_recipient_is_refused(world: World) -> None:
    with reverts("ZeroRecipient"):
        world.a.outbox.send("dispatch", B, bytes(32), b"")


def test_only_the_owner_opens_routes_and_each_once(world: World) -> None:
    with reverts("NotOwner", STRANGER.lower()):
        world.a.outbox.send("enrolDestination", 5, sender=STRANGER)
    world.a.outbox.send("enrolDestination", 5)
    assert world.a.outbox.call("isDestination", 5)
    with reverts("DestinationKnown", 5):
        world.a.outbox.send("enrolDestination", 5)


@pytest.mark.parametrize("domain", [0, A])
def test_no_route_leads_to_zero_or_home(world: World, domain: int) -> None:
    with reverts("InvalidDomain", domain):
        world.a.outbox.send("enrolDestination", domain)


def test_an_outbox_of_domain_zero_is_not_deployed(machine: Machine) -> None:
    with reverts("InvalidDomain", 0):
        machine.deploy("Outbox", 0, GOVERNANCE)


# Fees


def test_a_delivery_costs_what_the_schedule_says(charging: World) -> None:
    outbox = charging.a.outbox
    assert outbox.call("quoteDispatch", B, RECIPIENT, b"12345") == 3 * (
        100_000 + DEFAULT_GAS_LIMIT + 5 * 16
    )
    assert outbox.call("quoteDispatch", B, RECIPIENT, b"", (0, 7, NOBODY)) == 3 * 100_007
    assert outbox.call("feeSchedule", B) == SCHEDULE


def test_no_schedule_costs_nothing(world: World) -> None:
    assert world.a.outbox.call("quoteDispatch", B, RECIPIENT, b"body") == 0


def test_the_exact_fee_is_kept_and_less_is_refused(charging: World) -> None:
    outbox, fee = charging.a.outbox, 3 * (100_000 + DEFAULT_GAS_LIMIT)
    with reverts("FeeTooLow", fee, fee - 1):
        outbox.send("dispatch", B, RECIPIENT, b"", value=fee - 1)
    sent = outbox.send("dispatch", B, RECIPIENT, b"", value=fee)
    paid = sent.events(outbox)[-1]
    assert (paid.name, paid.arguments["fee"]) == ("GasPaid", fee)
    assert paid.arguments["gasLimit"] == DEFAULT_GAS_LIMIT
    assert charging.a.machine.evm.get_balance(outbox.address) == fee


def test_the_excess_comes_back_to_whom_the_sender_names(charging: World) -> None:
    machine, outbox, fee = charging.a.machine, charging.a.outbox, 3 * (100_000 + DEFAULT_GAS_LIMIT)
    before = machine.evm.get_balance(STRANGER)
    outbox.send("dispatch", B, RECIPIENT, b"", value=fee + 500, sender=STRANGER)
    assert machine.evm.get_balance(STRANGER) == before - fee
    outbox.send("dispatch", B, RECIPIENT, b"", (0, 0, FEE_TAKER), value=fee + 500)
    assert machine.evm.get_balance(FEE_TAKER) == 500


def test_a_refund_that_nobody_takes_undoes_the_dispatch(charging: World) -> None:
    refuses = charging.a.machine.deploy_code(REFUSES)
    fee = 3 * (100_000 + DEFAULT_GAS_LIMIT)
    with reverts("RefundFailed", refuses.lower(), 1):
        charging.a.outbox.send("dispatch", B, RECIPIENT, b"", (0, 0, refuses), value=fee + 1)
    assert charging.a.outbox.call("count") == 0
    charging.a.outbox.send("dispatch", B, RECIPIENT, b"", (0, 0, refuses), value=fee)


def test_fees_go_out_by_the_owner_alone(charging: World) -> None:
    machine, outbox, fee = charging.a.machine, charging.a.outbox, 3 * (100_000 + DEFAULT_GAS_LIMIT)
    outbox.send("dispatch", B, RECIPIENT, b"", value=fee)
    with reverts("NotOwner", STRANGER.lower()):
        outbox.send("withdrawFees", STRANGER, sender=STRANGER)
    refuses = machine.deploy_code(REFUSES)
    with reverts("WithdrawalFailed", refuses.lower(), fee):
        outbox.send("withdrawFees", refuses)
    outbox.send("withdrawFees", FEE_TAKER)
    assert machine.evm.get_balance(FEE_TAKER) == fee
    assert machine.evm.get_balance(outbox.address) == 0


def test_schedules_are_the_owners_and_of_known_destinations(world: World) -> None:
    with reverts("NotOwner", STRANGER.lower()):
        world.a.outbox.send("setFeeSchedule", B, SCHEDULE, sender=STRANGER)
    with reverts("UnknownDestination", 7):
        world.a.outbox.send("setFeeSchedule", 7, SCHEDULE)


def test_a_message_cannot_have_the_outbox_pay_or_open_anything(world: World) -> None:
    """A recipient that the Inbox calls is nobody to the Outbox."""
    calls = world.b.machine.deploy_code(CALLS)
    inner = world.b.outbox.artifact.call_data("withdrawFees", STRANGER)
    body = padded(world.b.outbox.address) + inner
    world.a.outbox.send("dispatch", B, padded(calls), body)
    world.a.sync()
    world.attest(world.a, world.b)
    with reverts("RecipientReverted") as caught:
        world.process(world.a, world.b, 0)
    assert caught.value.arguments[1] == encode_call("NotOwner(address)", calls)
