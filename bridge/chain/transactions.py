"""Signing, sending and waiting: one transaction from an account to its receipt."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from eth_utils.address import is_address, to_checksum_address
from eth_utils.exceptions import ValidationError as KeyValidationError

from bridge.chain.client import ChainClient
from bridge.chain.records import Receipt
from bridge.chain.revert import ErrorDecoder
from bridge.chain.wire import data as hex_data
from bridge.domain.errors import (
    ChainRefused,
    ChainUnreachable,
    InputError,
    TransactionReverted,
    TransactionTimeout,
    TransactionTooHeavy,
)

if TYPE_CHECKING:  # who only reads a chain has no use for signing, which takes a while to load
    from eth_account.signers.local import LocalAccount

TRANSACTION_GAS_CAP = 1 << 24
"""EIP-7825."""
ESTIMATE_MARGIN_PERCENT = 110
SUBMISSIONS = 3
"""Times that a transaction is sent, where another sender with the same key keeps taking nonces."""
RECEIPT_TIMEOUT_S = 60.0
FIRST_POLL_S = 0.05
LONGEST_POLL_S = 1.0
"""The wait between two looks for a receipt grows by half each time, between these."""


class Account:
    """A private key that signs transactions, and the nonces it has used on each chain."""

    __slots__ = ("_nonces", "_signer", "locks")

    def __init__(self, signer: LocalAccount) -> None:
        self._signer = signer
        self._nonces: dict[int, int] = {}
        self.locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    @classmethod
    def from_key(cls, key: bytes | str) -> Account:
        """The account of a private key, 32 bytes or their hex; ``InputError`` for anything else."""
        from eth_account import Account as EthAccount

        try:
            return cls(EthAccount.from_key(key))
        except (ValueError, TypeError, KeyValidationError):
            raise InputError("private key: expected 32 bytes below the group's order") from None

    @property
    def address(self) -> str:
        """The address with its checksum (EIP-55)."""
        return str(self._signer.address)

    def __repr__(self) -> str:
        return f"Account({self.address}, key redacted)"

    def sign(self, fields: dict[str, Any]) -> tuple[bytes, bytes]:
        """The signed transaction's bytes and its hash."""
        signed = self._signer.sign_transaction(fields)
        return bytes(signed.raw_transaction), bytes(signed.hash)

    async def next_nonce(self, client: ChainClient) -> int:
        """The nonce to use now: the one known here, or the chain's where none is."""
        known = self._nonces.get(client.settings.chain_id)
        return await client.nonce(self.address) if known is None else known

    def used(self, client: ChainClient, nonce: int) -> None:
        """Note that the chain took ``nonce``."""
        self._nonces[client.settings.chain_id] = nonce + 1

    def forget(self, client: ChainClient) -> None:
        """Drop what is known, so that the next nonce is read from the chain."""
        self._nonces.pop(client.settings.chain_id, None)


async def send(
    client: ChainClient,
    account: Account,
    to: str | None,
    data: bytes,
    value: int = 0,
    gas: int | None = None,
    decoder: ErrorDecoder | None = None,
    timeout_s: float = RECEIPT_TIMEOUT_S,
) -> Receipt:
    """The receipt of a transaction that succeeded; ``to`` None deploys a contract.

    Without ``gas`` the node estimates it, and a tenth is added. Raises ``TransactionReverted``
    with the decoded error, ``TransactionTooHeavy`` over the cap of EIP-7825,
    ``TransactionTimeout`` when no receipt comes, ``ChainRefused`` when the node does not take it.
    """
    decode = decoder or client.decoder
    what = f"transaction to {to}" if to else "deployment"
    try:
        gas = _within_cap(what, gas or await _estimate(client, account, to, data, value))
    except TransactionReverted as error:
        raise TransactionReverted(what, decode(error.data), error.data) from error
    transaction_hash = await _submit(client, account, to, data, value, gas)
    receipt = await _wait(client, account, what, transaction_hash, timeout_s)
    if not receipt.status:
        raw, reason = await _replay(client, account, to, data, value, gas, receipt)
        raise TransactionReverted(what, reason or decode(raw), raw)
    return receipt


async def deploy(
    client: ChainClient,
    account: Account,
    init_code: bytes,
    gas: int | None = None,
    decoder: ErrorDecoder | None = None,
    timeout_s: float = RECEIPT_TIMEOUT_S,
) -> str:
    """The address of the contract that ``init_code`` creates; raises what ``send`` raises."""
    receipt = await send(client, account, None, init_code, 0, gas, decoder, timeout_s)
    assert receipt.contract_address is not None
    return receipt.contract_address


async def _estimate(
    client: ChainClient, account: Account, to: str | None, data: bytes, value: int
) -> int:
    estimate = await client.estimate(to, data, account.address, value)
    if estimate > TRANSACTION_GAS_CAP:
        return estimate
    return min(estimate * ESTIMATE_MARGIN_PERCENT // 100, TRANSACTION_GAS_CAP)


def _within_cap(what: str, gas: int) -> int:
    if gas > TRANSACTION_GAS_CAP:
        raise TransactionTooHeavy(what, gas, TRANSACTION_GAS_CAP)
    return gas


async def _submit(
    client: ChainClient, account: Account, to: str | None, data: bytes, value: int, gas: int
) -> bytes:
    """The hash of the transaction that the node took.

    Where it is refused and the chain's nonce turns out to be another, it is sent again with that.
    """
    recipient = _checksum(to) if to else ""
    fees = await client.fees()
    async with account.locks[client.settings.chain_id]:
        nonce = await account.next_nonce(client)
        for attempt in range(SUBMISSIONS):
            raw, transaction_hash = account.sign(
                {
                    "type": 2,
                    "chainId": client.settings.chain_id,
                    "nonce": nonce,
                    "maxFeePerGas": fees.max_fee_wei,
                    "maxPriorityFeePerGas": fees.max_priority_fee_wei,
                    "gas": gas,
                    "value": value,
                    "data": hex_data(data),
                    "to": recipient,
                }
            )
            try:
                await client.send_raw(raw)
            except (ChainRefused, ChainUnreachable) as error:
                account.forget(client)
                fresh = await account.next_nonce(client)
                last = attempt == SUBMISSIONS - 1
                if last or isinstance(error, ChainUnreachable) or fresh == nonce:
                    raise
                nonce = fresh
            else:
                account.used(client, nonce)
                return transaction_hash
    raise AssertionError("the last attempt returns or raises")


def _checksum(address: str) -> str:
    if not is_address(address):
        raise InputError(f"address: expected 20 bytes in hex, got {address!r}")
    return to_checksum_address(address)


async def _wait(
    client: ChainClient, account: Account, what: str, transaction_hash: bytes, timeout_s: float
) -> Receipt:
    pause_s = FIRST_POLL_S
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    receipt = await client.receipt(transaction_hash)
                except ChainUnreachable:
                    receipt = None  # the deadline bounds how long a chain may be away
                if receipt is not None:
                    return receipt
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.5, LONGEST_POLL_S)
    except TimeoutError as error:
        account.forget(client)
        raise TransactionTimeout(what, hex_data(transaction_hash), timeout_s) from error


async def _replay(
    client: ChainClient,
    account: Account,
    to: str | None,
    data: bytes,
    value: int,
    gas: int,
    receipt: Receipt,
) -> tuple[bytes, str]:
    """The revert data of a mined transaction, or the reason in words where it has none.

    It is run again before its block, then after it, since a receipt carries no revert data.
    """
    for block in (receipt.block_number - 1, receipt.block_number):
        try:
            await client.call(to, data, block, account.address, value, gas)
        except TransactionReverted as error:
            return error.data, ""
        except ChainRefused as error:
            return b"", error.message
    return b"", f"used {receipt.gas_used} of {gas} gas and does not revert when run again"
