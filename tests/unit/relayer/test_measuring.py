"""The journal's figures, after the calls that the relayer makes."""

import time

import pytest

from bridge.crypto.digests import message_id
from bridge.domain.delivery import Stage
from bridge.relayer.journal import Draft, Journal, Purpose, State
from bridge.relayer.journal.measuring import COUNTED
from tests.unit.relayer.test_journal import A, B, bring, journal, where

__all__ = ["journal", "where"]

ACCOUNT = "0x" + "aa" * 20
ROUTES = [(A, B), (B, A)]


def test_an_empty_journal(journal):
    standing = journal.standing(ROUTES, ACCOUNT)
    assert standing.queues == {}
    assert standing.finalized_at == {}
    assert standing.transactions == {}
    assert standing.size_bytes > 4096


@pytest.mark.parametrize("stage", [one for one in Stage if one in COUNTED[:5]])
def test_a_message_is_counted_where_it_stands(journal, found, stage):
    bring(journal, found(0), stage)
    standing = journal.standing(ROUTES, ACCOUNT)
    assert standing.queues == {(A, B, stage): 1}
    assert standing.next_blocks == ({} if stage is Stage.OBSERVED else {A: 12})


def test_confirmed_messages_are_not_counted(journal, found):
    bring(journal, found(0), Stage.CONFIRMED)
    assert journal.standing(ROUTES, ACCOUNT).queues == {}


def test_the_oldest_is_as_old_as_its_finality_not_as_its_stage(journal, found):
    before = time.time()
    first = bring(journal, found(0), Stage.FINALIZED)
    after = time.time()
    time.sleep(0.05)
    bring(journal, found(1), Stage.ATTESTED)  # the first is under the same checkpoint now
    assert journal.entry(first).since > after
    standing = journal.standing(ROUTES, ACCOUNT)
    assert before <= standing.finalized_at[A, B] <= after
    assert (B, A) not in standing.finalized_at
    assert journal.reached_at(Stage.FINALIZED, [first]) == {first: standing.finalized_at[A, B]}
    journal.delivered([first], 30, {})
    assert journal.standing(ROUTES, ACCOUNT).finalized_at[A, B] > after


def test_what_was_observed_only_is_not_old(journal, found):
    bring(journal, found(0), Stage.OBSERVED)
    assert journal.standing(ROUTES, ACCOUNT).finalized_at == {}


def test_messages_that_wait_for_another_attempt(journal, found):
    identifiers = [bring(journal, found(nonce), Stage.ATTESTED) for nonce in range(2)]
    journal.failed({identifiers[0]: "no"}, [time.time() + 60])
    assert journal.standing(ROUTES, ACCOUNT).refused == {(A, B): 1}


def test_transactions_by_state_of_one_account(journal):
    draft = Draft(Purpose.DELIVER, {}, ACCOUNT, b"", 21_000)
    for nonce in (5, 6, 7):
        journal.prepare(9, ACCOUNT, nonce, draft)
    other = journal.prepare(9, "0x" + "bb" * 20, 1, draft)
    mined, sent, _ = journal.open_transactions(9, ACCOUNT)
    journal.mined(mined.number, True, 3, 21_000, 1)
    journal.sending(sent.number, b"\x01" * 32, 1, 1)
    journal.lost(other.number)
    standing = journal.standing(ROUTES, ACCOUNT)
    assert standing.transactions == {
        (9, State.MINED): 1,
        (9, State.SENT): 1,
        (9, State.PREPARED): 1,
    }
    assert standing.lowest_open_nonce == {9: 6}


def test_a_reader_of_figures_never_writes(where, journal, found):
    identifier = bring(journal, found(0), Stage.FINALIZED)
    reader = Journal(where, read_only=True)
    assert reader.standing(ROUTES, ACCOUNT).queues == {(A, B, Stage.FINALIZED): 1}
    assert message_id(found(0).message) == identifier
    reader.close()
