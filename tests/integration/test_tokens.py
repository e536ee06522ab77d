"""Tokens over the bridge of real processes, with attestors that look at the supply first."""

from __future__ import annotations

from typing import Any

from bridge.apps.devnet.layout import DEPLOYER, SENDER
from bridge.chain.contracts import Contract
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account, deploy
from bridge.domain.messages import address_to_bytes32
from bridge.testing.world import UNTOUCHED
from tests.contracts.tokens import NOBODY
from tests.integration.conftest import ON_ONE_KIND, Network, until
from tests.mocks import mock

pytestmark = ON_ONE_KIND


def accounts() -> tuple[Account, Account]:
    """Owner and holder; new ones each time, since an account remembers nonces by chain id."""
    owner, holder = (development_accounts()[number] for number in (DEPLOYER, SENDER))
    return Account.from_key(bytes(owner.key)), Account.from_key(bytes(holder.key))


def sent(contract: Contract, receipt: Any) -> str:
    (event,) = contract.events(receipt.logs)
    return "0x" + event.arguments["messageId"].hex()


def test_a_token_goes_there_and_back(network: Network) -> None:
    """On a cold chain and with the least gas, which is what the bridge asks for by itself."""

    async def lock(sides) -> tuple[str, str]:
        owner, holder = accounts()
        client = sides["A"].client
        code = mock("SampleToken").deployment("Gold", "GLD", 9)
        gold = Contract(client, mock("SampleToken"), await deploy(client, owner, code))
        route = (1, address_to_bytes32(gold.address), 2)
        for side in sides.values():
            bridge = Contract.at(side.client, "TokenBridge", side.record.tokens)
            await bridge.send(owner, "enrol", route, UNTOUCHED, UNTOUCHED)
        bridge = Contract.at(client, "TokenBridge", sides["A"].record.tokens)
        await gold.send(owner, "mint", holder.address, 1_000)
        await gold.send(holder, "approve", bridge.address, 1_000)
        to = address_to_bytes32(holder.address)
        receipt = await bridge.send(holder, "transfer", 2, gold.address, 600, to, (0, 0, NOBODY))
        return gold.address, sent(bridge, receipt)

    gold, identifier = network.on_chain(lock)
    network.reaches(identifier)

    async def burn(sides) -> str:
        _owner, holder = accounts()
        bridge = Contract.at(sides["B"].client, "TokenBridge", sides["B"].record.tokens)
        address = await bridge.call("voucherOf", 1, address_to_bytes32(gold))
        voucher = Contract.at(sides["B"].client, "TokenVoucher", address)
        assert await voucher.call("balanceOf", holder.address) == 600
        assert await voucher.call("symbol") == "GLD"
        to = address_to_bytes32(holder.address)
        receipt = await bridge.send(holder, "transfer", 1, address, 250, to, (0, 0, NOBODY))
        return sent(bridge, receipt)

    network.reaches(network.on_chain(burn))

    async def balances(sides) -> tuple[int, int, tuple[int, int, int]]:
        _owner, holder = accounts()
        bridge = Contract.at(sides["A"].client, "TokenBridge", sides["A"].record.tokens)
        token = Contract(sides["A"].client, mock("SampleToken"), gold)
        return (
            await token.call("balanceOf", holder.address),
            await token.call("balanceOf", bridge.address),
            await bridge.call("totals", (1, address_to_bytes32(gold), 2)),
        )

    assert network.on_chain(balances) == (650, 350, (600, 250, 0))


def test_nothing_is_signed_while_a_token_is_missing(network: Network) -> None:
    """Somebody takes what the bridge holds; messages wait until it is back."""

    async def lose(sides) -> tuple[str, str]:
        owner, holder = accounts()
        client = sides["A"].client
        code = mock("SampleToken").deployment("Tin", "TIN", 9)
        tin = Contract(client, mock("SampleToken"), await deploy(client, owner, code))
        route = (1, address_to_bytes32(tin.address), 2)
        for side in sides.values():
            bridge = Contract.at(side.client, "TokenBridge", side.record.tokens)
            await bridge.send(owner, "enrol", route, UNTOUCHED, UNTOUCHED)
        bridge = Contract.at(client, "TokenBridge", sides["A"].record.tokens)
        await tin.send(owner, "mint", holder.address, 1_000)
        await tin.send(holder, "approve", bridge.address, 1_000)
        to = address_to_bytes32(holder.address)
        options = (0, 0, NOBODY)
        receipt = await bridge.send(holder, "transfer", 2, tin.address, 600, to, options)
        await tin.send(owner, "burn", bridge.address, 1)
        return tin.address, sent(bridge, receipt)

    tin, _ = network.on_chain(lose)
    # The transfer may have been signed for before; what is sent now is not.
    (identifier,) = network.send("while a token is missing")
    network.reaches(identifier, "batched")

    def refusals() -> bool:
        return "owes more than it holds: 600, 599" in network.world.processes.log_tail("relayer")

    until(refusals, "the attestors say why they do not sign")
    assert network.entry(identifier).stage == "batched"

    async def give_back(sides) -> None:
        owner, _holder = accounts()
        token = Contract(sides["A"].client, mock("SampleToken"), tin)
        await token.send(owner, "mint", sides["A"].record.tokens, 1)

    network.on_chain(give_back)
    network.reaches(identifier)
