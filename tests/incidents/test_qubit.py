"""Qubit, January 2022: a call of an address without code passed for a deposit, of nothing."""

from __future__ import annotations

import pytest
from pyrevm import AccountInfo

from bridge.chain.abi import encode_call
from bridge.domain.quorums import SignerSet
from bridge.testing import World, padded
from bridge.testing.machine import OWNER, STRANGER, Reverted, reverts
from bridge.testing.world import GOVERNANCE, HOUR_S
from tests.contracts.tokens import sample_token, transfer
from tests.incidents.conftest import ELSEWHERE, NOBODY, A, B, send

PRECOMPILES = ["0x" + f"{number:040x}" for number in (1, 2, 4, 17)]


@pytest.mark.parametrize("address", [ELSEWHERE, STRANGER, *PRECOMPILES])
def test_a_recipient_that_is_no_contract_takes_nothing(world: World, address: str) -> None:
    """A call of it would succeed, and the message would be gone."""
    send(world, padded(address), b"")
    world.attest(world.a, world.b)
    with reverts("RecipientHasNoCode", address.lower()):
        world.process(world.a, world.b, 0)
    (failed,) = world.process_range(world.a, world.b, 0, 1).events(world.b.inbox)
    assert failed.arguments["reason"] == encode_call("RecipientHasNoCode(address)", address)
    assert not world.b.inbox.call("delivered", A, 0)


def test_nothing_of_the_bridge_stands_on_an_address_without_code(world: World) -> None:
    machine = world.b.machine
    with reverts("RegistryHasNoCode", ELSEWHERE):
        machine.deploy("Inbox", B, ELSEWHERE, GOVERNANCE)
    fresh = machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    members, *thresholds = world.b.struct(SignerSet(1, 2, world.signers))
    members[1] = (1, [(ELSEWHERE, b"\1" * 32)])
    with reverts("VerifierHasNoCode", 1, ELSEWHERE):
        fresh.send("initialise", (members, *thresholds))
    for name in ("Receipts", "Postcard"):
        for outbox, inbox in (
            (ELSEWHERE, world.b.inbox.address),
            (world.b.outbox.address, ELSEWHERE),
        ):
            with reverts("InvalidBridge", outbox.lower(), inbox.lower()):
                machine.deploy(name, outbox, inbox, OWNER)


def test_a_deposit_of_nothing_and_a_token_that_is_no_contract_mint_nothing() -> None:
    """The attack itself: a deposit event came of a call that moved no token."""
    world = World.built()  # its own: a contract vanishes from it
    bridge, remote = world.a.tokens, world.b
    with reverts("TokenHasNoCode", ELSEWHERE):
        world.enrol_token(world.a, ELSEWHERE)
    gold = sample_token(world.a)
    world.enrol_token(world.a, gold.address)
    with reverts("ZeroValue"):
        transfer(bridge, B, gold.address, 0)
    poor = "0x" + "d0" * 20
    with pytest.raises(Reverted):  # the token's own refusal: nothing was allowed, nothing is there
        transfer(bridge, B, gold.address, 1, sender=poor)
    world.a.machine.evm.insert_account_info(gold.address, AccountInfo(code=b""))
    with reverts("TokenHasNoCode", gold.address):
        transfer(bridge, B, gold.address, 600)
    assert world.a.outbox.call("count") == 0
    assert bridge.call("lockedTotal", gold.address, B) == 0
    assert remote.voucher(world.a, gold.address).call("totalSupply") == 0


def test_a_message_that_pays_nothing_where_it_must_is_none(world: World, recipient: bytes) -> None:
    outbox = world.a.outbox
    outbox.send("setFeeSchedule", B, (1, 0, 0))
    fee = outbox.call("quoteDispatch", B, recipient, b"")
    for paid in (0, fee - 1):
        with reverts("FeeTooLow", fee, paid):
            outbox.send("dispatch", B, recipient, b"", (0, 0, NOBODY), value=paid)
    assert (outbox.call("count"), outbox.call("root")) == (0, bytes(32))
    outbox.send("dispatch", B, recipient, b"", (0, 0, NOBODY), value=fee)
    assert outbox.call("count") == 1
