"""A reentrant `handle`: what a recipient does to the bridge while the bridge calls it."""

from __future__ import annotations

import pytest

from bridge.chain.abi import selector
from bridge.chain.statements import checkpoint_tuple
from bridge.testing import Deployed, World, padded
from bridge.testing.machine import Sent
from tests.incidents.conftest import A, attacker, attest_first, calls, send, tried

YES = (1).to_bytes(32, "big")


@pytest.fixture
def reentrant(world: World) -> Deployed:
    return attacker(world.b.machine, "Reentrant")


def deliver(world: World, index: int, by_range: bool) -> Sent:
    if by_range:
        return world.process_range(world.a, world.b, index, 1)
    return world.process(world.a, world.b, index)


@pytest.mark.parametrize("by_range", [False, True])
def test_a_recipient_delivers_and_expires_nothing(
    world: World, reentrant: Deployed, recipient: bytes, by_range: bool
) -> None:
    """Another message by each way, and a message of its own that waits."""
    inbox = world.b.inbox
    deadline = world.a.machine.timestamp + 10
    send(world, recipient, b"open")
    send(world, padded(reentrant.address), calls())
    send(world, recipient, b"late", deadline=deadline)
    attest_first(world, 3)
    root = world.a.tree.root()
    attempts = []
    for index in (0, 1, 2):
        metadata, message = world.metadata(world.a, index), world.a.messages[index]
        siblings = list(world.a.tree.range_proof(index, 1))
        attempts += [
            inbox.artifact.call_data("process", metadata, message),
            inbox.artifact.call_data("processRange", A, root, index, [message], siblings),
            inbox.artifact.call_data("expire", metadata, message),
        ]
    body = calls(*((inbox.address, data) for data in attempts))
    nonce = send(world, padded(reentrant.address), body, gas_limit=2_000_000)
    world.warp(11)
    world.attest(world.a, world.b)
    sent = deliver(world, nonce, by_range)
    assert tried(sent, reentrant) == [(False, selector("Reentered()"))] * 9
    assert inbox.call("deliveredWord", A, 0) == 1 << nonce
    assert reentrant.call("handled") == 1
    # From outside each goes through, once.
    world.process(world.a, world.b, 0)
    world.process(world.a, world.b, 1)
    inbox.send("expire", world.metadata(world.a, 2), world.a.messages[2])
    assert inbox.call("deliveredWord", A, 0) == 1 << nonce | 0b11


def test_a_recipient_sees_itself_as_delivered(world: World, reentrant: Deployed) -> None:
    """Checks, effects, interactions: the bit is set before the call."""
    inbox = world.b.inbox
    ask = inbox.artifact.call_data("delivered", A, 0)
    nonce = send(world, padded(reentrant.address), calls((inbox.address, ask)))
    world.attest(world.a, world.b)
    assert tried(deliver(world, nonce, False), reentrant) == [(True, YES)]


@pytest.mark.parametrize("by_range", [False, True])
def test_a_recipient_may_attest_and_dispatch(
    world: World, reentrant: Deployed, recipient: bytes, by_range: bool
) -> None:
    """Neither delivers anything. What it attests counts once, and what it sends has its nonce."""
    inbox, outbox = world.b.inbox, world.b.outbox
    send(world, recipient, b"first")
    ahead = world.checkpoint(world.a, world.b)
    signatures = [world.signature(index, ahead) for index in (0, 1)]
    attest = inbox.artifact.call_data("attest", checkpoint_tuple(ahead), [0], signatures[:1])
    # A body has no room for two signatures: the other one comes from outside.
    say = outbox.artifact.call_data("dispatch", A, recipient, b"from inside")
    body = calls((inbox.address, attest), (outbox.address, say), (outbox.address, say))
    nonce = send(world, padded(reentrant.address), body, gas_limit=9_000_000)
    world.attest(world.a, world.b)
    outcomes = tried(deliver(world, nonce, by_range), reentrant)
    assert [done for done, _ in outcomes[-2:]] == [True, True]
    assert outcomes[0][0]
    assert inbox.call("attestedSize", A, ahead.root) == 0
    assert outbox.call("count") == 2
    world.attest(world.a, world.b, ahead, (1,))
    assert inbox.call("attestedSize", A, ahead.root) == 1
    world.process(world.a, world.b, 0, size=1)


def test_the_lock_ends_with_the_delivery(world: World, reentrant: Deployed) -> None:
    """After a delivery that failed as well as after one that did not."""
    send(world, padded(reentrant.address), b"no calls")  # does not decode, so it reverts
    send(world, padded(reentrant.address), calls())
    world.attest(world.a, world.b)
    world.process_range(world.a, world.b, 0, 1)
    assert not world.b.inbox.call("delivered", A, 0)
    world.process(world.a, world.b, 1)


def test_a_refund_that_dispatches_again_has_its_own_place(world: World, recipient: bytes) -> None:
    """The Outbox pays the excess back last, when everything is written."""
    machine, outbox = world.a.machine, world.a.outbox
    outbox.send("setFeeSchedule", 2, (1, 0, 0))
    fee = outbox.call("quoteDispatch", 2, recipient, b"")
    own = attacker(machine, "Reentrant")
    inner = outbox.artifact.call_data("dispatch", 2, recipient, b"inner", (0, 0, own.address))
    own.send("arm", (outbox.address, inner))
    sent = outbox.send("dispatch", 2, recipient, b"outer", (0, 0, own.address), value=2 * fee + 5)
    ((done, identifier),) = tried(sent, own)
    world.a.sync()
    assert done
    assert [message[-5:] for message in world.a.messages] == [b"outer", b"inner"]
    assert identifier == world.a.tree.leaf(1)
    assert outbox.call("root") == world.a.tree.root()
    assert machine.evm.get_balance(own.address) == 5
    assert machine.evm.get_balance(outbox.address) == 2 * fee


def test_fees_that_leave_take_no_refund_with_them(world: World, recipient: bytes) -> None:
    """The owner is paid, and dispatches with it before `withdrawFees` ends."""
    machine, outbox = world.a.machine, world.a.outbox
    outbox.send("setFeeSchedule", 2, (1, 0, 0))
    fee = outbox.call("quoteDispatch", 2, recipient, b"")
    outbox.send("dispatch", 2, recipient, b"", value=fee)
    own = attacker(machine, "Reentrant")
    inner = outbox.artifact.call_data("dispatch", 2, recipient, b"", (0, 0, own.address))
    own.send("arm", (outbox.address, inner))
    outbox.send("withdrawFees", own.address)
    assert outbox.call("count") == 2
    assert machine.evm.get_balance(outbox.address) == fee
    assert machine.evm.get_balance(own.address) == 0
