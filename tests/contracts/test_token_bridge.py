"""ERC-20 over messages: there and back, and everything that is no transfer."""

from __future__ import annotations

import pyrevm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.artifact import load
from bridge.crypto.hashing import keccak256
from bridge.testing import GUARDIAN, OWNER, Deployed, World, padded, reverts
from bridge.testing.world import GOVERNANCE
from tests.contracts.conftest import A, B
from tests.contracts.tokens import (
    ALICE,
    BOB,
    NOBODY,
    Route,
    book,
    delivered,
    deploy,
    refused,
    sample_token,
    transfer,
)

TAG = keccak256(b"astralink/transfer/v1/erc20")


@pytest.fixture
def gold(world: World) -> Deployed:
    return sample_token(world.a)


@pytest.fixture
def route(world: World, gold: Deployed) -> Route:
    return world.enrol_token(world.a, gold.address)


@pytest.fixture
def voucher(world: World, gold: Deployed, route: Route) -> Deployed:
    return world.b.voucher(world.a, gold.address)


def body(home: int, token: bytes, value: int, recipient: bytes, description: bytes = b"") -> bytes:
    return TAG + home.to_bytes(4) + token + value.to_bytes(32) + recipient + description


DESCRIPTION = b"\x09\x04\x03GoldGLD"


def test_there_and_back(world: World, gold: Deployed, route: Route, voucher: Deployed) -> None:
    a, b = world.a, world.b
    sent = transfer(a.tokens, B, gold.address, 600)
    (event,) = sent.events(a.tokens)
    assert (event.name, event.arguments) == (
        "TransferSent",
        {
            "messageId": sent.output,
            "destination": B,
            "token": gold.address.lower(),
            "sender": ALICE.lower(),
            "recipient": padded(BOB),
            "value": 600,
        },
    )
    assert gold.call("balanceOf", ALICE) == 1_000_000 - 600
    assert (
        a.tokens.call("escrowed", gold.address) == gold.call("balanceOf", a.tokens.address) == 600
    )
    assert a.tokens.call("lockedTotal", gold.address, B) == 600

    arrived = delivered(world, a).events(b.tokens)
    assert [(one.name, one.arguments["value"]) for one in arrived] == [("TransferReceived", 600)]
    assert voucher.call("balanceOf", BOB) == voucher.call("totalSupply") == 600
    assert b.tokens.call("mintedTotal", A, padded(gold.address)) == 600
    assert [voucher.call(what) for what in ("name", "symbol", "decimals")] == ["Gold", "GLD", 9]
    assert b.tokens.call("homeOf", voucher.address) == (A, padded(gold.address))

    transfer(b.tokens, A, voucher.address, 250, ALICE, sender=BOB)
    assert voucher.call("totalSupply") == 350
    assert b.tokens.call("burnedTotal", A, padded(gold.address)) == 250
    delivered(world, b)
    assert gold.call("balanceOf", ALICE) == 1_000_000 - 350
    assert a.tokens.call("releasedTotal", gold.address, B) == 250
    assert a.tokens.call("escrowed", gold.address) == 350
    assert book(a, route) == (600, 250, 0)
    assert book(b, route) == (250, 600, 0)


def test_the_voucher_stands_where_its_home_says(
    world: World, gold: Deployed, voucher: Deployed
) -> None:
    """CREATE2 (EIP-1014): from the bridge, the home domain and the home token."""
    salt = keccak256(A.to_bytes(32) + padded(gold.address))
    code = keccak256(load("TokenVoucher").creation_code)
    bridge = bytes.fromhex(world.b.tokens.address[2:])
    expected = keccak256(b"\xff" + bridge + salt + code)[12:]
    assert bytes.fromhex(voucher.address[2:]) == expected
    assert world.b.machine.evm.get_code(voucher.address)
    assert voucher.call("bridge") == world.b.tokens.address.lower()


def test_only_the_bridge_mints_burns_and_describes(world: World, voucher: Deployed) -> None:
    for function, arguments in {
        "mint": (ALICE, 1),
        "burn": (ALICE, 1),
        "describe": ("Gold", "GLD", 9),
    }.items():
        for sender in (OWNER, GUARDIAN, ALICE):
            with reverts("NotBridge", sender.lower()):
                voucher.send(function, *arguments, sender=sender)


def test_the_first_transfer_names_the_voucher(world: World, route: Route) -> None:
    """A peer that changes its mind about the name is not heard."""
    peer = world.a.machine.deploy("TokenBridge", *parts(world), GOVERNANCE)
    assert peer.address != world.a.tokens.address
    side = world.b
    bridge = side.machine.deploy("TokenBridge", *parts(world, "b"), GOVERNANCE)
    bridge.send("enrolPeer", A, padded(OWNER))
    bridge.send("enrol", (A, b"\7".rjust(32, b"\0"), B), (100, 0), (100, 0))
    voucher = Deployed(
        side.machine,
        load("TokenVoucher"),
        bridge.call("voucherOf", A, b"\7".rjust(32, b"\0")),
    )
    for description in (DESCRIPTION, b"\x12\x04\x03MudsMUD"):
        forged = body(A, b"\7".rjust(32, b"\0"), 5, padded(BOB), description)
        world.a.outbox.send("dispatch", B, padded(bridge.address), forged)
        delivered(world, world.a)
        assert [voucher.call(what) for what in ("name", "symbol", "decimals")] == ["Gold", "GLD", 9]
    assert voucher.call("balanceOf", BOB) == 10


def parts(world: World, name: str = "a") -> tuple[str, str, str]:
    side = world.a if name == "a" else world.b
    return (side.outbox.address, side.inbox.address, side.receipts.address)


# What is no transfer


def test_a_deposit_of_nothing_is_refused(world: World, gold: Deployed, route: Route) -> None:
    """Qubit 2022: a deposit that brought nothing was worth something on the other chain."""
    with reverts("ZeroValue"):
        transfer(world.a.tokens, B, gold.address, 0)
    assert book(world.a, route) == (0, 0, 0)


def test_a_token_that_is_no_contract_is_refused(world: World, gold: Deployed) -> None:
    """Qubit 2022: a token at an address without code."""
    nobody = "0x" + "dd" * 20
    for token in (nobody, gold.address):
        with reverts("RouteUnknown", A, padded(token), B):
            transfer(world.a.tokens, B, token, 1)
    with reverts("TokenHasNoCode", nobody):
        world.a.tokens.send("enrol", (A, padded(nobody), B), (1, 1), (1, 1))


def test_a_token_whose_code_went_is_refused(world: World, gold: Deployed, route: Route) -> None:
    world.a.machine.evm.insert_account_info(gold.address, pyrevm.AccountInfo())
    with reverts("TokenHasNoCode", gold.address.lower()):
        transfer(world.a.tokens, B, gold.address, 1)


def test_recipients_that_would_lose_it_are_refused_at_sending(
    world: World, gold: Deployed, route: Route, voucher: Deployed
) -> None:
    a, b = world.a, world.b
    dirty = b"\1" + bytes(11) + bytes.fromhex(BOB[2:])
    for recipient in (bytes(32), dirty, padded(b.tokens.address), padded(voucher.address)):
        with reverts("InvalidRecipient", recipient):
            transfer(a.tokens, B, gold.address, 1, recipient)
        with reverts("InvalidRecipient", recipient):
            a.tokens.call("quoteTransfer", B, gold.address, 1, recipient, (0, 0, NOBODY))
    transfer(a.tokens, B, gold.address, 10)
    delivered(world, a)
    for recipient in (bytes(32), dirty, padded(a.tokens.address), padded(gold.address)):
        with reverts("InvalidRecipient", recipient):
            transfer(b.tokens, A, voucher.address, 1, recipient, sender=BOB)
    assert voucher.call("totalSupply") == 10


def test_too_little_gas_is_refused_at_sending(world: World, gold: Deployed, route: Route) -> None:
    tokens = world.a.tokens
    with reverts("GasLimitTooLow") as caught:
        transfer(tokens, B, gold.address, 1, gas_limit=1)
    given, least = caught.value.arguments
    assert given == 1
    with reverts("GasLimitTooLow", least - 1, least):
        transfer(tokens, B, gold.address, 1, gas_limit=least - 1)
    transfer(tokens, B, gold.address, 1, gas_limit=least)
    delivered(world, world.a)


def test_the_least_gas_delivers_the_longest_description_to_a_cold_chain(world: World) -> None:
    """The first transfer writes most: totals, a name, a supply and a balance that were not."""
    token = deploy(world.a.machine, "SampleToken", "n" * 63, "s" * 31, 18)
    token.send("mint", ALICE, 10)
    token.send("approve", world.a.tokens.address, 10, sender=ALICE)
    world.enrol_token(world.a, token.address)
    transfer(world.a.tokens, B, token.address, 10)
    sent = delivered(world, world.a)
    assert sent.events(world.b.tokens)
    voucher = world.b.voucher(world.a, token.address)
    assert voucher.call("name") == "n" * 63


def test_what_was_not_approved_or_is_not_there_is_not_sent(
    world: World, gold: Deployed, route: Route, voucher: Deployed
) -> None:
    with reverts("ERC20InsufficientBalance", ALICE.lower(), 1_000_000, 1_000_001):
        transfer(world.a.tokens, B, gold.address, 1_000_001)
    with reverts("ERC20InsufficientAllowance", world.a.tokens.address.lower(), 0, 1):
        transfer(world.a.tokens, B, gold.address, 1, sender=OWNER)
    with reverts("ERC20InsufficientBalance", BOB.lower(), 0, 1):
        transfer(world.b.tokens, A, voucher.address, 1, ALICE, sender=BOB)
    assert book(world.a, route) == book(world.b, route) == (0, 0, 0)


def test_a_voucher_goes_home_only(
    world: World, gold: Deployed, route: Route, voucher: Deployed
) -> None:
    world.b.outbox.send("enrolDestination", 7)
    world.b.tokens.send("enrolPeer", 7, b"\7".rjust(32, b"\0"))
    with reverts("WrongHome", A, 7):
        transfer(world.b.tokens, 7, voucher.address, 1)
    for remote in (A, 7):
        with reverts("ForbiddenToken", padded(voucher.address)):
            world.b.tokens.send("enrol", (B, padded(voucher.address), remote), (1, 1), (1, 1))


def test_parts_of_the_bridge_are_no_tokens(world: World) -> None:
    a = world.a
    for part in (a.tokens, a.outbox, a.inbox, a.receipts):
        with reverts("ForbiddenToken", padded(part.address)):
            a.tokens.send("enrol", (A, padded(part.address), B), (1, 1), (1, 1))
    dirty = b"\1" + bytes(11) + bytes.fromhex(BOB[2:])
    with reverts("ForbiddenToken", dirty):
        a.tokens.send("enrol", (A, dirty, B), (1, 1), (1, 1))


def test_routes_have_this_chain_at_one_end(world: World, gold: Deployed) -> None:
    token = padded(gold.address)
    for route in ((A, token, A), (0, token, A), (A, token, 0), (A, bytes(32), B), (7, token, 8)):
        with reverts("InvalidRoute", *route):
            world.a.tokens.send("enrol", route, (1, 1), (1, 1))
    world.enrol_token(world.a, gold.address)
    for side in (world.a, world.b):
        with reverts("RouteKnown", A, token, B):
            side.tokens.send("enrol", (A, token, B), (1, 1), (1, 1))
        for sender in (GUARDIAN, ALICE):
            with reverts("NotOwner", sender.lower()):
                side.tokens.send("enrol", (A, token, 7), (1, 1), (1, 1), sender=sender)
            with reverts("NotOwner", sender.lower()):
                side.tokens.send("enrolPeer", 7, token, sender=sender)


def test_a_bridge_needs_receipts(world: World) -> None:
    with reverts("ReceiptsHasNoCode", NOBODY):
        world.a.machine.deploy("TokenBridge", *parts(world)[:2], NOBODY, GOVERNANCE)


# What arrives


def test_only_the_inbox_and_the_peer_are_heard(world: World, gold: Deployed, route: Route) -> None:
    """CrossCurve 2026: every entry knows its caller and its source."""
    forged = body(A, padded(gold.address), 1, padded(BOB), DESCRIPTION)
    with reverts("NotInbox", ALICE.lower()):
        world.b.tokens.send("handle", A, padded(world.a.tokens.address), forged, sender=ALICE)
    world.a.outbox.send("dispatch", B, padded(world.b.tokens.address), forged, sender=ALICE)
    assert refused(world, world.a) == f"NotPeer(1, 0x{padded(ALICE).hex()})"


@pytest.fixture
def puppet(world: World, gold: Deployed) -> Deployed:
    """A bridge on B whose peer on A is the owner's account, with the route of the gold."""
    bridge = world.b.machine.deploy("TokenBridge", *parts(world, "b"), GOVERNANCE)
    bridge.send("enrolPeer", A, padded(OWNER))
    bridge.send("enrol", (A, padded(gold.address), B), (100, 0), (100, 0))
    return bridge


def spoken(world: World, puppet: Deployed, said: bytes) -> str:
    """What the puppet says to a body of its peer."""
    world.a.outbox.send("dispatch", B, padded(puppet.address), said)
    return refused(world, world.a)


def test_malformed_bodies_are_refused(world: World, gold: Deployed, puppet: Deployed) -> None:
    token, to = padded(gold.address), padded(BOB)
    good = body(A, token, 5, to, DESCRIPTION)
    for said, words in {
        b"": "MalformedBody(0)",
        good[:131]: "MalformedBody(131)",
        good[:132]: "MalformedBody(0)",  # no description
        good[:134]: "MalformedBody(2)",
        good[:-1]: f"MalformedBody({len(DESCRIPTION) - 1})",  # the symbol is cut
        good + b"x": f"MalformedBody({len(DESCRIPTION) + 1})",  # an ERC-20 token has no URI
        b"\1" * len(good): f"WrongTag(0x{'01' * 32})",
        body(B, token, 5, to): f"RouteUnknown(2, 0x{token.hex()}, 1)",
        body(B, token, 5, to, b"x"): "MalformedBody(133)",  # nothing is said of what comes home
        body(7, token, 5, to, DESCRIPTION): "WrongHome(2, 7)",
        body(A, b"\7" * 32, 5, to, DESCRIPTION): f"RouteUnknown(1, 0x{'07' * 32}, 2)",
        body(A, token, 0, to, DESCRIPTION): "ZeroValue()",
        body(A, token, 101, to, DESCRIPTION): "LimitExceeded(101, 100)",
    }.items():
        assert spoken(world, puppet, said) == words
    world.a.outbox.send("dispatch", B, padded(puppet.address), good)
    delivered(world, world.a)


def test_recipients_that_would_lose_it_are_refused_at_delivery(
    world: World, gold: Deployed, puppet: Deployed
) -> None:
    token = padded(gold.address)
    voucher = puppet.call("voucherOf", A, token)
    dirty = b"\1" + bytes(11) + bytes.fromhex(BOB[2:])
    for to in (bytes(32), dirty, padded(puppet.address), padded(voucher)):
        said = body(A, token, 5, to, DESCRIPTION)
        assert spoken(world, puppet, said) == f"InvalidRecipient(0x{to.hex()})"


def test_recipients_at_home_are_refused_at_delivery(world: World) -> None:
    token = sample_token(world.b)
    bridge = world.b.machine.deploy("TokenBridge", *parts(world, "b"), GOVERNANCE)
    bridge.send("enrolPeer", A, padded(OWNER))
    bridge.send("enrol", (B, padded(token.address), A), (100, 0), (100, 0))
    token.send("approve", bridge.address, 50, sender=ALICE)
    transfer(bridge, A, token.address, 50)
    dirty = b"\1" + bytes(11) + bytes.fromhex(BOB[2:])
    for to in (bytes(32), dirty, padded(bridge.address), padded(token.address)):
        said = body(B, padded(token.address), 5, to)
        assert spoken(world, bridge, said) == f"InvalidRecipient(0x{to.hex()})"
    # Nor is more given out than the route has, to anybody.
    assert spoken(world, bridge, body(B, padded(token.address), 51, padded(BOB))) == (
        "NotLocked(51, 50)"
    )
    world.a.outbox.send(
        "dispatch", B, padded(bridge.address), body(B, padded(token.address), 50, padded(BOB))
    )
    delivered(world, world.a)
    assert token.call("balanceOf", BOB) == 50
    assert spoken(world, bridge, body(B, padded(token.address), 1, padded(BOB))) == (
        "NotLocked(1, 0)"
    )


def test_one_bad_chain_releases_nothing_of_another(world: World) -> None:
    """What is locked for domain 9 is out of domain 1's reach, whatever domain 1 says."""
    token = sample_token(world.b)
    bridge = world.b.machine.deploy("TokenBridge", *parts(world, "b"), GOVERNANCE)
    world.b.outbox.send("enrolDestination", 9)
    for domain in (A, 9):
        bridge.send("enrolPeer", domain, padded(OWNER))
        bridge.send("enrol", (B, padded(token.address), domain), (100, 0), (100, 0))
    token.send("approve", bridge.address, 100, sender=ALICE)
    transfer(bridge, 9, token.address, 70)
    transfer(bridge, A, token.address, 30)
    assert spoken(world, bridge, body(B, padded(token.address), 31, padded(BOB))) == (
        "NotLocked(31, 30)"
    )
    assert bridge.call("lockedTotal", token.address, 9) == 70
    assert bridge.call("escrowed", token.address) == 100


def test_a_message_is_delivered_once(
    world: World, gold: Deployed, route: Route, voucher: Deployed
) -> None:
    transfer(world.a.tokens, B, gold.address, 5)
    delivered(world, world.a)
    with reverts("AlreadyDelivered", A, 0):
        world.process(world.a, world.b, 0)
    assert voucher.call("totalSupply") == 5


def test_without_a_peer_nothing_leaves(world: World, gold: Deployed) -> None:
    world.a.outbox.send("enrolDestination", 7)
    world.a.tokens.send("enrol", (A, padded(gold.address), 7), (10, 0), (10, 0))
    with reverts("NoPeer", 7):
        transfer(world.a.tokens, 7, gold.address, 1)
    assert gold.call("balanceOf", ALICE) == 1_000_000


# Fees


def test_the_quote_is_what_is_paid_and_the_rest_comes_back(
    world: World, gold: Deployed, route: Route
) -> None:
    world.a.outbox.send("setFeeSchedule", B, (3, 100_000, 16))
    tokens, machine = world.a.tokens, world.a.machine
    fee = tokens.call("quoteTransfer", B, gold.address, 5, padded(BOB), (0, 0, NOBODY))
    assert fee > 3 * 380_000
    with reverts("FeeTooLow", fee, fee - 1):
        transfer(tokens, B, gold.address, 5, wei=fee - 1)
    before = machine.evm.get_balance(ALICE)
    transfer(tokens, B, gold.address, 5, wei=fee + 99)
    assert before - machine.evm.get_balance(ALICE) == fee
    assert machine.evm.get_balance(tokens.address) == 0
    more = tokens.call("quoteTransfer", B, gold.address, 5, padded(BOB), (0, 1_000_000, NOBODY))
    assert more > fee


# Conservation

MOVES = st.lists(st.tuples(st.sampled_from("abd"), st.integers(1, 400)), max_size=12)


@settings(max_examples=25, deadline=None)
@given(moves=MOVES)
def test_whatever_happens_nothing_is_made_or_lost(
    bridge_world: World, moves: list[tuple[str, int]]
) -> None:
    """Sent from either side, delivered late or soon: totals, balances and supply agree."""
    with bridge_world.a.machine.undone(), bridge_world.b.machine.undone():
        world = bridge_world.copy()
        a, b = world.a, world.b
        gold = sample_token(a, 1_000)
        route = world.enrol_token(a, gold.address, (10**6, 0))
        voucher = b.voucher(a, gold.address)
        for what, amount in moves:
            if what == "d":
                world.relay()
                continue
            side, token = (a, gold) if what == "a" else (b, voucher)
            have = token.call("balanceOf", ALICE)
            if amount > have:
                with reverts("ERC20InsufficientBalance", ALICE.lower(), have, amount):
                    transfer(side.tokens, 3 - side.domain, token.address, amount, ALICE)
            else:
                transfer(side.tokens, 3 - side.domain, token.address, amount, ALICE)
            (locked, released, _), (burned, minted, _) = book(a, route), book(b, route)
            assert minted <= locked
            assert released <= burned
            held = gold.call("balanceOf", a.tokens.address)
            assert held == locked - released == a.tokens.call("escrowed", gold.address)
            assert voucher.call("totalSupply") == minted - burned
            assert held >= voucher.call("totalSupply")
        world.relay()
        assert gold.call("balanceOf", ALICE) + voucher.call("balanceOf", ALICE) == 1_000
