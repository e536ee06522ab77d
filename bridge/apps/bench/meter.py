"""The gas of one call from a contract, the gas of its calldata, and of a transaction that makes it.

The meter is a small contract. Its calldata is an address and the data to call it with; it
returns the gas that went and the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.chain.client import ChainClient
from bridge.chain.transactions import TRANSACTION_GAS_CAP, Account, deploy, send
from bridge.chain.wire import data as hex_data
from bridge.chain.wire import quantity
from bridge.domain.errors import ChainRefused

OWN_GAS = 19
"""What the meter itself spends between its two looks at GAS, and takes off: PUSH1, three PUSH0,
DUP4 and CALLDATALOAD for the arguments of STATICCALL (3 + 6 + 3 + 3), and GAS twice (4). In is
STATICCALL with its 2,600 for the first access of the address; out is the meter's copy of the data
into memory, which any caller has in a way of its own.
"""
RUNTIME = bytes.fromhex(
    "6020360380"  # length = CALLDATASIZE - 32, twice
    "60205f37"  # CALLDATACOPY(0, 32, length)
    "5a"  # before
    "60205f835f5f355afa"  # STATICCALL(GAS, calldata[0:32], 0, length, 0, 32)
    "5a"  # after
    "91905f5116602052"  # success AND the answer to memory 32
    "03601390035f52"  # before - after - OWN_GAS to memory 0
    "60405ff3"  # both are returned
)
CREATION = bytes.fromhex("60") + bytes([len(RUNTIME)]) + bytes.fromhex("8060095f395ff3") + RUNTIME
assert RUNTIME[RUNTIME.index(b"\x90\x03") - 1] == OWN_GAS

BASE_GAS = 21_000
ZERO_BYTE_GAS, BYTE_GAS = 4, 16
FLOOR_TOKEN_GAS = 10
"""EIP-7623: a transaction pays at least 10 a token, one for a zero byte and four for another."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Gas of one verification.

    ``gas`` is execution, called from a contract: without the 21,000 of a transaction and without
    calldata. ``transaction_gas`` is all of a transaction that calls the verifier directly, from
    its receipt. ``calldata_gas`` is 4 and 16 a byte; ``calldata_floor_gas`` is EIP-7623's.
    """

    gas: int
    calldata_bytes: int
    calldata_gas: int
    calldata_floor_gas: int
    transaction_gas: int


@dataclass(frozen=True, slots=True)
class Meter:
    """The meter at its address."""

    client: ChainClient
    account: Account
    address: str

    @classmethod
    async def deployed(cls, client: ChainClient, account: Account) -> Meter:
        """A meter that was just deployed."""
        return cls(client, account, await deploy(client, account, CREATION))

    async def cost(self, target: str, data: bytes) -> Cost:
        """The cost of a call that must answer "valid"; ``ChainRefused`` where it does not."""
        answer = await self.client.call(
            self.address, self._data(target, data), gas=TRANSACTION_GAS_CAP
        )
        gas, valid = int.from_bytes(answer[:32]), int.from_bytes(answer[32:])
        if len(answer) != 64 or valid != 1:
            name = self.client.settings.name
            raise ChainRefused(name, "eth_call", 0, f"expected a valid signature, got {valid}")
        receipt = await send(self.client, self.account, target, data, gas=TRANSACTION_GAS_CAP)
        zeros = data.count(0)
        others = len(data) - zeros
        return Cost(
            gas=gas,
            calldata_bytes=len(data),
            calldata_gas=ZERO_BYTE_GAS * zeros + BYTE_GAS * others,
            calldata_floor_gas=FLOOR_TOKEN_GAS * (zeros + 4 * others),
            transaction_gas=receipt.gas_used,
        )

    async def trace(self, target: str, data: bytes) -> list[Mapping[str, Any]]:
        """The steps of the same call: ``pc``, ``gas``, ``depth`` (the meter has 1) of each."""
        transaction = {
            "from": self.account.address,
            "to": self.address,
            "data": hex_data(self._data(target, data)),
            "gas": quantity(TRANSACTION_GAS_CAP),
        }
        options = {"disableStack": True, "disableStorage": True, "disableMemory": True}
        trace = await self.client.request("debug_traceCall", transaction, "latest", options)
        steps: list[Mapping[str, Any]] = trace["structLogs"]
        return steps

    def _data(self, target: str, data: bytes) -> bytes:
        return bytes.fromhex(target.removeprefix("0x")).rjust(32, b"\0") + data
