"""submit: one account's transactions on one chain, from the journal to a block.

A transaction is in the journal with its nonce before it is signed, and each try with its hash
before it is sent. So a process that dies at any point finds here what may be on its way, and looks
for it or sends it again under the same nonce.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.chain.client import ChainClient
from bridge.chain.records import Receipt
from bridge.chain.transactions import Account
from bridge.chain.wire import data as hex_data
from bridge.domain.errors import AccountEmpty, ChainRefused, ChainUnreachable
from bridge.relayer.journal import Batch, Draft, Journal, State, Submission
from bridge.relayer.worker import Worker

log = structlog.get_logger()

Settle = Callable[[Submission, Receipt], Awaitable[None]]
"""Writes down what a mined transaction did. May be called again for the same one."""


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """What is offered for a transaction, and when more is.

    After ``resend_after_s`` without a block it is replaced by one that offers ``bump_percent`` of
    that or what the chain asks, whichever is more; never above ``cap_wei`` a unit of gas, and never
    less than before.
    """

    resend_after_s: float = 15.0
    bump_percent: int = 113
    cap_wei: int = 500 * 10**9


DROPPED_LOOK_S = 2.0
"""How often a node is asked whether it still has a transaction that no block has yet."""
IDLE_LOOK_S = 2.0
"""How often the journal is asked for open transactions where none is known to be."""
LOST_AFTER_S = 5.0
"""A nonce that is used up while none of our hashes has a receipt: a node may be that late."""


class Submitter:
    """The transactions of ``account`` on the chain of ``client``."""

    def __init__(
        self,
        client: ChainClient,
        account: Account,
        journal: Journal,
        worker: Worker,
        settle: Settle,
        policy: FeePolicy | None = None,
    ) -> None:
        self.client = client
        self.account = account
        self._journal = journal
        self._worker = worker
        self._settle = settle
        self._policy = policy or FeePolicy()
        self._open = 0
        self.replaced = 0
        self._passed: dict[int, float] = {}
        """Since when the chain's nonce is above an open transaction's, by its number."""
        self._recovered = False
        self._looked_at = 0.0
        self._asked: dict[int, float] = {}
        """When the node was asked whether it knows an open transaction, by its number."""

    @property
    def open(self) -> int:
        """How many transactions are under way."""
        return self._open

    async def submit(
        self, draft: Draft, members: Sequence[bytes] = (), batch: Batch | None = None
    ) -> Submission:
        """Make and send a transaction; ``settle`` is called when it is in a block.

        Raises ``AccountEmpty`` where the account cannot pay for it; nothing is made then. What goes
        wrong with sending is mended by ``advance``.
        """
        await self._require_funds(draft)
        chain_id = self.client.settings.chain_id
        async with self.account.locks[chain_id]:
            nonce = await self.client.nonce(self.account.address, "latest")
            made = await self._worker.do(
                self._journal.prepare,
                chain_id,
                self.account.address,
                nonce,
                draft,
                members,
                batch,
            )
            self._open += 1
        await self._send(made)
        return made

    async def advance(self) -> None:
        """Look after all transactions: settle those in a block, replace those that are stuck."""
        if not self._recovered:
            await self._recover()
        elif not self._open and time.monotonic() - self._looked_at < IDLE_LOOK_S:
            return
        self._looked_at = time.monotonic()
        transactions = await self._all_open()
        self._open = len(transactions)
        if not transactions:
            return
        nonce = await self.client.nonce(self.account.address, "latest")
        if await self._fill_gap(nonce, transactions):
            transactions = await self._all_open()
        for one in transactions:
            if one.nonce < nonce:
                await self._look_for(one)
            elif one.state is State.PREPARED or self._is_stuck(one):
                await self._send(one)
            elif await self._is_dropped(one):
                await self._send_again(one)
        left = await self._all_open()
        self._open = len(left)
        self._asked = {n: at for one in left if (at := self._asked.get(n := one.number))}

    async def _fill_gap(self, nonce: int, transactions: Sequence[Submission]) -> bool:
        """Send again what a reorg took from below the open ``transactions``; whether it did.

        They would wait for ever: a node mines them when it has every nonce before theirs.
        """
        open_nonces = {one.nonce for one in transactions}
        filled = False
        for missing in range(nonce, max(open_nonces)):
            if missing in open_nonces:
                continue
            found = await self._worker.do(
                self._journal.reopen,
                self.client.settings.chain_id,
                self.account.address,
                missing,
            )
            filled = filled or found
            tell = log.warning if found else log.error
            tell(
                "nonce_gap",
                chain=self.client.settings.name,
                nonce=missing,
                reason="a reorg took its transaction" if found else "no transaction had it",
            )
        return filled

    async def _all_open(self) -> list[Submission]:
        chain_id = self.client.settings.chain_id
        return await self._worker.do(
            self._journal.open_transactions, chain_id, self.account.address
        )

    async def _recover(self) -> None:
        """Settle what an earlier run found in a block and did not come to settle."""
        chain_id = self.client.settings.chain_id
        for one in await self._worker.do(self._journal.unsettled, chain_id, self.account.address):
            receipt = await self._receipt(one)
            if receipt is None:  # a reorg took it since
                await self._worker.do(self._journal.free, one.number)
            else:
                await self._settle(one, receipt)
                await self._worker.do(self._journal.free, one.number)
        self._recovered = True

    async def _look_for(self, one: Submission) -> None:
        """The chain has a transaction with this nonce: ours, or somebody else's."""
        receipt = await self._receipt(one)
        if receipt is not None:
            self._passed.pop(one.number, None)
            await self._worker.do(
                self._journal.mined,
                one.number,
                receipt.status,
                receipt.block_number,
                receipt.gas_used,
                receipt.effective_gas_price,
            )
            self._recovered = False  # what fails from here on is found by its messages
            await self._settle(one, receipt)
            await self._worker.do(self._journal.free, one.number)
            self._recovered = True
            return
        since = self._passed.setdefault(one.number, time.monotonic())
        if time.monotonic() - since > LOST_AFTER_S:
            self._passed.pop(one.number, None)
            log.warning(
                "transaction_lost",
                chain=self.client.settings.name,
                nonce=one.nonce,
                purpose=one.draft.purpose.value,
                reason="another transaction of this account took its nonce",
            )
            await self._worker.do(self._journal.lost, one.number)

    async def _receipt(self, one: Submission) -> Receipt | None:
        for transaction_hash in reversed(one.hashes):
            receipt = await self.client.receipt(transaction_hash)
            if receipt is not None:
                return receipt
        return None

    def _is_stuck(self, one: Submission) -> bool:
        return one.sent_at is None or not (
            0 <= time.time() - one.sent_at < self._policy.resend_after_s
        )

    async def _is_dropped(self, one: Submission) -> bool:
        """Whether the node forgot what was sent, or never had it; asked every few seconds."""
        now = time.monotonic()
        just_sent = 0 <= time.time() - (one.sent_at or 0.0) < DROPPED_LOOK_S
        if just_sent or now - self._asked.get(one.number, 0.0) < DROPPED_LOOK_S:
            return False
        self._asked[one.number] = now
        return not await self.client.knows(one.hashes[-1])

    async def _send_again(self, one: Submission) -> None:
        """Send the last try as it was. It counts as sent when it first was, so it is replaced."""
        assert one.max_fee_wei is not None
        raw, transaction_hash = self._sign(one, one.max_fee_wei, one.max_priority_fee_wei or 0)
        self._log_sending(one, transaction_hash)
        await self._send_raw(one, raw)

    def _sign(self, one: Submission, max_fee_wei: int, tip_wei: int) -> tuple[bytes, bytes]:
        return self.account.sign(
            {
                "type": 2,
                "chainId": one.chain_id,
                "nonce": one.nonce,
                "maxFeePerGas": max_fee_wei,
                "maxPriorityFeePerGas": tip_wei,
                "gas": one.draft.gas,
                "value": 0,
                "data": hex_data(one.draft.data),
                "to": one.draft.to,
            }
        )

    async def _send(self, one: Submission) -> None:
        """Sign and send a transaction, for the first time or with more for its gas."""
        fees = await self.client.fees()
        max_fee = max(fees.max_fee_wei, _bumped(one.max_fee_wei, self._policy))
        tip = max(fees.max_priority_fee_wei, _bumped(one.max_priority_fee_wei, self._policy))
        cap = max(self._policy.cap_wei, one.max_fee_wei or 0)
        max_fee = min(max_fee, cap)
        tip = min(tip, max_fee)
        if one.max_fee_wei is not None and max_fee < _bumped(one.max_fee_wei, self._policy):
            # No node takes a replacement that offers less more than that: the same goes out again.
            max_fee, tip = one.max_fee_wei, one.max_priority_fee_wei or 0
            log.warning("fee_cap_reached", chain=self.client.settings.name, nonce=one.nonce)
        raw, transaction_hash = self._sign(one, max_fee, tip)
        if one.hashes:
            self.replaced += 1
            log.info(
                "transaction_replaced",
                chain=self.client.settings.name,
                nonce=one.nonce,
                max_fee_wei=max_fee,
                tries=len(one.hashes) + 1,
            )
        await self._worker.do(self._journal.sending, one.number, transaction_hash, max_fee, tip)
        self._log_sending(one, transaction_hash)
        await self._send_raw(one, raw)

    async def _send_raw(self, one: Submission, raw: bytes) -> None:
        try:
            await self.client.send_raw(raw)
        except (ChainRefused, ChainUnreachable) as error:
            # What became of it is seen by its nonce and hashes; it is sent again when it is stuck.
            log.info(
                "transaction_refused",
                chain=self.client.settings.name,
                nonce=one.nonce,
                reason=str(error),
            )

    def _log_sending(self, one: Submission, transaction_hash: bytes) -> None:
        log.info(
            "transaction_sending",
            chain=self.client.settings.name,
            transaction="0x" + transaction_hash.hex(),
            purpose=one.draft.purpose.value,
            nonce=one.nonce,
            subject=one.draft.subject,
        )

    async def _require_funds(self, draft: Draft) -> None:
        fees = await self.client.fees()
        needed = draft.gas * min(fees.max_fee_wei, self._policy.cap_wei)
        balance = await self.client.balance(self.account.address)
        if balance < needed:
            name = self.client.settings.name
            raise AccountEmpty(name, self.account.address, balance, needed)


def _bumped(fee: int | None, policy: FeePolicy) -> int:
    return 0 if fee is None else -(-fee * policy.bump_percent // 100)
