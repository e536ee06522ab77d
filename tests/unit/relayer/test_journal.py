"""The journal on a real SQLite file: what each call notes, and what none of them may undo."""

import time

import pytest

from bridge.chain.events import BlockMark, Cursor
from bridge.crypto.digests import message_id
from bridge.domain.delivery import ORDER, Stage
from bridge.relayer.journal import Batch, Journal

A, B = 1, 2
CURSOR = Cursor(3, 12, (BlockMark(10, b"\x0a" * 32), BlockMark(11, b"\x0b" * 32)))
ROOT = b"\x77" * 32
DETAIL = {"block": 20, "transaction": "0x" + "ab" * 32, "gas": 100}


def bring(journal, one, stage):
    """``one`` brought to ``stage`` by the calls that the relayer makes."""
    identifier = message_id(one.message)
    steps = {
        Stage.OBSERVED: lambda: journal.observe([one]),
        Stage.FINALIZED: lambda: journal.finalize(A, [one], CURSOR),
        Stage.BATCHED: lambda: journal.open_batch(batch(one), [identifier]),
        Stage.ATTESTED: lambda: journal.attested(batch(one), DETAIL),
        Stage.DELIVERED: lambda: journal.delivered(identifier, 30, DETAIL),
        Stage.CONFIRMED: lambda: journal.confirmed(identifier, {"finalized": 32}),
    }
    for step in ORDER[: ORDER.index(stage) + 1]:
        steps[step]()
    assert journal.entry(identifier).stage is stage
    return identifier


def batch(one):
    return Batch(A, B, one.message.nonce + 1, ROOT, attested=False)


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
    (entry,) = journal.open_batch(renewed, [identifier])
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
    entries = journal.open_batch(made, ids)
    assert [(entry.stage, entry.root, entry.size) for entry in entries] == [
        (Stage.BATCHED, ROOT, 2)
    ] * 2
    assert journal.unattested(A, B) == [made]
    assert journal.unattested(B, A) == []
    entries = journal.attested(made, DETAIL)
    assert [entry.stage for entry in entries] == [Stage.ATTESTED] * 2
    assert journal.unattested(A, B) == []
    assert journal.attested(made, DETAIL) == []


def test_unattested_batches_come_smallest_first(journal, found):
    journal.finalize(A, [found(0), found(1)], CURSOR)
    for size in (2, 1):
        identifier = message_id(found(size - 1).message)
        journal.open_batch(Batch(A, B, size, bytes([size]) * 32, attested=False), [identifier])
    assert [one.size for one in journal.unattested(A, B)] == [1, 2]


def test_the_whole_way(journal, found):
    identifier = bring(journal, found(0), Stage.CONFIRMED)
    assert stages(journal, identifier) == list(Stage)
    entry = journal.entry(identifier)
    assert (entry.delivery_block, entry.root, entry.size) == (30, ROOT, 1)
    numbers = [step.number for step in journal.transitions()]
    assert numbers == sorted(set(numbers))
    assert [step.stage for step in journal.transitions(after=numbers[3])] == list(Stage)[4:]


@pytest.mark.parametrize("stage", ORDER)
def test_nothing_moves_backwards_or_ahead(journal, found, stage):
    """Every call of the relayer, at every stage: only those that ``may_follow`` allows move."""
    one = found(0)
    identifier = bring(journal, one, stage)
    calls = {
        Stage.FINALIZED: lambda: journal.finalize(A, [one], CURSOR),
        Stage.BATCHED: lambda: journal.open_batch(
            Batch(A, B, 9, b"\x09" * 32, attested=False), [identifier]
        ),
        Stage.DELIVERED: lambda: journal.delivered(identifier, 40, DETAIL),
        Stage.CONFIRMED: lambda: journal.confirmed(identifier, {}),
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
        assert journal.undelivered(identifier) is None
        assert journal.entry(identifier).stage is stage


def test_a_delivery_that_a_reorg_took_is_due_again(journal, found):
    identifier = bring(journal, found(0), Stage.DELIVERED)
    entry = journal.undelivered(identifier)
    assert (entry.stage, entry.delivery_block) == (Stage.ATTESTED, None)
    assert [entry.id for entry in journal.due(A, B)] == [identifier]
    assert journal.delivered(identifier, 41, DETAIL).delivery_block == 41
    assert stages(journal, identifier)[-3:] == [Stage.DELIVERED, Stage.ATTESTED, Stage.DELIVERED]


def test_a_failed_delivery_waits_until_it_is_due(journal, found):
    journal.finalize(A, [found(0), found(1)], CURSOR)
    ids = [message_id(found(nonce).message) for nonce in range(2)]
    made = Batch(A, B, 2, ROOT, attested=False)
    journal.open_batch(made, ids)
    assert journal.due(A, B) == []
    journal.attested(made, DETAIL)
    assert [entry.id for entry in journal.due(A, B)] == ids
    journal.failed(ids[0], "RecipientReverted()", time.time() + 60)
    assert [entry.id for entry in journal.due(A, B)] == ids[1:]
    entry = journal.entry(ids[0])
    assert (entry.stage, entry.attempts, entry.error) == (
        Stage.ATTESTED, 1, "RecipientReverted()",
    )  # fmt: skip
    journal.failed(ids[0], "again", time.time() - 1)
    assert [entry.id for entry in journal.due(A, B)] == ids
    assert journal.due(B, A) == []
    done = journal.delivered(ids[0], 50, DETAIL)
    assert (done.attempts, done.error) == (2, None)


def test_it_survives_reopening(path, journal, found):
    identifier = bring(journal, found(0), Stage.ATTESTED)
    journal.finalize(A, [found(1)], CURSOR)
    journal.failed(identifier, "refused", time.time() + 60)
    before = (journal.all_entries(), journal.transitions(), journal.cursor(A, 0))
    journal.close()
    again = Journal(path)
    try:
        assert (again.all_entries(), again.transitions(), again.cursor(A, 0)) == before
        assert again.due(A, B) == []
        assert again.leaves(A, 0) == [identifier, message_id(found(1).message)]
    finally:
        again.close()


def test_a_reader_sees_it_while_it_is_written(path, journal, found):
    reader = Journal(path)
    try:
        assert reader.all_entries() == []
        journal.observe([found(0)])
        assert [entry.message.nonce for entry in reader.all_entries()] == [0]
    finally:
        reader.close()


def test_no_message_with_that_id(journal):
    assert journal.entry(bytes(32)) is None
    assert journal.transitions(bytes(32)) == []
