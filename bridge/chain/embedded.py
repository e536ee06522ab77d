"""The embedded chain: py-evm at Prague, driven directly, for running with nothing but pip.

One object owns one chain and belongs to one thread. What it answers is py-evm's own types; the
JSON that a client sees is made in ``embedded_rpc``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from eth.abc import (
    BlockHeaderAPI,
    ComputationAPI,
    ReceiptAPI,
    SignedTransactionAPI,
    StateAPI,
)
from eth.chains.base import MiningChain
from eth.constants import BLANK_ROOT_HASH, GENESIS_PARENT_HASH
from eth.db.atomic import AtomicDB
from eth.exceptions import CanonicalHeadNotFound, HeaderNotFound, TransactionNotFound
from eth.vm.chain_context import ChainContext
from eth.vm.forks.london.transactions import UnsignedDynamicFeeTransaction
from eth.vm.spoof import SpoofTransaction
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError

from bridge.chain.embedded_pool import TransactionPool, TransactionRefused
from bridge.chain.embedded_rules import (
    BLOB_TYPE,
    BLOCK_GAS_LIMIT,
    CALL_GAS_CAP,
    CALL_STIPEND,
    CODE_LIMIT_BYTES,
    TRANSACTION_GAS_CAP,
    TRANSFER_GAS,
    EmbeddedVM,
    base_fee_of,
    genesis,
    minimum_gas,
)
from bridge.chain.embedded_store import SqliteStore


@dataclass(frozen=True, slots=True)
class Call:
    """What ``eth_call`` and ``eth_estimateGas`` run; ``to`` None creates a contract."""

    sender: bytes
    to: bytes | None
    value: int
    data: bytes
    gas: int | None


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction in a block, with its receipt and its place."""

    transaction: SignedTransactionAPI
    receipt: ReceiptAPI
    header: BlockHeaderAPI
    index: int
    gas_used: int
    first_log: int


class ExecutionFailed(Exception):
    """A call that ended in an error; ``output`` is its revert data, None for any other halt."""

    def __init__(self, computation: ComputationAPI) -> None:
        error = computation.error
        self.reverted = not error.burns_gas
        self.output = bytes(computation.output) if self.reverted else b""
        name = type(error).__name__
        super().__init__("execution reverted" if self.reverted else f"{name}: {error}")


class BlockMissing(Exception):
    """No block with that number or hash."""


class EmbeddedChain:
    """A chain with ten funded accounts that mines a block for each transaction at once.

    ``state`` names the SQLite file that keeps it; None keeps it in memory. ``finality`` is the
    number of blocks between ``latest`` and ``finalized``.
    """

    def __init__(self, chain_id: int, finality: int, state: Path | None = None) -> None:
        self.chain_id = chain_id
        self.finality = finality
        self.ahead_s = 0
        """How far the clock of new blocks is ahead of the machine's, in seconds."""
        self.pool = TransactionPool()
        self._store = SqliteStore(state, chain_id)
        self._db = AtomicDB(self._store)
        identity = chain_id

        class Chain(MiningChain):
            chain_id = identity
            vm_configuration = ((BlockNumber(0), EmbeddedVM),)

        chain_class = Chain
        try:
            self._chain = chain_class(self._db)
        except CanonicalHeadNotFound:
            with self._store.transaction():
                chain_class.from_genesis(self._db, *genesis(chain_id))
            self._chain = chain_class(self._db)

    # Blocks

    @property
    def head(self) -> BlockHeaderAPI:
        """The header of the newest block."""
        return self._chain.get_canonical_head()

    def header(self, number: int) -> BlockHeaderAPI:
        """The header of block ``number``; ``BlockMissing`` where there is none."""
        if not 0 <= number <= self.head.block_number:
            raise BlockMissing(f"no block {number}: the newest is {self.head.block_number}")
        return self._chain.get_canonical_block_header_by_number(BlockNumber(number))

    def header_by_hash(self, block_hash: bytes) -> BlockHeaderAPI:
        """The header of the canonical block with that hash; ``BlockMissing`` otherwise."""
        try:
            found = self._chain.get_block_header_by_hash(Hash32(block_hash))
        except HeaderNotFound as error:
            raise BlockMissing(f"no block 0x{block_hash.hex()}") from error
        if self.header(found.block_number).hash != block_hash:
            raise BlockMissing(f"block 0x{block_hash.hex()} was reorged out")
        return found

    def next_header(self) -> BlockHeaderAPI:
        """The header that a block mined now would begin with ("pending")."""
        return self._header_after(self.head)

    def transactions(self, header: BlockHeaderAPI) -> tuple[Included, ...]:
        """The transactions of a block in their order, with receipts."""
        if header.transaction_root == BLANK_ROOT_HASH:
            return ()
        block_class = EmbeddedVM.get_block_class()
        chaindb = self._chain.chaindb
        signed = chaindb.get_block_transactions(header, block_class.get_transaction_builder())
        receipts = chaindb.get_receipts(header, block_class.get_receipt_builder())
        included = []
        gas_before = logs_before = 0
        for index, (transaction, receipt) in enumerate(zip(signed, receipts, strict=True)):
            gas_used = receipt.gas_used - gas_before
            included.append(Included(transaction, receipt, header, index, gas_used, logs_before))
            gas_before = receipt.gas_used
            logs_before += len(receipt.logs)
        return tuple(included)

    def find(self, transaction_hash: bytes) -> Included | None:
        """The mined transaction with that hash, or None."""
        try:
            number, index = self._chain.get_canonical_transaction_index(Hash32(transaction_hash))
        except TransactionNotFound:
            return None
        found = self.transactions(self.header(number))[index : index + 1]
        if not found or found[0].transaction.hash != transaction_hash:
            return None  # py-evm keeps the place of a transaction that a reorg dropped
        return found[0]

    def blocks_with_logs(self, first: int, last: int) -> tuple[int, ...]:
        """The numbers of the blocks with logs from ``first`` to ``last``, both included."""
        return self._store.blocks_with_logs(first, last)

    # State

    def state(self, header: BlockHeaderAPI) -> StateAPI:
        """The state after the block ``header``, to read and to run calls on, never persisted.

        Its base fee is zero, as in geth: a call that names no gas price pays none.
        """
        vm = self._chain.get_vm(header)
        hashes = () if header.parent_hash == GENESIS_PARENT_HASH else vm.previous_hashes or ()
        return EmbeddedVM.build_state(
            self._db, header.copy(base_fee_per_gas=0), ChainContext(self.chain_id), hashes
        )

    def call(self, call: Call, header: BlockHeaderAPI) -> bytes:
        """What the call returns on the state after ``header``; ``ExecutionFailed`` otherwise."""
        computation, _ = self._execute(call, header, call.gas or CALL_GAS_CAP)
        return bytes(computation.output)

    def estimate(self, call: Call, header: BlockHeaderAPI) -> int:
        """Gas with which the call succeeds, found in two executions as a rule.

        The first runs under the cap and tells what was used, refunds not counted. A call may
        only hand on 63/64 of its gas (EIP-150), so the second proves used * 64/63 plus a
        stipend; where nesting or a ``gasleft`` check needs more, a quarter is added until it
        runs (the same first guess as geth's estimator). ``ExecutionFailed`` when it reverts.
        """
        cap = min(call.gas or TRANSACTION_GAS_CAP, TRANSACTION_GAS_CAP)
        if (
            call.to is not None
            and not call.data
            and not self.state(header).get_code(Address(call.to))
        ):
            self._execute(call, header, TRANSFER_GAS)
            return TRANSFER_GAS
        computation, transaction = self._execute(call, header, cap)
        used = cap - computation.get_gas_remaining()
        guess = max((used + CALL_STIPEND) * 64 // 63, minimum_gas(transaction))
        while guess < cap:
            try:
                self._execute(call, header, guess)
            except (ExecutionFailed, TransactionRefused):
                guess += guess // 4
            else:
                return guess
        return cap

    def _execute(
        self, call: Call, header: BlockHeaderAPI, gas: int
    ) -> tuple[ComputationAPI, SignedTransactionAPI]:
        state = self.state(header)
        spoof = SpoofTransaction(
            UnsignedDynamicFeeTransaction(
                self.chain_id,
                state.get_nonce(Address(call.sender)),
                0,
                0,
                gas,
                Address(call.to or b""),
                call.value,
                call.data,
                (),
            ),
            from_=call.sender,
        )
        transaction = cast(SignedTransactionAPI, spoof)  # it stands in for a signed one
        if gas < minimum_gas(transaction):
            raise TransactionRefused(
                f"intrinsic gas too low: have {gas}, want {minimum_gas(transaction)}"
            )
        try:
            computation = state.apply_transaction(transaction)
        except ValidationError as error:
            raise TransactionRefused(str(error)) from error
        if computation.is_error:
            raise ExecutionFailed(computation)
        return computation, transaction

    # Mining

    def submit(self, raw: bytes) -> bytes:
        """The hash of the signed transaction ``raw``, which now waits to be mined.

        Raises ``TransactionRefused`` with the reason where no block could ever take it.
        """
        try:
            builder = EmbeddedVM.get_block_class().get_transaction_builder()
            transaction = builder.decode(raw)
            transaction.validate()
            transaction.check_signature_validity()
        except Exception as error:  # the decoders raise many unrelated types on bad bytes
            raise TransactionRefused(f"invalid transaction: {error}") from error
        state = self.state(self.head)
        self._admit(transaction, state)
        self.pool.add(transaction)
        return bytes(transaction.hash)

    def _admit(self, transaction: SignedTransactionAPI, state: StateAPI) -> None:
        if transaction.type_id == BLOB_TYPE:
            raise TransactionRefused("transaction type not supported: blobs")
        if transaction.chain_id != self.chain_id:
            raise TransactionRefused(
                f"invalid chain id for signer: have {transaction.chain_id}, want {self.chain_id}"
            )
        if transaction.gas > TRANSACTION_GAS_CAP:
            raise TransactionRefused(
                f"transaction gas limit too high (cap: {TRANSACTION_GAS_CAP}, "
                f"tx: {transaction.gas})"
            )
        if transaction.gas < minimum_gas(transaction):
            raise TransactionRefused(
                f"intrinsic gas too low: have {transaction.gas}, want {minimum_gas(transaction)}"
            )
        if not transaction.to and len(transaction.data) > CODE_LIMIT_BYTES:
            raise TransactionRefused(
                f"max initcode size exceeded: code size {len(transaction.data)}, "
                f"limit {CODE_LIMIT_BYTES}"
            )
        sender = Address(transaction.sender)
        nonce, balance = state.get_nonce(sender), state.get_balance(sender)
        if transaction.nonce < nonce:
            raise TransactionRefused(
                f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}"
            )
        cost = transaction.gas * transaction.max_fee_per_gas + transaction.value
        if balance < cost:
            raise TransactionRefused(
                f"insufficient funds for gas * price + value: balance {balance}, tx cost {cost}"
            )

    def mine_waiting(self) -> int:
        """How many blocks were mined: one for each waiting transaction that can run now."""
        mined = 0
        while True:
            state = self.state(self.head)
            base_fee = base_fee_of(self.next_header())
            transaction = self.pool.take(lambda sender: state.get_nonce(Address(sender)), base_fee)  # noqa: B023
            if transaction is None:
                return mined
            try:
                with self._store.transaction():
                    self._seal((transaction,), self.next_header())
            except ValidationError:
                continue  # it can no longer pay; its sender finds it gone
            mined += 1

    def mine_empty(self) -> None:
        """Mine one block; it takes no transaction."""
        with self._store.transaction():
            self._seal((), self.next_header())

    def reorg(self, depth: int) -> None:
        """Replace the last ``depth`` blocks by ``depth`` + 1 empty ones; their transactions go.

        One block more, since the longer chain is the canonical one.
        """
        head = self.head
        if not 0 < depth <= head.block_number:
            raise BlockMissing(f"reorg: expected a depth of 1 to {head.block_number}, got {depth}")
        parent = self.header(head.block_number - depth)
        with self._store.transaction():
            self._store.forget_logs_after(parent.block_number)
            for _ in range(depth + 1):
                parent = self._seal((), self._header_after(parent, extra_data=b"reorg"))

    def _header_after(self, parent: BlockHeaderAPI, extra_data: bytes = b"") -> BlockHeaderAPI:
        return self._chain.create_header_from_parent(
            parent,
            timestamp=max(int(time.time()) + self.ahead_s, parent.timestamp),
            gas_limit=BLOCK_GAS_LIMIT,
            extra_data=extra_data,
        )

    def _seal(
        self, transactions: tuple[SignedTransactionAPI, ...], header: BlockHeaderAPI
    ) -> BlockHeaderAPI:
        self._chain.header = header
        result, receipts, _ = self._chain.mine_all(transactions)
        if any(receipt.logs for receipt in receipts):
            self._store.mark_logs(header.block_number)
        return result.imported_block.header

    def close(self) -> None:
        """Close the state file."""
        self._store.close()
