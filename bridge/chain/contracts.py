"""The bridge's contracts as they stand on one chain: calls, transactions and events by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.chain.artifact import Artifact, Event, load
from bridge.chain.client import Block, ChainClient
from bridge.chain.records import Log, Receipt
from bridge.chain.transactions import Account, send
from bridge.domain.errors import InputError
from bridge.domain.messages import Message


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract of ``NAMES`` at an address of one chain."""

    client: ChainClient
    artifact: Artifact
    address: str

    @classmethod
    def at(cls, client: ChainClient, name: str, address: str) -> Contract:
        """The contract ``name`` at ``address``."""
        return cls(client, load(name), address)

    async def call(self, function: str, *arguments: Any, block: Block = "latest") -> Any:
        """What a view returns: the value, or a tuple of several."""
        data = self.artifact.call_data(function, *arguments)
        result = self.artifact.result(function, await self.client.call(self.address, data, block))
        return result[0] if len(result) == 1 else result

    async def send(
        self,
        account: Account,
        function: str,
        *arguments: Any,
        value: int = 0,
        gas: int | None = None,
    ) -> Receipt:
        """The receipt of a transaction that calls ``function`` and pays ``value`` wei.

        Raises what ``send`` raises.
        """
        data = self.artifact.call_data(function, *arguments)
        return await send(self.client, account, self.address, data, value, gas)

    def events(self, logs: Sequence[Log]) -> tuple[Event, ...]:
        """The contract's own events among ``logs``, in their order."""
        ours = (log for log in logs if log.address.lower() == self.address.lower())
        events = (self.artifact.event(log.topics, log.data) for log in ours)
        return tuple(event for event in events if event is not None)


_FIRST_OFFSET = (32).to_bytes(32, "big")


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A message as the Outbox's log told it, with the place of that log."""

    message: Message
    log: Log


def dispatched(log: Log) -> Dispatched:
    """The message of one ``Dispatch`` log; ``InputError`` when it is none."""
    if not log.topics or log.topics[0] != load("Outbox").topic("Dispatch"):
        raise InputError(f"expected a Dispatch log, got topics {[t.hex() for t in log.topics]}")
    return Dispatched(Message.decode(_only_bytes(log.data)), log)


def _only_bytes(data: bytes) -> bytes:
    """The one value of type bytes that ``data`` encodes; ``InputError`` when it is not that.

    A backlog is this, a hundred thousand times.
    """
    length = int.from_bytes(data[32:64])
    value = data[64 : 64 + length]
    padded = 64 + len(value) + -len(value) % 32
    whole = len(value) == length and len(data) == padded and not any(data[64 + length :])
    if data[:32] != _FIRST_OFFSET or not whole:
        raise InputError(f"expected one value of type bytes, got 0x{data.hex()}")
    return value
