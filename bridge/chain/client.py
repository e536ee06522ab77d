"""One chain over JSON-RPC, through web3's asynchronous HTTP provider.

web3's own exceptions for reverts differ from node to node, so requests go to the provider and
their answers are read here. Network failures are retried by the provider, by the numbers below.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import ClientError, ClientTimeout

from bridge.chain.records import BlockRef, Fees, Log, Receipt
from bridge.chain.revert import ErrorDecoder, decode_revert
from bridge.chain.wire import data as hex_data
from bridge.chain.wire import parse_data, parse_quantity, quantity
from bridge.domain.errors import (
    BlockUnknown,
    ChainRefused,
    ChainUnreachable,
    TransactionReverted,
    WrongChainId,
)

with warnings.catch_warnings():
    # web3 7 imports websockets' deprecated half, for a provider that is not used here.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    from web3 import AsyncHTTPProvider
    from web3.providers.rpc.utils import REQUEST_RETRY_ALLOWLIST, ExceptionRetryConfiguration
    from web3.types import RPCEndpoint

ATTEMPTS = 4
BACKOFF_S = 0.1
"""The wait after the first failed attempt; it doubles after each, within the request's deadline."""
RETRIED_METHODS = [name for name in REQUEST_RETRY_ALLOWLIST if name != "eth_sendRawTransaction"]
"""A transaction is sent once: what became of it is read from the chain, not from a second try."""
EXECUTION_REVERTED = 3
WIDEST_LOG_RANGE = 10_000
BASE_FEE_HEADROOM = 2
"""A base fee doubles in six full blocks (EIP-1559: an eighth a block)."""

T = TypeVar("T")
Block = int | str
"""A block number, or a tag: latest, pending, safe, finalized, earliest."""
Topics = Sequence[bytes | Sequence[bytes] | None]
"""For each place the topic, the topics it may be, or None for any."""


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """Where a chain is and which one it must be; ``timeout_s`` is a request's whole deadline."""

    name: str
    domain: int
    chain_id: int
    rpc_url: str
    timeout_s: float = 30.0


class ChainClient:
    """Reads one chain and sends to it; use as ``async with ChainClient(settings) as chain``.

    ``decoder`` puts the contracts' custom errors into words.
    """

    def __init__(self, settings: ChainSettings, decoder: ErrorDecoder = decode_revert) -> None:
        self.settings = settings
        self.decoder = decoder
        self._log_range = WIDEST_LOG_RANGE
        self._provider = AsyncHTTPProvider(
            settings.rpc_url,
            request_kwargs={"timeout": ClientTimeout(total=settings.timeout_s)},
            exception_retry_configuration=ExceptionRetryConfiguration(
                errors=(ClientError, OSError),
                retries=ATTEMPTS,
                backoff_factor=BACKOFF_S,
                method_allowlist=RETRIED_METHODS,
            ),
        )

    async def __aenter__(self) -> ChainClient:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Check that the right chain answers; ``ChainUnreachable`` or ``WrongChainId``."""
        got = await self._ask(parse_quantity, "eth_chainId")
        if got != self.settings.chain_id:
            raise WrongChainId(
                self.settings.name, self.settings.rpc_url, self.settings.chain_id, got
            )

    async def close(self) -> None:
        """Close the connections."""
        await self._provider.disconnect()

    async def request(self, method: str, *params: object, what: str = "") -> Any:
        """The ``result`` of one request, within the deadline.

        Raises ``ChainUnreachable`` when no answer comes, ``TransactionReverted`` when the answer
        is a revert (``what`` names the act in its message), ``ChainRefused`` for other errors.
        """
        settings = self.settings
        try:
            async with asyncio.timeout(settings.timeout_s):
                answer = await self._provider.make_request(RPCEndpoint(method), list(params))
        except TimeoutError as error:
            reason = f"{method}: no answer within {settings.timeout_s:g} s"
            raise ChainUnreachable(settings.name, settings.rpc_url, reason) from error
        except (ClientError, OSError, ValueError) as error:
            reason = f"{method}: {str(error) or type(error).__name__}"
            raise ChainUnreachable(settings.name, settings.rpc_url, reason) from error
        failure = answer.get("error")
        if failure is None:
            return answer.get("result")
        if not isinstance(failure, Mapping):
            raise ChainRefused(settings.name, method, 0, str(failure))
        code = int(failure.get("code", 0))
        revert_data = failure.get("data")
        if code == EXECUTION_REVERTED or (
            isinstance(revert_data, str) and revert_data.startswith("0x")
        ):
            raw = parse_data(revert_data or "0x")
            raise TransactionReverted(what or method, self.decoder(raw), raw)
        raise ChainRefused(settings.name, method, code, str(failure.get("message", "")))

    async def _ask(
        self, parse: Callable[[Any], T], method: str, *params: object, what: str = ""
    ) -> T:
        """The parsed result; ``ChainRefused`` also for an answer that cannot be read."""
        answer = await self.request(method, *params, what=what)
        try:
            return parse(answer)
        except (ValueError, TypeError, LookupError) as error:
            reason = f"answer that cannot be read: {type(error).__name__}: {error}"
            raise ChainRefused(self.settings.name, method, 0, reason) from error

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
        """The newest block that no reorg takes back."""
        return await self.block("finalized")

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

    async def send_raw(self, raw: bytes) -> bytes:
        """The hash of the signed transaction ``raw``, which the node has taken."""
        return await self._ask(_hash, "eth_sendRawTransaction", hex_data(raw))

    async def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """The receipt; None while the transaction is not mined."""
        return await self._ask(
            _optional(Receipt.from_json), "eth_getTransactionReceipt", hex_data(transaction_hash)
        )


def _block(block: Block) -> str:
    return quantity(block) if isinstance(block, int) else block


def _optional(parse: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda answer: None if answer is None else parse(answer)


def _logs(answer: Any) -> list[Log]:
    return [Log.from_json(log) for log in answer]


def _base_fee(block: Any) -> int:
    return parse_quantity(block["baseFeePerGas"])


def _hash(answer: Any) -> bytes:
    return parse_data(answer, 32)


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
