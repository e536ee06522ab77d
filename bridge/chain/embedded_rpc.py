"""The JSON-RPC methods of the embedded chain, answered as geth answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eth.abc import BlockHeaderAPI
from eth_typing import Address
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from bridge.chain.development import development_accounts
from bridge.chain.embedded import BlockMissing, Call, EmbeddedChain, ExecutionFailed
from bridge.chain.embedded_json import (
    block_json,
    effective_gas_price,
    logs_json,
    receipt_json,
    transaction_json,
)
from bridge.chain.embedded_pool import TransactionRefused
from bridge.chain.embedded_rules import PRIORITY_FEE_WEI, base_fee_of
from bridge.chain.revert import decode_revert
from bridge.chain.wire import data, parse_data, parse_quantity, quantity

METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
SERVER_ERROR = -32000
LIMIT_EXCEEDED = -32005
EXECUTION_REVERTED = 3
MAX_FEE_HISTORY = 1024
CLIENT_VERSION = "astralink-embedded/py-evm/prague"
FINALITY_TAGS = ("safe", "finalized")


class RpcFailure(Exception):
    """An error object: code, message and, for a revert, its data."""

    def __init__(self, code: int, message: str, revert_data: str | None = None) -> None:
        self.code = code
        self.message = message
        self.revert_data = revert_data
        super().__init__(message)


class EmbeddedRpc:
    """Answers requests about one chain; belongs to the chain's thread.

    ``log_range`` is the widest range of blocks that ``eth_getLogs`` takes.
    """

    def __init__(self, chain: EmbeddedChain, log_range: int) -> None:
        self._chain = chain
        self._log_range = log_range
        self._methods: Mapping[str, Callable[..., object]] = {
            "web3_clientVersion": lambda: CLIENT_VERSION,
            "web3_sha3": lambda text: data(keccak(parse_data(text))),
            "net_version": lambda: str(chain.chain_id),
            "net_listening": lambda: True,
            "eth_chainId": lambda: quantity(chain.chain_id),
            "eth_syncing": lambda: False,
            "eth_accounts": lambda: [account.address for account in development_accounts()],
            "eth_blockNumber": lambda: quantity(chain.head.block_number),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBalance": self._balance,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage,
            "eth_getTransactionCount": self._transaction_count,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate,
            "eth_gasPrice": lambda: quantity(base_fee_of(chain.next_header()) + PRIORITY_FEE_WEI),
            "eth_maxPriorityFeePerGas": lambda: quantity(PRIORITY_FEE_WEI),
            "eth_feeHistory": self._fee_history,
            "eth_sendRawTransaction": lambda raw: data(chain.submit(parse_data(raw))),
            "eth_sendTransaction": self._send_transaction,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getLogs": self._logs,
            "evm_increaseTime": self._increase_time,
            "evm_mine": self._mine,
            "anvil_mine": self._mine,
            "anvil_reorg": self._reorg,
        }

    def answer(self, method: str, params: list[object]) -> object:
        """The result of ``method``; ``RpcFailure`` where it has none."""
        run = self._methods.get(method)
        if run is None:
            raise RpcFailure(METHOD_NOT_FOUND, f"the method {method} does not exist")
        try:
            return run(*params)
        except ExecutionFailed as error:
            raise _execution_failure(error) from error
        except (TransactionRefused, BlockMissing) as error:
            raise RpcFailure(SERVER_ERROR, str(error)) from error
        except (ValueError, TypeError, OverflowError) as error:
            raise RpcFailure(INVALID_PARAMS, f"{method}: {error}") from error

    # Blocks

    def _header(self, block: object) -> BlockHeaderAPI:
        """The header that a tag, a number or an EIP-1898 object names."""
        if isinstance(block, dict):
            if "blockHash" in block:
                return self._chain.header_by_hash(parse_data(block["blockHash"], 32))
            block = block.get("blockNumber", "latest")
        head = self._chain.head
        if block in ("latest", "pending"):
            return head
        if block == "earliest":
            return self._chain.header(0)
        if block in FINALITY_TAGS:
            return self._chain.header(max(0, head.block_number - self._chain.finality))
        return self._chain.header(parse_quantity(block))

    def _block(self, header: BlockHeaderAPI, full: object) -> object:
        return block_json(header, self._chain.transactions(header), bool(full))

    def _block_by_number(self, block: object, full: object = False) -> object:
        if block == "pending":
            return block_json(self._chain.next_header(), (), bool(full), pending=True)
        try:
            return self._block(self._header(block), full)
        except BlockMissing:
            return None

    def _block_by_hash(self, block_hash: object, full: object = False) -> object:
        try:
            return self._block(self._chain.header_by_hash(parse_data(block_hash, 32)), full)
        except BlockMissing:
            return None

    def _increase_time(self, seconds: object) -> object:
        more = seconds if isinstance(seconds, int) else parse_quantity(seconds)
        if more < 0:
            raise ValueError(f"seconds: expected no negative number, got {more}")
        self._chain.ahead_s += more
        return quantity(self._chain.ahead_s)

    def _mine(self, blocks: object = "0x1", *_: object) -> object:
        count = blocks if isinstance(blocks, int) else parse_quantity(blocks)
        for _index in range(count):
            self._chain.mine_empty()
        return "0x0"

    def _reorg(self, depth: int, transactions: list[object] | None = None) -> None:
        if transactions:
            raise ValueError("expected no transactions: a reorg here drops what it takes out")
        self._chain.reorg(depth)

    # Accounts

    def _balance(self, address: object, block: object = "latest") -> object:
        state = self._chain.state(self._header(block))
        return quantity(state.get_balance(Address(parse_data(address, 20))))

    def _code(self, address: object, block: object = "latest") -> object:
        state = self._chain.state(self._header(block))
        return data(state.get_code(Address(parse_data(address, 20))))

    def _storage(self, address: object, slot: object, block: object = "latest") -> object:
        state = self._chain.state(self._header(block))
        value = state.get_storage(Address(parse_data(address, 20)), parse_quantity(slot))
        return data(value.to_bytes(32, "big"))

    def _transaction_count(self, address: object, block: object = "latest") -> object:
        sender = parse_data(address, 20)
        nonce = self._chain.state(self._header(block)).get_nonce(Address(sender))
        if block == "pending":
            nonce = self._chain.pool.next_nonce(sender, nonce)
        return quantity(nonce)

    # Execution

    def _call(self, request: dict[str, object], block: object = "latest", *_: object) -> object:
        return data(self._chain.call(_parse_call(request), self._header(block)))

    def _estimate(self, request: dict[str, object], block: object = "latest", *_: object) -> object:
        return quantity(self._chain.estimate(_parse_call(request), self._header(block)))

    def _send_transaction(self, request: dict[str, object]) -> object:
        call = _parse_call(request)
        sender = to_checksum_address(call.sender)
        signer = next((one for one in development_accounts() if one.address == sender), None)
        if signer is None:
            raise TransactionRefused(f"unknown account {sender}: expected one of eth_accounts")
        head, base_fee = self._chain.head, base_fee_of(self._chain.next_header())
        state = self._chain.state(head)
        nonce = request.get("nonce")
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain.chain_id,
            "nonce": self._chain.pool.next_nonce(call.sender, state.get_nonce(Address(call.sender)))
            if nonce is None
            else parse_quantity(nonce),
            "maxFeePerGas": 2 * base_fee + PRIORITY_FEE_WEI,
            "maxPriorityFeePerGas": PRIORITY_FEE_WEI,
            "gas": call.gas or self._chain.estimate(call, head),
            "value": call.value,
            "data": call.data,
            "to": data(call.to) if call.to else "",
        }
        return data(self._chain.submit(bytes(signer.sign_transaction(fields).raw_transaction)))

    # Transactions and logs

    def _transaction(self, transaction_hash: object) -> object:
        wanted = parse_data(transaction_hash, 32)
        included = self._chain.find(wanted)
        if included is not None:
            return transaction_json(included.transaction, included)
        waiting = self._chain.pool.find(wanted)
        return None if waiting is None else transaction_json(waiting, None)

    def _receipt(self, transaction_hash: object) -> object:
        included = self._chain.find(parse_data(transaction_hash, 32))
        return None if included is None else receipt_json(included)

    def _logs(self, request: dict[str, object]) -> object:
        addresses, topics = _parse_filter(request)
        if "blockHash" in request:
            header = self._chain.header_by_hash(parse_data(request["blockHash"], 32))
            first = last = int(header.block_number)
        else:
            first = self._bound(request.get("fromBlock"))
            last = min(self._bound(request.get("toBlock")), self._chain.head.block_number)
        if last - first >= self._log_range:
            raise RpcFailure(
                LIMIT_EXCEEDED,
                f"block range too wide: {last - first + 1} blocks, limit {self._log_range}",
            )
        return [
            log
            for number in self._chain.blocks_with_logs(first, last)
            for included in self._chain.transactions(self._chain.header(number))
            for log in logs_json(included)
            if _matches(log, addresses, topics)
        ]

    def _bound(self, block: object) -> int:
        """A block number; one above the head stands, as in geth, and finds nothing."""
        if isinstance(block, str) and block.startswith("0x"):
            return parse_quantity(block)
        return int(self._header(block or "latest").block_number)

    def _fee_history(
        self, count: object, newest: object, percentiles: list[float] | None = None
    ) -> object:
        last = int(self._header(newest).block_number)
        wanted = min(count if isinstance(count, int) else parse_quantity(count), MAX_FEE_HISTORY)
        headers = [self._chain.header(n) for n in range(max(0, last - wanted + 1), last + 1)]
        after = (
            self._chain.next_header()
            if last == self._chain.head.block_number
            else self._chain.header(last + 1)
        )
        result = {
            "oldestBlock": quantity(headers[0].block_number if headers else last),
            "baseFeePerGas": [quantity(base_fee_of(header)) for header in [*headers, after]],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        }
        if percentiles:
            result["reward"] = [self._rewards(header, percentiles) for header in headers]
        return result

    def _rewards(self, header: BlockHeaderAPI, percentiles: list[float]) -> list[str]:
        """The tips at the percentiles of the block's gas; a block holds one transaction here."""
        base_fee = base_fee_of(header)
        tips = [
            effective_gas_price(included.transaction, base_fee) - base_fee
            for included in self._chain.transactions(header)
        ]
        return [quantity(tips[0] if tips else 0) for _ in percentiles]


def _execution_failure(error: ExecutionFailed) -> RpcFailure:
    if not error.reverted:
        return RpcFailure(SERVER_ERROR, str(error))
    reason = decode_revert(error.output)
    message = f"execution reverted: {reason}" if error.output else "execution reverted"
    return RpcFailure(EXECUTION_REVERTED, message, data(error.output))


def _parse_call(request: dict[str, object]) -> Call:
    if not isinstance(request, dict):
        raise ValueError(f"expected a transaction object, got {request!r}")
    to, gas = request.get("to"), request.get("gas")
    body = request.get("input", request.get("data")) or "0x"
    return Call(
        sender=parse_data(request.get("from") or "0x" + "00" * 20, 20),
        to=None if to in (None, "", "0x") else parse_data(to, 20),
        value=parse_quantity(request.get("value") or "0x0"),
        data=parse_data(body),
        gas=None if gas is None else parse_quantity(gas),
    )


Topics = list[frozenset[str] | None]


def _parse_filter(request: dict[str, object]) -> tuple[frozenset[str], Topics]:
    """The addresses (none: any) and, for each topic's place, the values it may have."""
    if not isinstance(request, dict):
        raise ValueError(f"expected a filter object, got {request!r}")
    address = request.get("address") or []
    wanted = address if isinstance(address, list) else [address]
    topics = request.get("topics") or []
    if not isinstance(topics, list) or len(topics) > 4:
        raise ValueError(f"topics: expected a list of at most 4, got {topics!r}")
    places: Topics = []
    for topic in topics:
        choices = topic if isinstance(topic, list) else [topic]
        values = frozenset(data(parse_data(choice, 32)) for choice in choices if choice)
        places.append(values or None)
    return frozenset(to_checksum_address(parse_data(one, 20)) for one in wanted), places


def _matches(log: dict[str, object], addresses: frozenset[str], topics: Topics) -> bool:
    if addresses and log["address"] not in addresses:
        return False
    have = log["topics"]
    if not isinstance(have, list) or len(have) < len(topics):
        return False
    return all(want is None or got in want for want, got in zip(topics, have, strict=False))
