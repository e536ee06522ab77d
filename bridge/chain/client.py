"""One chain over JSON-RPC, through web3's asynchronous HTTP provider, at one endpoint or several.

web3's own exceptions for reverts differ from node to node, so requests go to the provider and
their answers are read here. Which endpoint is asked is decided in ``endpoints``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from bridge.chain.endpoints import ChainSettings, Endpoint, EndpointFailed, Endpoints
from bridge.chain.records import BlockRef, Fees, Log, Receipt
from bridge.chain.revert import ErrorDecoder, decode_revert
from bridge.chain.wire import data as hex_data
from bridge.chain.wire import parse_data, parse_quantity, quantity
from bridge.crypto.hashing import keccak256
from bridge.domain.errors import (
    BlockUnknown,
    ChainError,
    ChainRefused,
    TransactionReverted,
)

__all__ = ["Block", "ChainClient", "ChainSettings", "Topics"]

EXECUTION_REVERTED = 3
WIDEST_LOG_RANGE = 10_000
BASE_FEE_HEADROOM = 2
"""A base fee doubles in six full blocks (EIP-1559: an eighth a block)."""
GRACE_S = 1.0
"""How long others may take after the first of them answered."""

T = TypeVar("T")
Block = int | str
"""A block number, or a tag: latest, pending, safe, finalized, earliest."""
Topics = Sequence[bytes | Sequence[bytes] | None]
"""For each place the topic, the topics it may be, or None for any."""


class ChainClient:
    """Reads one chain and sends to it; use as ``async with ChainClient(settings) as chain``.

    ``decoder`` puts the contracts' custom errors into words. A read goes to one endpoint, and to
    the next where that one fails; a transaction goes to all.
    """

    def __init__(self, settings: ChainSettings, decoder: ErrorDecoder = decode_revert) -> None:
        self.settings = settings
        self.decoder = decoder
        self._log_range = WIDEST_LOG_RANGE
        self._endpoints = Endpoints(settings)

    async def __aenter__(self) -> ChainClient:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints with their counts, the preferred first."""
        return self._endpoints.all

    async def connect(self) -> None:
        """Check that the right chain answers; ``ChainUnreachable`` or ``WrongChainId``."""
        await self.request("eth_chainId")

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoints.close()

    async def request(self, method: str, *params: object, what: str = "") -> Any:
        """The ``result`` of one request, within the deadline.

        Raises ``ChainUnreachable`` when no answer comes, ``TransactionReverted`` when the answer
        is a revert (``what`` names the act in its message), ``ChainRefused`` for other errors.
        """
        return await self._endpoints.first(
            method, params, lambda answer: self._result(answer, method, what)
        )

    def _result(self, answer: Mapping[str, Any], method: str, what: str) -> Any:
        failure = answer.get("error")
        if failure is None:
            return answer.get("result")
        name = self.settings.name
        if not isinstance(failure, Mapping):
            raise ChainRefused(name, method, 0, str(failure))
        code = int(failure.get("code", 0))
        revert_data = failure.get("data")
        if code == EXECUTION_REVERTED or (
            isinstance(revert_data, str) and revert_data.startswith("0x")
        ):
            raw = parse_data(revert_data or "0x")
            raise TransactionReverted(what or method, self.decoder(raw), raw)
        raise ChainRefused(name, method, code, str(failure.get("message", "")))

    def _parsed(self, parse: Callable[[Any], T], result: Any, method: str) -> T:
        """The parsed result; ``ChainRefused`` for one that cannot be read."""
        try:
            return parse(result)
        except (ValueError, TypeError, LookupError) as error:
            reason = f"answer that cannot be read: {type(error).__name__}: {error}"
            raise ChainRefused(self.settings.name, method, 0, reason) from error

    async def _ask(
        self, parse: Callable[[Any], T], method: str, *params: object, what: str = ""
    ) -> T:
        return self._parsed(parse, await self.request(method, *params, what=what), method)

    async def _ask_each(
        self,
        endpoints: Sequence[Endpoint],
        parse: Callable[[Any], T],
        method: str,
        *params: object,
        what: str = "",
        enough: Callable[[Mapping[Endpoint, T | ChainError]], bool] = lambda _: True,
    ) -> tuple[dict[Endpoint, T | ChainError], dict[Endpoint, EndpointFailed]]:
        """What each endpoint says, an error that it answers with included, and which ones failed.

        All are asked at once. When what came is ``enough``, the others have ``GRACE_S`` more,
        then they are left.
        """
        said: dict[Endpoint, T | ChainError] = {}
        failed: dict[Endpoint, EndpointFailed] = {}

        async def one(endpoint: Endpoint) -> None:
            try:
                answer = await endpoint.ask(method, params, self.settings.attempt_timeout_s)
                said[endpoint] = self._parsed(parse, self._result(answer, method, what), method)
            except EndpointFailed as error:
                failed[endpoint] = error
            except (ChainRefused, TransactionReverted) as error:
                said[endpoint] = error

        tasks = {asyncio.create_task(one(endpoint)): endpoint for endpoint in endpoints}
        pending = set(tasks)
        try:
            while pending:
                grace = GRACE_S if said and enough(said) else None
                done, pending = await asyncio.wait(
                    pending, timeout=grace, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
                if not done:
                    for task in pending:
                        reason = f"{method}: no answer {GRACE_S:g} s after the others"
                        failed[tasks[task]] = tasks[task].leave(reason)
                    break
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        return said, failed

    # Blocks and logs

    async def find_block(self, block: Block) -> BlockRef | None:
        """The block, or None where the chain has none."""
        return await self._ask(
            _optional(BlockRef.from_json), "eth_getBlockByNumber", _block(block), False
        )

    async def block(self, block: Block) -> BlockRef:
        """The block; ``BlockUnknown`` where the chain has none."""
        found = await self.find_block(block)
        if found is None:
            raise BlockUnknown(self.settings.name, str(block))
        return found

    async def finalized(self) -> BlockRef:
        """The newest block that no reorg takes back.

        All endpoints are asked where there are several, and the stale ones are left.
        """
        if len(self.endpoints) > 1:
            await self._heads("finalized")
        return await self.block("finalized")

    async def _heads(self, tag: str, needed: int = 1) -> dict[Endpoint, BlockRef]:
        """The block at ``tag`` of each endpoint that may be asked; stale ones are left.

        A slow one is waited for while fewer than ``needed`` have answered.
        """
        said, _ = await self._ask_each(
            self._endpoints.usable(),
            BlockRef.from_json,
            "eth_getBlockByNumber",
            tag,
            False,
            enough=lambda said: sum(isinstance(one, BlockRef) for one in said.values()) >= needed,
        )
        found = {one: block for one, block in said.items() if isinstance(block, BlockRef)}
        if tag == "finalized":
            self._endpoints.compare_heads({one: block.number for one, block in found.items()})
        for endpoint, block in found.items():
            endpoint.saw(block.number, finalized=False)
        return {one: block for one, block in found.items() if not one.waits}

    async def logs(
        self, address: str, topics: Topics, from_block: int, to_block: int
    ) -> tuple[Log, ...]:
        """The logs of ``address`` in both blocks and all between, in the chain's order.

        A range that the node refuses is halved and kept; each full one it takes adds an eighth.
        ``ChainRefused`` when it refuses a single block.
        """
        wanted = [_topic(topic) for topic in topics]
        found: list[Log] = []
        first = from_block
        while first <= to_block:
            last = min(to_block, first + self._log_range - 1)
            query = {
                "address": address,
                "topics": wanted,
                "fromBlock": quantity(first),
                "toBlock": quantity(last),
            }
            try:
                found.extend(await self._ask(_logs, "eth_getLogs", query))
            except ChainRefused:
                if last == first:
                    raise
                self._log_range = (last - first + 1) // 2
                continue
            if last - first + 1 == self._log_range:
                wider = self._log_range + max(1, self._log_range // 8)
                self._log_range = min(wider, WIDEST_LOG_RANGE)
            first = last + 1
        return tuple(found)

    # Accounts

    async def code(self, address: str, block: Block = "latest") -> bytes:
        """The contract code at ``address``; empty where it holds none."""
        return await self._ask(parse_data, "eth_getCode", address, _block(block))

    async def storage(self, address: str, slot: int, block: Block = "latest") -> bytes:
        """The word at ``slot`` of the contract's storage, 32 bytes."""
        return await self._ask(_word, "eth_getStorageAt", address, quantity(slot), _block(block))

    async def balance(self, address: str, block: Block = "latest") -> int:
        """The balance in wei."""
        return await self._ask(parse_quantity, "eth_getBalance", address, _block(block))

    async def nonce(self, address: str, block: Block = "pending") -> int:
        """The next nonce; "pending" counts the transactions that wait."""
        return await self._ask(parse_quantity, "eth_getTransactionCount", address, _block(block))

    # Execution

    async def call(
        self,
        to: str | None,
        data: bytes,
        block: Block = "latest",
        sender: str | None = None,
        value: int = 0,
        gas: int | None = None,
    ) -> bytes:
        """What the contract returns; ``TransactionReverted`` with the raw data where it reverts."""
        request = _transaction(to, data, sender, value, gas)
        what = f"call of {to}"
        return await self._ask(parse_data, "eth_call", request, _block(block), what=what)

    async def estimate(
        self, to: str | None, data: bytes, sender: str | None = None, value: int = 0
    ) -> int:
        """Gas with which it succeeds, by the node's reckoning; can be above what a block takes."""
        request = _transaction(to, data, sender, value, None)
        what = f"transaction to {to}"
        return await self._ask(parse_quantity, "eth_estimateGas", request, what=what)

    async def gas_price(self) -> int:
        """The node's gas price in wei."""
        return await self._ask(parse_quantity, "eth_gasPrice")

    async def fees(self) -> Fees:
        """Fees that stay good while the base fee doubles."""
        tip = await self._ask(parse_quantity, "eth_maxPriorityFeePerGas")
        base_fee = await self._ask(_base_fee, "eth_getBlockByNumber", "latest", False)
        return Fees(BASE_FEE_HEADROOM * base_fee + tip, tip)

    async def block_gas_limit(self) -> int:
        """The gas that the newest block could hold."""
        return await self._ask(_gas_limit, "eth_getBlockByNumber", "latest", False)

    async def send_raw(self, raw: bytes) -> bytes:
        """The hash of the signed transaction ``raw``, which a node has taken.

        It goes to every endpoint that may be asked; one is enough. A node that refuses what it
        has already has taken it.
        """
        method = "eth_sendRawTransaction"
        said, failed = await self._ask_each(
            self._endpoints.to_try(),
            _hash,
            method,
            hex_data(raw),
            enough=lambda said: any(isinstance(one, bytes) for one in said.values()),
        )
        for answer in said.values():
            if isinstance(answer, bytes):
                return answer
        transaction_hash = keccak256(raw)
        for endpoint in said:
            if await self._has_transaction(endpoint, transaction_hash):
                return transaction_hash
        for answer in said.values():
            if isinstance(answer, ChainError):
                raise answer
        raise self._endpoints.unreachable(failed)

    async def _has_transaction(self, endpoint: Endpoint, transaction_hash: bytes) -> bool:
        said, _ = await self._ask_each(
            [endpoint],
            lambda answer: answer is not None,
            "eth_getTransactionByHash",
            hex_data(transaction_hash),
        )
        return said.get(endpoint) is True

    async def knows(self, transaction_hash: bytes) -> bool:
        """Whether the node has a transaction, in a block or waiting for one."""
        return await self._ask(
            lambda answer: answer is not None,
            "eth_getTransactionByHash",
            hex_data(transaction_hash),
        )

    async def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """The receipt; None while the transaction is not mined."""
        return await self._ask(
            _optional(Receipt.from_json), "eth_getTransactionReceipt", hex_data(transaction_hash)
        )


def _block(block: Block) -> str:
    return quantity(block) if isinstance(block, int) else block


def _optional(parse: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda answer: None if answer is None else parse(answer)


def _logs(answer: Any) -> tuple[Log, ...]:
    return tuple(Log.from_json(log) for log in answer)


def _base_fee(block: Any) -> int:
    return parse_quantity(block["baseFeePerGas"])


def _gas_limit(block: Any) -> int:
    return parse_quantity(block["gasLimit"])


def _hash(answer: Any) -> bytes:
    return parse_data(answer, 32)


def _word(answer: Any) -> bytes:
    return parse_data(answer).rjust(32, b"\0")  # some nodes leave leading zeros out


def _topic(topic: bytes | Sequence[bytes] | None) -> object:
    if topic is None:
        return None
    return hex_data(topic) if isinstance(topic, bytes) else [hex_data(one) for one in topic]


def _transaction(
    to: str | None, data: bytes, sender: str | None, value: int, gas: int | None
) -> dict[str, str]:
    fields = {"data": hex_data(data), "value": quantity(value)}
    if to is not None:
        fields["to"] = to
    if sender is not None:
        fields["from"] = sender
    if gas is not None:
        fields["gas"] = quantity(gas)
    return fields
