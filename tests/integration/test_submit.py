"""Transactions from the journal to a block on a real Anvil, whatever dies in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.apps.bench.node import anvil
from bridge.chain.anvil import find_anvil
from bridge.chain.client import ChainClient
from bridge.chain.development import development_accounts
from bridge.chain.records import Receipt
from bridge.chain.transactions import Account
from bridge.domain.errors import AccountEmpty, ChainUnreachable
from bridge.relayer import submit
from bridge.relayer.journal import Batch, Draft, Journal, Purpose, State, Submission
from bridge.relayer.submit import FeePolicy, Submitter
from bridge.relayer.worker import Worker

TO = "0x" + "42" * 20
SUBJECT = {"origin": 1, "destination": 2}
DRAFT = Draft(Purpose.DELIVER, SUBJECT, TO, b"\x01", 50_000)
GWEI = 10**9

pytestmark = pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run make tools")


@dataclass
class Place:
    """A chain, a journal and what was settled."""

    client: ChainClient
    journal: Journal
    worker: Worker
    account: Account
    settled: list[tuple[Submission, Receipt]] = field(default_factory=list)
    fails: int = 0
    """How often settling fails from now on."""

    def submitter(self, policy: FeePolicy | None = None) -> Submitter:
        async def settle(submission: Submission, receipt: Receipt) -> None:
            if self.fails:
                self.fails -= 1
                raise ChainUnreachable("bench", "http://127.0.0.1:1", "went away")
            self.settled.append((submission, receipt))

        return Submitter(self.client, self.account, self.journal, self.worker, settle, policy)

    def open(self) -> list[Submission]:
        return self.journal.open_transactions(self.client.settings.chain_id, self.account.address)

    async def mine(self) -> None:
        await self.client.request("evm_mine")

    async def sent(self) -> int:
        """How many transactions of the account are in blocks."""
        return await self.client.nonce(self.account.address, "latest")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A chain whose blocks come when they are asked for."""
    journal = Journal(tmp_path / "journal.sqlite")
    worker = Worker("test")
    async with anvil() as client:
        await client.request("evm_setAutomine", False)
        await client.request("evm_setIntervalMining", 0)
        yield Place(client, journal, worker, Account(development_accounts()[4]))
    worker.close()
    journal.close()


async def test_a_transaction_is_settled_once_when_it_is_in_a_block(place: Place) -> None:
    submitter = place.submitter()
    made = await submitter.submit(DRAFT)
    (waiting,) = place.open()
    assert (waiting.number, waiting.state, len(waiting.hashes)) == (made.number, State.SENT, 1)
    await submitter.advance()
    assert place.settled == []
    assert submitter.open == 1
    await place.mine()
    await submitter.advance()
    await submitter.advance()
    ((submission, receipt),) = place.settled
    assert (submission.number, receipt.status) == (made.number, True)
    assert receipt.transaction_hash in waiting.hashes
    assert place.open() == []
    assert submitter.open == 0


async def test_nonces_go_out_side_by_side(place: Place) -> None:
    submitter = place.submitter()
    first = await place.sent()
    for _ in range(3):
        await submitter.submit(DRAFT)
    assert [one.nonce for one in place.open()] == [first, first + 1, first + 2]
    await place.mine()
    await submitter.advance()
    assert len(place.settled) == 3
    assert await place.sent() == first + 3


async def test_a_stuck_transaction_is_replaced_by_one_that_offers_an_eighth_more(
    place: Place,
) -> None:
    submitter = place.submitter(FeePolicy(resend_after_s=0.0))
    await submitter.submit(DRAFT)
    (before,) = place.open()
    await submitter.advance()
    (after,) = place.open()
    assert (after.number, after.nonce) == (before.number, before.nonce)
    assert len(after.hashes) == 2
    assert before.max_fee_wei is not None
    assert after.max_fee_wei is not None
    assert before.max_priority_fee_wei is not None
    assert after.max_priority_fee_wei is not None
    assert after.max_fee_wei * 8 >= before.max_fee_wei * 9
    assert after.max_priority_fee_wei * 8 >= before.max_priority_fee_wei * 9
    await place.mine()
    await submitter.advance()
    ((_, receipt),) = place.settled
    assert receipt.transaction_hash == after.hashes[-1]  # the node took the replacement


async def test_fees_stop_at_the_cap_and_never_fall(place: Place) -> None:
    submitter = place.submitter(FeePolicy(resend_after_s=0.0, cap_wei=3 * GWEI))
    await submitter.submit(DRAFT)
    offered = []
    for _ in range(8):
        await submitter.advance()
        (one,) = place.open()
        offered.append(one.max_fee_wei)
    assert offered == sorted(offered)
    assert offered[-1] == offered[-2] <= 3 * GWEI
    await place.mine()
    await submitter.advance()
    assert len(place.settled) == 1


async def test_what_died_before_it_was_signed_or_sent_is_sent_by_the_next_run(
    place: Place,
) -> None:
    chain_id, address = place.client.settings.chain_id, place.account.address
    first = await place.sent()
    place.journal.prepare(chain_id, address, first, DRAFT)
    signed = place.journal.prepare(chain_id, address, first, DRAFT)
    place.journal.sending(signed.number, b"\x01" * 32, 2 * GWEI, GWEI)
    submitter = place.submitter(FeePolicy(resend_after_s=0.0))
    await submitter.advance()
    await place.mine()
    await submitter.advance()
    assert [submission.nonce for submission, _ in place.settled] == [first, first + 1]
    assert place.open() == []


async def test_what_died_between_a_block_and_its_settlement_is_settled_by_the_next_run(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitter = place.submitter()
    made = await submitter.submit(DRAFT)
    await place.mine()
    (waiting,) = place.open()
    receipt = await place.client.receipt(waiting.hashes[0])
    assert receipt is not None
    place.journal.mined(made.number, True, receipt.block_number, receipt.gas_used, GWEI)
    assert place.open() == []
    # Nothing is under way with it here; the journal's own tests have a message that is.
    monkeypatch.setattr(place.journal, "unsettled", lambda *_: [waiting])
    await place.submitter().advance()
    assert [submission.number for submission, _ in place.settled] == [made.number]


async def test_what_a_node_forgot_is_sent_again_as_it_was(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitter = place.submitter()
    made = await submitter.submit(DRAFT)
    (sent,) = place.open()
    await submitter.advance()  # too soon to ask
    await place.client.request("anvil_dropTransaction", "0x" + sent.hashes[0].hex())
    assert not await place.client.knows(sent.hashes[0])
    await submitter.advance()
    assert not await place.client.knows(sent.hashes[0])
    monkeypatch.setattr(submit, "DROPPED_LOOK_S", 0.0)
    await submitter.advance()
    assert await place.client.knows(sent.hashes[0])
    (again,) = place.open()
    assert (again.hashes, again.sent_at) == (sent.hashes, sent.sent_at)
    await place.mine()
    await submitter.advance()
    assert [submission.number for submission, _ in place.settled] == [made.number]
    assert place.open() == []


async def test_what_could_not_be_settled_is_settled_when_it_can_be(place: Place) -> None:
    batch = Batch(1, 2, 1, b"\x01" * 32, attested=False)
    place.journal.open_batch(batch)
    submitter = place.submitter()
    made = await submitter.submit(DRAFT, batch=batch)
    await place.mine()
    place.fails = 2
    for _ in range(2):
        with pytest.raises(ChainUnreachable):
            await submitter.advance()
    assert place.settled == []
    (unattested,) = place.journal.unattested(1, 2)
    assert unattested.transaction == made.number
    await submitter.advance()
    assert [submission.number for submission, _ in place.settled] == [made.number]
    (unattested,) = place.journal.unattested(1, 2)
    assert unattested.transaction is None
    await submitter.advance()
    assert len(place.settled) == 1


async def test_a_nonce_that_somebody_else_used_is_lost_and_what_was_under_way_is_free(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two relayers with one account by mistake: each has a journal of its own."""
    monkeypatch.setattr(submit, "LOST_AFTER_S", 0.0)
    submitter = place.submitter()
    made = await submitter.submit(DRAFT)
    (waiting,) = place.open()
    assert waiting.max_fee_wei is not None
    raw, _ = place.account.sign(
        {
            "type": 2,
            "chainId": place.client.settings.chain_id,
            "nonce": waiting.nonce,
            "maxFeePerGas": 4 * waiting.max_fee_wei,
            "maxPriorityFeePerGas": 2 * waiting.max_fee_wei,
            "gas": 21_000,
            "value": 1,
            "data": "0x",
            "to": TO,
        }
    )
    await place.client.send_raw(raw)
    await place.mine()
    await submitter.advance()
    await submitter.advance()
    assert place.settled == []
    assert place.open() == []
    again = await submitter.submit(DRAFT)
    assert (again.nonce, again.number) == (waiting.nonce + 1, made.number + 1)
    await place.mine()
    await submitter.advance()
    assert len(place.settled) == 1


async def test_what_a_reorg_took_from_below_an_open_transaction_is_sent_again(
    place: Place,
) -> None:
    submitter = place.submitter()
    first = await submitter.submit(DRAFT)
    await place.mine()
    await submitter.advance()
    second = await submitter.submit(DRAFT)
    assert (second.nonce, len(place.settled)) == (first.nonce + 1, 1)
    await place.client.request("anvil_reorg", 1, [])
    assert await place.sent() == first.nonce
    await submitter.advance()
    assert [one.number for one in place.open()] == [first.number, second.number]
    for _ in range(2):  # the node queues the later one behind the earlier
        await place.mine()
        await submitter.advance()
    assert [one.number for one, _ in place.settled] == [first.number, first.number, second.number]
    assert place.open() == []
    assert await place.sent() == first.nonce + 2


async def test_a_transaction_that_reverts_is_settled_as_that(place: Place) -> None:
    # Creation code that is called as a contract: INVALID.
    await place.client.request("anvil_setCode", TO, "0xfe")
    submitter = place.submitter()
    await submitter.submit(DRAFT)
    await place.mine()
    await submitter.advance()
    ((_, receipt),) = place.settled
    assert not receipt.status
    assert place.open() == []


async def test_an_empty_account_makes_nothing_and_says_so(place: Place) -> None:
    await place.client.request("anvil_setBalance", place.account.address, "0x1")
    submitter = place.submitter()
    with pytest.raises(AccountEmpty, match=f"account {place.account.address} holds 1 wei") as empty:
        await submitter.submit(DRAFT)
    assert empty.value.retryable
    assert place.open() == []
    await place.client.request("anvil_setBalance", place.account.address, hex(10**18))
    await submitter.submit(DRAFT)
    await place.mine()
    await submitter.advance()
    assert len(place.settled) == 1
