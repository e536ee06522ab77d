"""Poly, August 2021: a message called the contract that holds the keepers, by its selector."""

from __future__ import annotations

import pytest

from bridge.chain.abi import encode_call, selector
from bridge.chain.artifact import NAMES, load
from bridge.domain.quorums import SignerSet
from bridge.testing import World, padded
from bridge.testing.machine import STRANGER, reverts
from bridge.testing.world import ML_DSA, signer
from tests.incidents.conftest import A, attacker, calls, send, tried

HANDLE = selector("handle(uint32,bytes32,bytes)")
PEERS_ONLY = {
    *("HyperlaneCcipReadIsm", "HyperlaneHook", "HyperlaneNullIsm"),
    *("NftBridge", "Postcard", "Receipts", "TokenBridge"),
}
"""Contracts of the package that receive messages: `MessageClient` asks who sends them."""


def signatures(name: str) -> list[str]:
    return [
        f"{entry['name']}({','.join(_type(item) for item in entry['inputs'])})"
        for entry in load(name).abi
        if entry["type"] == "function"
    ]


def _type(item: dict) -> str:
    if not item["type"].startswith("tuple"):
        return item["type"]
    inner = ",".join(_type(part) for part in item["components"])
    return f"({inner}){item['type'][len('tuple') :]}"


@pytest.mark.parametrize("name", NAMES)
def test_no_function_has_the_selector_of_handle(name: str) -> None:
    """The Inbox calls this one selector and no other, so a collision is a way in."""
    hit = [one for one in signatures(name) if selector(one) == HANDLE]
    assert hit == (["handle(uint32,bytes32,bytes)"] if name in PEERS_ONLY else [])


def test_the_selectors_are_those_of_the_code() -> None:
    """The list above is no list of something else: each selector stands in the deployed code."""
    for name in ("Inbox", "Outbox", "SignerRegistry", "Receipts"):
        found = signatures(name)
        assert len(found) > 8
        assert all(selector(one).lstrip(b"\0") in load(name).deployed_code for one in found)


@pytest.mark.parametrize("target", ["inbox", "registry"])
def test_no_message_goes_to_the_bridge_itself(world: World, target: str) -> None:
    address = getattr(world.b, target).address
    send(world, padded(address), b"")
    world.attest(world.a, world.b)
    with reverts("ForbiddenRecipient", address.lower()):
        world.process(world.a, world.b, 0)
    sent = world.process_range(world.a, world.b, 0, 1)
    (failed,) = sent.events(world.b.inbox)
    assert failed.arguments["reason"] == encode_call("ForbiddenRecipient(address)", address)
    assert not world.b.inbox.call("delivered", A, 0)


@pytest.mark.parametrize("target", ["outbox", "verifier", "kernel"])
def test_a_message_to_another_part_does_nothing(world: World, target: str) -> None:
    """They have no `handle` and no fallback; a kernel is code without storage."""
    side = world.b
    verifier = side.verifiers[ML_DSA]
    addresses = {
        "outbox": side.outbox.address,
        "verifier": verifier.address,
        "kernel": verifier.call("kernel"),
    }
    send(world, padded(addresses[target]), bytes(64))
    world.attest(world.a, world.b)
    sent = world.process_range(world.a, world.b, 0, 1)
    assert [address for address, _, _ in sent.logs] == [side.inbox.address] * len(sent.logs)
    assert side.outbox.call("count") == 0


def test_a_recipient_has_no_right_over_the_bridge(world: World) -> None:
    """The attacker's own contract, called by the Inbox, tries each right that there is."""
    side = world.b
    own_set = side.struct(SignerSet(1, 2, tuple(signer((ML_DSA, number)) for number in (1, 2, 4))))
    inbox, outbox, registry = side.inbox, side.outbox, side.registry
    attempts = [
        (registry, "initialise", (own_set,), "NotOwner"),
        (registry, "recover", (own_set,), "NotScheduled"),
        (registry, "cancelRotation", (), "NotGuardian"),
        (registry, "revoke", (b"\1" * 32,), "NotGuardian"),
        (inbox, "enrolOrigin", (9, 9, STRANGER), "NotOwner"),
        (inbox, "denyRoot", (A, b"\1" * 32), "NotOwnerOrGuardian"),
        (inbox, "allowRoot", (A, b"\1" * 32), "NotScheduled"),
        (outbox, "enrolDestination", (9,), "NotOwner"),
        (outbox, "setFeeSchedule", (A, (1, 1, 1)), "NotOwner"),
        (outbox, "withdrawFees", (STRANGER,), "NotOwner"),
        (side.receipts, "enrolPeer", (9, b"\1" * 32), "NotOwner"),
    ]
    for contract in (registry, inbox, outbox):
        attempts += [
            (contract, "schedule", (b"",), "NotOwner"),
            (contract, "execute", (b"",), "NotOwner"),
            (contract, "cancel", (b"\1" * 32,), "NotOwnerOrGuardian"),
            (contract, "pause", (0,), "NotOwnerOrGuardian"),
            (contract, "unpause", (0,), "NotGuardian"),
            (contract, "offerOwnership", (STRANGER,), "NotScheduled"),
            (contract, "acceptOwnership", (), "NotOwner"),
            (contract, "setGuardian", (STRANGER,), "NotScheduled"),
        ]
    reentrant = attacker(side.machine, "Reentrant")
    for half in (attempts[::2], attempts[1::2]):  # a body has 8 KB at the most
        body = calls(
            *(
                (contract.address, contract.artifact.call_data(function, *arguments))
                for contract, function, arguments, _ in half
            )
        )
        nonce = send(world, padded(reentrant.address), body, gas_limit=5_000_000)
        world.attest(world.a, world.b)
        outcomes = tried(world.process(world.a, world.b, nonce), reentrant)
        assert outcomes == [
            (False, encode_call(f"{error}(address)", reentrant.address)) for *_, error in half
        ]
