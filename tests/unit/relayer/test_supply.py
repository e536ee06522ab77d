"""The supply guard over real contracts: quiet while tokens add up, and exact where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bridge.chain.client import ChainClient, ChainSettings
from bridge.chain.deployment import SideRecord
from bridge.chain.transfers import TOKEN_TAG, Transfer
from bridge.chain.wire import data as hex_data
from bridge.chain.wire import parse_data, parse_quantity, quantity
from bridge.crypto.digests import checkpoint_digest
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT
from bridge.domain.errors import InputError, RootMismatch, SupplyBroken
from bridge.domain.keys import Provenance, PublicKeyRecord
from bridge.domain.messages import Message
from bridge.relayer.attestor import Attestor
from bridge.relayer.route import Route
from bridge.relayer.route import Side as RelayerSide
from bridge.relayer.supply import SupplyCheck, SupplyGuard, Tally
from bridge.relayer.treefile import TreeFile
from bridge.relayer.view import OriginView
from bridge.testing import OWNER, Deployed, Side, World, bridge_world, padded, world
from bridge.testing.world import GOVERNANCE, HOUR_S, SIGNERS, sign
from tests.contracts.conftest import A, B
from tests.contracts.tokens import (
    ALICE,
    BOB,
    delivered,
    sample_nft,
    sample_token,
    timed_out,
    transfer,
)

Start = Callable[..., "Signing"]

__all__ = ["bridge_world", "world"]


class MachineClient(ChainClient):
    """A client whose node is a bare EVM: a block for each log, final at once."""

    def __init__(self, side: Side) -> None:
        settings = ChainSettings(f"chain-{side.domain}", side.domain, side.machine.chain_id, "none")
        super().__init__(settings)
        self.machine = side.machine
        self.called: set[str] = set()

    @property
    def head(self) -> int:
        return len(self.machine.logs)

    async def request(self, method: str, *params: Any, what: str = "") -> Any:
        if method == "eth_call":
            request, block = params
            self.called.add(request["to"])
            assert parse_quantity(block) == self.head
            output = self.machine.raw_call(
                request["to"], parse_data(request["data"]), OWNER, static=True
            )
            return hex_data(output)
        if method == "eth_getBlockByNumber":
            number = self.head if params[0] == "finalized" else parse_quantity(params[0])
            return {
                "number": quantity(number),
                "hash": hex_data(number.to_bytes(32)),
                "parentHash": hex_data(bytes(32)),
                "timestamp": quantity(self.machine.timestamp),
            }
        assert method == "eth_getLogs", method
        (query,) = params
        first, last = (parse_quantity(query[name]) for name in ("fromBlock", "toBlock"))
        return [
            {
                "address": address,
                "topics": [hex_data(topic) for topic in topics],
                "data": hex_data(log_data),
                "blockNumber": quantity(number),
                "blockHash": hex_data(number.to_bytes(32)),
                "transactionHash": hex_data(number.to_bytes(32)),
                "logIndex": quantity(0),
            }
            for number, (address, topics, log_data) in enumerate(self.machine.logs, start=1)
            if first <= number <= last
            and address == query["address"]
            and hex_data(topics[0]) == query["topics"][0]
        ]


def side_of(side: Side, **changes: str | None) -> RelayerSide:
    names = ("registry", "outbox", "inbox", "receipts", "tokens", "nfts")
    addresses: dict[str, Any] = {name: getattr(side, name).address for name in names}
    record = SideRecord(
        domain=side.domain,
        chain_id=side.machine.chain_id,
        start_block=0,
        verifiers={},
        postcard=side.outbox.address,
        **{**addresses, **changes},
    )
    return RelayerSide.of(MachineClient(side), record)


(KEY,) = SIGNERS[0].keys
RECORD = PublicKeyRecord(
    KEY.key_id, "signer", KEY.algorithm, KEY.public_key, Provenance("", True, "", 0.0, 0, 0.0, "")
)


class Keys:
    """Signs as the key service does, with the world's own keys; ``signed`` counts."""

    def __init__(self) -> None:
        self.signed = 0

    async def health(self) -> None:
        """It is there."""

    async def sign_checkpoint(self, key_id: str, checkpoint: Any) -> bytes:
        self.signed += 1
        (member,) = (one for one in SIGNERS if one.keys[0].key_id == key_id)
        return sign(member, checkpoint_digest(checkpoint), CHECKPOINT_CONTEXT)


class Signing:
    """An attestor that checks the supply, and the routes between the chains of a world."""

    def __init__(self, file: TreeFile, world: World, **changes: str | None) -> None:
        """``changes`` are addresses of the record of B that a test has replaced."""
        self.world = world
        self.keys = Keys()
        self.sides = {A: side_of(world.a), B: side_of(world.b, **changes)}
        self.views = [OriginView(side, file) for side in self.sides.values()]
        self.check = SupplyCheck()

    async def __call__(self, origin: int = A) -> bytes:
        own = self.world.a if origin == A else self.world.b
        own.sync()
        route = Route(self.sides[origin], self.sides[3 - origin])
        return await self.ask(route.checkpoint(own.tree.root(), len(own.tree), 1))

    async def ask(self, checkpoint: Checkpoint) -> bytes:
        """Of an attestor that has signed nothing yet, and has read what the last one read."""
        checks = (self.check,)
        async with Attestor(self.views, [RECORD], self.keys, 60.0, checks) as attestor:  # type: ignore[arg-type]
            (signature,) = (await attestor.sign(checkpoint, [RECORD.key_id])).values()
            return signature


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Gives a ``Signing`` for a world."""
    file = TreeFile(tmp_path / "tree.sqlite")
    yield partial(Signing, file)
    file.close()


@pytest.fixture
def gold(world: World) -> Deployed:
    token = sample_token(world.a)
    world.enrol_token(world.a, token.address)
    return token


async def test_a_quiet_bridge_is_signed_for_on_all_its_way(
    world: World, gold: Deployed, start: Start
) -> None:
    signing = start(world)
    stars = sample_nft(world.a, 1, 2)
    world.enrol_token(world.a, stars.address, bridge="nfts")
    voucher = world.b.voucher(world.a, gold.address)
    transfer(world.a.tokens, B, gold.address, 500)
    transfer(world.a.nfts, B, stars.address, 1)
    assert await signing(A)
    world.relay()
    deadline = world.a.machine.timestamp + HOUR_S
    transfer(world.b.tokens, A, voucher.address, 200, ALICE, sender=BOB, deadline=deadline)
    assert await signing(A)
    assert await signing(B)
    lost = timed_out(world, world.b)
    assert await signing(A)
    world.b.tokens.send("refund", lost, (A, voucher.address, 200, BOB))
    transfer(world.b.tokens, A, voucher.address, 500, ALICE, sender=BOB)
    assert await signing(B)
    world.relay()
    assert await signing(A)
    assert await signing(B)
    assert gold.call("balanceOf", ALICE) == 1_000_000
    assert signing.keys.signed == 7


async def test_no_tokens_are_asked_for_where_a_record_has_no_bridge(
    world: World, start: Start
) -> None:
    world.a.outbox.send("dispatch", B, padded(BOB), b"x")
    signing = start(world, tokens=None, nfts=None)
    assert await signing(A)
    for side in signing.sides.values():
        assert side.client.called <= {side.record.outbox}  # for the root, and nothing else


async def test_the_root_is_looked_at_first(world: World, gold: Deployed, start: Start) -> None:
    transfer(world.a.tokens, B, gold.address, 500)
    world.a.sync()
    signing = start(world)
    route = Route(signing.sides[A], signing.sides[B])
    with pytest.raises(RootMismatch):
        await signing.ask(route.checkpoint(b"\1" * 32, 1, 1))


@pytest.fixture
def puppet(world: World, gold: Deployed) -> Deployed:
    """A bridge on B that takes the owner's account on A for its peer, as a forger would have it."""
    side = world.b
    parts = (side.outbox.address, side.inbox.address, side.receipts.address)
    bridge = side.machine.deploy("TokenBridge", *parts, GOVERNANCE)
    bridge.send("enrolPeer", A, padded(OWNER))
    bridge.send("enrol", (A, padded(gold.address), B), (10**9, 0), (10**9, 0))
    return bridge


async def test_minted_above_locked_is_not_signed_for(
    world: World, gold: Deployed, puppet: Deployed, start: Start
) -> None:
    transfer(world.a.tokens, B, gold.address, 500)
    body = TOKEN_TAG + A.to_bytes(4) + padded(gold.address) + (501).to_bytes(32) + padded(BOB)
    world.a.outbox.send("dispatch", B, padded(puppet.address), body + bytes(3))
    delivered(world, world.a)
    signing = start(world, tokens=puppet.address)
    for origin in (A, B):
        if origin == B:
            world.b.outbox.send("dispatch", A, padded(BOB), b"x")
        with pytest.raises(SupplyBroken) as caught:
            await signing(origin)
        error = caught.value
        assert (error.token, error.home, error.remote) == (padded(gold.address), A, B)
        assert (error.got, error.bound) == (501, 500)
        assert "domain 2 minted more than domain 1 locked: 501, 500" in str(error)
        assert not error.retryable
    assert signing.keys.signed == 0


async def test_a_refunded_lock_backs_nothing(
    world: World, gold: Deployed, puppet: Deployed, start: Start
) -> None:
    """A message that was delivered and refunded as well: what was locked is counted once."""
    deadline = world.a.machine.timestamp + HOUR_S
    body = TOKEN_TAG + A.to_bytes(4) + padded(gold.address) + (500).to_bytes(32) + padded(BOB)
    world.a.outbox.send("dispatch", B, padded(puppet.address), body + bytes(3))
    delivered(world, world.a)
    transfer(world.a.tokens, B, gold.address, 500, deadline=deadline)
    signing = start(world, tokens=puppet.address)
    assert await signing(A)
    lost = timed_out(world, world.a)
    world.a.tokens.send("refund", lost, (B, gold.address, 500, ALICE))
    with pytest.raises(SupplyBroken, match="minted more than domain 1 locked: 500, 0"):
        await signing(A)


async def test_released_above_burned_is_not_signed_for(world: World, start: Start) -> None:
    token = sample_token(world.b)
    side = world.b
    parts = (side.outbox.address, side.inbox.address, side.receipts.address)
    puppet = side.machine.deploy("TokenBridge", *parts, GOVERNANCE)
    puppet.send("enrolPeer", A, padded(OWNER))
    puppet.send("enrol", (B, padded(token.address), A), (10**9, 0), (10**9, 0))
    token.send("approve", puppet.address, 10**9, sender=ALICE)
    transfer(puppet, A, token.address, 300)
    signing = start(world, tokens=puppet.address)
    world.b.sync()
    assert await signing(B)
    body = TOKEN_TAG + B.to_bytes(4) + padded(token.address) + (1).to_bytes(32) + padded(BOB)
    world.a.outbox.send("dispatch", B, padded(puppet.address), body)
    delivered(world, world.a)
    with pytest.raises(SupplyBroken, match="domain 2 released more than domain 1 burned: 1, 0"):
        await signing(A)


async def test_a_balance_below_what_is_owed_is_not_signed_for(
    world: World, gold: Deployed, start: Start
) -> None:
    """A token that takes from whoever holds it, as rebasing ones do."""
    signing = start(world)
    for amount in (500, 100):
        transfer(world.a.tokens, B, gold.address, amount)
    assert await signing(A)
    gold.send("burn", world.a.tokens.address, 1)
    with pytest.raises(SupplyBroken, match="domain 1 owes more than it holds: 600, 599"):
        await signing(A)
    gold.send("mint", world.a.tokens.address, 1)
    assert await signing(A)


async def test_messages_that_say_more_than_was_locked_are_not_signed_for(
    world: World, gold: Deployed
) -> None:
    """A chain, or a node, that shows messages of the bridge which the bridge knows nothing of."""
    transfer(world.a.tokens, B, gold.address, 500)
    world.a.sync()
    sides = {A: side_of(world.a), B: side_of(world.b)}
    route = Route(sides[A], sides[B])
    tally = Tally.of(sides[A].record)
    message = Message.decode(world.a.messages[0])
    tally.add(message)
    await SupplyGuard().check(route, tally, 1)
    tally.add(message)
    with pytest.raises(SupplyBroken, match="messages say more than domain 1 locked: 1000, 500"):
        await SupplyGuard().check(route, tally, 1)


async def test_other_messages_count_for_nothing(world: World, gold: Deployed) -> None:
    """Anybody may write the same words to the same recipient; the sender is another."""
    transfer(world.a.tokens, B, gold.address, 500)
    world.a.sync()
    record = side_of(world.a).record
    tally = Tally.of(record)
    message = Message.decode(world.a.messages[0])
    forged = Message(1, A, padded(OWNER), B, message.recipient, message.body)
    tally.add(forged)
    tally.add(Message(2, A, message.sender, B, message.recipient, b"no transfer"))
    assert not any(tally.sent.values())
    tally.add(message)
    assert sum(tally.sent["TokenBridge"].values()) == 500


def test_a_transfer_is_read_as_the_contract_writes_it(world: World, gold: Deployed) -> None:
    transfer(world.a.tokens, B, gold.address, 500)
    world.a.sync()
    read = Transfer.decode(Message.decode(world.a.messages[0]).body)
    assert read == Transfer(
        TOKEN_TAG, A, padded(gold.address), 500, padded(BOB), b"\x09\x04\x03GoldGLD"
    )
    assert read.units == 500
    for body in (b"", bytes(131), bytes(132)):
        with pytest.raises(InputError, match="transfer: expected"):
            Transfer.decode(body)
