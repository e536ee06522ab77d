"""Transactions: each is here, with its nonce, before anything of it leaves this process."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select, update

from bridge.relayer.journal.records import (
    OPEN,
    Batch,
    Draft,
    State,
    Submission,
    submission_of,
)
from bridge.relayer.journal.schema import checkpoints, messages, transactions
from bridge.relayer.journal.steps import Steps, chunks, inserted


class Submitting(Steps):
    """The part of the journal that the submitter writes."""

    def prepare(
        self,
        chain_id: int,
        account: str,
        chain_nonce: int,
        draft: Draft,
        members: Sequence[bytes] = (),
        batch: Batch | None = None,
    ) -> Submission:
        """Note a transaction with the next nonce of its account, and what is under way with it.

        ``chain_nonce`` is the account's next nonce as the chain has it.
        """
        now = time.time()
        with self._engine.begin() as db:
            number = self._insert(db, chain_id, account, chain_nonce, draft, now)
            for part in chunks(members):
                db.execute(
                    update(messages).where(messages.c.id.in_(part)).values(transaction=number)
                )
            if batch is not None:
                db.execute(
                    update(checkpoints)
                    .where(
                        checkpoints.c.origin == batch.origin,
                        checkpoints.c.destination == batch.destination,
                        checkpoints.c.size == batch.size,
                    )
                    .values(transaction=number)
                )
            row = db.execute(select(transactions).where(transactions.c.number == number)).one()
        return submission_of(row)

    def _insert(
        self,
        db: Connection,
        chain_id: int,
        account: str,
        chain_nonce: int,
        draft: Draft,
        now: float,
    ) -> int:
        highest = db.execute(
            select(func.max(transactions.c.nonce)).where(
                transactions.c.chain_id == chain_id,
                transactions.c.account == account,
                transactions.c.state.in_(OPEN),
            )
        ).scalar_one()
        nonce = chain_nonce if highest is None else max(chain_nonce, highest + 1)
        made = db.execute(
            insert(transactions).values(
                chain_id=chain_id,
                account=account,
                nonce=nonce,
                purpose=draft.purpose,
                subject=draft.subject,
                to=draft.to,
                data=draft.data,
                gas=draft.gas,
                state=State.PREPARED,
                hashes=[],
                prepared_at=now,
            )
        )
        return inserted(made)

    def sending(
        self, number: int, transaction_hash: bytes, max_fee_wei: int, max_priority_fee_wei: int
    ) -> Submission:
        """Note a try of a transaction, which is signed and about to leave."""
        with self._engine.begin() as db:
            row = db.execute(
                select(transactions).where(transactions.c.number == number).with_for_update()
            ).one()
            hashes = list(row.hashes)
            if transaction_hash.hex() not in hashes:
                hashes.append(transaction_hash.hex())
            db.execute(
                update(transactions)
                .where(transactions.c.number == number)
                .values(
                    state=State.SENT,
                    hashes=hashes,
                    max_fee_wei=str(max_fee_wei),
                    max_priority_fee_wei=str(max_priority_fee_wei),
                    sent_at=time.time(),
                )
            )
            after = db.execute(select(transactions).where(transactions.c.number == number)).one()
        return submission_of(after)

    def mined(
        self, number: int, status: bool, block: int, gas_used: int, gas_price_wei: int
    ) -> None:
        """Note that a transaction is in a block; what it did is noted by who settles it."""
        state = State.MINED if status else State.REVERTED
        with self._engine.begin() as db:
            db.execute(
                update(transactions)
                .where(transactions.c.number == number)
                .values(
                    state=state,
                    block_number=block,
                    gas_used=gas_used,
                    gas_price_wei=str(gas_price_wei),
                )
            )

    def reopen(self, chain_id: int, account: str, nonce: int) -> bool:
        """Have the last transaction with this nonce sent again; False where there was none.

        A reorg took it from its block, and no node has it any more.
        """
        query = select(func.max(transactions.c.number)).where(
            transactions.c.chain_id == chain_id,
            transactions.c.account == account,
            transactions.c.nonce == nonce,
            transactions.c.state.not_in(OPEN),
        )
        with self._engine.begin() as db:
            number = db.execute(query).scalar_one()
            if number is None:
                return False
            db.execute(
                update(transactions)
                .where(transactions.c.number == number)
                .values(state=State.PREPARED)
            )
        return True

    def account_of(self, number: int) -> str:
        """The account that a transaction is from."""
        query = select(transactions.c.account).where(transactions.c.number == number)
        with self._engine.begin() as db:
            account: str = db.execute(query).scalar_one()
        return account

    def lost(self, number: int) -> None:
        """Note that a transaction will never be mined; what was under way with it is free."""
        with self._engine.begin() as db:
            db.execute(
                update(transactions).where(transactions.c.number == number).values(state=State.LOST)
            )
            self._free(db, number)

    def free(self, number: int) -> None:
        """Let go of what was under way with a transaction."""
        with self._engine.begin() as db:
            self._free(db, number)

    def _free(self, db: Connection, number: int) -> None:
        for table in (messages, checkpoints):
            db.execute(update(table).where(table.c.transaction == number).values(transaction=None))

    def open_transactions(self, chain_id: int, account: str) -> list[Submission]:
        """Transactions of an account that are not in a block, by nonce."""
        query = select(transactions).where(
            transactions.c.chain_id == chain_id,
            transactions.c.account == account,
            transactions.c.state.in_(OPEN),
        )
        with self._engine.begin() as db:
            rows = db.execute(query.order_by(transactions.c.nonce)).all()
        return [submission_of(row) for row in rows]

    def unsettled(self, chain_id: int, account: str) -> list[Submission]:
        """Transactions in a block that something is still under way with, by nonce.

        A crash between a receipt and what follows from it leaves them.
        """
        with_messages = select(messages.c.transaction).where(messages.c.transaction.is_not(None))
        with_batches = select(checkpoints.c.transaction).where(
            checkpoints.c.transaction.is_not(None)
        )
        query = select(transactions).where(
            transactions.c.chain_id == chain_id,
            transactions.c.account == account,
            transactions.c.state.in_((State.MINED, State.REVERTED)),
            transactions.c.number.in_(with_messages) | transactions.c.number.in_(with_batches),
        )
        with self._engine.begin() as db:
            rows = db.execute(query.order_by(transactions.c.nonce)).all()
        return [submission_of(row) for row in rows]
