"""Tokens of the mocks' folder, and transfers of them between the two chains of a world."""

from __future__ import annotations

from typing import Any

from bridge.chain.revert import RevertDecoder, error_signatures
from bridge.crypto.digests import message_id
from bridge.domain.messages import Message
from bridge.testing import STRANGER, Deployed, Machine, Side, World, padded, reverts
from bridge.testing.machine import ERRORS, Sent
from bridge.testing.world import HOUR_S
from tests.mocks import mock

NOBODY = "0x" + "00" * 20
ALICE = STRANGER
BOB = "0x" + "b0" * 20
Route = tuple[int, bytes, int]


def deploy(machine: Machine, name: str, *arguments: Any) -> Deployed:
    """A contract of ``contracts/mocks``."""
    return machine.deploy_artifact(mock(name), *arguments)


def sample_token(side: Side, amount: int = 1_000_000) -> Deployed:
    """An ordinary ERC-20 token of which Alice has ``amount`` and the bridge may move all."""
    token = deploy(side.machine, "SampleToken", "Gold", "GLD", 9)
    token.send("mint", ALICE, amount)
    token.send("approve", side.tokens.address, 1 << 255, sender=ALICE)
    return token


def sample_nft(side: Side, *ids: int, uri: str = "ipfs://{}") -> Deployed:
    """An ordinary ERC-721 token; Alice has ``ids`` and the bridge may move all of hers."""
    token = deploy(side.machine, "SampleNft", "Stars", "STAR")
    for one in ids:
        token.send("mint", ALICE, one, uri.format(one))
    token.send("setApprovalForAll", side.nfts.address, True, sender=ALICE)
    return token


def transfer(
    bridge: Deployed,
    destination: int,
    token: str,
    value: int,
    recipient: str | bytes = BOB,
    sender: str = ALICE,
    deadline: int = 0,
    gas_limit: int = 0,
    wei: int = 0,
) -> Sent:
    to = padded(recipient) if isinstance(recipient, str) else recipient
    options = (deadline, gas_limit, NOBODY)
    return bridge.send("transfer", destination, token, value, to, options, sender=sender, value=wei)


def attested(world: World, origin: Side) -> None:
    """All messages of ``origin``, attested on the other side."""
    other = world.b if origin is world.a else world.a
    origin.sync()
    if other.inbox.call("attestedSize", origin.domain, origin.tree.root()) == 0:
        world.attest(origin, other)


def delivered(world: World, origin: Side, index: int = -1) -> Sent:
    """Message ``index`` of ``origin``, the last by default, delivered on the other side."""
    other = world.b if origin is world.a else world.a
    attested(world, origin)
    return world.process(origin, other, index % len(origin.messages))


def refused(world: World, origin: Side, index: int = -1) -> str:
    """What the recipient of message ``index`` of ``origin`` reverts with, in words."""
    with reverts("RecipientReverted") as caught:
        delivered(world, origin, index)
    other = world.b if origin is world.a else world.a
    place = index % len(origin.messages)
    assert not other.inbox.call("delivered", origin.domain, place)  # it stays deliverable
    return RevertDecoder([*ERRORS.values(), *error_signatures([mock("SampleNft").abi])])(
        caught.value.arguments[1]
    )


def timed_out(world: World, origin: Side, index: int = -1) -> bytes:
    """The id of message ``index`` of ``origin``, which expired and of which word came back."""
    other = world.b if origin is world.a else world.a
    attested(world, origin)
    place = index % len(origin.messages)
    message = origin.messages[place]
    deadline = Message.decode(message).deadline
    world.warp(max(0, deadline + 1 - world.a.machine.timestamp))
    other.inbox.send("expire", world.metadata(origin, place), message)
    identifier = message_id(Message.decode(message))
    other.receipts.send("sendTimeouts", origin.domain, [identifier])
    delivered(world, other)
    return identifier


def scheduled(contract: Deployed, function: str, *arguments: Any) -> None:
    """What the contract does to itself an hour after it was announced."""
    call = contract.artifact.call_data(function, *arguments)
    contract.send("schedule", call)
    contract.machine.warp(HOUR_S)
    contract.send("execute", call)


def book(side: Side, route: Route, bridge: str = "tokens") -> tuple[int, int, int]:
    """What the route's end at ``side`` sent, received and refunded."""
    passed: tuple[int, int, int] = getattr(side, bridge).call("totals", route)
    return passed
