"""One RPC endpoint that hid or forged a log for a moment stopped its chain's messages for good.

The relayer read final logs from one endpoint, its cursor went past them, and its tree had a hole or
a wrong leaf ever after: no attestor signed its root again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bridge.apps.bench.node import CHAIN_ID, anvil
from bridge.chain.agreement import AgreedClient
from bridge.chain.anvil import find_anvil
from bridge.chain.artifact import load
from bridge.chain.client import ChainClient, ChainSettings
from bridge.chain.contracts import Contract
from bridge.chain.deployment import Governors, SideRecord
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account, deploy
from bridge.domain.delivery import Stage
from bridge.domain.errors import EndpointsDisagree
from bridge.relayer.backfill import Pace
from bridge.relayer.finalize import finalize
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Side
from bridge.relayer.watch import ChainSeen
from bridge.relayer.worker import Worker
from tests import rpc_proxy
from tests.rpc_proxy import RpcProxy

DOMAIN, THERE = 1, 2
NOBODY = "0x" + "00" * 19 + "01"
DEADLINE_S = 30.0

pytestmark = pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run make tools")


class Place:
    """An Outbox on a chain, its proxies, and the relayer's stage that reads it."""

    def __init__(self, node: ChainClient, outbox: str, side: Side, journal: Journal) -> None:
        self.outbox = Contract.at(node, "Outbox", outbox)
        self.account = Account(development_accounts()[3])
        self.side, self.journal, self.worker = side, journal, Worker("test")

    async def dispatch(self, body: bytes) -> None:
        """Have a message dispatched and final."""
        receipt = await self.outbox.send(self.account, "dispatch", THERE, b"\x01" * 32, body)
        async with asyncio.timeout(DEADLINE_S):
            while (await self.outbox.client.finalized()).number < receipt.block_number:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def read(self) -> list[Entry]:
        return await finalize(self.side, self.journal, self.worker, ChainSeen(), Pace())

    def bodies(self) -> list[bytes]:
        """What the journal takes for final, by nonce."""
        entries = self.journal.all_entries()
        return [one.message.body for one in entries if one.stage is Stage.FINALIZED]


@pytest.fixture
def proxies() -> Iterator[list[RpcProxy]]:
    with ExitStack() as stack:
        # The chain's address is known when it runs.
        yield [stack.enter_context(RpcProxy("")) for _ in range(2)]


@asynccontextmanager
async def place(proxies: list[RpcProxy], folder: Path) -> AsyncIterator[Place]:
    """A relayer's reading through ``proxies``, which must agree where there are several."""
    async with anvil() as node:
        for proxy in proxies:
            proxy.upstream = node.settings.rpc_url
        account = Account(development_accounts()[0])
        governors = Governors(account.address, str(development_accounts()[1].address))
        artifact = load("Outbox")
        outbox = await deploy(node, account, artifact.deployment(DOMAIN, governors.governance()))
        await Contract.at(node, "Outbox", outbox).send(account, "enrolDestination", THERE)
        record = SideRecord(
            domain=DOMAIN,
            chain_id=CHAIN_ID,
            start_block=0,
            verifiers={},
            registry=NOBODY,
            outbox=outbox,
            inbox=NOBODY,
            receipts=NOBODY,
            postcard=NOBODY,
        )
        first, *others = [proxy.url for proxy in proxies]
        settings = ChainSettings("A", DOMAIN, CHAIN_ID, first, 6.0, tuple(others))
        client = ChainClient(settings)
        reading = AgreedClient(settings, len(proxies)) if others else client
        journal = Journal(folder / "journal.sqlite")
        one = Place(node, outbox, Side.of(client, record, reading), journal)
        try:
            yield one
        finally:
            one.worker.close()
            journal.close()
            await client.close()
            await reading.close()


@pytest.mark.parametrize("lie", [rpc_proxy.no_logs, rpc_proxy.other_logs])
async def test_a_lie_of_one_of_two_is_not_read(
    proxies: list[RpcProxy], tmp_path: Path, lie: rpc_proxy.Lie
) -> None:
    async with place(proxies, tmp_path) as here:
        await here.dispatch(b"before")
        assert [one.message.body for one in await here.read()] == [b"before"]
        proxies[0].lie = lie
        await here.dispatch(b"meanwhile")
        with pytest.raises(EndpointsDisagree) as caught:
            await here.read()
        assert caught.value.retryable
        assert here.bodies() == [b"before"]
        proxies[0].heal()
        assert [one.message.body for one in await here.read()] == [b"meanwhile"]


async def test_what_the_only_one_hid_is_read_when_a_later_message_shows_the_hole(
    proxies: list[RpcProxy], tmp_path: Path
) -> None:
    async with place(proxies[:1], tmp_path) as here:
        await here.dispatch(b"before")
        await here.read()
        proxies[0].lie = rpc_proxy.no_logs
        await here.dispatch(b"meanwhile")
        assert await here.read() == []
        proxies[0].heal()
        await here.dispatch(b"after")
        assert await here.read() == []
        assert here.bodies() == [b"before"]
        await here.read()
        assert here.bodies() == [b"before", b"meanwhile", b"after"]
