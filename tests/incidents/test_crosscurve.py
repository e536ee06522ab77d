"""CrossCurve, 2026: the receiver's entry did not ask who called it."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from bridge.chain.abi import encode_call
from bridge.testing import Deployed, World, padded
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, reverts
from tests.incidents.conftest import NOBODY, A, B, attacker, calls, send, tried


@pytest.fixture(params=["Receipts", "Postcard"])
def application(request: pytest.FixtureRequest, world: World) -> Deployed:
    """An application of the package on B whose peer on A is an account."""
    own = world.b
    made = own.machine.deploy(request.param, own.outbox.address, own.inbox.address, OWNER)
    made.send("enrolPeer", A, padded(OWNER))
    return made


def body(application: Deployed) -> bytes:
    """What the application would act on."""
    if application.artifact.name == "Receipts":
        tag = application.call("TIMEOUT_TAG")
        return encode(["bytes32", "bytes32[]"], [tag, [b"\1" * 32]])
    return encode(["uint8", "string"], [1, "forged"])


def test_nobody_but_the_inbox_enters(world: World, application: Deployed) -> None:
    """The attacker names the right origin and the right peer; only the caller is wrong."""
    peer = application.call("peers", A)
    for sender in (STRANGER, OWNER, GUARDIAN):
        with reverts("NotInbox", sender.lower()):
            application.send("handle", A, peer, body(application), sender=sender)
    send(world, padded(application.address), body(application))
    assert world.relay() == 1


def test_a_contract_in_between_does_not_help(world: World, application: Deployed) -> None:
    """The Inbox delivers to the attacker's contract, which calls the application in its turn."""
    reentrant = attacker(world.b.machine, "Reentrant")
    peer = application.call("peers", A)
    data = application.artifact.call_data("handle", A, peer, body(application))
    send(world, padded(reentrant.address), calls((application.address, data)))
    world.attest(world.a, world.b)
    sent = world.process(world.a, world.b, 0)
    refusal = encode_call("NotInbox(address)", reentrant.address)
    assert tried(sent, reentrant) == [(False, refusal)]


def test_a_message_of_anybody_is_not_the_peers(world: World, application: Deployed) -> None:
    world.a.outbox.send(
        "dispatch", B, padded(application.address), body(application), sender=STRANGER
    )
    world.a.sync()
    world.attest(world.a, world.b)
    with reverts("RecipientReverted") as caught:
        world.process(world.a, world.b, 0)
    refusal = encode_call("NotPeer(uint32,bytes32)", A, padded(STRANGER))
    assert caught.value.arguments == (application.address.lower(), refusal)


@pytest.mark.parametrize("sender", [NOBODY, OWNER])
def test_a_domain_without_a_peer_has_none(world: World, sender: str) -> None:
    """A peer that was never set is zero, and zero is what the zero address has as its sender."""
    own = world.b
    alone = own.machine.deploy("Receipts", own.outbox.address, own.inbox.address, OWNER)
    world.a.outbox.send("dispatch", B, padded(alone.address), body(alone), sender=sender)
    world.a.sync()
    world.attest(world.a, world.b)
    with reverts("RecipientReverted") as caught:
        world.process(world.a, world.b, 0)
    assert caught.value.arguments[1] == encode_call("NotPeer(uint32,bytes32)", A, padded(sender))
