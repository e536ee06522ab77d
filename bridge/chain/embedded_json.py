"""Blocks, transactions, receipts and logs as execution-apis has them, from py-evm's objects."""

from __future__ import annotations

from collections.abc import Iterator

from eth._utils.address import generate_contract_address
from eth.abc import BlockHeaderAPI, SignedTransactionAPI
from eth_typing import Address
from eth_utils.address import to_checksum_address

from bridge.chain.embedded import Included
from bridge.chain.embedded_rules import base_fee_of
from bridge.chain.wire import data, quantity

Json = dict[str, object]
LEGACY, ACCESS_LIST, SET_CODE = 0, 1, 4
EMPTY_HEADER_RLP_BYTES = 0x270
"""About the size of a block without transactions; ``size`` is a hint to clients only."""


def block_json(
    header: BlockHeaderAPI, transactions: tuple[Included, ...], full: bool, pending: bool = False
) -> Json:
    """A block; its transactions whole where ``full``, else their hashes.

    A pending block has no hash yet.
    """
    listed: list[object] = [
        transaction_json(included.transaction, included)
        if full
        else data(included.transaction.hash)
        for included in transactions
    ]
    size = EMPTY_HEADER_RLP_BYTES + sum(len(item.transaction.data) for item in transactions)
    return {
        "number": quantity(header.block_number),
        "hash": None if pending else data(header.hash),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": data(header.uncles_hash),
        "miner": to_checksum_address(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transaction_root),
        "receiptsRoot": data(header.receipt_root),
        "logsBloom": bloom(header.bloom),
        "difficulty": quantity(header.difficulty),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": data(header.extra_data),
        "mixHash": data(header.mix_hash),
        "nonce": None if pending else data(header.nonce),
        "baseFeePerGas": quantity(base_fee_of(header)),
        "withdrawalsRoot": data(header.withdrawals_root or b""),
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root or b""),
        "requestsHash": data(header.requests_hash),  # type: ignore[attr-defined]
        "size": quantity(size),
        "transactions": listed,
        "uncles": [],
        "withdrawals": [],
    }


def bloom(value: int) -> str:
    """A bloom filter of 2,048 bits as data."""
    return data(value.to_bytes(256, "big"))


def type_of(transaction: SignedTransactionAPI) -> int:
    """The transaction's EIP-2718 type; 0 for a legacy one."""
    return transaction.type_id or LEGACY


def effective_gas_price(transaction: SignedTransactionAPI, base_fee: int) -> int:
    """What a unit of gas cost (EIP-1559)."""
    tip: int = transaction.max_priority_fee_per_gas
    most: int = transaction.max_fee_per_gas
    return min(most, base_fee + tip)


def transaction_json(transaction: SignedTransactionAPI, included: Included | None) -> Json:
    """A transaction; the fields of its block are null while it waits."""
    kind = type_of(transaction)
    base_fee = base_fee_of(included.header) if included else 0
    result: Json = {
        "type": quantity(kind),
        "chainId": quantity(transaction.chain_id or 0),
        "hash": data(transaction.hash),
        "from": to_checksum_address(transaction.sender),
        "to": to_checksum_address(transaction.to) if transaction.to else None,
        "nonce": quantity(transaction.nonce),
        "gas": quantity(transaction.gas),
        "value": quantity(transaction.value),
        "input": data(transaction.data),
        "gasPrice": quantity(
            effective_gas_price(transaction, base_fee) if included else transaction.max_fee_per_gas
        ),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
        "blockNumber": quantity(included.header.block_number) if included else None,
        "blockHash": data(included.header.hash) if included else None,
        "transactionIndex": quantity(included.index) if included else None,
    }
    if kind == LEGACY:
        return result | {"v": quantity(transaction.v)}  # type: ignore[attr-defined]
    parity = quantity(transaction.y_parity)
    result |= {"v": parity, "yParity": parity, "accessList": _access_list(transaction)}
    if kind != ACCESS_LIST:
        result["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
        result["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas)
    if kind == SET_CODE:
        result["authorizationList"] = [
            {
                "chainId": quantity(entry.chain_id),
                "address": to_checksum_address(entry.address),
                "nonce": quantity(entry.nonce),
                "yParity": quantity(entry.y_parity),
                "r": quantity(entry.r),
                "s": quantity(entry.s),
            }
            for entry in transaction.authorization_list
        ]
    return result


def _access_list(transaction: SignedTransactionAPI) -> list[object]:
    return [
        {
            "address": to_checksum_address(address),
            "storageKeys": [data(slot.to_bytes(32, "big")) for slot in slots],
        }
        for address, slots in transaction.access_list
    ]


def receipt_json(included: Included) -> Json:
    """A transaction's receipt with its logs."""
    transaction, header = included.transaction, included.header
    created = None
    if not transaction.to:
        address = generate_contract_address(Address(transaction.sender), transaction.nonce)
        created = to_checksum_address(address)
    return {
        "type": quantity(type_of(transaction)),
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(included.index),
        "blockHash": data(header.hash),
        "blockNumber": quantity(header.block_number),
        "from": to_checksum_address(transaction.sender),
        "to": to_checksum_address(transaction.to) if transaction.to else None,
        "status": quantity(int(bool(included.receipt.state_root))),
        "cumulativeGasUsed": quantity(included.receipt.gas_used),
        "gasUsed": quantity(included.gas_used),
        "effectiveGasPrice": quantity(effective_gas_price(transaction, base_fee_of(header))),
        "contractAddress": created,
        "logsBloom": bloom(included.receipt.bloom),
        "logs": list(logs_json(included)),
    }


def logs_json(included: Included) -> Iterator[Json]:
    """The logs of one transaction, numbered through its block."""
    for offset, log in enumerate(included.receipt.logs):
        yield {
            "address": to_checksum_address(log.address),
            "topics": [data(topic.to_bytes(32, "big")) for topic in log.topics],
            "data": data(log.data),
            "blockNumber": quantity(included.header.block_number),
            "blockHash": data(included.header.hash),
            "blockTimestamp": quantity(included.header.timestamp),
            "transactionHash": data(included.transaction.hash),
            "transactionIndex": quantity(included.index),
            "logIndex": quantity(included.first_log + offset),
            "removed": False,
        }
