"""The journal on a real database: what each call notes, and what none of them may undo."""

import time
from uuid import uuid4

import pytest

from bridge.chain.events import BlockMark, Cursor
from bridge.crypto.digests import message_id
from bridge.domain.delivery import ORDER, Stage
from bridge.relayer.journal import Batch, Draft, Journal, Purpose, State
from bridge.relayer.retry import LONGEST_DELAY_S

A, B = 1, 2
CURSOR = Cursor(3, 12, (BlockMark(10, b"\x0a" * 32), BlockMark(11, b"\x0b" * 32)))
ROOT = b"\x77" * 32
DETAIL = {"block": 20, "transaction": "0x" + "ab" * 32, "gas": 100}


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """Where a new journal is: a path, or an address."""
    if request.param == "sqlite":
        return tmp_path / "journal.sqlite"
    return request.getfixturevalue("postgres").create(f"journal_{uuid4().hex}")


@pytest.fixture
def journal(where):
    opened = Journal(where)
    yield opened
    opened.close()


def bring(journal, one, stage):
    """``one`` brought to ``stage`` by the calls that the relayer makes."""
    identifier = message_id(one.message)
    steps = {
        Stage.OBSERVED: lambda: journal.observe([one]),
        Stage.FINALIZED: lambda: journal.finalize(A, [one], CURSOR),
        Stage.BATCHED: lambda: journal.open_batch(batch(one)),
        Stage.ATTESTED: lambda: journal.attested(batch(one), DETAIL),
        Stage.DELIVERED: lambda: journal.delivered([identifier], 30, DETAIL),
        Stage.CONFIRMED: lambda: journal.confirmed([identifier], {"finalized": 32}),
    }
    for step in ORDER[: ORDER.index(stage) + 1]:
        steps[step]()
    assert journal.entry(identifier).stage is stage
    return identifier


def batch(one):
    return Batch(A, B, one.message.nonce + 1, ROOT, attested=False)


def fresh(journal, origin=A, destination=B, replica="one", limit=100):
    return [entry.id for entry in journal.claim(origin, destination, replica, limit, fresh=True)]


def retries(journal, replica="one", limit=100):
    return [entry.id for entry in journal.claim(A, B, replica, limit, fresh=False)]


def stages(journal, identifier):
    return [step.stage for step in journal.transitions(identifier)]


def test_observe_notes_a_message_once(journal, found):
    one = found(0)
    (entry,) = journal.observe([one])
    assert (entry.id, entry.message, entry.stage) == (
        message_id(one.message), one.message, Stage.OBSERVED,
    )  # fmt: skip
    assert (entry.block_number, entry.block_hash) == (10, one.log.block_hash)
    assert (entry.root, entry.size, entry.delivery_block, entry.attempts, entry.error) == (
        None, None, None, 0, None,
    )  # fmt: skip
    assert journal.observe([one]) == []
    assert journal.all_entries() == [entry]
    (step,) = journal.transitions(entry.id)
    transaction = "0x" + one.log.transaction_hash.hex()
    assert step.detail == {"block": 10, "transaction": transaction}
    assert abs(step.at - time.time()) < 60


def test_forget_observed_after_a_reorg(journal, found):
    stays, goes, below = found(2, block=12), found(1, block=11), found(0, block=9)
    other = found(0, block=12, origin=B, destination=A)
    journal.observe([stays, goes, below, other])
    assert journal.forget_observed(A, {message_id(stays.message)}, above_block=10) == 1
    assert journal.entry(message_id(goes.message)) is None
    assert journal.transitions(message_id(goes.message)) == []
    assert [entry.message for entry in journal.all_entries()] == [
        below.message, stays.message, other.message,
    ]  # fmt: skip


@pytest.mark.parametrize("stage", ORDER[1:])
def test_forget_observed_leaves_what_is_further_on(journal, found, stage):
    identifier = bring(journal, found(0, block=12), stage)
    assert journal.forget_observed(A, set(), above_block=0) == 0
    assert journal.entry(identifier).stage is stage


def test_a_message_that_comes_back_has_its_new_block(journal, found):
    journal.observe([found(0, block=11)])
    journal.forget_observed(A, set(), above_block=10)
    (entry,) = journal.observe([found(0, block=14)])
    assert entry.block_number == 14


def test_finalize_moves_and_keeps_the_cursor(journal, found):
    one = found(0)
    journal.observe([one])
    (entry,) = journal.finalize(A, [one], CURSOR)
    assert entry.stage is Stage.FINALIZED
    assert journal.cursor(A, 0) == CURSOR
    assert journal.cursor(B, 5) == Cursor.at(5)
    assert journal.finalize(A, [one], CURSOR) == []


def test_finalize_takes_what_was_never_observed(journal, found):
    (entry,) = journal.finalize(A, [found(0)], CURSOR)
    assert stages(journal, entry.id) == [Stage.OBSERVED, Stage.FINALIZED]


def test_finalize_notes_the_final_block_of_a_message_that_moved(journal, found):
    journal.observe([found(0, block=11)])
    (entry,) = journal.finalize(A, [found(0, block=12)], CURSOR)
    assert (entry.block_number, entry.block_hash) == (12, (12).to_bytes(32))


def test_finalize_replaces_another_message_at_the_same_nonce(journal, found):
    gone, stands = found(0, block=11, body=b"gone"), found(0, block=12, body=b"stands")
    journal.observe([gone])
    (entry,) = journal.finalize(A, [stands], CURSOR)
    assert entry.id == message_id(stands.message)
    assert journal.entry(message_id(gone.message)) is None
    assert journal.transitions(message_id(gone.message)) == []
    assert journal.leaves(A, 0) == [entry.id]


def test_the_same_nonce_of_another_origin_is_another_message(journal, found):
    journal.finalize(A, [found(0)], CURSOR)
    journal.finalize(B, [found(0, origin=B, destination=A)], CURSOR)
    assert len(journal.all_entries()) == 2


def test_a_replaced_message_that_was_batched_can_be_batched_anew(journal, found):
    bring(journal, found(0, body=b"gone"), Stage.BATCHED)
    stands = found(0, block=12, body=b"stands")
    journal.finalize(A, [stands], CURSOR)
    identifier = message_id(stands.message)
    assert journal.unattested(A, B) == []
    renewed = Batch(A, B, 1, b"\x88" * 32, attested=False)
    (entry,) = journal.open_batch(renewed)
    assert entry.id == identifier
    assert (entry.root, entry.size) == (renewed.root, 1)
    assert journal.unattested(A, B) == [renewed]


def test_leaves_end_at_a_gap_and_leave_out_what_is_not_final(journal, found):
    journal.finalize(A, [found(0), found(1), found(3)], CURSOR)
    journal.observe([found(4)])
    ids = [message_id(found(nonce).message) for nonce in range(2)]
    assert journal.leaves(A, 0) == ids
    assert journal.leaves(A, 1) == ids[1:]
    assert journal.leaves(A, 2) == []
    journal.finalize(A, [found(2)], CURSOR)
    assert len(journal.leaves(A, 0)) == 4


def test_batch_and_attest(journal, found):
    journal.finalize(A, [found(0), found(1)], CURSOR)
    ids = [message_id(found(nonce).message) for nonce in range(2)]
    made = Batch(A, B, 2, ROOT, attested=False)
    entries = journal.open_batch(made)
    assert [entry.id for entry in entries] == ids
    assert [(entry.stage, entry.root, entry.size) for entry in entries] == [
        (Stage.BATCHED, ROOT, 2)
    ] * 2
    assert journal.unattested(A, B) == [made]
    assert journal.unattested(B, A) == []
    entries = journal.attested(made, DETAIL)
    assert [entry.stage for entry in entries] == [Stage.ATTESTED] * 2
    assert journal.unattested(A, B) == []
    assert journal.attested(made, DETAIL) == []


def test_a_larger_checkpoint_stands_for_the_smaller_ones(journal, found):
    for nonce in range(2):
        journal.finalize(A, [found(nonce)], CURSOR)
        size = nonce + 1
        journal.open_batch(Batch(A, B, size, bytes([size]) * 32, attested=False))
    small, large = reversed(journal.unattested(A, B))
    assert (small.size, large.size) == (1, 2)
    moved = journal.attested(large, DETAIL)
    assert [(entry.size, entry.root) for entry in moved] == [(2, large.root)] * 2
    assert journal.unattested(A, B) == []
    assert journal.attested_batch(A, B).size == 2
    assert journal.attested_batch(B, A) is None


def test_an_attestation_that_a_reorg_took_is_made_again(journal, found):
    identifier = bring(journal, found(0), Stage.ATTESTED)
    (entry,) = journal.unattest(batch(found(0)))
    assert (entry.id, entry.stage) == (identifier, Stage.BATCHED)
    assert [one.size for one in journal.unattested(A, B)] == [1]
    (entry,) = journal.attested(batch(found(0)), DETAIL)
    assert entry.stage is Stage.ATTESTED


def test_the_whole_way(journal, found):
    identifier = bring(journal, found(0), Stage.CONFIRMED)
    assert stages(journal, identifier) == list(ORDER)
    entry = journal.entry(identifier)
    assert (entry.delivery_block, entry.root, entry.size) == (30, ROOT, 1)
    numbers = [step.number for step in journal.transitions()]
    assert numbers == sorted(set(numbers))
    assert [step.stage for step in journal.transitions(after=numbers[3])] == list(ORDER)[4:]


@pytest.mark.parametrize("stage", ORDER)
def test_nothing_moves_backwards_or_ahead(journal, found, stage):
    """Every call of the relayer, at every stage: only those that ``may_follow`` allows move."""
    one = found(0)
    identifier = bring(journal, one, stage)
    calls = {
        Stage.FINALIZED: lambda: journal.finalize(A, [one], CURSOR),
        Stage.BATCHED: lambda: journal.open_batch(Batch(A, B, 9, b"\x09" * 32, attested=False)),
        Stage.DELIVERED: lambda: journal.delivered([identifier], 40, DETAIL),
        Stage.CONFIRMED: lambda: journal.confirmed([identifier], {}),
    }
    following = ORDER[ORDER.index(stage) + 1 :][:1]
    for after, call in calls.items():
        if after in following:
            continue
        before = journal.entry(identifier)
        history = journal.transitions()
        assert not call()
        assert journal.entry(identifier) == before
        assert journal.transitions() == history
    if stage is not Stage.DELIVERED:
        assert journal.undelivered([identifier]) == []
        assert journal.entry(identifier).stage is stage


def test_a_delivery_that_a_reorg_took_is_due_again(journal, found):
    identifier = bring(journal, found(0), Stage.DELIVERED)
    (entry,) = journal.undelivered([identifier])
    assert (entry.stage, entry.delivery_block) == (Stage.ATTESTED, None)
    assert fresh(journal) == [identifier]
    (entry,) = journal.delivered([identifier], 41, DETAIL)
    assert entry.delivery_block == 41
    assert stages(journal, identifier)[-3:] == [Stage.DELIVERED, Stage.ATTESTED, Stage.DELIVERED]


def attested_pair(journal, found):
    journal.finalize(A, [found(0), found(1)], CURSOR)
    made = Batch(A, B, 2, ROOT, attested=False)
    journal.open_batch(made)
    assert fresh(journal) == []
    journal.attested(made, DETAIL)
    return [message_id(found(nonce).message) for nonce in range(2)]


def test_a_failed_delivery_waits_until_it_is_due(journal, found):
    ids = attested_pair(journal, found)
    assert fresh(journal) == ids
    now = time.time()
    assert journal.failed({ids[0]: "Refused()"}, [now + 60, now - 1]) == []
    assert fresh(journal) == ids[1:]
    assert retries(journal) == []
    entry = journal.entry(ids[0])
    assert (entry.stage, entry.attempts, entry.error) == (Stage.ATTESTED, 1, "Refused()")
    journal.failed({ids[0]: "again"}, [now + 60, now - 1])
    assert fresh(journal) == ids[1:]
    assert retries(journal) == ids[:1]
    assert fresh(journal, B, A) == []
    (done,) = journal.delivered(ids[:1], 50, DETAIL)
    assert (done.attempts, done.error) == (2, None)


def test_who_has_used_up_the_table_is_a_dead_letter_until_an_operator_says_otherwise(
    journal, found
):
    ids = attested_pair(journal, found)
    assert journal.failed({ids[0]: "first"}, [0.0]) == []
    (dead,) = journal.failed({ids[0]: "last"}, [0.0])
    assert (dead.id, dead.stage, dead.error) == (ids[0], Stage.DEAD_LETTER, "last")
    assert retries(journal) == []
    assert [entry.id for entry in journal.entries((Stage.DEAD_LETTER,))] == ids[:1]
    (again,) = journal.retry(ids[:1])
    assert (again.stage, again.attempts) == (Stage.ATTESTED, 0)
    assert set(fresh(journal)) == set(ids)
    (dropped,) = journal.drop(ids[:1])
    assert dropped.stage is Stage.DROPPED
    assert fresh(journal) == ids[1:]
    assert journal.drop(ids[:1]) == []
    # Somebody else may deliver it all the same.
    (entry,) = journal.delivered(ids[:1], 60, DETAIL)
    assert entry.stage is Stage.DELIVERED


def test_retries_come_by_their_next_attempt_and_a_clock_set_back_starves_none(journal, found):
    ids = attested_pair(journal, found)
    now = time.time()
    journal.failed({ids[0]: "later"}, [now - 1])
    journal.failed({ids[1]: "sooner"}, [now - 2])
    assert retries(journal) == [ids[1], ids[0]]
    journal.failed({ids[0]: "clock"}, [0.0, now + 2 * LONGEST_DELAY_S])
    assert ids[0] in retries(journal)


def test_what_one_replica_claims_no_other_does_while_it_lives(journal, found, monkeypatch):
    ids = attested_pair(journal, found)
    journal.beat("one")
    journal.beat("two")
    assert fresh(journal, replica="one", limit=1) == ids[:1]
    assert fresh(journal, replica="two") == ids[1:]
    assert fresh(journal, replica="one") == ids[:1]
    journal.leave("one")
    assert fresh(journal, replica="two") == ids
    journal.release(ids)
    assert fresh(journal, replica="three") == ids


def test_a_lease_is_one_replicas_until_it_dies(journal):
    journal.beat("one")
    journal.beat("two")
    assert journal.lease("read A", "one")
    assert not journal.lease("read A", "two")
    assert journal.lease("read A", "one")
    assert journal.lease("read B", "two")
    journal.leave("one")
    assert journal.lease("read A", "two")
    journal.beat("one")
    assert not journal.lease("read A", "one")
    journal.give_up("read A", "one")  # not its own
    assert not journal.lease("read A", "one")
    journal.give_up("read A", "two")
    assert journal.lease("read A", "one")


DRAFT = Draft(Purpose.DELIVER, {"origin": A, "destination": B}, "0x" + "11" * 20, b"\x01", 10**6)
ACCOUNT = "0x" + "22" * 20


def test_nonces_follow_each_other_and_never_fall_behind_the_chains(journal, found):
    ids = attested_pair(journal, found)
    first = journal.prepare(31002, ACCOUNT, 7, DRAFT, ids[:1])
    second = journal.prepare(31002, ACCOUNT, 7, DRAFT, ids[1:])
    third = journal.prepare(31002, ACCOUNT, 20, DRAFT)
    other = journal.prepare(31001, ACCOUNT, 0, DRAFT)
    assert [one.nonce for one in (first, second, third, other)] == [7, 8, 20, 0]
    assert (first.draft, first.state, first.hashes) == (DRAFT, State.PREPARED, ())
    assert journal.open_transactions(31002, ACCOUNT) == [first, second, third]
    assert journal.open_transactions(31002, "0x" + "33" * 20) == []
    assert [entry.id for entry in journal.members(first.number)] == ids[:1]
    assert fresh(journal) == []  # both are under way


def test_each_try_of_a_transaction_keeps_its_hash(journal):
    made = journal.prepare(31002, ACCOUNT, 7, DRAFT)
    journal.sending(made.number, b"\x01" * 32, 10**40, 3)
    journal.sending(made.number, b"\x01" * 32, 10**40, 3)
    sent = journal.sending(made.number, b"\x02" * 32, 10**41, 4)
    assert sent.hashes == (b"\x01" * 32, b"\x02" * 32)
    assert (sent.state, sent.max_fee_wei, sent.max_priority_fee_wei) == (State.SENT, 10**41, 4)
    assert abs(sent.sent_at - time.time()) < 60
    journal.mined(made.number, True, 30, 900, 10**40)
    assert journal.open_transactions(31002, ACCOUNT) == []
    # The nonce is free for another only where this one left none behind.
    assert journal.prepare(31002, ACCOUNT, 8, DRAFT).nonce == 8


def test_a_transaction_that_a_reorg_took_is_opened_again(journal):
    made = journal.prepare(31002, ACCOUNT, 7, DRAFT)
    assert not journal.reopen(31002, ACCOUNT, 7)  # it is open
    journal.sending(made.number, b"\x01" * 32, 5, 3)
    journal.mined(made.number, True, 30, 900, 5)
    later = journal.prepare(31002, ACCOUNT, 8, DRAFT)
    assert not journal.reopen(31002, ACCOUNT, 6)
    assert journal.reopen(31002, ACCOUNT, 7)
    again, other = journal.open_transactions(31002, ACCOUNT)
    assert (again.number, other.number) == (made.number, later.number)
    assert (again.state, again.hashes, again.max_fee_wei) == (State.PREPARED, (b"\x01" * 32,), 5)


def test_a_lost_transaction_frees_what_was_under_way(journal, found):
    ids = attested_pair(journal, found)
    made = journal.prepare(31002, ACCOUNT, 7, DRAFT, ids)
    assert fresh(journal) == []
    assert journal.drop(ids) == []  # not what is under way
    journal.lost(made.number)
    assert fresh(journal) == ids
    assert journal.open_transactions(31002, ACCOUNT) == []


def test_what_a_dead_replica_had_under_way_is_taken_over_and_of_the_living_nothing(journal, found):
    ids = attested_pair(journal, found)
    mine = "0x" + "44" * 20
    for replica in ("one", "two"):
        journal.beat(replica)
    assert fresh(journal, replica="one", limit=1) == ids[:1]
    made = journal.prepare(31002, ACCOUNT, 7, DRAFT, ids[:1])
    assert fresh(journal, replica="two") == ids[1:]
    journal.prepare(31002, mine, 0, DRAFT, ids[1:])
    assert journal.account_of(made.number) == ACCOUNT
    assert journal.take_over(A, B, mine) == 0  # one lives
    journal.leave("one")
    assert journal.take_over(A, B, ACCOUNT) == 0  # it is back under another name
    assert journal.take_over(B, A, mine) == 0
    assert journal.take_over(A, B, mine) == 1
    assert fresh(journal, replica="two") == ids[:1]
    assert journal.take_over(A, B, mine) == 0
    assert journal.members(made.number) == []


def test_a_crash_between_receipt_and_settlement_is_seen(journal, found):
    ids = attested_pair(journal, found)
    made = journal.prepare(31002, ACCOUNT, 7, DRAFT, ids)
    journal.sending(made.number, b"\x01" * 32, 5, 3)
    assert journal.unsettled(31002, ACCOUNT) == []
    journal.mined(made.number, True, 30, 900, 4)
    (unsettled,) = journal.unsettled(31002, ACCOUNT)
    assert unsettled.number == made.number
    journal.delivered(ids, 30, DETAIL)
    assert journal.unsettled(31002, ACCOUNT) == []


def test_a_batch_is_under_way_with_its_transaction(journal, found):
    journal.finalize(A, [found(0)], CURSOR)
    made = Batch(A, B, 1, ROOT, attested=False)
    journal.open_batch(made)
    submission = journal.prepare(31002, ACCOUNT, 0, DRAFT, batch=made)
    assert [one.transaction for one in journal.unattested(A, B)] == [submission.number]
    journal.lost(submission.number)
    assert [one.transaction for one in journal.unattested(A, B)] == [None]


def test_queues_count_and_date_what_waits(journal, found):
    ids = attested_pair(journal, found)
    journal.delivered(ids[:1], 30, DETAIL)
    queues = journal.queues()
    assert {key: count for key, (count, _) in queues.items()} == {
        (A, B, Stage.ATTESTED): 1,
        (A, B, Stage.DELIVERED): 1,
    }
    assert all(abs(since - time.time()) < 60 for _, since in queues.values())


def test_entries_are_chosen_by_stage_route_and_age(journal, found):
    ids = attested_pair(journal, found)
    journal.delivered(ids[:1], 30, DETAIL)
    assert [one.id for one in journal.entries((Stage.ATTESTED,), A, B)] == ids[1:]
    assert journal.entries((Stage.ATTESTED,), B) == []
    assert journal.entries(destination=A) == []
    assert journal.entries(since_before=time.time() - 60) == []
    assert [one.id for one in journal.entries(limit=1)] == ids[:1]
    assert journal.at_nonce(A, 1).id == ids[1]
    assert journal.at_nonce(B, 1) is None


def test_it_survives_reopening(where, journal, found):
    identifier = bring(journal, found(0), Stage.ATTESTED)
    journal.finalize(A, [found(1)], CURSOR)
    journal.failed({identifier: "refused"}, [time.time() + 60])
    before = (journal.all_entries(), journal.transitions(), journal.cursor(A, 0))
    journal.close()
    again = Journal(where)
    try:
        assert (again.all_entries(), again.transitions(), again.cursor(A, 0)) == before
        assert fresh(again) == retries(again) == []
        assert again.leaves(A, 0) == [identifier, message_id(found(1).message)]
        assert again.leaves(A, 0, limit=1) == [identifier]
    finally:
        again.close()


def test_a_reader_sees_it_while_it_is_written(where, journal, found):
    reader = Journal(where)
    try:
        assert reader.all_entries() == []
        journal.observe([found(0)])
        assert [entry.message.nonce for entry in reader.all_entries()] == [0]
    finally:
        reader.close()


def test_no_message_with_that_id(journal):
    assert journal.entry(bytes(32)) is None
    assert journal.transitions(bytes(32)) == []
