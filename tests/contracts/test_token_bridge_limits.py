"""Limits, refunds, pauses and governance of the bridge of ERC-20 tokens."""

from __future__ import annotations

import pytest

from bridge.testing import GUARDIAN, OWNER, STRANGER, Deployed, Side, World, padded, reverts
from bridge.testing.world import HOUR_S
from tests.contracts.conftest import A, B
from tests.contracts.tokens import (
    ALICE,
    BOB,
    Route,
    attested,
    book,
    delivered,
    refused,
    sample_token,
    scheduled,
    timed_out,
    transfer,
)

CAPACITY, REFILL = 100, 2


@pytest.fixture
def gold(world: World) -> Deployed:
    return sample_token(world.a)


@pytest.fixture
def route(world: World, gold: Deployed) -> Route:
    """A hundred at once and two a second, at A; B lets more pass."""
    route = (A, padded(gold.address), B)
    world.a.tokens.send("enrol", route, (CAPACITY, REFILL), (CAPACITY, REFILL))
    world.b.tokens.send("enrol", route, (1_000, 10), (1_000, 10))
    return route


@pytest.fixture
def voucher(world: World, gold: Deployed, route: Route) -> Deployed:
    return world.b.voucher(world.a, gold.address)


# Limits


def test_what_leaves_is_limited_and_time_lets_more_leave(
    world: World, gold: Deployed, route: Route
) -> None:
    tokens = world.a.tokens
    with reverts("LimitExceeded", CAPACITY + 1, CAPACITY):
        transfer(tokens, B, gold.address, CAPACITY + 1)
    transfer(tokens, B, gold.address, CAPACITY)
    with reverts("LimitExceeded", 1, 0):
        transfer(tokens, B, gold.address, 1)
    world.warp(3)
    assert tokens.call("available", route) == (3 * REFILL, CAPACITY)
    with reverts("LimitExceeded", 7, 6):
        transfer(tokens, B, gold.address, 7)
    transfer(tokens, B, gold.address, 6)
    world.warp(10**6)  # no more than the capacity, however long
    assert tokens.call("available", route) == (CAPACITY, CAPACITY)


def test_what_arrives_over_the_limit_waits_and_is_not_lost(
    world: World, gold: Deployed, route: Route, voucher: Deployed
) -> None:
    for _ in range(3):
        transfer(world.a.tokens, B, gold.address, 60)
        world.warp(60)
    world.relay()
    for _ in range(2):
        transfer(world.b.tokens, A, voucher.address, 60, ALICE, sender=BOB)
    delivered(world, world.b, 0)
    assert refused(world, world.b, 1) == f"LimitExceeded(60, {CAPACITY - 60})"
    world.warp(9)
    assert refused(world, world.b, 1) == f"LimitExceeded(60, {CAPACITY - 60 + 18})"
    world.warp(1)
    delivered(world, world.b, 1)
    assert book(world.a, route) == (180, 120, 0)


def test_what_arrives_without_a_route_waits(world: World, gold: Deployed) -> None:
    route = (A, padded(gold.address), B)
    world.a.tokens.send("enrol", route, (10, 0), (10, 0))
    transfer(world.a.tokens, B, gold.address, 10)
    assert refused(world, world.a) == f"RouteUnknown(1, 0x{padded(gold.address).hex()}, 2)"
    world.b.tokens.send("enrol", route, (10, 0), (10, 0))
    delivered(world, world.a)
    assert world.b.voucher(world.a, gold.address).call("balanceOf", BOB) == 10


def test_a_limit_of_nothing_lets_nothing_pass(world: World, gold: Deployed) -> None:
    route = (A, padded(gold.address), B)
    world.a.tokens.send("enrol", route, (0, 10), (0, 10))
    world.warp(HOUR_S)
    with reverts("LimitExceeded", 1, 0):
        transfer(world.a.tokens, B, gold.address, 1)


@pytest.mark.parametrize("by", [OWNER, GUARDIAN])
def test_a_limit_is_lowered_at_once(world: World, gold: Deployed, route: Route, by: str) -> None:
    tokens = world.a.tokens
    transfer(tokens, B, gold.address, 70)
    with reverts("NotOwnerOrGuardian", STRANGER.lower()):
        tokens.send("lowerLimits", route, (1, 1), (1, 1), sender=STRANGER)
    tokens.send("lowerLimits", route, (CAPACITY, 0), (10, 1), sender=by)
    assert tokens.call("available", route) == (30, 10)
    assert tokens.call("limits", route) == ((CAPACITY, 0), (10, 1))
    world.warp(HOUR_S)
    with reverts("LimitExceeded", 31, 30):
        transfer(tokens, B, gold.address, 31)
    tokens.send("lowerLimits", route, (5, 0), (10, 1), sender=by)
    assert tokens.call("available", route) == (5, 10)


@pytest.mark.parametrize("by", [OWNER, GUARDIAN])
def test_and_never_raised_so(world: World, route: Route, by: str) -> None:
    tokens = world.a.tokens
    for sending, receiving, current in (
        ((CAPACITY + 1, 0), (0, 0), CAPACITY),
        ((0, REFILL + 1), (0, 0), REFILL),
        ((0, 0), (CAPACITY + 1, 0), CAPACITY),
        ((0, 0), (0, REFILL + 1), REFILL),
    ):
        with reverts("LimitRaised", current, current + 1):
            tokens.send("lowerLimits", route, sending, receiving, sender=by)
        with reverts("NotScheduled", by.lower()):
            tokens.send("setLimits", route, sending, receiving, sender=by)
    unknown = (A, b"\7".rjust(32, b"\0"), B)
    with reverts("RouteUnknown", *unknown):
        tokens.send("lowerLimits", unknown, (0, 0), (0, 0), sender=by)


def test_a_limit_is_raised_after_the_delay(world: World, gold: Deployed, route: Route) -> None:
    tokens = world.a.tokens
    transfer(tokens, B, gold.address, CAPACITY)
    scheduled(tokens, "setLimits", route, (500_000, 1_000), (CAPACITY, REFILL))
    # What time filled before counts by the old limit: an hour fills the hundred.
    assert tokens.call("available", route) == (CAPACITY, CAPACITY)
    world.warp(1)
    transfer(tokens, B, gold.address, CAPACITY + 1_000)


def test_the_extremes_of_a_limit_do_not_overflow(world: World, gold: Deployed) -> None:
    most = (1 << 128) - 1
    route = (A, padded(gold.address), B)
    world.a.tokens.send("enrol", route, (most, most), (most, most))
    transfer(world.a.tokens, B, gold.address, 1_000_000)
    world.warp(1 << 40)
    assert world.a.tokens.call("available", route) == (most, most)
    with reverts("LimitExceeded", most + 1, most):
        transfer(world.a.tokens, B, gold.address, most + 1)


# Refunds


def deadline_of(world: World) -> int:
    return world.a.machine.timestamp + HOUR_S


def refund(side: Side, identifier: bytes, *sent: object) -> None:
    side.tokens.send("refund", identifier, sent, sender=GUARDIAN)


def test_what_was_locked_comes_back_once(world: World, gold: Deployed, route: Route) -> None:
    a = world.a
    transfer(a.tokens, B, gold.address, 40, deadline=deadline_of(world))
    sent = (B, gold.address, 40, ALICE)
    attested(world, a)
    early = a.tree.leaf(0)
    with reverts("NotTimedOut", B, early):
        refund(a, early, *sent)
    identifier = timed_out(world, a)
    for other in (
        (7, *sent[1:]),
        (B, BOB, *sent[2:]),
        (B, gold.address, 41, ALICE),
        (B, gold.address, 40, BOB),
    ):
        with reverts("NotRefundable", identifier):
            refund(a, identifier, *other)
    refund(a, identifier, *sent)
    assert gold.call("balanceOf", ALICE) == 1_000_000
    assert book(a, route) == (40, 0, 40)
    assert a.tokens.call("refundedTotal", route) == 40
    assert a.tokens.call("escrowed", gold.address) == 0
    assert a.tokens.call("pending", identifier) == bytes(32)
    with reverts("NotRefundable", identifier):
        refund(a, identifier, *sent)
    with reverts("AlreadyDelivered", A, 0):
        world.process(a, world.b, 0)


def test_what_was_burned_comes_back_once(
    world: World, gold: Deployed, route: Route, voucher: Deployed
) -> None:
    b = world.b
    transfer(world.a.tokens, B, gold.address, 50)
    world.relay()
    transfer(b.tokens, A, voucher.address, 30, ALICE, sender=BOB, deadline=deadline_of(world))
    assert voucher.call("totalSupply") == 20
    identifier = timed_out(world, b)
    refund(b, identifier, A, voucher.address, 30, BOB)
    assert voucher.call("balanceOf", BOB) == voucher.call("totalSupply") == 50
    assert book(b, route) == (30, 50, 30)
    with reverts("NotRefundable", identifier):
        refund(b, identifier, A, voucher.address, 30, BOB)
    # And it can be sent again.
    transfer(b.tokens, A, voucher.address, 50, ALICE, sender=BOB)
    world.relay()
    assert book(world.a, route) == (50, 50, 0)


def test_what_was_delivered_is_never_refunded(
    world: World, gold: Deployed, route: Route, voucher: Deployed
) -> None:
    a = world.a
    transfer(a.tokens, B, gold.address, 40, deadline=deadline_of(world))
    delivered(world, a)
    world.warp(HOUR_S + 1)
    with reverts("AlreadyDelivered", A, 0):
        world.b.inbox.send("expire", world.metadata(a, 0), a.messages[0])
    identifier = a.tree.leaf(0)
    with reverts("NotExpired", A, identifier):
        world.b.receipts.send("sendTimeouts", A, [identifier])
    with reverts("NotTimedOut", B, identifier):
        refund(a, identifier, B, gold.address, 40, ALICE)


def test_without_a_deadline_it_stays_deliverable_and_needs_no_refund(
    world: World, gold: Deployed, route: Route, voucher: Deployed
) -> None:
    sent = transfer(world.a.tokens, B, gold.address, 40)
    assert world.a.tokens.call("pending", sent.output) == bytes(32)
    world.warp(10 * 365 * 24 * HOUR_S)
    with reverts("NotRefundable", sent.output):
        refund(world.a, sent.output, B, gold.address, 40, ALICE)
    delivered(world, world.a)
    assert voucher.call("balanceOf", BOB) == 40


def test_a_refund_counts_against_the_limit_of_what_arrives(
    world: World, gold: Deployed, route: Route
) -> None:
    """It rests on the other chain's word, as an arrival does."""
    a = world.a
    transfer(a.tokens, B, gold.address, 40, deadline=deadline_of(world))
    identifier = timed_out(world, a)
    a.tokens.send("lowerLimits", route, (0, 0), (40, 1))
    with a.machine.undone():
        a.tokens.send("lowerLimits", route, (0, 0), (39, 1))
        with reverts("LimitExceeded", 40, 39):
            refund(a, identifier, B, gold.address, 40, ALICE)
    refund(a, identifier, B, gold.address, 40, ALICE)
    assert a.tokens.call("available", route) == (0, 0)


# Pauses


@pytest.mark.parametrize("domain", [0, 1])
def test_a_pause_stops_what_leaves_what_arrives_and_what_comes_back(
    world: World, gold: Deployed, route: Route, domain: int
) -> None:
    a, b = world.a, world.b
    stopped = [domain * B, domain * A]  # the whole, or the domain at the other end
    transfer(a.tokens, B, gold.address, 10, deadline=deadline_of(world))
    lost = timed_out(world, a)
    transfer(a.tokens, B, gold.address, 20)
    for side, number in ((a, stopped[0]), (b, stopped[1])):
        with reverts("NotOwnerOrGuardian", STRANGER.lower()):
            side.tokens.send("pause", number, sender=STRANGER)
        side.tokens.send("pause", number, sender=GUARDIAN)
    with reverts("DomainPaused", stopped[0]):
        transfer(a.tokens, B, gold.address, 1)
    with reverts("DomainPaused", stopped[0]):
        refund(a, lost, B, gold.address, 10, ALICE)
    assert refused(world, a) == f"DomainPaused({stopped[1]})"
    for side, number in ((a, stopped[0]), (b, stopped[1])):
        side.tokens.send("unpause", number, sender=GUARDIAN)
    delivered(world, a)
    refund(a, lost, B, gold.address, 10, ALICE)
    assert book(a, route) == (30, 0, 10)


def test_a_pause_of_one_domain_is_none_of_another(
    world: World, gold: Deployed, route: Route
) -> None:
    world.a.tokens.send("pause", 7)
    world.b.tokens.send("pause", 7)
    transfer(world.a.tokens, B, gold.address, 5)
    delivered(world, world.a)


def test_the_bridges_contracts_are_governed_apart(world: World) -> None:
    """Poly 2021: what a message can call has no right over anything; only a schedule has."""
    for bridge in (world.a.tokens, world.a.nfts):
        for sender in (OWNER, GUARDIAN, ALICE):
            with reverts("NotScheduled", sender.lower()):
                bridge.send("setGuardian", ALICE, sender=sender)
        scheduled(bridge, "setGuardian", BOB)
        assert bridge.call("guardian") == BOB
