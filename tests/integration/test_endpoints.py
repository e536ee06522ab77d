"""Several RPC endpoints of one real chain, of which some fail, lag and lie."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
import structlog
from eth_account import Account as EthAccount

from bridge.chain import client as client_module
from bridge.chain import endpoints
from bridge.chain.agreement import AgreedClient
from bridge.chain.anvil import find_anvil
from bridge.chain.client import ChainClient, ChainSettings
from bridge.chain.development import development_accounts
from bridge.chain.events import Cursor, scan
from bridge.chain.transactions import Account, deploy, send
from bridge.domain.errors import (
    ChainRefused,
    ChainUnreachable,
    EndpointsDisagree,
    EndpointsTooFew,
    InputError,
    TransactionReverted,
    WrongChainId,
)
from tests import rpc_proxy
from tests.integration.test_chains import CHAIN, INIT, LOG, REVERT, TOPIC, Node, free_port
from tests.rpc_proxy import RpcProxy

CHAIN_ID = 31_337
TIMEOUT_S = 3.0
FAULTS = {
    "hangs": (rpc_proxy.hangs, "no answer within"),
    "hangs up": (rpc_proxy.hangs_up, "isconnected"),
    "429": (rpc_proxy.too_many_requests, "429"),
    "500": (rpc_proxy.server_error, "500"),
    "truncated JSON": (rpc_proxy.truncated_json, "eth_"),
    "no JSON-RPC": (rpc_proxy.no_response, "expected a JSON-RPC response"),
}

pytestmark = pytest.mark.skipif(find_anvil() is None, reason="no Anvil")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    one = Node("anvil", block_time_s=0.2).ready()
    yield one
    one.stop()


@pytest.fixture
def proxies(node: Node) -> Iterator[list[RpcProxy]]:
    with ExitStack() as stack:
        yield [stack.enter_context(RpcProxy(node.url)) for _ in range(3)]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "FIRST_PAUSE_S", 0.3)
    monkeypatch.setattr(endpoints, "LONGEST_PAUSE_S", 0.3)


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def settings(proxies: list[RpcProxy], **more: Any) -> ChainSettings:
    first, *others = [proxy.url for proxy in proxies]
    return ChainSettings(
        "A", 7, CHAIN_ID, first, TIMEOUT_S, tuple(others), **{"lag_blocks": 4, **more}
    )


def said(log: list[Any], event: str) -> list[Any]:
    return [line for line in log if line["event"] == event]


async def until(ask: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 20
    while not (answer := await ask()):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.1)
    return answer


async def back(client: ChainClient, number: int = 0) -> None:
    async def asked() -> bool:
        await client.finalized()
        await client.gas_price()
        return client.endpoints[number].left_for is None

    await until(asked, "the endpoint is back")


# Failover


@pytest.mark.parametrize("what", FAULTS)
async def test_one_that_fails_is_left_and_comes_back(proxies, log, what) -> None:
    proxies = proxies[:2]
    async with ChainClient(settings(proxies)) as client:
        assert said(log, "rpc_endpoint_left") == []
        proxies[0].fault, reason = FAULTS[what]
        for _ in range(3):
            assert await client.gas_price() > 0
        (line,) = said(log, "rpc_endpoint_left")
        assert (line["chain"], line["endpoint"], line["url"]) == ("A", 1, proxies[0].url)
        assert reason in line["reason"]
        first, second = client.endpoints
        assert first.counts.failures >= 1
        assert first.counts.last_error == first.left_for == line["reason"]
        assert second.counts.failures == 0
        assert second.counts.requests >= 3

        proxies[1].fault = FAULTS[what][0]  # now nobody is left
        with pytest.raises(ChainUnreachable) as caught:
            await client.gas_price()
        for proxy in proxies:
            assert proxy.url in str(caught.value)

        for proxy in proxies:
            proxy.heal()
        await back(client)
        assert [one["endpoint"] for one in said(log, "rpc_endpoint_back")].count(1) == 1


async def test_one_that_refuses_connections(proxies, log) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    both = ChainSettings("A", 7, CHAIN_ID, dead, TIMEOUT_S, (proxies[0].url,))
    async with ChainClient(both) as client:
        assert (await client.finalized()).number >= 0
    assert [line["url"] for line in said(log, "rpc_endpoint_left")] == [dead]
    with pytest.raises(ChainUnreachable, match=dead):
        async with ChainClient(ChainSettings("A", 7, CHAIN_ID, dead, TIMEOUT_S)):
            pass


async def test_another_chain_is_never_asked_for_more_than_its_id(proxies, log) -> None:
    proxies = proxies[:2]
    proxies[0].lie = rpc_proxy.another_chain
    async with ChainClient(settings(proxies)) as client:
        await client.gas_price()
        assert set(proxies[0].methods()) == {"eth_chainId"}
        (line,) = said(log, "rpc_endpoint_left")
        assert line["reason"] == f"expected chain id {CHAIN_ID}, got 1337"
        proxies[0].heal()
        await back(client)
    for proxy in proxies:
        proxy.lie = rpc_proxy.another_chain
    with pytest.raises(WrongChainId, match="got 1337"):
        async with ChainClient(settings(proxies)):
            pass


def freeze(proxy: RpcProxy, node: Node, number: int) -> None:
    def block_of(wanted: int) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber"}
        return node.post({**question, "params": [hex(wanted), False]})["result"]

    frozen = block_of(number)
    proxy.lie = rpc_proxy.stale_at(number, lambda _: frozen)


async def test_a_stale_one_is_left_until_it_has_caught_up(node, proxies, log) -> None:
    proxies = proxies[:2]
    async with ChainClient(settings(proxies)) as client:
        at = (await client.finalized()).number
        freeze(proxies[0], node, at)
        assert (await client.finalized()).number >= at
        assert said(log, "rpc_endpoint_left") == []  # a little behind is no fault

        async def left() -> bool:
            await client.finalized()
            return client.endpoints[0].left_for is not None

        await until(left, "the stale one is left")
        assert (await client.finalized()).number > at + 4
        await asyncio.sleep(0.5)  # its pause is over, and it is stale still
        assert (await client.finalized()).number > at + 4
        (line,) = said(log, "rpc_endpoint_left")
        assert line["reason"].startswith(f"stale: its finalized block is {at}, others have ")
        assert said(log, "rpc_endpoint_back") == []
        proxies[0].heal()
        await back(client)


async def test_one_that_goes_back_is_left_too(node, proxies, log) -> None:
    proxies = proxies[:2]
    async with ChainClient(settings(proxies, lag_blocks=1_000_000)) as client:
        at = await until(lambda: _finalized_beyond(client, 3), "a few blocks are final")
        freeze(proxies[0], node, at - 2)
        assert (await client.finalized()).number >= at
        (line,) = said(log, "rpc_endpoint_left")
        assert f"went back from {at} to {at - 2}" in line["reason"]


async def _finalized_beyond(client: ChainClient, number: int) -> int:
    found = (await client.finalized()).number
    return found if found > number else 0


async def test_the_only_one_is_never_stale(node, proxies, log) -> None:
    async with ChainClient(settings(proxies[:1])) as client:
        at = await until(lambda: _finalized_beyond(client, 3), "a few blocks are final")
        freeze(proxies[0], node, at - 2)
        assert (await client.finalized()).number == at - 2
    assert log == []


def test_a_path_in_an_address_is_not_logged() -> None:
    one = ChainSettings("A", 7, 1, "https://user:word@node.example:1/v3/secret?key=secret")
    (endpoint,) = endpoints.Endpoints(one).all
    assert endpoint.place == "https://node.example:1/..."


# Sending


def signed(nonce: int, value: int = 1) -> tuple[bytes, bytes]:
    fields = {"to": "0x" + "22" * 20, "value": value, "gas": 21_000, "nonce": nonce, "type": 2}
    fees = {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9, "chainId": CHAIN_ID}
    done = EthAccount.sign_transaction({**fields, **fees}, development_accounts()[3].key)
    return bytes(done.raw_transaction), bytes(done.hash)


async def test_a_transaction_goes_to_all_and_twice_is_once(proxies) -> None:
    address = development_accounts()[3].address
    async with ChainClient(settings(proxies)) as client:
        for round_ in range(2):
            nonce = await client.nonce(address)
            raw, expected = signed(nonce)
            if round_:
                proxies[0].fault = rpc_proxy.hangs_up
            assert await client.send_raw(raw) == expected
            assert await client.send_raw(raw) == expected  # known already, waiting or mined
            asked = [p.methods().count("eth_sendRawTransaction") for p in proxies]
            assert min(asked[1:]) >= 2 * (round_ + 1)
            await until(lambda: client.receipt(expected), "it is mined")  # noqa: B023
            assert await client.send_raw(raw) == expected
        with pytest.raises(ChainRefused, match=r"(?i)nonce|insufficient|balance"):
            await client.send_raw(signed(await client.nonce(address), 10**40)[0])
        with pytest.raises(ChainRefused, match=r"(?i)nonce"):
            await client.send_raw(signed(0, value=5)[0])  # another one had that nonce


async def test_contracts_work_over_endpoints_of_which_one_hangs(proxies) -> None:
    account = Account(development_accounts()[4])
    async with ChainClient(settings(proxies)) as client:
        proxies[1].fault = rpc_proxy.hangs
        address = await deploy(client, account, INIT)
        receipt = await send(client, account, address, bytes([LOG]) + b"seen")
        assert receipt.logs[0].data == b"seen"
        with pytest.raises(TransactionReverted):
            await send(client, account, address, bytes([REVERT]) + b"no")


# Agreement


@pytest.fixture
async def contract(node: Node) -> str:
    async with ChainClient(node.settings()) as client:
        account = Account(development_accounts()[5])
        address = await deploy(client, account, INIT)
        receipt = await send(client, account, address, bytes([LOG]) + b"seen")
        await until(lambda: _finalized_beyond(client, receipt.block_number), "it is final")
        return address


LIES = {
    "no logs": rpc_proxy.no_logs,
    "other logs": rpc_proxy.other_logs,
    "other hashes": rpc_proxy.other_hashes,
}


async def test_what_all_say_alike_is_believed(proxies, contract) -> None:
    async with AgreedClient(settings(proxies), 3) as client:
        found = await scan(client, Cursor.at(0), contract, [TOPIC])
        assert [log.data for log in found.logs] == [b"seen"]
        assert int.from_bytes(await client.call(contract, bytes([CHAIN]))) == CHAIN_ID
        with pytest.raises(TransactionReverted) as caught:
            await client.call(contract, bytes([REVERT]) + b"no")
        assert caught.value.data == b"no"
        assert await client.code(contract) != b""
        assert await client.balance(development_accounts()[0].address, "finalized") > 0
        assert await client.find_block(10**9) is None


@pytest.mark.parametrize("lie", LIES)
async def test_one_liar_of_three_is_outvoted_and_named(proxies, contract, log, lie) -> None:
    proxies[1].lie = LIES[lie]
    async with AgreedClient(settings(proxies), 2) as client:
        found = await scan(client, Cursor.at(0), contract, [TOPIC])
        assert [one.data for one in found.logs] == [b"seen"]
        assert (await client.block(found.cursor.next_block - 1)).hash != b"\x66" * 32
    left = said(log, "rpc_endpoint_left")
    assert {line["endpoint"] for line in left} == {2}
    assert all("others say" in line["reason"] for line in left)
    assert said(log, "rpc_endpoints_disagree") == []


@pytest.mark.parametrize("lie", LIES)
async def test_one_liar_of_two_stops_everything_and_both_are_named(
    proxies, contract, log, lie
) -> None:
    proxies = proxies[:2]
    async with AgreedClient(settings(proxies), 2) as client:
        proxies[1].lie = LIES[lie]
        for _ in range(2):
            with pytest.raises(EndpointsDisagree) as caught:
                await scan(client, Cursor.at(0), contract, [TOPIC])
        assert caught.value.retryable
        for proxy in proxies:
            assert proxy.url in str(caught.value)
        assert said(log, "rpc_endpoints_disagree")
        proxies[1].heal()
        found = await scan(client, Cursor.at(0), contract, [TOPIC])
        assert len(found.logs) == 1


async def test_a_lie_about_a_call(proxies, contract, log) -> None:
    proxies[0].lie = rpc_proxy.other_roots
    async with AgreedClient(settings(proxies), 2) as client:
        assert int.from_bytes(await client.call(contract, bytes([CHAIN]))) == CHAIN_ID
    async with AgreedClient(settings(proxies[:2]), 2) as client:
        with pytest.raises(EndpointsDisagree, match="eth_call"):
            await client.call(contract, bytes([CHAIN]))


async def test_two_liars_that_agree_win_over_one_but_not_over_three_to_agree(
    proxies, contract
) -> None:
    """What agreement cannot do: as many liars as must agree are believed."""
    for proxy in proxies[:2]:
        proxy.lie = rpc_proxy.no_logs
    async with AgreedClient(settings(proxies), 3) as client:
        with pytest.raises(EndpointsDisagree):
            await scan(client, Cursor.at(0), contract, [TOPIC])
    async with AgreedClient(settings(proxies), 2) as client:
        assert (await scan(client, Cursor.at(0), contract, [TOPIC])).logs == ()


@pytest.mark.parametrize("what", FAULTS)
async def test_failover_never_lowers_the_agreement(proxies, contract, what) -> None:
    proxies = proxies[:2]
    async with AgreedClient(settings(proxies), 2) as client:
        proxies[0].fault = FAULTS[what][0]
        for _ in range(2):
            with pytest.raises(EndpointsTooFew) as caught:
                await client.finalized()
        assert caught.value.retryable
        (failure,) = caught.value.failures
        assert failure.startswith(f"{proxies[0].url} (endpoint 1): ")
        proxies[0].heal()

        async def again() -> bool:
            try:
                await client.finalized()
            except EndpointsTooFew:
                return False
            return True

        await until(again, "both answer again")
        assert len((await scan(client, Cursor.at(0), contract, [TOPIC])).logs) == 1


async def test_one_that_is_behind_holds_nobody_up(node, proxies, log) -> None:
    """With two of three, the newest common block is that of the second."""
    async with AgreedClient(settings(proxies, lag_blocks=1_000_000), 2) as client:
        at = (await client.finalized()).number
        freeze(proxies[2], node, at)
        newer = await until(lambda: _finalized_beyond(client, at + 3), "others go on")
        assert newer > at + 3
        assert said(log, "rpc_endpoints_disagree") == said(log, "rpc_endpoint_left") == []


async def test_a_slow_one_is_left_when_the_others_agree(proxies, contract, log) -> None:
    async with AgreedClient(settings(proxies), 2) as client:
        proxies[2].fault = rpc_proxy.slow(30)
        began = time.monotonic()
        for _ in range(5):
            await client.finalized()
        assert time.monotonic() - began < 20
    assert {line["endpoint"] for line in said(log, "rpc_endpoint_left")} == {3}


async def test_a_slow_one_is_waited_for_where_the_agreement_needs_it(proxies, log) -> None:
    proxies = proxies[:2]
    patient = replace(settings(proxies, lag_blocks=1_000_000), timeout_s=2 * TIMEOUT_S)
    async with AgreedClient(patient, 2) as client:
        proxies[0].fault = rpc_proxy.slow(client_module.GRACE_S + 0.5)
        assert (await client.finalized()).number >= 0
        assert said(log, "rpc_endpoint_left") == []
        proxies[0].fault = rpc_proxy.slow(TIMEOUT_S + 1)
        with pytest.raises(EndpointsTooFew, match="no answer within 3 s"):
            await client.finalized()


def test_an_agreement_that_cannot_be_is_refused() -> None:
    one = ChainSettings("A", 7, 1, "http://a", 1.0, ("http://b",))
    for agreement in (1, 3):
        with pytest.raises(InputError, match=f"expected 2 to 2 endpoints, got {agreement}"):
            AgreedClient(one, agreement)
