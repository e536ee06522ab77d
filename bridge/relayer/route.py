"""The two ends of a message's way."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.chain.client import ChainClient
from bridge.chain.contracts import Contract
from bridge.chain.deployment import SideRecord
from bridge.chain.registry import Registry
from bridge.domain.checkpoints import Checkpoint


@dataclass(frozen=True, slots=True)
class Side:
    """One chain with the bridge's contracts on it.

    ``reading`` is asked what is final, where that is to be believed of more than one endpoint.
    """

    client: ChainClient
    record: SideRecord
    outbox: Contract
    inbox: Contract
    registry: Registry
    reading: ChainClient

    @classmethod
    def of(
        cls, client: ChainClient, record: SideRecord, reading: ChainClient | None = None
    ) -> Side:
        """The side of a chain whose contracts ``record`` names."""
        return cls(
            client,
            record,
            Contract.at(client, "Outbox", record.outbox),
            Contract.at(client, "Inbox", record.inbox),
            Registry(Contract.at(client, "SignerRegistry", record.registry), record.verifiers),
            reading or client,
        )

    @property
    def name(self) -> str:
        """The chain's name in the configuration."""
        return self.client.settings.name

    @property
    def domain(self) -> int:
        """The chain's domain."""
        return self.record.domain


@dataclass(frozen=True, slots=True)
class Route:
    """From the Outbox of one side to the Inbox of another."""

    origin: Side
    destination: Side

    def __str__(self) -> str:
        return f"{self.origin.name}->{self.destination.name}"

    def checkpoint(self, root: bytes, size: int, epoch: int) -> Checkpoint:
        """What the signers of ``epoch`` sign of the origin's tree for this destination."""
        return Checkpoint(
            origin_domain=self.origin.domain,
            origin_chain_id=self.origin.record.chain_id,
            outbox=bytes.fromhex(self.origin.record.outbox[2:]),
            root=root,
            size=size,
            destination_domain=self.destination.domain,
            destination_chain_id=self.destination.record.chain_id,
            inbox=bytes.fromhex(self.destination.record.inbox[2:]),
            epoch=epoch,
        )
