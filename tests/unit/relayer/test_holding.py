"""The journal's held messages: none is lost, none is tried, and all go on together."""

from uuid import uuid4

import pytest

from bridge.domain.delivery import Stage
from bridge.relayer.journal import Draft, Journal, Purpose
from tests.unit.relayer.test_journal import DETAIL, ROOT, A, B, batch, bring, fresh, retries

SENDER, RECIPIENT = b"\x01" * 32, b"\x02" * 32
"""Of the messages that ``found`` makes."""


@pytest.fixture(params=["sqlite", "postgresql"])
def journal(request, tmp_path):
    where = tmp_path / "journal.sqlite"
    if request.param == "postgresql":
        where = request.getfixturevalue("postgres").create(f"journal_{uuid4().hex}")
    opened = Journal(where)
    yield opened
    opened.close()


def pair(journal, found):
    return [bring(journal, found(nonce), Stage.ATTESTED) for nonce in (0, 1)]


def test_what_is_held_is_neither_tried_nor_lost(journal, found):
    ids = pair(journal, found)
    moved = journal.hold(dict.fromkeys(ids, "no verdict"))
    assert [(one.stage, one.error, one.attempts) for one in moved] == [
        (Stage.HELD, "no verdict", 0)
    ] * 2
    assert fresh(journal) == retries(journal) == []
    assert [one.id for one in journal.held(A, B, 10)] == ids
    assert [one.id for one in journal.held(A, B, 1)] == ids[:1]
    assert journal.held(B, A, 10) == []
    assert [one.id for one in journal.entries((Stage.HELD,))] == ids
    assert journal.standing([(A, B)], "0x").queues[A, B, Stage.HELD] == 2
    # Once more does nothing, and what is not attested is not held.
    assert journal.hold(dict.fromkeys(ids, "again")) == []


def test_what_is_released_goes_on_as_if_nothing_had_been(journal, found):
    ids = pair(journal, found)
    journal.hold(dict.fromkeys(ids, "no verdict"))
    assert journal.held_endpoints(A, B) == [(SENDER, RECIPIENT)]
    journal.held_for(A, B, SENDER, RECIPIENT, "its verdict expired")
    assert {one.error for one in journal.held(A, B, 10)} == {"its verdict expired"}
    assert journal.release_held(A, B, RECIPIENT, SENDER) == []
    assert journal.release_held(B, A, SENDER, RECIPIENT) == []
    moved = journal.release_held(A, B, SENDER, RECIPIENT)
    assert [(one.id, one.stage, one.error) for one in moved] == [
        (one, Stage.ATTESTED, None) for one in ids
    ]
    assert fresh(journal) == ids
    assert journal.held_endpoints(A, B) == []
    stages = [one.stage for one in journal.transitions(ids[0])][-2:]
    assert stages == [Stage.HELD, Stage.ATTESTED]


def test_what_is_under_way_is_not_held(journal, found):
    ids = pair(journal, found)
    draft = Draft(Purpose.DELIVER, {}, "0x" + "11" * 20, b"", 100)
    journal.prepare(1, "0x" + "22" * 20, 0, draft, ids[:1], None)
    assert [one.id for one in journal.hold(dict.fromkeys(ids, "no"))] == ids[1:]


def test_somebody_else_may_deliver_it_and_an_operator_may_drop_or_retry_it(journal, found):
    ids = pair(journal, found)
    journal.hold(dict.fromkeys(ids, "no"))
    (done,) = journal.delivered(ids[:1], 50, DETAIL)
    assert (done.stage, done.error) == (Stage.DELIVERED, None)
    (again,) = journal.retry(ids[1:])
    assert again.stage is Stage.ATTESTED
    journal.hold({ids[1]: "no"})
    (dropped,) = journal.drop(ids[1:])
    assert dropped.stage is Stage.DROPPED
    assert journal.release_held(A, B, SENDER, RECIPIENT) == []


def test_a_message_that_was_refused_before_keeps_its_count(journal, found):
    (first, _) = pair(journal, found)
    journal.failed({first: "Refused()"}, [0.0, 0.0, 0.0])
    journal.hold({first: "no"})
    journal.release_held(A, B, SENDER, RECIPIENT)
    assert journal.entry(first).attempts == 1
    assert retries(journal) == [first]
    assert batch(found(0)).root == ROOT
