"""Owner and guardian: what weakens waits and may be cancelled, what stops does so at once."""

from __future__ import annotations

import pytest

from bridge.chain.abi import encode_call
from bridge.crypto.hashing import keccak256
from bridge.testing import World
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, Deployed, Machine, reverts
from bridge.testing.world import HOUR_S
from tests.contracts.conftest import A, B, dispatch

DAY_S = 24 * HOUR_S
NOBODY = "0x" + "00" * 20


def id_of(contract: Deployed, call: bytes) -> bytes:
    assert contract.call("readyAt", keccak256(call)) > 0
    return keccak256(call)


@pytest.fixture(params=["outbox", "inbox", "registry"])
def governed(request: pytest.FixtureRequest, world: World) -> Deployed:
    contract: Deployed = getattr(world.b, request.param)
    return contract


def test_an_operation_waits_in_everybodys_sight(governed: Deployed) -> None:
    machine = governed.machine
    call = governed.artifact.call_data("setGuardian", STRANGER)
    sent = governed.send("schedule", call)
    (scheduled,) = sent.events(governed)
    ready = machine.timestamp + HOUR_S
    assert scheduled.arguments["call"] == call
    assert scheduled.arguments["readyAt"] == ready
    identifier = id_of(governed, call)
    with reverts("OperationKnown", identifier):
        governed.send("schedule", call)
    machine.warp(HOUR_S - 1)
    with reverts("OperationNotReady", identifier, ready):
        governed.send("execute", call)
    machine.warp(1)
    governed.send("execute", call)
    assert governed.call("guardian") == STRANGER.lower()
    with reverts("OperationUnknown", identifier):
        governed.send("execute", call)


def test_nobody_waits_for_ever(governed: Deployed) -> None:
    call = governed.artifact.call_data("setGuardian", STRANGER)
    governed.send("schedule", call)
    deadline = governed.machine.timestamp + HOUR_S + 14 * DAY_S
    governed.machine.warp(HOUR_S + 14 * DAY_S + 1)
    with reverts("OperationStale", id_of(governed, call), deadline):
        governed.send("execute", call)


@pytest.mark.parametrize("by", [OWNER, GUARDIAN])
def test_an_operation_is_taken_back(governed: Deployed, by: str) -> None:
    call = governed.artifact.call_data("setGuardian", STRANGER)
    governed.send("schedule", call)
    identifier = id_of(governed, call)
    with reverts("NotOwnerOrGuardian", STRANGER.lower()):
        governed.send("cancel", identifier, sender=STRANGER)
    governed.send("cancel", identifier, sender=by)
    governed.machine.warp(HOUR_S)
    with reverts("OperationUnknown", identifier):
        governed.send("execute", call)
    with reverts("OperationUnknown", identifier):
        governed.send("cancel", identifier, sender=by)


def test_what_weakens_happens_on_no_other_way(world: World, governed: Deployed) -> None:
    calls = {"setGuardian": (STRANGER,), "offerOwnership": (STRANGER,)}
    for function, arguments in calls.items():
        for sender in (OWNER, GUARDIAN, STRANGER):
            with reverts("NotScheduled", sender.lower()):
                governed.send(function, *arguments, sender=sender)
    for sender in (OWNER, GUARDIAN):
        with reverts("NotScheduled", sender.lower()):
            world.b.inbox.send("allowRoot", A, b"\1" * 32, sender=sender)


def test_scheduling_is_the_owners(governed: Deployed) -> None:
    call = governed.artifact.call_data("setGuardian", STRANGER)
    for sender in (GUARDIAN, STRANGER):
        with reverts("NotOwner", sender.lower()):
            governed.send("schedule", call, sender=sender)
        with reverts("NotOwner", sender.lower()):
            governed.send("execute", call, sender=sender)


def test_a_failing_operation_says_why_and_stays(governed: Deployed) -> None:
    call = governed.artifact.call_data("setGuardian", OWNER)
    governed.send("schedule", call)
    governed.machine.warp(HOUR_S)
    identifier = id_of(governed, call)
    reason = encode_call("InvalidGovernors(address,address)", OWNER, OWNER)
    with reverts("OperationFailed", identifier, reason):
        governed.send("execute", call)
    assert governed.call("readyAt", identifier) != 0


def scheduled(contract: Deployed, function: str, *arguments: object) -> None:
    call = contract.artifact.call_data(function, *arguments)
    contract.send("schedule", call)
    contract.machine.warp(HOUR_S)
    contract.send("execute", call)


def test_ownership_goes_in_two_steps(governed: Deployed) -> None:
    with reverts("NotOwner", STRANGER.lower()):
        governed.send("acceptOwnership", sender=STRANGER)
    with reverts("NotOwner"):
        governed.send("acceptOwnership", sender=OWNER)  # nobody was offered anything
    scheduled(governed, "offerOwnership", STRANGER)
    assert governed.call("owner") == OWNER.lower()
    governed.send("acceptOwnership", sender=STRANGER)
    assert governed.call("owner") == STRANGER.lower()
    with reverts("NotOwner", OWNER.lower()):
        governed.send("schedule", b"")
    with reverts("NotOwner", STRANGER.lower()):
        governed.send("acceptOwnership", sender=STRANGER)


def test_who_became_guardian_since_is_no_owner(governed: Deployed) -> None:
    scheduled(governed, "offerOwnership", STRANGER)
    scheduled(governed, "setGuardian", STRANGER)
    with reverts("InvalidGovernors"):
        governed.send("acceptOwnership", sender=STRANGER)


@pytest.mark.parametrize(
    ("owner", "guardian"), [(OWNER, OWNER), (NOBODY, OWNER), (OWNER, NOBODY), (NOBODY, NOBODY)]
)
def test_owner_and_guardian_are_two(machine: Machine, owner: str, guardian: str) -> None:
    with reverts("InvalidGovernors", owner.lower(), guardian.lower()):
        machine.deploy("Outbox", A, (owner, guardian, HOUR_S))


# Pause


@pytest.mark.parametrize("by", [OWNER, GUARDIAN])
@pytest.mark.parametrize("domain", [0, A])
def test_a_pause_stops_all_that_arrives(
    world: World, recipient: bytes, domain: int, by: str
) -> None:
    deadline = world.a.machine.timestamp + 1
    world.a.outbox.send("dispatch", B, recipient, b"", (deadline, 0, NOBODY))
    dispatch(world, recipient, b"x")
    world.attest(
        world.a, world.b, world.checkpoint(world.a, world.b, root=world.a.tree.root(1), size=1)
    )
    world.warp(2)
    inbox = world.b.inbox
    with reverts("NotOwnerOrGuardian", STRANGER.lower()):
        inbox.send("pause", domain, sender=STRANGER)
    inbox.send("pause", domain, sender=by)
    with reverts("DomainPaused", domain):
        world.attest(world.a, world.b)
    with reverts("DomainPaused", domain):
        world.process(world.a, world.b, 0, size=1)
    with reverts("DomainPaused", domain):
        world.process_range(world.a, world.b, 0, 1, size=1)
    with reverts("DomainPaused", domain):
        inbox.send("expire", world.metadata(world.a, 0, 1), world.a.messages[0])
    inbox.send("unpause", domain, sender=GUARDIAN)
    inbox.send("expire", world.metadata(world.a, 0, 1), world.a.messages[0])
    world.attest(world.a, world.b)
    world.process(world.a, world.b, 1)


@pytest.mark.parametrize("domain", [0, B])
def test_a_pause_stops_all_that_leaves(world: World, recipient: bytes, domain: int) -> None:
    outbox = world.a.outbox
    outbox.send("pause", domain, sender=GUARDIAN)
    with reverts("DomainPaused", domain):
        outbox.send("dispatch", B, recipient, b"")
    outbox.send("unpause", domain, sender=GUARDIAN)
    outbox.send("dispatch", B, recipient, b"")


def test_the_pause_of_one_route_is_none_of_another(world: World, recipient: bytes) -> None:
    world.a.outbox.send("enrolDestination", 7)
    world.a.outbox.send("pause", 7)
    world.b.inbox.send("pause", 7)
    dispatch(world, recipient, b"x")
    assert world.relay() == 1


def test_the_owner_opens_only_after_the_delay(governed: Deployed) -> None:
    governed.send("pause", 0)
    for sender in (OWNER, STRANGER):
        with reverts("NotGuardian", sender.lower()):
            governed.send("unpause", 0, sender=sender)
    scheduled(governed, "unpause", 0)
    assert not governed.call("paused", 0)


# Roots


@pytest.mark.parametrize("by", [OWNER, GUARDIAN])
def test_a_denied_root_delivers_nothing_and_is_not_attested_again(
    world: World, recipient: bytes, by: str
) -> None:
    dispatch(world, recipient, b"x")
    world.attest(world.a, world.b)
    root = world.a.tree.root()
    with reverts("NotOwnerOrGuardian", STRANGER.lower()):
        world.b.inbox.send("denyRoot", A, root, sender=STRANGER)
    world.b.inbox.send("denyRoot", A, root, sender=by)
    with reverts("RootNotAttested", A, root):
        world.process(world.a, world.b, 0)
    with reverts("DeniedRoot", A, root):
        world.attest(world.a, world.b)
    scheduled(world.b.inbox, "allowRoot", A, root)
    world.attest(world.a, world.b)
    world.process(world.a, world.b, 0)


def test_a_message_under_a_denied_root_arrives_under_the_next(
    world: World, recipient: bytes
) -> None:
    dispatch(world, recipient, b"x")
    world.attest(world.a, world.b)
    world.b.inbox.send("denyRoot", A, world.a.tree.root(), sender=GUARDIAN)
    dispatch(world, recipient, b"y")
    assert world.relay() == 2
