"""Who created a contract, in which transaction and with which code, as a chain's node tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from eth_utils.address import to_checksum_address

from bridge.chain.client import ChainClient
from bridge.chain.wire import data as hex_data
from bridge.chain.wire import parse_data, parse_quantity, quantity
from bridge.domain.errors import ChainError, ChainRefused

MAX_FRAMES = 100_000
CREATING = frozenset({"CREATE", "CREATE2", "create"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mined transaction; ``to`` is None where it creates a contract itself."""

    hash: bytes
    block_number: int
    block_hash: bytes
    index: int
    sender: str
    to: str | None
    nonce: int
    value: int
    gas: int
    data: bytes = field(repr=False)

    @classmethod
    def from_json(cls, answer: Mapping[str, Any]) -> Transaction:
        """The transaction that a node's answer describes."""
        to = answer.get("to")
        return cls(
            parse_data(answer["hash"], 32),
            parse_quantity(answer["blockNumber"]),
            parse_data(answer["blockHash"], 32),
            parse_quantity(answer["transactionIndex"]),
            _address(answer["from"]),
            _address(to) if to else None,
            parse_quantity(answer["nonce"]),
            parse_quantity(answer["value"]),
            parse_quantity(answer["gas"]),
            parse_data(answer["input"]),
        )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a block tells the code that runs in it."""

    number: int
    coinbase: str
    timestamp: int
    gas_limit: int
    base_fee: int
    prevrandao: bytes

    @classmethod
    def from_json(cls, block: Mapping[str, Any]) -> Surroundings:
        """The surroundings that a node's answer describes; zeros for what an old block lacks."""
        mix = block.get("mixHash")
        return cls(
            parse_quantity(block["number"]),
            _address(block["miner"]),
            parse_quantity(block["timestamp"]),
            parse_quantity(block["gasLimit"]),
            parse_quantity(block.get("baseFeePerGas") or "0x0"),
            parse_data(mix, 32) if mix else bytes(32),
        )


@dataclass(frozen=True, slots=True)
class Creation:
    """How a contract came to be: by whom (a person or a contract) and from which code.

    ``init_code`` has the constructor's arguments at its end. ``traced`` where a trace of the
    node told it, since another contract created this one.
    """

    address: str
    transaction: Transaction
    creator: str
    init_code: bytes = field(repr=False)
    traced: bool


class CreationUnknown(ChainError):
    """The node does not tell what a contract was created from; the message says why."""


async def find_transaction(client: ChainClient, transaction_hash: bytes) -> Transaction | None:
    """The mined transaction, or None where the chain has none of that hash in a block."""
    answer = await client.request("eth_getTransactionByHash", hex_data(transaction_hash))
    if answer is None or not answer.get("blockNumber"):
        return None
    return _parsed(client, "eth_getTransactionByHash", Transaction.from_json, answer)


async def surroundings(client: ChainClient, number: int) -> Surroundings:
    """What the block tells the code that runs in it."""
    answer = await client.request("eth_getBlockByNumber", quantity(number), False)
    return _parsed(client, "eth_getBlockByNumber", Surroundings.from_json, answer or {})


async def creation_in(client: ChainClient, address: str, transaction_hash: bytes) -> Creation:
    """How that transaction created ``address``.

    A contract that another one created is found by a trace: ``debug_traceTransaction`` with the
    call tracer, or ``trace_transaction``. ``CreationUnknown`` where the transaction did not create
    it, or the node does not trace.
    """
    transaction = await find_transaction(client, transaction_hash)
    if transaction is None:
        raise CreationUnknown(f"no transaction {hex_data(transaction_hash)} in a block")
    receipt = await client.receipt(transaction_hash)
    if receipt is None or not receipt.status:
        raise CreationUnknown(f"transaction {hex_data(transaction_hash)} did not succeed")
    own = to_checksum_address(address)
    if receipt.contract_address == own:
        return Creation(own, transaction, transaction.sender, transaction.data, False)
    for creator, created, code in reversed(await _frames(client, transaction_hash)):
        if created == own:
            return Creation(own, transaction, creator, code, True)
    raise CreationUnknown(f"transaction {hex_data(transaction_hash)} does not create {own}")


async def find_creation_transaction(client: ChainClient, address: str, head: int) -> bytes | None:
    """The transaction that put code at ``address``, found by halving the blocks up to ``head``.

    None where the node keeps no old states, or no trace tells which transaction of the block it
    was. Of a contract that was destroyed and made anew, one of its creations is found.
    """
    low, high = -1, head
    try:
        while high - low > 1:
            middle = (low + high) // 2
            if await client.code(address, middle):
                high = middle
            else:
                low = middle
        block = await client.request("eth_getBlockByNumber", quantity(high), False)
    except ChainRefused:
        return None
    own = to_checksum_address(address)
    hashes = [parse_data(one, 32) for one in (block or {}).get("transactions") or ()]
    for one in hashes:
        receipt = await client.receipt(one)
        if receipt is not None and receipt.contract_address == own:
            return one
    for one in hashes:
        try:
            if own in {created for _, created, _ in await _frames(client, one)}:
                return one
        except CreationUnknown:
            return None
    return None


async def _frames(client: ChainClient, transaction_hash: bytes) -> list[tuple[str, str, bytes]]:
    """(creator, created, code) of each creation within a transaction, in their order."""
    name = hex_data(transaction_hash)
    try:
        try:
            tracer = {"tracer": "callTracer"}
            return list(_nested(await client.request("debug_traceTransaction", name, tracer)))
        except ChainRefused:
            return list(_flat(await client.request("trace_transaction", name)))
    except ChainRefused as error:
        raise CreationUnknown(
            f"transaction {name} creates it through another contract, and the node gives no "
            f"trace: {error.message}"
        ) from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise CreationUnknown(f"trace of {name} that cannot be read: {error}") from error


def _nested(trace: Any) -> Iterator[tuple[str, str, bytes]]:
    """The creations of a call tracer's tree, those that failed left out with all below them."""
    waiting = [trace]
    for _ in range(MAX_FRAMES):
        if not waiting:
            return
        frame = waiting.pop()
        if frame.get("error"):
            continue
        if frame.get("type") in CREATING:
            yield _address(frame["from"]), _address(frame["to"]), parse_data(frame["input"])
        waiting += reversed(frame.get("calls") or ())
    raise ValueError(f"more than {MAX_FRAMES} frames")


def _flat(trace: Any) -> Iterator[tuple[str, str, bytes]]:
    for frame in trace:
        if frame.get("type") in CREATING and not frame.get("error"):
            action, result = frame["action"], frame["result"]
            yield (
                _address(action["from"]),
                _address(result["address"]),
                parse_data(action["init"]),
            )


def _address(text: object) -> str:
    return str(to_checksum_address(parse_data(text, 20)))


def _parsed(client: ChainClient, method: str, parse: Callable[[Any], T], answer: Any) -> T:
    try:
        return parse(answer)
    except (ValueError, TypeError, LookupError) as error:
        reason = f"answer that cannot be read: {type(error).__name__}: {error}"
        raise ChainRefused(client.settings.name, method, 0, reason) from error
