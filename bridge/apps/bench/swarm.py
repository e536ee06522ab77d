"""Messages by the hundred thousand: one transaction dispatches hundreds of them.

Two contracts in raw code, since they are the load and not the thing that is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract
from bridge.chain.transactions import TRANSACTION_GAS_CAP, Account, deploy, send
from bridge.domain.messages import address_to_bytes32
from bridge.relayer.route import Side

BODY_BYTES = 32
DISPATCHES_A_TRANSACTION = 250
"""Some 12 million gas, below the cap of EIP-7825."""
WORD = 256
"""Delivery flags in a word of the Inbox."""

RECIPIENT = bytes.fromhex(
    "600680600a5f395ff300"  # creation code; the STOP that fills it up is never reached
    "6001608435550000"
)
"""``handle`` of the recipient: storage[first word of the body] = 1, a word that was zero before."""

DISPATCHER = bytes.fromhex(
    "603780600a5f395ff300"  # creation code
    "60403603"  # n = calldatasize - 64: what is after two words is the call that is repeated
    "806040600037"  # copied to memory
    "602035"  # i = the second word
    "5b8015603557"  # while i is not 0
    "60019003"  # i = i - 1
    "8060c43501608452"  # the body's word = the one given + i
    "6000600083600060006000355af1"  # call the first word's address
    "600d57"  # and go on, unless it failed
    "60006000fd"
    "5b00"
)
"""Repeats a ``dispatch`` so many times, each with a body of its own."""


@dataclass(frozen=True, slots=True)
class Swarm:
    """Dispatches from one side to a recipient on another."""

    origin: Side
    destination: Side
    account: Account
    dispatcher: str
    recipient: str

    @classmethod
    async def between(cls, origin: Side, destination: Side, account: Account) -> Swarm:
        """The contracts deployed, one at each end."""
        dispatcher = await deploy(origin.client, account, DISPATCHER)
        recipient = await deploy(destination.client, account, RECIPIENT)
        return cls(origin, destination, account, dispatcher, recipient)

    async def dispatch(self, count: int, first: int) -> int:
        """The block with ``count`` messages, whose bodies are the numbers from ``first`` on."""
        call = self.origin.outbox.artifact.call_data(
            "dispatch",
            self.destination.domain,
            address_to_bytes32(self.recipient),
            first.to_bytes(BODY_BYTES, "big"),
        )
        data = address_to_bytes32(self.origin.outbox.address) + count.to_bytes(32, "big") + call
        receipt = await send(
            self.origin.client, self.account, self.dispatcher, data, gas=TRANSACTION_GAS_CAP
        )
        return receipt.block_number


class Delivered:
    """How many messages of a route its Inbox has delivered, asked a word of flags at a time."""

    def __init__(self, origin: Side, destination: Side) -> None:
        self._origin = origin.domain
        self._inbox: Contract = destination.inbox
        self._client: ChainClient = destination.client
        self._full = 0

    async def count(self, of: int) -> int:
        """The delivered ones of the first ``of`` messages."""
        done = self._full * WORD
        word = self._full
        while word * WORD < of:
            bits = await self._inbox.call("deliveredWord", self._origin, word)
            found = bits.bit_count()
            done += found
            if found == WORD and word == self._full:
                self._full += 1
            elif found == 0:
                break
            word += 1
        return done
