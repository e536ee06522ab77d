"""Ranges of messages keep below the gas of the destination's blocks."""

from __future__ import annotations

import pytest

from bridge.apps.bench.swarm import WORD, Swarm
from bridge.apps.devnet.layout import SENDER
from bridge.chain.anvil import find_anvil
from bridge.chain.client import ChainClient
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account
from bridge.relayer.route import Side
from tests.integration.conftest import Network, until

BLOCK_GAS = 4_500_000
"""Enough for a quorum's signatures, and for some sixty messages."""
MESSAGES = 200

pytestmark = pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run make tools")


async def set_block_gas(client: ChainClient, gas: int) -> int:
    before = await client.block_gas_limit()
    await client.request("evm_setBlockGasLimit", hex(gas))
    await client.request("evm_mine")
    assert await client.block_gas_limit() == gas
    return before


@pytest.mark.parametrize("_network", ["anvil"], indirect=True)
def test_a_range_fits_a_small_block(network: Network) -> None:
    account = Account.from_key(bytes(development_accounts()[SENDER].key))
    usual = 0
    start = 0
    first = 0  # of this test's messages: others' recipients may have refused theirs for good

    async def prepare(sides: dict[str, Side]) -> None:
        nonlocal usual, start, first
        a, b = sides["A"], sides["B"]
        swarm = await Swarm.between(a, b, account)
        first = await a.outbox.call("count")
        start = (await b.client.block("latest")).number
        usual = await set_block_gas(b.client, BLOCK_GAS)
        await swarm.dispatch(MESSAGES, 1)

    async def delivered(sides: dict[str, Side]) -> bool:
        origin, inbox = sides["A"], sides["B"].inbox
        count: int = await origin.outbox.call("count")
        assert count == first + MESSAGES
        flags = 0
        for word in range(first // WORD, (count - 1) // WORD + 1):
            flags |= await inbox.call("deliveredWord", origin.domain, word) << WORD * word
        return flags >> first == (1 << MESSAGES) - 1

    async def gas_of_ranges(sides: dict[str, Side]) -> list[int]:
        inbox = sides["B"].inbox
        head = await inbox.client.block("latest")
        topics = [inbox.artifact.topic("ProcessId")]
        logs = await inbox.client.logs(inbox.address, topics, start, head.number)
        found = []
        for transaction in {log.transaction_hash for log in logs}:
            receipt = await inbox.client.receipt(transaction)
            assert receipt is not None
            found.append(receipt.gas_used)
        return found

    async def restore(sides: dict[str, Side]) -> None:
        await set_block_gas(sides["B"].client, usual)

    try:
        network.on_chain(prepare)
        until(lambda: network.on_chain(delivered), f"{MESSAGES} messages are delivered")
        used = network.on_chain(gas_of_ranges)
    finally:
        network.on_chain(restore)
    assert max(used) < BLOCK_GAS
    assert 2 < len(used) < MESSAGES / 10  # several ranges, and not one message each
