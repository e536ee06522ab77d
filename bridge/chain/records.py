"""What a chain tells: blocks, logs, receipts and fees, parsed at once from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth_utils.address import to_checksum_address

from bridge.chain.wire import parse_data, parse_quantity

_checksummed = lru_cache(1_024)(to_checksum_address)
"""Most logs are of few contracts, and a checksum is a hash."""


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block by its number and hash, with its parent's hash; ``timestamp`` in seconds."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int

    @classmethod
    def from_json(cls, block: Mapping[str, Any]) -> BlockRef:
        """The block that a node's answer describes."""
        return cls(
            parse_quantity(block["number"]),
            parse_data(block["hash"], 32),
            parse_data(block["parentHash"], 32),
            parse_quantity(block["timestamp"]),
        )


@dataclass(frozen=True, slots=True)
class Log:
    """One log of one transaction; ``address`` with its checksum (EIP-55)."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int

    @classmethod
    def from_json(cls, log: Mapping[str, Any]) -> Log:
        """The log that a node's answer describes."""
        return cls(
            _checksummed(log["address"]),
            tuple(parse_data(topic, 32) for topic in log["topics"]),
            parse_data(log["data"]),
            parse_quantity(log["blockNumber"]),
            parse_data(log["blockHash"], 32),
            parse_data(log["transactionHash"], 32),
            parse_quantity(log["logIndex"]),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction; ``status`` is False where it reverted."""

    transaction_hash: bytes
    block_number: int
    block_hash: bytes
    gas_used: int
    effective_gas_price: int
    status: bool
    logs: tuple[Log, ...]
    contract_address: str | None

    @classmethod
    def from_json(cls, receipt: Mapping[str, Any]) -> Receipt:
        """The receipt that a node's answer describes."""
        created = receipt.get("contractAddress")
        return cls(
            parse_data(receipt["transactionHash"], 32),
            parse_quantity(receipt["blockNumber"]),
            parse_data(receipt["blockHash"], 32),
            parse_quantity(receipt["gasUsed"]),
            parse_quantity(receipt["effectiveGasPrice"]),
            parse_quantity(receipt["status"]) == 1,
            tuple(Log.from_json(log) for log in receipt["logs"]),
            to_checksum_address(created) if created else None,
        )


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction sent now should offer (EIP-1559), in wei a unit of gas."""

    max_fee_wei: int
    max_priority_fee_wei: int
