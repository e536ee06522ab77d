"""What is done when a link, or a span of its time, was not secret after all.

The bits that are left are destroyed, keys that wait for their SAEs are withdrawn, signing keys that
were derived are wiped; and all that is told, with what had left before and must be withdrawn by
whoever holds it.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from sqlalchemy import select, update

from bridge.domain.errors import InputError
from bridge.keyservice.audit import AuditLog
from bridge.keyservice.blockrows import BlockState, Purpose, destroy_blocks, lock_pool
from bridge.keyservice.instants import iso
from bridge.keyservice.promises import PromiseState
from bridge.keyservice.schema import blocks, promises, recipients, uses
from bridge.keyservice.store import KeyState, KeyStore


@dataclass(frozen=True, slots=True)
class Compromise:
    """What was compromised: blocks of a link, or of all, distilled in a span of Unix seconds."""

    since: float
    until: float
    link_id: str | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.since < self.until:
            raise InputError(
                f"compromise: expected a span that ends after it starts, got {iso(self.since)} "
                f"to {iso(self.until)}"
            )


@dataclass(frozen=True, slots=True)
class DeliveredKey:
    """A key that SAEs hold, or hold no more: ``taken_by`` is who got it, the master aside."""

    key_id: str
    master: str
    taken_by: tuple[str, ...]
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class WipedKey:
    """A signing key that signs no more."""

    key_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Damage:
    """What a compromise reached."""

    block_ids: tuple[str, ...]
    pool_bits_destroyed: int
    delivered: tuple[DeliveredKey, ...]
    signing_keys: tuple[WipedKey, ...]

    def data(self) -> dict[str, object]:
        """As it is told and logged."""
        return {
            "blocks": list(self.block_ids),
            "pool_bits_destroyed": self.pool_bits_destroyed,
            "delivered_keys": [asdict(one) for one in self.delivered],
            "signing_keys": [asdict(one) for one in self.signing_keys],
        }


def declare(store: KeyStore, log: AuditLog, compromise: Compromise) -> Damage:
    """Invalidate all that came of the blocks, in one transaction; may be repeated."""
    span = blocks.c.created_at >= compromise.since, blocks.c.created_at < compromise.until
    where = span if compromise.link_id is None else (*span, blocks.c.link_id == compromise.link_id)
    with store.database.engine.begin() as db:
        lock_pool(db)
        block_ids = list(
            db.execute(select(blocks.c.block_id).where(*where).order_by(blocks.c.number)).scalars()
        )
        chosen = blocks.c.block_id.in_(block_ids)
        bits = destroy_blocks(db, chosen)
        db.execute(update(blocks).where(chosen).values(state=BlockState.COMPROMISED.value))
        subjects: dict[Purpose, list[str]] = {purpose: [] for purpose in Purpose}
        query = select(uses.c.purpose, uses.c.subject).where(uses.c.block_id.in_(block_ids))
        for row in db.execute(query.order_by(uses.c.number)):
            if row.subject not in subjects[Purpose(row.purpose)]:
                subjects[Purpose(row.purpose)].append(row.subject)
        wiped = store.wipe(db, subjects[Purpose.SIGNING], KeyState.COMPROMISED)
        delivered = []
        for key_id in subjects[Purpose.DELIVERY]:
            promise = db.execute(select(promises).where(promises.c.key_id == key_id)).first()
            if promise is None:
                delivered.append(DeliveredKey(key_id, "", (), False))
                continue
            taken = db.execute(
                select(recipients.c.sae_id)
                .where(recipients.c.key_id == key_id, recipients.c.taken_at.is_not(None))
                .order_by(recipients.c.sae_id)
            ).scalars()
            changed = db.execute(
                update(promises)
                .where(promises.c.key_id == key_id, promises.c.state == PromiseState.WAITING.value)
                .values(state=PromiseState.COMPROMISED.value, sealed=b"")
            )
            delivered.append(
                DeliveredKey(key_id, promise.master, tuple(taken), changed.rowcount > 0)
            )
        damage = Damage(
            tuple(block_ids),
            bits,
            tuple(delivered),
            tuple(WipedKey(one.key_id, one.label) for one in wiped),
        )
        log.append(
            db,
            "compromise.declared",
            since=iso(compromise.since),
            until=iso(compromise.until),
            link_id=compromise.link_id,
            reason=compromise.reason,
            damage=damage.data(),
            declared_at=iso(time.time()),
        )
    return damage
