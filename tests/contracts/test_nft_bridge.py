"""ERC-721 over messages: each token by its id, there and back, and never in two places."""

from __future__ import annotations

import pytest

from bridge.chain.abi import encode_call
from bridge.chain.artifact import load
from bridge.crypto.hashing import keccak256
from bridge.testing import GUARDIAN, OWNER, Deployed, World, padded, reverts
from bridge.testing.world import GOVERNANCE, HOUR_S
from tests.contracts.conftest import ACCEPTS, A, B
from tests.contracts.tokens import (
    ALICE,
    BOB,
    NOBODY,
    Route,
    book,
    delivered,
    deploy,
    refused,
    sample_nft,
    timed_out,
    transfer,
)

TAG = keccak256(b"astralink/transfer/v1/erc721")
RECEIVED = bytes.fromhex("150b7a02")  # onERC721Received(address,address,uint256,bytes)


@pytest.fixture
def stars(world: World) -> Deployed:
    return sample_nft(world.a, 1, 2, 3, (1 << 256) - 1)


@pytest.fixture
def route(world: World, stars: Deployed) -> Route:
    return world.enrol_token(world.a, stars.address, bridge="nfts")


@pytest.fixture
def voucher(world: World, stars: Deployed, route: Route) -> Deployed:
    return world.b.voucher(world.a, stars.address, "nfts")


def deadline_of(world: World) -> int:
    return world.a.machine.timestamp + HOUR_S


def body(home: int, token: str, value: int, recipient: str, description: bytes = b"") -> bytes:
    return (
        TAG
        + home.to_bytes(4)
        + padded(token)
        + value.to_bytes(32)
        + padded(recipient)
        + description
    )


def test_there_and_back(world: World, stars: Deployed, route: Route, voucher: Deployed) -> None:
    a, b = world.a, world.b
    last = (1 << 256) - 1
    for one in (1, last):
        transfer(a.nfts, B, stars.address, one)
        assert stars.call("ownerOf", one) == a.nfts.address.lower()
        assert a.nfts.call("lockedFor", stars.address, one) == B
        delivered(world, a)
        assert voucher.call("ownerOf", one) == BOB
        assert voucher.call("tokenURI", one) == f"ipfs://{one}"
    assert (voucher.call("name"), voucher.call("symbol")) == ("Stars", "STAR")
    assert voucher.call("totalSupply") == a.nfts.call("escrowed", stars.address) == 2
    assert a.nfts.call("lockedTotal", stars.address, B) == 2

    transfer(b.nfts, A, voucher.address, last, ALICE, sender=BOB)
    with reverts("ERC721NonexistentToken", last):
        voucher.call("tokenURI", last)
    delivered(world, b)
    assert stars.call("ownerOf", last) == ALICE.lower()
    assert a.nfts.call("lockedFor", stars.address, last) == 0
    assert (book(a, route, "nfts"), book(b, route, "nfts")) == ((2, 1, 0), (1, 2, 0))
    assert voucher.call("totalSupply") == a.nfts.call("escrowed", stars.address) == 1
    # And there once more, with the URI that it has now.
    transfer(a.nfts, B, stars.address, last)
    delivered(world, a)
    assert voucher.call("ownerOf", last) == BOB


def test_only_its_owner_sends_a_token(
    world: World, stars: Deployed, route: Route, voucher: Deployed
) -> None:
    stars.send("setApprovalForAll", world.a.nfts.address, True, sender=OWNER)
    with reverts("ERC721IncorrectOwner", OWNER.lower(), 1, ALICE.lower()):
        transfer(world.a.nfts, B, stars.address, 1, sender=OWNER)
    transfer(world.a.nfts, B, stars.address, 1)
    delivered(world, world.a)
    with reverts("NotHolder", 1, BOB, ALICE.lower()):
        transfer(world.b.nfts, A, voucher.address, 1, ALICE, sender=ALICE)
    with reverts("ERC721NonexistentToken", 2):
        transfer(world.b.nfts, A, voucher.address, 2, ALICE, sender=BOB)


def test_only_the_bridge_mints_burns_and_describes(world: World, voucher: Deployed) -> None:
    for function, arguments in {
        "mint": (ALICE, 1, ""),
        "mintAgain": (ALICE, 1),
        "burn": (ALICE, 1),
        "describe": ("Stars", "STAR"),
    }.items():
        for sender in (OWNER, GUARDIAN, ALICE):
            with reverts("NotBridge", sender.lower()):
                voucher.send(function, *arguments, sender=sender)


def test_what_is_locked_is_not_locked_again(world: World, stars: Deployed, route: Route) -> None:
    transfer(world.a.nfts, B, stars.address, 1)
    with reverts("NotLockedFor", stars.address.lower(), 1, B, 0):
        transfer(world.a.nfts, B, stars.address, 1)


def test_a_token_that_does_not_move_is_refused(world: World) -> None:
    token = deploy(world.a.machine, "IdleNft")
    token.send("mint", ALICE, 1, "")
    world.enrol_token(world.a, token.address, bridge="nfts")
    with reverts("NotMoved", token.address.lower(), 1, ALICE.lower()):
        transfer(world.a.nfts, B, token.address, 1)


def test_the_limit_counts_tokens(world: World, stars: Deployed) -> None:
    world.enrol_token(world.a, stars.address, (2, 1), "nfts")
    for one in (1, 2):
        transfer(world.a.nfts, B, stars.address, one)
    with reverts("LimitExceeded", 1, 0):
        transfer(world.a.nfts, B, stars.address, 3)
    world.warp(1)
    transfer(world.a.nfts, B, stars.address, 3)
    for index in range(2):
        delivered(world, world.a, index)
    with world.b.machine.undone():
        assert refused(world, world.a, 2) == "LimitExceeded(1, 0)"
    world.warp(1)
    delivered(world, world.a, 2)


# Recipients that are contracts


def test_a_contract_that_does_not_take_it_loses_nothing(
    world: World, stars: Deployed, route: Route, voucher: Deployed
) -> None:
    holder = deploy(world.b.machine, "NftHolder")
    plain = world.b.machine.deploy_code(ACCEPTS)
    transfer(world.a.nfts, B, stars.address, 1, holder.address)
    transfer(world.a.nfts, B, stars.address, 2, plain, deadline=deadline_of(world))
    assert refused(world, world.a, 0) == f"ERC721InvalidReceiver({holder.address.lower()})"
    assert refused(world, world.a, 1) == "no revert data"  # it answered nothing at all
    holder.send("setHook", RECEIVED, NOBODY, b"")
    delivered(world, world.a, 0)
    assert voucher.call("ownerOf", 1) == holder.address.lower()
    identifier = timed_out(world, world.a, 1)
    world.a.nfts.send("refund", identifier, (B, stars.address, 2, ALICE))
    assert stars.call("ownerOf", 2) == ALICE.lower()
    assert book(world.a, route, "nfts") == (2, 0, 1)


def test_a_contract_at_home_that_does_not_take_it_loses_nothing(
    world: World, stars: Deployed, route: Route, voucher: Deployed
) -> None:
    transfer(world.a.nfts, B, stars.address, 1)
    delivered(world, world.a)
    holder = deploy(world.a.machine, "NftHolder")
    transfer(world.b.nfts, A, voucher.address, 1, holder.address, sender=BOB)
    assert refused(world, world.b) == f"ERC721InvalidReceiver({holder.address.lower()})"
    holder.send("setHook", RECEIVED, NOBODY, b"")
    delivered(world, world.b)
    assert stars.call("ownerOf", 1) == holder.address.lower()


def test_a_recipient_may_hand_it_on_at_once(
    world: World, stars: Deployed, route: Route, voucher: Deployed
) -> None:
    transfer(world.a.nfts, B, stars.address, 1)
    delivered(world, world.a)
    holder = deploy(world.a.machine, "NftHolder")
    on = encode_call("transferFrom(address,address,uint256)", holder.address, OWNER, 1)
    holder.send("setHook", RECEIVED, stars.address, on)
    transfer(world.b.nfts, A, voucher.address, 1, holder.address, sender=BOB)
    delivered(world, world.b)
    assert stars.call("ownerOf", 1) == OWNER.lower()


@pytest.mark.parametrize("entry", ["transfer", "refund"])
def test_a_recipient_that_calls_back_finds_no_door_open(
    world: World, stars: Deployed, route: Route, voucher: Deployed, entry: str
) -> None:
    holder = deploy(world.b.machine, "NftHolder")
    call = world.b.nfts.artifact.call_data(
        entry,
        *{
            "transfer": (A, voucher.address, 1, padded(ALICE), (0, 0, NOBODY)),
            "refund": (bytes(32), (A, voucher.address, 1, ALICE)),
        }[entry],
    )
    holder.send("setHook", RECEIVED, world.b.nfts.address, call)
    transfer(world.a.nfts, B, stars.address, 1, holder.address, gas_limit=1_000_000)
    delivered(world, world.a)
    assert not holder.call("taken")
    assert holder.call("result") == encode_call("Reentered()")
    assert voucher.call("ownerOf", 1) == holder.address.lower()


# Refunds


def test_a_burned_token_comes_back_as_it_was_and_without_being_asked(
    world: World, stars: Deployed, route: Route, voucher: Deployed
) -> None:
    """Who had it can hold it, though it does not say that it takes such tokens any more."""
    holder = deploy(world.b.machine, "NftHolder")
    holder.send("setHook", RECEIVED, NOBODY, b"")
    transfer(world.a.nfts, B, stars.address, 1, holder.address)
    delivered(world, world.a)
    options = (deadline_of(world), 0, NOBODY)
    call = world.b.nfts.artifact.call_data(
        "transfer", A, voucher.address, 1, padded(ALICE), options
    )
    holder.send("act", world.b.nfts.address, call)
    holder.send("setHook", bytes(4), NOBODY, b"")
    identifier = timed_out(world, world.b)
    sent = (A, voucher.address, 1, holder.address)
    world.b.nfts.send("refund", identifier, sent)
    assert voucher.call("ownerOf", 1) == holder.address.lower()
    assert voucher.call("tokenURI", 1) == "ipfs://1"
    assert voucher.call("totalSupply") == 1
    assert book(world.b, route, "nfts") == (1, 1, 1)
    with reverts("NotRefundable", identifier):
        world.b.nfts.send("refund", identifier, sent)
    assert world.a.nfts.call("lockedFor", stars.address, 1) == B


# Descriptions


@pytest.mark.parametrize(("length", "kept"), [(0, 0), (31, 31), (512, 512), (513, 0), (7_000, 0)])
def test_a_uri_is_whole_or_left_out(world: World, length: int, kept: int) -> None:
    token = sample_nft(world.a, 7, uri="u" * length)
    world.enrol_token(world.a, token.address, bridge="nfts")
    transfer(world.a.nfts, B, token.address, 7)
    delivered(world, world.a)
    voucher = world.b.voucher(world.a, token.address, "nfts")
    assert voucher.call("tokenURI", 7) == "u" * kept


def test_a_longer_description_asks_for_more_gas(world: World) -> None:
    least = []
    for length in (0, 512):
        token = sample_nft(world.a, 7, uri="u" * length)
        world.enrol_token(world.a, token.address, bridge="nfts")
        with reverts("GasLimitTooLow") as caught:
            transfer(world.a.nfts, B, token.address, 7, gas_limit=1)
        least.append(caught.value.arguments[1])
    assert least[1] == least[0] + 16 * 23_000


# What arrives


@pytest.fixture
def puppet(world: World, stars: Deployed) -> Deployed:
    """A bridge on B whose peers on A and 9 are the owner's accounts."""
    side = world.b
    parts = (side.outbox.address, side.inbox.address, side.receipts.address)
    bridge = side.machine.deploy("NftBridge", *parts, GOVERNANCE)
    side.outbox.send("enrolDestination", 9)
    for domain in (A, 9):
        bridge.send("enrolPeer", domain, padded(OWNER))
    bridge.send("enrol", (A, padded(stars.address), B), (9, 0), (9, 0))
    return bridge


def spoken(world: World, puppet: Deployed, said: bytes) -> str:
    world.a.outbox.send("dispatch", B, padded(puppet.address), said)
    return refused(world, world.a)


def test_a_token_is_not_minted_twice(world: World, stars: Deployed, puppet: Deployed) -> None:
    said = body(A, stars.address, 1, BOB, b"\0\0\0")
    world.a.outbox.send("dispatch", B, padded(puppet.address), said)
    delivered(world, world.a)
    assert spoken(world, puppet, said) == f"ERC721InvalidSender({NOBODY})"
    voucher = Deployed(
        world.b.machine, load("NftVoucher"), puppet.call("voucherOf", A, padded(stars.address))
    )
    assert voucher.call("totalSupply") == 1


def test_a_chain_releases_the_very_tokens_that_are_locked_for_it(
    world: World, puppet: Deployed
) -> None:
    """Their number would be right; the token is another's."""
    token = sample_nft(world.b, 1, 2)
    for domain in (A, 9):
        puppet.send("enrol", (B, padded(token.address), domain), (9, 0), (9, 0))
    token.send("setApprovalForAll", puppet.address, True, sender=ALICE)
    transfer(puppet, A, token.address, 1)
    transfer(puppet, 9, token.address, 2)
    lower = token.address.lower()
    assert spoken(world, puppet, body(B, token.address, 2, BOB)) == (
        f"NotLockedFor({lower}, 2, 9, 1)"
    )
    assert spoken(world, puppet, body(B, token.address, 3, BOB)) == (
        f"NotLockedFor({lower}, 3, 0, 1)"
    )
    world.a.outbox.send("dispatch", B, padded(puppet.address), body(B, token.address, 1, BOB))
    delivered(world, world.a)
    assert token.call("ownerOf", 1) == BOB
    assert spoken(world, puppet, body(B, token.address, 1, BOB)) == "NotLocked(1, 0)"


def test_malformed_bodies_are_refused(world: World, stars: Deployed, puppet: Deployed) -> None:
    good = body(A, stars.address, 1, BOB, b"\0\1\1NS")
    erc20 = keccak256(b"astralink/transfer/v1/erc20")
    for said, words in {
        erc20 + good[32:]: f"WrongTag(0x{erc20.hex()})",
        good[:132]: "MalformedBody(0)",
        good[:-1]: "MalformedBody(4)",
        body(A, stars.address, 1, BOB, b"\1\1\1NS"): "MalformedBody(5)",  # it has no decimals
        body(A, stars.address, 1, NOBODY, b"\0\1\1NS"): f"InvalidRecipient(0x{'00' * 32})",
    }.items():
        assert spoken(world, puppet, said) == words
    world.a.outbox.send("dispatch", B, padded(puppet.address), good)
    delivered(world, world.a)


def test_the_two_bridges_do_not_take_each_others_messages(
    world: World, stars: Deployed, route: Route
) -> None:
    with reverts("RouteUnknown", *route):
        transfer(world.a.tokens, B, stars.address, 1)
    forged = body(A, stars.address, 1, BOB, b"\0\0\0")
    world.a.outbox.send("dispatch", B, padded(world.b.nfts.address), forged)
    assert refused(world, world.a) == f"NotPeer(1, 0x{padded(OWNER).hex()})"
    with reverts("NotInbox", OWNER.lower()):
        world.b.nfts.send("handle", A, padded(world.a.nfts.address), forged)
