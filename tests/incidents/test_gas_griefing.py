"""Gas: a recipient costs its deliverer what its message says, and a deliverer cannot starve it."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from bridge.domain.messages import DEFAULT_GAS_LIMIT
from bridge.testing import Deployed, Reverted, World, padded
from bridge.testing.machine import STRANGER, Sent
from tests.incidents.conftest import A, attacker, send

TAKE, BURN, RETURN, REVERT, SPIN = range(5)
MEGABYTES = 2 << 20
BOMB_GAS = 9_500_000
"""Memory of two megabytes costs 65,536 * 3 + 65,536^2 / 512 = 8.6 million gas."""


@pytest.fixture
def griefer(world: World) -> Deployed:
    return attacker(world.b.machine, "Griefer")


@pytest.fixture
def witness(world: World) -> Deployed:
    return attacker(world.b.machine, "GasWitness")


def trick(kind: int, size: int = 0) -> bytes:
    return encode(["uint8", "uint256"], [kind, size])


def reasons(world: World, sent: Sent) -> list[bytes]:
    events = sent.events(world.b.inbox)
    return [event.arguments["reason"] for event in events if event.name == "DeliveryFailed"]


@pytest.mark.parametrize("kind", [BURN, SPIN])
def test_a_recipient_burns_the_gas_of_its_message_and_no_more(
    world: World, griefer: Deployed, recipient: bytes, kind: int
) -> None:
    send(world, padded(griefer.address), trick(kind), gas_limit=1_000_000)
    send(world, recipient, b"behind it")
    world.attest(world.a, world.b)
    sent = world.process_range(world.a, world.b, 0, 2, gas=1 << 24)
    assert reasons(world, sent) == [b""]
    assert 1_000_000 < sent.execution_gas < 1_000_000 + 200_000
    assert not world.b.inbox.call("delivered", A, 0)
    assert world.b.inbox.call("delivered", A, 1)


@pytest.mark.parametrize(("kind", "delivered"), [(RETURN, True), (REVERT, False)])
def test_a_bomb_of_megabytes_costs_its_own_gas_alone(
    world: World, griefer: Deployed, recipient: bytes, kind: int, delivered: bool
) -> None:
    """Copying two megabytes would cost the deliverer 8.6 million gas a second time."""
    send(world, padded(griefer.address), trick(kind, MEGABYTES), gas_limit=BOMB_GAS)
    send(world, recipient, b"behind it")
    world.attest(world.a, world.b)
    sent = world.process_range(world.a, world.b, 0, 2, gas=1 << 24)
    assert 8_600_000 < sent.execution_gas < BOMB_GAS + 200_000
    assert world.b.inbox.call("delivered", A, 0) is delivered
    assert world.b.inbox.call("delivered", A, 1)
    assert [len(reason) for reason in reasons(world, sent)] == ([] if delivered else [256])


def test_a_range_of_bombs_leaves_no_memory_behind(world: World, griefer: Deployed) -> None:
    """The tenth costs what the first did: memory is paid for once."""
    for _ in range(10):
        send(world, padded(griefer.address), trick(REVERT, 60_000))
    world.attest(world.a, world.b)
    with world.b.machine.undone():
        one = world.process_range(world.a, world.b, 9, 1).execution_gas
    ten = world.process_range(world.a, world.b, 0, 10).execution_gas
    assert ten < 10 * one


@pytest.mark.parametrize(("body_bytes", "left_out"), [(32, 0), (8192, 0), (8192, 7000)])
@pytest.mark.parametrize("gas_limit", [0, 40_000, 2_000_000])
def test_a_deliverer_cannot_starve_the_recipient(
    world: World, witness: Deployed, body_bytes: int, left_out: int, gas_limit: int
) -> None:
    """EIP-150 hands on all gas but a 64th: whatever the deliverer gives, it is enough or none.

    Each amount of gas from too little to enough is tried. A recipient that swallows the failure of
    its work would else take the message and do nothing, and the message would be gone. Identifiers
    of messages left out make the memory long, in which each word costs more.
    """
    wanted = gas_limit or DEFAULT_GAS_LIMIT
    body = (wanted - wanted // 64 - 15_000).to_bytes(32, "big").ljust(body_bytes, b"\1")
    for number in range(left_out):
        send(world, padded(STRANGER), number.to_bytes(2, "big"))
    nonce = send(world, padded(witness.address), body, gas_limit=gas_limit)
    world.attest(world.a, world.b)
    machine, inbox = world.b.machine, world.b.inbox
    leaves = [world.a.tree.leaf(index) for index in range(nonce)]
    data = inbox.artifact.call_data(
        "processRange", A, world.a.tree.root(), 0, [*leaves, world.a.messages[nonce]],
        list(world.a.tree.range_proof(0, nonce + 1)),
    )  # fmt: skip
    with machine.undone():
        machine.raw_call(inbox.address, data, STRANGER, False, gas=1 << 30)
        enough = machine.evm.result.gas_used + 2 * wanted // 63 + 60_000
    outcomes = set()
    for gas in range(enough - 60_000 - wanted // 63, enough, 499):
        with machine.undone():
            outcome = tried_with(world, data, gas)
            outcomes.add(outcome)
            if outcome != "delivered":
                continue
            given = [
                witness.artifact.event(log_topics(log.topics), bytes(log.data[1]))
                for log in machine.evm.result.logs
                if log.address.lower() == witness.address.lower()
            ]
            (told,) = (event.arguments for event in given if event)
            assert told["worked"], gas
            assert told["gas"] > wanted - 500  # what the recipient's own dispatcher took
    assert outcomes >= {"delivered", "InsufficientGas"}, outcomes


def tried_with(world: World, data: bytes, gas: int) -> str:
    """What came of a call of the Inbox with so much gas: an error's name, or that it succeeded."""
    try:
        world.b.machine.raw_call(world.b.inbox.address, data, STRANGER, False, gas=gas)
    except Reverted as reverted:
        return reverted.name
    except RuntimeError as halted:
        if "OutOfGas" not in str(halted):
            raise
        return "out of gas"
    return "delivered"


def log_topics(topics: list[str]) -> list[bytes]:
    return [bytes.fromhex(topic.removeprefix("0x")) for topic in topics]
