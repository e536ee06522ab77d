"""Tokens that are not as the standard has them: handled, or refused plainly."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from bridge.chain.abi import encode_call
from bridge.testing import Deployed, Side, World, padded, reverts
from bridge.testing.world import HOUR_S
from tests.contracts.conftest import A, B
from tests.contracts.tokens import (
    ALICE,
    BOB,
    NOBODY,
    book,
    delivered,
    deploy,
    refused,
    timed_out,
    transfer,
)


def odd(world: World, name: str, *arguments: object) -> Deployed:
    """A token on A of which Alice has 1,000, enrolled at both ends."""
    token = deploy(world.a.machine, name, *arguments)
    token.send("mint", ALICE, 1_000)
    if name != "Bytes32Token":
        token.send("approve", world.a.tokens.address, 1 << 200, sender=ALICE)
    world.enrol_token(world.a, token.address)
    return token


def held(side: Side, token: Deployed) -> int:
    amount: int = token.call("balanceOf", side.tokens.address)
    return amount


@pytest.mark.parametrize(("on_top", "got"), [(False, 495), (True, 500)])
def test_a_fee_is_refused_when_it_is_taken_from_what_is_locked(
    world: World, on_top: bool, got: int
) -> None:
    token = odd(world, "FeeToken")
    token.send("setFee", 100, on_top)
    if got == 500:
        transfer(world.a.tokens, B, token.address, 500)  # the sender pays it, all is there
    else:
        with reverts("AmountMismatch", 500, got):
            transfer(world.a.tokens, B, token.address, 500)
    assert held(world.a, token) == world.a.tokens.call("escrowed", token.address)


def test_a_fee_on_top_of_a_release_is_not_paid_by_others(world: World) -> None:
    """The bridge's balance would fall by more than the route gave up."""
    token = odd(world, "FeeToken")
    transfer(world.a.tokens, B, token.address, 500)
    delivered(world, world.a)
    voucher = world.b.voucher(world.a, token.address)
    transfer(world.b.tokens, A, voucher.address, 100, ALICE, sender=BOB)
    token.send("setFee", 1_000, True)
    assert refused(world, world.b) == "AmountMismatch(100, 110)"
    token.send("setFee", 1_000, False)  # out of what the recipient gets: his affair
    delivered(world, world.b)
    assert held(world.a, token) == 400
    assert token.call("balanceOf", ALICE) == 500 + 90


def test_a_token_that_returns_false_is_refused(world: World) -> None:
    token = odd(world, "FalseToken")
    with reverts("SafeERC20FailedOperation", token.address.lower()):
        transfer(world.a.tokens, B, token.address, 500)


def test_a_token_that_only_says_that_it_moved_is_refused(world: World) -> None:
    token = odd(world, "IdleToken")
    with reverts("AmountMismatch", 500, 0):
        transfer(world.a.tokens, B, token.address, 500)


def test_a_token_that_returns_nothing_is_taken(world: World) -> None:
    token = odd(world, "NoReturnToken")
    transfer(world.a.tokens, B, token.address, 500)
    delivered(world, world.a)
    voucher = world.b.voucher(world.a, token.address)
    assert [voucher.call(what) for what in ("name", "symbol", "decimals")] == [
        "No return",
        "NIL",
        6,
    ]
    transfer(world.b.tokens, A, voucher.address, 500, ALICE, sender=BOB)
    delivered(world, world.b)
    assert token.call("balanceOf", ALICE) == 1_000


# Reentrancy


@pytest.mark.parametrize("entry", ["transfer", "refund", "handle"])
def test_a_token_that_calls_back_finds_no_door_open(world: World, entry: str) -> None:
    token = odd(world, "HookedToken")
    tokens = world.a.tokens
    arguments = {
        "transfer": (B, token.address, 1, padded(BOB), (0, 0, NOBODY)),
        "refund": (bytes(32), (B, token.address, 1, ALICE)),
        "handle": (B, padded(world.b.tokens.address), b""),
    }[entry]
    call = tokens.artifact.call_data(entry, *arguments)
    token.send("setHook", tokens.address, call)
    transfer(tokens, B, token.address, 500)
    assert not token.call("taken")
    expected = "NotInbox(address)" if entry == "handle" else "Reentered()"
    given = (token.address,) if entry == "handle" else ()
    assert token.call("answer") == encode_call(expected, *given)
    assert tokens.call("escrowed", token.address) == held(world.a, token) == 500
    # And while it is released.
    delivered(world, world.a)
    voucher = world.b.voucher(world.a, token.address)
    transfer(world.b.tokens, A, voucher.address, 200, ALICE, sender=BOB)
    delivered(world, world.b)
    assert not token.call("taken")
    assert token.call("answer") == encode_call(expected, *given)
    assert held(world.a, token) == 300


def test_a_release_cannot_deliver_another(world: World) -> None:
    token = odd(world, "HookedToken")
    transfer(world.a.tokens, B, token.address, 500)
    delivered(world, world.a)
    voucher = world.b.voucher(world.a, token.address)
    for _ in range(2):
        transfer(world.b.tokens, A, voucher.address, 100, ALICE, sender=BOB)
    world.b.sync()
    world.attest(world.b, world.a)
    inbox = world.a.inbox
    second = inbox.artifact.call_data("process", world.metadata(world.b, 1), world.b.messages[1])
    token.send("setHook", inbox.address, second)
    world.process(world.b, world.a, 0)
    assert token.call("answer") == encode_call("Reentered()")
    token.send("setHook", NOBODY, b"")
    world.process(world.b, world.a, 1)
    assert token.call("balanceOf", ALICE) == 700


def test_a_refund_that_calls_back_pays_once(world: World) -> None:
    token = odd(world, "HookedToken")
    deadline = world.a.machine.timestamp + HOUR_S
    transfer(world.a.tokens, B, token.address, 500, deadline=deadline)
    identifier = timed_out(world, world.a)
    sent = (B, token.address, 500, ALICE)
    call = world.a.tokens.artifact.call_data("refund", identifier, sent)
    token.send("setHook", world.a.tokens.address, call)
    world.a.tokens.send("refund", identifier, sent)
    assert token.call("answer") == encode_call("Reentered()")
    assert token.call("balanceOf", ALICE) == 1_000


# What a token says of itself


def said(world: World, token: Deployed) -> list[object]:
    """What the voucher is called after a first transfer of ``token``."""
    transfer(world.a.tokens, B, token.address, 10)
    delivered(world, world.a)
    voucher = world.b.voucher(world.a, token.address)
    assert voucher.call("balanceOf", BOB) == 10
    return [voucher.call(what) for what in ("name", "symbol", "decimals")]


def test_words_of_32_bytes_are_read_up_to_their_end(world: World) -> None:
    assert said(world, odd(world, "Bytes32Token")) == ["Old token", "OLD", 0]


def string(text: bytes) -> bytes:
    return encode(["bytes"], [text])


WORD = (1 << 255) - 1


@pytest.mark.parametrize(
    ("answer", "name", "symbol", "decimals"),
    [
        (b"", "", "", 0),
        (b"\x41" * 31, "", "", 0),
        (b"\x41" * 32, "A" * 32, "A" * 31, 0),
        (string(b""), "", "", 32),
        (string(b"x" * 63), "x" * 63, "x" * 31, 32),
        (string(b"x" * 5_000), "x" * 63, "x" * 31, 32),
        # A character of two bytes that crosses the limit is left out.
        (string(b"x" * 62 + "é".encode() * 9), "x" * 62, "x" * 31, 32),
        (string("é".encode() * 40), "é" * 31, "é" * 15, 32),
        # A length that is not there, an offset that leads elsewhere.
        (encode(["uint256", "uint256"], [32, 1]), "", "", 32),
        (encode(["uint256", "uint256"], [32, WORD]), "", "", 32),
        (encode(["uint256", "uint256", "uint256"], [64, 0, 0]), "", "", 64),
    ],
    ids=range(11),
)
def test_strange_words_are_bounded(
    world: World, answer: bytes, name: str, symbol: str, decimals: int
) -> None:
    token = odd(world, "StrangeToken")
    token.send("setAnswer", answer, False)
    assert said(world, token) == [name, symbol, decimals]


def test_a_token_that_never_answers_has_no_name(world: World) -> None:
    token = odd(world, "StrangeToken")
    token.send("setAnswer", b"", True)
    assert said(world, token) == ["", "", 0]


def test_little_gas_does_not_take_a_name_away(world: World) -> None:
    """With just enough for all but the name, the transfer reverts and says nothing false."""
    token = odd(world, "SampleToken", "Gold", "GLD", 9)
    arguments = (B, token.address, 5, padded(BOB), (0, 0, NOBODY))
    with reverts("InsufficientGas"):
        world.a.tokens.send("transfer", *arguments, sender=ALICE, gas=90_000)
    assert book(world.a, (A, padded(token.address), B)) == (0, 0, 0)
    world.a.tokens.send("transfer", *arguments, sender=ALICE, gas=600_000)
    delivered(world, world.a)
    assert world.b.voucher(world.a, token.address).call("name") == "Gold"
