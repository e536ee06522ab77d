"""batch: one checkpoint over all that is final, the tree's and not only the route's."""

import pytest

from bridge.chain.client import ChainClient, ChainSettings
from bridge.chain.events import Cursor
from bridge.crypto.digests import message_id
from bridge.crypto.merkle import root, verify_proof
from bridge.domain.delivery import Stage
from bridge.relayer.batch import Trees, batch
from bridge.relayer.deliver import proof_siblings
from bridge.relayer.journal import Draft, Purpose
from bridge.relayer.route import Route, Side

A, B, C = 1, 2, 3
CURSOR = Cursor.at(12)


@pytest.fixture
def route(record):
    """Routes by their domains. The clients are asked nothing here."""

    def side(domain):
        settings = ChainSettings("-ABC"[domain], domain, 31000 + domain, "http://nowhere.invalid")
        return Side.of(ChainClient(settings), record(domain))

    sides = {domain: side(domain) for domain in (A, B, C)}
    return lambda origin, destination: Route(sides[origin], sides[destination])


def identifier(one):
    return message_id(one.message)


def test_nothing_final_is_no_batch(journal, found, route):
    journal.observe([found(0)])
    assert batch(route(A, B), journal, Trees(journal)) == []
    assert journal.unattested(A, B) == []


def test_one_checkpoint_over_all_that_is_final(journal, found, route):
    messages = [found(nonce) for nonce in range(5)]
    journal.finalize(A, messages, CURSOR)
    trees = Trees(journal)
    moved = batch(route(A, B), journal, trees)
    assert [entry.stage for entry in moved] == [Stage.BATCHED] * 5
    (made,) = journal.unattested(A, B)
    assert (made.size, made.root) == (5, root(map(identifier, messages)))
    assert batch(route(A, B), journal, trees) == []


def test_a_gap_in_the_nonces_waits(journal, found, route):
    journal.finalize(A, [found(0), found(2)], CURSOR)
    trees = Trees(journal)
    assert [entry.message.nonce for entry in batch(route(A, B), journal, trees)] == [0]
    assert batch(route(A, B), journal, trees) == []
    journal.finalize(A, [found(1)], CURSOR)
    assert [entry.message.nonce for entry in batch(route(A, B), journal, trees)] == [1, 2]
    assert [made.size for made in journal.unattested(A, B)] == [3, 1]


def test_what_becomes_final_while_a_checkpoint_is_on_its_way_is_one_batch(journal, found, route):
    journal.finalize(A, [found(0)], CURSOR)
    trees = Trees(journal)
    batch(route(A, B), journal, trees)
    (first,) = journal.unattested(A, B)
    draft = Draft(Purpose.ATTEST, {}, "0x" + "11" * 20, b"", 1)
    made = journal.prepare(31002, "0x" + "22" * 20, 0, draft, batch=first)
    journal.finalize(A, [found(1), found(2)], CURSOR)
    assert batch(route(A, B), journal, trees) == []
    journal.free(made.number)
    assert [entry.message.nonce for entry in batch(route(A, B), journal, trees)] == [1, 2]


def test_the_checkpoint_covers_messages_to_other_destinations(journal, found, route):
    messages = [found(0, destination=C), found(1, destination=B), found(2, destination=C)]
    journal.finalize(A, messages, CURSOR)
    trees = Trees(journal)
    (moved,) = batch(route(A, B), journal, trees)
    assert (moved.message.nonce, moved.size) == (1, 2)
    assert moved.root == root(map(identifier, messages[:2]))
    siblings = proof_siblings(trees, moved)
    verify_proof(moved.id, 1, 2, siblings, moved.root)
    assert [entry.message.nonce for entry in batch(route(A, C), journal, trees)] == [0, 2]
    (to_c,) = journal.unattested(A, C)
    assert (to_c.size, to_c.root) == (3, root(map(identifier, messages)))


def test_a_proof_stands_under_its_own_root_after_the_tree_has_grown(journal, found, route):
    journal.finalize(A, [found(nonce) for nonce in range(3)], CURSOR)
    trees = Trees(journal)
    moved = batch(route(A, B), journal, trees)
    journal.finalize(A, [found(nonce) for nonce in range(3, 9)], CURSOR)
    journal.attested(journal.unattested(A, B)[0], {})
    batch(route(A, B), journal, trees)
    for entry in moved:
        verify_proof(entry.id, entry.message.nonce, 3, proof_siblings(trees, entry), entry.root)


def test_a_replaced_message_is_not_in_the_tree_any_more(journal, found, route):
    trees = Trees(journal)
    journal.finalize(A, [found(0), found(1, body=b"gone")], CURSOR)
    batch(route(A, B), journal, trees)
    messages = [found(0), found(1, body=b"stands"), found(2)]
    journal.finalize(A, messages[1:], CURSOR)
    batch(route(A, B), journal, trees)
    (made,) = journal.unattested(A, B)
    assert (made.size, made.root) == (3, root(map(identifier, messages)))


def test_the_checkpoint_of_a_route(route):
    checkpoint = route(A, B).checkpoint(b"\x05" * 32, 7, epoch=4)
    assert (checkpoint.origin_domain, checkpoint.origin_chain_id) == (A, 31001)
    assert (checkpoint.destination_domain, checkpoint.destination_chain_id) == (B, 31002)
    assert (checkpoint.root, checkpoint.size, checkpoint.epoch) == (b"\x05" * 32, 7, 4)
    assert checkpoint.outbox == checkpoint.inbox == b"\x11" * 20
    assert str(route(A, B)) == "A->B"
