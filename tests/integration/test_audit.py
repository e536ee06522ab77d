"""The audit on real chains: it agrees when all is well, and names each thing that is not."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.apps.devnet.world import ChainKind
from bridge.apps.operators import relayer_account
from bridge.chain.anvil import find_anvil
from bridge.chain.development import development_accounts
from bridge.chain.transactions import Account, deploy
from bridge.crypto.hashing import keccak256
from bridge.crypto.merkle import IncrementalTree
from bridge.relayer import audit as audits
from bridge.relayer.audit import Kind
from bridge.relayer.journal import Entry, Journal
from bridge.relayer.route import Side
from tests.contracts.conftest import ACCEPTS, REFUSES
from tests.integration.conftest import Network, processes_with, until

pytestmark = pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run make tools")

A, B = 1, 2


class Audited(Network):
    """A network with questions to `astralink audit`."""

    def audit(self, *options: object, code: int = 0, **variables: str) -> Any:
        ended = self.cli("audit", "--json", *options, **variables)
        assert ended.code == code, ended.out + ended.err
        assert ended.json["agrees"] is (code == 0)
        return ended.json

    def found(self, journal: bool = True, copy: Path | None = None) -> audits.Audit:
        """What the audit finds, asked for in this process."""

        async def ask(sides: dict[str, Side]) -> audits.Audit:
            if not journal:
                return await audits.audit(list(sides.values()))
            where = copy or self.world.layout.journal
            with closing(Journal(where, read_only=True)) as opened:
                return await audits.audit(list(sides.values()), opened)

        return self.on_chain(ask)

    def wrong(self, journal: bool = True, copy: Path | None = None) -> set[tuple[str, str | None]]:
        """Kinds and messages of all disagreements."""
        found = self.found(journal, copy).disagreements
        return {
            (one.kind.value, "0x" + one.message.hex() if one.message else None) for one in found
        }

    def waiting(self) -> tuple[audits.Waiting, ...]:
        """What waits from A to B, by the chains alone."""
        found = self.found(journal=False)
        assert found.agrees
        return next(one for one in found.routes if one.origin == "A").waiting

    def idle(self) -> list[Entry]:
        """All messages, once nothing is under way: each was confirmed or refused."""

        def done() -> list[Entry]:
            entries = self.entries()
            there = [e for e in entries if e.stage == "confirmed" or e.attempts]
            return entries if entries and there == entries else []

        return until(done, "nothing is under way")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    one = Audited(tmp_path_factory.mktemp("audited") / "state", ChainKind.ANVIL)
    one.up()
    for identifier in one.send("the first", "the second", "the third"):
        one.reaches(identifier)
    yield one
    one.end()
    assert processes_with(str(one.folder)) == []


@pytest.fixture
def network(audited: Audited) -> Audited:
    audited.up()
    audited.idle()
    until(lambda: audited.found().agrees, "it agrees")
    return audited


@pytest.fixture
def stopped(network: Audited) -> Audited:
    """The network without its relayer, so that what a test breaks stays broken."""
    network.world.processes.stop("relayer")
    return network


@pytest.fixture
def copy(stopped: Audited, tmp_path: Path) -> Path:
    """A copy of the journal to be falsified."""
    return Path(shutil.copy(stopped.world.layout.journal, tmp_path / "copy.sqlite"))


def falsify(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(statement, values).rowcount == 1


def there(entries: list[Entry]) -> Entry:
    """A message from A that was delivered."""
    return next(e for e in entries if e.message.origin == A and e.stage == "confirmed")


def test_everything_agrees_while_it_goes_on(network: Audited) -> None:
    sent = network.send(*(f"on its way {number}" for number in range(3)))
    data = network.audit("--wait", 20)
    for identifier in sent:
        network.reaches(identifier)
    network.idle()
    data = network.audit("--wait", 20)
    assert data["disagreements"] == []
    assert data["counts"] == {}
    routes = {(one["from"], one["to"]): one for one in data["routes"]}
    assert set(routes) == {("A", "B"), ("B", "A")}
    for one in routes.values():
        assert one["dispatched"] == one["delivered"] >= 6
        assert one["undelivered"] == one["expired"] == one["failed_attempts"] == 0
        assert one["waiting"] == []
        assert one["attested_roots"] >= 1
    assert data["journal"]["stages"] == {
        "confirmed": sum(one["delivered"] for one in routes.values())
    }
    assert data["journal"]["open_transactions"] == 0
    for chain in data["chains"].values():
        assert chain["latest"] >= chain["finalized"] > 0
    shown = network.cli("audit")
    assert shown.code == 0
    assert "the chains and the journal agree" in shown.out


def test_what_was_dispatched_while_no_relayer_ran_is_missed_until_one_does(
    stopped: Audited,
) -> None:
    (identifier,) = stopped.send("nobody is there")
    until(stopped.wrong, "it is final")
    assert stopped.wrong() == {("not_in_journal", identifier)}
    ended = stopped.cli("audit")
    assert ended.code == 1
    assert f"not_in_journal: A->B {identifier}: nonce" in ended.out
    assert "1 disagreements" in ended.out
    (waiting,) = stopped.waiting()
    assert "0x" + waiting.id.hex() == identifier
    assert waiting.age_blocks >= 2
    alone = stopped.audit("--no-journal")
    assert alone["journal"] is None
    assert alone["routes"][0]["waiting"][0]["id"] == identifier
    (named,) = stopped.audit("--wait", 1, code=1)["disagreements"]
    assert (named["kind"], named["from"], named["to"]) == ("not_in_journal", "A", "B")
    stopped.up()
    stopped.reaches(identifier)
    assert stopped.audit("--wait", 20)["disagreements"] == []


def test_a_delivery_behind_the_relayers_back_is_named_until_it_finds_it(network: Audited) -> None:
    account = Account.from_key(bytes(development_accounts()[5].key))

    async def recipient(sides) -> str:
        return await deploy(sides["B"].client, account, REFUSES)

    refusing = network.on_chain(recipient)
    (identifier,) = network.send("not yet", recipient=refusing)
    until(lambda: (e := network.entry(identifier)) and e.attempts, "it was refused")
    network.world.processes.stop("relayer")
    before = network.found()
    assert before.agrees
    assert before.journal is not None
    assert before.journal.stages["attested"] == 1
    entry = network.entry(identifier)
    assert entry is not None
    assert [(one.id, one.nonce) for one in network.waiting()] == [(entry.id, entry.message.nonce)]

    async def deliver(sides) -> None:
        b = sides["B"].client
        await b.request("anvil_setCode", refusing, "0x" + ACCEPTS[12:].hex())
        batch = journal_of(network, lambda journal: journal.attested_batch(A, B))
        tree = IncrementalTree(journal_of(network, lambda journal: journal.leaves(A, 0)))
        siblings = tree.proof(entry.message.nonce, batch.size)
        metadata = batch.root + b"".join(siblings)
        await sides["B"].inbox.send(account, "process", metadata, entry.message.encode())

    network.on_chain(deliver)
    until(network.wrong, "the delivery is final")
    assert network.wrong() == {("delivered_on_chain_only", identifier)}
    assert network.waiting() == ()
    journal = network.world.layout.journal
    falsify(journal, "UPDATE messages SET stage = 'dead_letter' WHERE id = ?", entry.id)
    assert network.wrong() == {("given_up_but_delivered", identifier)}
    falsify(
        journal,
        "UPDATE messages SET stage = 'attested', next_attempt_at = 0 WHERE id = ?",
        entry.id,
    )
    network.up()
    network.reaches(identifier)
    until(lambda: network.found().agrees, "it agrees")


def journal_of(network: Network, ask: Any) -> Any:
    with closing(Journal(network.world.layout.journal, read_only=True)) as journal:
        return ask(journal)


def test_each_falsehood_in_the_journal_is_named(stopped: Audited, copy: Path) -> None:
    def wrong() -> set[tuple[str, str | None]]:
        return stopped.wrong(copy=copy)

    assert wrong() == set()
    one = there(stopped.entries())
    identifier = "0x" + one.id.hex()

    falsify(copy, "UPDATE messages SET stage = 'attested' WHERE id = ?", one.id)
    assert wrong() == {("delivered_on_chain_only", identifier)}
    falsify(copy, "UPDATE messages SET stage = 'dropped' WHERE id = ?", one.id)
    assert wrong() == {("given_up_but_delivered", identifier)}
    falsify(copy, "UPDATE messages SET stage = 'observed' WHERE id = ?", one.id)
    assert wrong() == {("not_in_journal", identifier), ("delivered_on_chain_only", identifier)}
    falsify(
        copy, "UPDATE messages SET id = ?, stage = 'finalized' WHERE id = ?", b"\7" * 32, one.id
    )
    assert wrong() == {("not_in_journal", identifier), ("not_on_chain", "0x" + "07" * 32)}
    falsify(
        copy, "UPDATE messages SET id = ?, stage = 'confirmed' WHERE id = ?", one.id, b"\7" * 32
    )
    falsify(
        copy,
        "UPDATE checkpoints SET root = ? WHERE origin = ? AND size = (SELECT MAX(size) "
        "FROM checkpoints WHERE origin = ?)",
        b"\7" * 32,
        A,
        A,
    )
    assert wrong() == {("checkpoint_unknown", None)}
    ended = stopped.cli("audit", ASTRALINK_RELAYER__JOURNAL=str(copy))
    assert ended.code == 1
    assert "checkpoint_unknown: A->B: the journal has a checkpoint with root 0x0707" in ended.out


def test_a_message_that_the_journal_alone_calls_delivered(stopped: Audited) -> None:
    one = there(stopped.entries())
    slot = stopped.on_chain(lambda sides: bits_slot(sides["B"], A, one.message.nonce // 256))

    async def clear(sides) -> None:
        await write_bit(sides["B"], slot, one.message.nonce, False)

    async def restore(sides) -> None:
        await write_bit(sides["B"], slot, one.message.nonce, True)

    identifier = "0x" + one.id.hex()
    stopped.on_chain(clear)
    try:
        assert stopped.wrong() == {
            ("event_without_bit", identifier),
            ("delivered_in_journal_only", identifier),
        }
        assert stopped.wrong(journal=False) == {("event_without_bit", identifier)}
    finally:
        stopped.on_chain(restore)
    assert stopped.found().agrees


@pytest.mark.parametrize(("add", "kind"), [(-1, "nonce_passed"), (3, "nonce_gap")])
def test_nonces_that_no_chain_bears_out(stopped: Audited, copy: Path, add: int, kind: str) -> None:
    account = relayer_account()

    async def next_nonce(sides) -> int:
        return await sides["B"].client.nonce(account.address, "latest")

    nonce = stopped.on_chain(next_nonce) + add
    falsify(
        copy,
        'INSERT INTO transactions (chain_id, account, nonce, purpose, subject, "to", data, gas, '
        "state, hashes, prepared_at) VALUES (31002, ?, ?, 'deliver', '{}', '0x', x'00', 21000, "
        "'sent', '[]', 0)",
        account.address,
        nonce,
    )
    found = stopped.found(copy=copy)
    (one,) = found.disagreements
    assert (one.kind, one.destination) == (kind, "B")
    assert account.address in one.reason
    assert found.journal is not None
    assert found.journal.open_transactions == 1


async def bits_slot(side, origin: int, word: int) -> bytes:
    """The storage slot of a word of the Inbox's bits, found by its value."""
    value = await side.inbox.call("deliveredWord", origin, word)
    for place in range(32):
        inner = keccak256(origin.to_bytes(32) + place.to_bytes(32))
        slot = keccak256(word.to_bytes(32) + inner)
        held = await side.client.request(
            "eth_getStorageAt", side.inbox.address, "0x" + slot.hex(), "latest"
        )
        if value and int(held, 16) == value:
            return slot
    raise AssertionError("no such slot")


async def write_bit(side, slot: bytes, nonce: int, value: bool) -> None:
    client, address = side.client, side.inbox.address
    held = int(await client.request("eth_getStorageAt", address, "0x" + slot.hex(), "latest"), 16)
    bit = 1 << nonce % 256
    changed = held | bit if value else held & ~bit
    await client.request(
        "anvil_setStorageAt", address, "0x" + slot.hex(), "0x" + changed.to_bytes(32).hex()
    )
    await client.request("evm_mine")


def test_a_bit_of_nothing_and_a_second_delivery_are_named(stopped: Audited) -> None:
    one = there(stopped.entries())
    account = Account.from_key(bytes(development_accounts()[5].key))

    async def falsified(sides) -> int:
        side = sides["B"]
        slot = await bits_slot(side, A, 0)
        size = await sides["A"].outbox.call("count")
        await write_bit(side, slot, size + 5, True)
        # And one that was delivered is delivered again, by an Inbox that forgot it.
        await write_bit(side, slot, one.message.nonce, False)
        batch = journal_of(stopped, lambda journal: journal.attested_batch(A, B))
        tree = IncrementalTree(journal_of(stopped, lambda journal: journal.leaves(A, 0)))
        metadata = batch.root + b"".join(tree.proof(one.message.nonce, batch.size))
        await side.inbox.send(account, "process", metadata, one.message.encode())
        return size + 5

    nonce = stopped.on_chain(falsified)

    async def by_hand(sides) -> audits.Audit:
        heard: list[str] = []
        result = await audits.audit(list(sides.values()), watch=lambda what, *_: heard.append(what))
        assert {"Inbox of A", "Inbox of B", "Outbox of A", "Outbox of B"} <= set(heard)
        return result

    result = stopped.on_chain(by_hand)
    assert result.counts == {Kind.BIT_WITHOUT_EVENT: 1, Kind.DELIVERED_TWICE: 1}
    assert result.journal is None
    reasons = {one.kind: one.reason for one in result.disagreements}
    assert f"the bit of nonce {nonce} says" in reasons[Kind.BIT_WITHOUT_EVENT]
    assert "delivered it 2 times" in reasons[Kind.DELIVERED_TWICE]
    twice = next(one for one in result.disagreements if one.kind is Kind.DELIVERED_TWICE)
    assert (twice.origin, twice.destination, twice.message) == ("A", "B", one.id)


def test_an_origin_that_lost_final_blocks_is_named(audited: Audited) -> None:
    """The last test: it takes the chain back beyond what is final."""
    audited.up()
    (identifier,) = audited.send("its block shall go")
    audited.reaches(identifier)
    os.kill(audited.pid("relayer"), signal.SIGKILL)
    entry = audited.entry(identifier)
    assert entry is not None

    async def turn_back(sides) -> None:
        client = sides["A"].client
        head = (await client.block("latest")).number
        await client.request("anvil_reorg", head - entry.block_number + 1, [])

    audited.on_chain(turn_back)
    found = {
        kind for kind, message in audited.wrong(journal=False) if message in (None, identifier)
    }
    assert found == {"delivered_undispatched", "root_unknown", "bit_without_event"}
    held = {(kind, message) for kind, message in audited.wrong() if message == identifier}
    assert ("not_on_chain", identifier) in held
    assert ("delivered_undispatched", identifier) in held
