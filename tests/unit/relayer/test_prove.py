"""Proofs of announcements out of a journal on a real file."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from bridge.chain.events import Cursor
from bridge.chain.hyperlane import ProofRequest, announcement, module_metadata
from bridge.crypto.digests import message_id
from bridge.crypto.merkle import IncrementalTree
from bridge.domain.delivery import Stage
from bridge.domain.errors import ConfigError, InputError, NotAttested, ProofError, UnknownMessage
from bridge.relayer.batch import Trees
from bridge.relayer.journal import Batch, Journal
from bridge.relayer.prove import Prover

A, B, C = 1, 2, 3
HOOK = b"\x01" * 32
ID = b"\x99" * 32
BODY = announcement(ID)


def final(journal, *found):
    journal.finalize(found[0].message.origin, found, Cursor.at(0))


def attest(journal, found, size):
    """A batch of the one message, attested."""
    tree = Trees(journal).grown(A)
    batch = Batch(A, found.message.destination, size, tree.root(size), attested=False)
    journal.open_batch(batch)
    journal.attested(batch, {})


def ask(identifier=ID, origin=A, hook=HOOK, destination=B):
    return ProofRequest(origin, hook, destination, identifier)


def test_an_attested_announcement_is_proved(journal, path, found):
    messages = [found(0), found(1, body=BODY), found(2)]
    final(journal, *messages)
    attest(journal, messages[1], 3)
    proved = Prover(Journal(path, read_only=True)).prove(ask())
    tree = IncrementalTree(message_id(one.message) for one in messages)
    proof = tree.root() + b"".join(tree.proof(1))
    assert proved.metadata == module_metadata(proof, messages[1].message.encode())
    assert proved.entry.id == message_id(messages[1].message)
    assert not proved.final


def test_it_is_final_once_its_delivery_is(journal, found):
    one = found(0, body=BODY)
    final(journal, one)
    attest(journal, one, 1)
    prover = Prover(journal)
    journal.delivered([message_id(one.message)], 30, {})
    assert not prover.prove(ask()).final
    journal.confirmed([message_id(one.message)], {})
    assert prover.prove(ask()).final


def test_before_its_quorum_it_is_told_where_it_stands(journal, found):
    one = found(0, body=BODY)
    prover = Prover(journal)
    journal.observe([one])
    with pytest.raises(NotAttested, match="is observed: expected attested"):
        prover.prove(ask())
    final(journal, one)
    with pytest.raises(NotAttested, match="is finalized"):
        prover.prove(ask())
    tree = Trees(journal).grown(A)
    batch = Batch(A, B, 1, tree.root(), attested=False)
    journal.open_batch(batch)
    with pytest.raises(NotAttested, match="is batched") as refused:
        prover.prove(ask())
    assert refused.value.retryable
    journal.attested(batch, {})
    prover.prove(ask())


def test_of_two_the_first_that_has_a_quorum_is_taken(journal, found):
    first, second = found(0, body=BODY), found(1, body=BODY)
    final(journal, first)
    attest(journal, first, 1)
    final(journal, second)
    assert Prover(journal).prove(ask()).entry.message == first.message
    attest(journal, second, 2)
    assert Prover(journal).prove(ask()).entry.message == first.message


@pytest.mark.parametrize(
    "request_",
    [
        ask(identifier=b"\x98" * 32),
        ask(origin=C),
        ask(destination=C),
        ask(hook=b"\x05" * 32),
    ],
    ids=["another message", "another origin", "another destination", "another hook"],
)
def test_another_announcement_is_none(journal, found, request_):
    one = found(0, body=BODY)
    final(journal, one)
    attest(journal, one, 1)
    with pytest.raises(UnknownMessage, match="announcement of 0x"):
        Prover(journal).prove(request_)


@pytest.mark.parametrize(
    "body", [b"\0" + BODY, BODY[1:], BODY[32:], b""], ids=["longer", "shorter", "no tag", "empty"]
)
def test_a_body_that_ends_or_begins_like_one_is_none(journal, found, body):
    one = found(0, body=body)
    final(journal, one)
    attest(journal, one, 1)
    with pytest.raises(UnknownMessage):
        Prover(journal).prove(ask())


def test_a_journal_that_contradicts_itself_proves_nothing(journal, path, found):
    one = found(0, body=BODY)
    final(journal, one)
    attest(journal, one, 1)
    with create_engine(f"sqlite:///{path}").begin() as db:
        db.execute(text("UPDATE messages SET root = :root"), {"root": b"\x07" * 32})
    with pytest.raises(ProofError, match="expected root"):
        Prover(journal).prove(ask())


# The journal


def test_a_message_is_found_by_an_index(journal, path):
    asked = []

    def note(_connection, _cursor, statement, parameters, *_):
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        journal.with_body(A, B, HOOK, BODY)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    ((statement, parameters),) = [one for one in asked if one[0].startswith("SELECT")]
    with closing(sqlite3.connect(path)) as db:
        plan = db.execute("EXPLAIN QUERY PLAN " + statement, parameters).fetchall()
    assert len(plan) == 1
    assert "USING INDEX messages_by_tail (origin=? AND destination=? AND <expr>=?)" in str(plan)


def test_a_journal_without_the_index_answers_too(journal, path, found):
    """One that an earlier version made."""
    with create_engine(f"sqlite:///{path}").begin() as db:
        db.execute(text("DROP INDEX messages_by_tail"))
    one = found(0, body=BODY)
    final(journal, one)
    assert [entry.message for entry in journal.with_body(A, B, HOOK, BODY)] == [one.message]


def test_only_bodies_of_the_index_are_looked_for(journal):
    with pytest.raises(InputError, match="expected 64 bytes, got 63"):
        journal.with_body(A, B, HOOK, BODY[1:])


def test_a_reader_writes_nothing(journal, path, found):
    final(journal, found(0))
    reader = Journal(path, read_only=True)
    assert reader.all_entries() == journal.all_entries()
    with pytest.raises(OperationalError, match="readonly"):
        reader.observe([found(1)])
    assert len(journal.all_entries()) == 1
    assert journal.entry(message_id(found(0).message)).stage is Stage.FINALIZED


def test_a_reader_makes_no_journal(tmp_path):
    with pytest.raises(ConfigError, match="expected the relayer's journal, got none"):
        Journal(tmp_path / "journal.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []
