"""Compromise of a span or a link: what it reaches, and what it leaves alone."""

import dataclasses
import time
from uuid import uuid4

import pytest
from sqlalchemy import text

from bridge.domain.errors import BlockConflict, InputError, KeyUnusable, PoolExhausted
from bridge.keyservice.audit import AuditLog
from bridge.keyservice.blockrows import Purpose
from bridge.keyservice.compromise import Compromise, Damage, declare
from bridge.keyservice.database import Database
from bridge.keyservice.linkblock import LinkBlock
from bridge.keyservice.pool import KeyPool, PoolLimits
from bridge.keyservice.promises import NotHere, NotNamed, Promise, Promises
from bridge.keyservice.store import KeyState, KeyStore

NOW = time.time()
SEED = bytes(range(32))


def at(block: LinkBlock, seconds: float, link_id: str = "link-1") -> LinkBlock:
    history = dataclasses.replace(
        block.history, block_id=str(uuid4()), created_at=NOW + seconds, link_id=link_id
    )
    return dataclasses.replace(block, history=history)


@dataclasses.dataclass
class Service:
    database: Database

    def __post_init__(self) -> None:
        self.store = KeyStore(self.database)
        self.pool = KeyPool(self.database, limits=PoolLimits(reserve_bits=0))
        self.promises = Promises(self.database, 3600)

    def declare(self, since: float, until: float, link_id: str | None = None) -> Damage:
        compromise = Compromise(NOW + since, NOW + until, link_id, "fibre tapped")
        return declare(self.store, AuditLog(self.database), compromise)

    def sign_key(self, make_record, label: str) -> str:  # type: ignore[no-untyped-def]
        key_id = str(uuid4())
        self.pool.take(256, key_id)
        self.store.add_key(make_record(key_id=key_id, label=label), SEED)
        return key_id

    def promise(self, *slaves: str) -> str:
        key_id = str(uuid4())
        with self.database.engine.begin() as db:
            (key,) = self.pool.take_within(db, 256, [key_id], Purpose.DELIVERY)
            self.promises.keep(db, Promise(key_id, "alice", slaves, key.key, key.provenance))
        return key_id

    def give(self, sae_id: str, *key_ids: str) -> list[bytes]:
        with self.database.engine.begin() as db:
            return [one.key for one in self.promises.give(db, sae_id, "alice", key_ids)]


@pytest.fixture
def service(opened: Database) -> Service:
    return Service(opened)


def test_all_that_came_of_a_span_is_invalid_and_listed(
    service: Service,
    blocks: tuple[LinkBlock, LinkBlock],
    make_record,
    checkpoint,  # type: ignore[no-untyped-def]
) -> None:
    bad, good = at(blocks[0], -50), at(blocks[1], -10)
    service.pool.deposit(bad)
    tapped = service.sign_key(make_record, "tapped")
    waiting, halfway = service.promise("bob"), service.promise("bob", "carol")
    service.give("bob", halfway)
    left = service.pool.bits
    service.pool.deposit(good)
    damage = service.declare(-60, -40)
    assert damage.block_ids == (bad.history.block_id,)
    assert damage.pool_bits_destroyed == left
    assert [(one.key_id, one.label) for one in damage.signing_keys] == [(tapped, "tapped")]
    assert [(one.key_id, one.master, one.taken_by, one.withdrawn) for one in damage.delivered] == [
        (waiting, "alice", (), True),
        (halfway, "alice", ("bob",), True),
    ]
    # What is invalid does nothing any more,
    with pytest.raises(KeyUnusable, match="compromised"):
        service.store.seed(tapped)
    with pytest.raises(KeyUnusable):
        service.store.record_root(tapped, checkpoint)
    assert service.store.life(tapped).state is KeyState.COMPROMISED
    for sae_id, key_id in (("bob", waiting), ("carol", halfway)):
        with pytest.raises(NotHere):
            service.give(sae_id, key_id)
    # what is not goes on.
    assert service.pool.take(256, "id").key == blocks[1].key[:32]
    with service.database.engine.begin() as db:
        seeds = db.execute(text("SELECT sealed_seed FROM signing_keys")).scalars().all()
    assert [bytes(seed) for seed in seeds] == [b""]
    entry = list(service.store.audit.entries())[-1].data()
    assert entry["event"] == "compromise.declared"
    assert entry["reason"] == "fibre tapped"
    assert entry["damage"]["signing_keys"] == [{"key_id": tapped, "label": "tapped"}]


def test_declared_again_it_finds_nothing_new(
    service: Service,
    blocks: tuple[LinkBlock, LinkBlock],
    make_record,  # type: ignore[no-untyped-def]
) -> None:
    service.pool.deposit(at(blocks[0], -50))
    service.sign_key(make_record, "tapped")
    first, second = service.declare(-60, -40), service.declare(-60, -40)
    assert second.block_ids == first.block_ids
    assert (second.pool_bits_destroyed, second.signing_keys) == (0, ())


def test_another_link_and_another_time_are_left_alone(
    service: Service,
    blocks: tuple[LinkBlock, LinkBlock],
    make_record,  # type: ignore[no-untyped-def]
) -> None:
    service.pool.deposit(at(blocks[0], -50, "link-1"))
    key = service.sign_key(make_record, "mine")
    service.pool.deposit(at(blocks[1], -50, "link-2"))
    everything = service.pool.bits
    for span in ((-60, -50), (-49.9, 0)):
        assert service.declare(*span).block_ids == ()
    damage = service.declare(-60, -40, "link-2")
    assert damage.pool_bits_destroyed == 8 * len(blocks[1].key)
    assert damage.signing_keys == ()
    assert service.store.seed(key) == SEED
    assert service.pool.bits == everything - damage.pool_bits_destroyed


def test_a_key_of_two_blocks_falls_with_either(
    service: Service,
    blocks: tuple[LinkBlock, LinkBlock],
    make_record,  # type: ignore[no-untyped-def]
) -> None:
    service.pool.deposit(at(blocks[0], -50), at(blocks[1], -10))
    service.pool.take(8 * len(blocks[0].key) - 128, "id")
    service.sign_key(make_record, "both")
    assert [one.label for one in service.declare(-15, -5).signing_keys] == ["both"]


def test_a_block_is_not_deposited_anew_nor_cut_after_it_was_compromised(
    service: Service, blocks: tuple[LinkBlock, LinkBlock]
) -> None:
    bad = at(blocks[0], -50)
    service.pool.deposit(bad)
    service.declare(-60, -40)
    service.pool.deposit(bad)
    with pytest.raises(PoolExhausted):
        service.pool.take(8, "id")


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InputError, match="ends after it starts"):
        Compromise(2.0, 2.0)


# Promises by themselves


def test_a_promise_is_for_who_was_named_and_once_each(
    service: Service, blocks: tuple[LinkBlock, LinkBlock]
) -> None:
    service.pool.deposit(blocks[0])
    key_id = service.promise("bob", "carol")
    with pytest.raises(NotNamed, match="'dave' was not named"):
        service.give("dave", key_id)
    assert service.give("bob", key_id) == [blocks[0].key[:32]]
    with pytest.raises(NotHere):
        service.give("bob", key_id)
    with pytest.raises(NotNamed):
        service.give("dave", key_id)
    assert service.give("carol", key_id) == [blocks[0].key[:32]]
    with service.database.engine.begin() as db:
        sealed = db.execute(text("SELECT sealed FROM promises")).scalars().all()
    assert [bytes(one) for one in sealed] == [b""]
    assert service.promises.waiting() == 0


def test_all_are_given_or_none(service: Service, blocks: tuple[LinkBlock, LinkBlock]) -> None:
    service.pool.deposit(blocks[0])
    first, second, other = service.promise("bob"), service.promise("bob"), service.promise("eve")
    with pytest.raises(NotHere, match="unknown"):
        service.give("bob", first, "unknown")
    with pytest.raises(NotNamed):
        service.give("bob", first, other)
    assert len(service.give("bob", second, first)) == 2


def test_a_promise_made_again_is_the_same_or_a_conflict(
    service: Service, blocks: tuple[LinkBlock, LinkBlock]
) -> None:
    service.pool.deposit(blocks[0])
    key_id = service.promise("bob", "carol")
    with service.database.engine.begin() as db:
        assert service.promises.kept(db, key_id, "alice", ["carol", "bob"])
        assert not service.promises.kept(db, "another", "alice", ["bob"])
        for master, slaves in (("amy", ["bob", "carol"]), ("alice", ["bob"])):
            with pytest.raises(BlockConflict, match="expected"):
                service.promises.kept(db, key_id, master, slaves)


def test_a_key_that_nobody_fetches_is_destroyed(
    service: Service, blocks: tuple[LinkBlock, LinkBlock]
) -> None:
    service.pool.deposit(blocks[0])
    service.promises = Promises(service.database, 0.01)
    key_id = service.promise("bob")
    time.sleep(0.02)
    with pytest.raises(NotHere):
        service.give("bob", key_id)
    assert service.promises.expire() == 1
    with service.database.engine.begin() as db:
        assert bytes(db.execute(text("SELECT sealed FROM promises")).scalar_one()) == b""
