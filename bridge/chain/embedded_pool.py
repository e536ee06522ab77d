"""Transactions that wait: for a lower nonce, for a base fee they can pay, or to be replaced."""

from __future__ import annotations

from collections.abc import Callable

from eth.abc import SignedTransactionAPI

MAX_WAITING = 4096
REPLACEMENT_PERCENT = 110
"""A replacement pays at least this share of both fees of the one it replaces, as in geth."""


class TransactionRefused(Exception):
    """A transaction that the chain does not take, with the reason."""


class TransactionPool:
    """At most ``MAX_WAITING`` transactions, one for each sender and nonce."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[bytes, int], SignedTransactionAPI] = {}

    def add(self, transaction: SignedTransactionAPI) -> None:
        """Keep ``transaction``, in place of a cheaper one with its sender and nonce.

        Raises ``TransactionRefused`` when it pays too little to replace, or the pool is full.
        """
        key = (transaction.sender, transaction.nonce)
        old = self._waiting.get(key)
        if old is not None:
            if old.hash == transaction.hash:
                raise TransactionRefused("already known")
            for name in ("max_fee_per_gas", "max_priority_fee_per_gas"):
                if getattr(transaction, name) * 100 < getattr(old, name) * REPLACEMENT_PERCENT:
                    raise TransactionRefused("replacement transaction underpriced")
        elif len(self._waiting) >= MAX_WAITING:
            raise TransactionRefused(f"txpool is full: {MAX_WAITING} transactions wait")
        self._waiting[key] = transaction

    def take(self, nonce_of: Callable[[bytes], int], base_fee: int) -> SignedTransactionAPI | None:
        """The best-paying transaction that can run next, out of the pool; None where none can.

        Transactions whose nonce the chain has passed are dropped on the way.
        """
        nonces = {sender: nonce_of(sender) for sender, _ in self._waiting}
        self._waiting = {
            key: transaction
            for key, transaction in self._waiting.items()
            if key[1] >= nonces[key[0]]
        }
        ready = [
            key
            for key, transaction in self._waiting.items()
            if key[1] == nonces[key[0]] and transaction.max_fee_per_gas >= base_fee
        ]
        if not ready:
            return None
        best = max(ready, key=lambda key: self._waiting[key].max_priority_fee_per_gas)
        return self._waiting.pop(best)

    def find(self, transaction_hash: bytes) -> SignedTransactionAPI | None:
        """The waiting transaction with that hash, or None."""
        for transaction in self._waiting.values():
            if transaction.hash == transaction_hash:
                return transaction
        return None

    def next_nonce(self, sender: bytes, nonce: int) -> int:
        """The first nonce from ``nonce`` on that no waiting transaction of ``sender`` uses."""
        while (sender, nonce) in self._waiting:
            nonce += 1
        return nonce
