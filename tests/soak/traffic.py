"""The messages of a soak: kinds of recipients, and senders that go on whatever happens."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bridge.chain.abi import encode
from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account, deploy
from bridge.chain.wire import data as hex_data
from bridge.domain.errors import ChainError
from bridge.domain.messages import Message, address_to_bytes32
from tests.mocks import mock
from tests.soak.network import Network

SENDERS = {"A": 4, "B": 5}
"""The development account that dispatches on each chain."""
DISPATCH_GAS = 600_000
"""With a body of 8 KiB, and to spare."""
TIP_WEI = 2 * 10**9
FEE_WEI = 2_000 * 10**9
LARGE_BYTES = 8_000
BOMB_BYTES = 200_000
LIMITS = (100_000, 500_000, 2_000_000, 10_000_000)
TOO_LITTLE_GAS = 100
"""Less than any recipient needs, whatever of its storage the messages before it have warmed."""
BURST = 40
BURST_CHANCE = 0.02
TICK_S = 1.0


class Kind(StrEnum):
    """What a message meets. The first four are delivered, the others refused."""

    ORDINARY = "ordinary"
    GAS_LIMIT = "gas limit of its own"
    LARGE = "8,000 bytes"
    RETURN_BOMB = "recipient returns 200,000 bytes"
    REVERTS = "recipient always reverts"
    BURNS = "recipient burns all gas"
    SPINS = "recipient loops for ever"
    REVERT_BOMB = "recipient reverts with 200,000 bytes"
    SHORT_OF_GAS = "100 gas for its recipient"


DELIVERED = frozenset({Kind.ORDINARY, Kind.GAS_LIMIT, Kind.LARGE, Kind.RETURN_BOMB})
_WEIGHTS = {
    Kind.ORDINARY: 70,
    Kind.GAS_LIMIT: 12,
    Kind.LARGE: 4,
    Kind.RETURN_BOMB: 4,
    Kind.REVERTS: 3,
    Kind.BURNS: 2,
    Kind.SPINS: 1,
    Kind.REVERT_BOMB: 2,
    Kind.SHORT_OF_GAS: 2,
}
_TRICKS = {Kind.BURNS: 1, Kind.RETURN_BOMB: 2, Kind.REVERT_BOMB: 3, Kind.SPINS: 4}


@dataclass(frozen=True)
class Recipients:
    """The recipients on one chain: one that takes all, one that refuses all, one with tricks."""

    taking: str
    refusing: str
    griefer: str

    @classmethod
    async def on(cls, client: ChainClient, account: Account) -> Recipients:
        """New ones."""
        ledger, griefer = mock("Ledger"), mock("Griefer")
        taking = await deploy(client, account, ledger.deployment())
        refusing = await deploy(client, account, ledger.deployment())
        await Contract(client, ledger, refusing).send(account, "refuse", True)
        return cls(taking, refusing, await deploy(client, account, griefer.deployment()))

    def kind(self, message: Message) -> Kind:
        """What ``message`` meets here."""
        to = "0x" + message.recipient[-20:].hex()
        if to == self.refusing.lower():
            return Kind.REVERTS
        if to == self.griefer.lower():
            trick = int.from_bytes(message.body[:32])
            return next(kind for kind, number in _TRICKS.items() if number == trick)
        if message.gas_limit == TOO_LITTLE_GAS:
            return Kind.SHORT_OF_GAS
        if message.gas_limit:
            return Kind.GAS_LIMIT
        return Kind.LARGE if len(message.body) >= LARGE_BYTES else Kind.ORDINARY


class Traffic:
    """Dispatches on both chains, a few messages a second and at times many at once."""

    def __init__(self, network: Network, seed: int, rate: float) -> None:
        self._network = network
        self._rate = rate
        self._random = {name: random.Random(f"{seed}:{name}") for name in SENDERS}
        self._senders = {
            name: Account.from_key(bytes(development_accounts()[number].key))
            for name, number in SENDERS.items()
        }
        self.recipients: dict[str, Recipients] = {}
        self.sent: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def prepare(self) -> None:
        """Deploy the recipients, and wait until no reorg takes them."""
        for name, client in self._network.clients.items():
            self.recipients[name] = await Recipients.on(client, self._senders[name])
        for client in self._network.clients.values():
            deployed = (await client.block("latest")).number
            while (await client.finalized()).number < deployed:  # noqa: ASYNC110 - of a chain
                await asyncio.sleep(TICK_S)

    async def run(self) -> None:
        """Dispatch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name in SENDERS:
                group.create_task(self._run(name))

    async def _run(self, name: str) -> None:
        owed = 0.0
        while True:
            owed += self._rate * TICK_S
            count = int(owed)
            owed -= count
            if self._random[name].random() < BURST_CHANCE * TICK_S:
                count += BURST
            try:
                await self._send(name, count)
            except ChainError:
                self.refused[name] += 1  # the chain is away or takes nothing now
            await asyncio.sleep(TICK_S)

    async def _send(self, name: str, count: int) -> None:
        chance = self._random[name]
        await self.send(name, chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count))

    async def send(self, name: str, kinds: Sequence[Kind]) -> None:
        """Dispatch a message of each of ``kinds`` on chain ``name``, in this order."""
        client, account = self._network.clients[name], self._senders[name]
        nonce = await client.nonce(account.address)
        outbox = self._network.deployment.sides[name].outbox
        for number, kind in enumerate(kinds):
            raw, _ = account.sign(
                {
                    "type": 2,
                    "chainId": client.settings.chain_id,
                    "nonce": nonce + number,
                    "maxFeePerGas": FEE_WEI,
                    "maxPriorityFeePerGas": TIP_WEI,
                    "gas": DISPATCH_GAS,
                    "value": 0,
                    "data": hex_data(self._dispatch(name, kind)),
                    "to": outbox,
                }
            )
            await client.send_raw(raw)
            self.sent[name] += 1

    def _dispatch(self, name: str, kind: Kind) -> bytes:
        """The call of the Outbox of chain ``name`` with a message of ``kind``."""
        there = "B" if name == "A" else "A"
        to, chance = self.recipients[there], self._random[name]
        recipient, body, limit = to.taking, chance.randbytes(chance.randrange(8, 200)), 0
        if kind in _TRICKS:
            recipient = to.griefer
            body = encode(("uint8", "uint256"), (_TRICKS[kind], BOMB_BYTES))
        elif kind is Kind.REVERTS:
            recipient = to.refusing
        elif kind is Kind.LARGE:
            body = chance.randbytes(LARGE_BYTES)
        elif kind is Kind.GAS_LIMIT:
            limit = chance.choice(LIMITS)
        elif kind is Kind.SHORT_OF_GAS:
            limit = TOO_LITTLE_GAS
        domain = self._network.deployment.sides[there].domain
        given = (domain, address_to_bytes32(recipient), body)
        options = ((0, limit, "0x" + "00" * 20),) if limit else ()
        artifact = Contract.at(self._network.clients[name], "Outbox", recipient).artifact
        return artifact.call_data("dispatch", *given, *options)
