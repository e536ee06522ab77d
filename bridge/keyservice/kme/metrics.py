"""What a KME tells Prometheus. No key, no id of a key and no SAE is in a label."""

from __future__ import annotations

import time

from sqlalchemy import func, literal_column, select
from sqlalchemy.exc import DBAPIError

from bridge.keyservice.blockrows import BlockState
from bridge.keyservice.exposition import Family, Kind, Measured, Samples
from bridge.keyservice.kme.entity import KeyManagementEntity
from bridge.keyservice.schema import blocks

STORED = Family(
    "astralink_kme_stored_keys",
    Kind.GAUGE,
    "Keys of the default size that are there to take, by the link they came over.",
    ("link",),
)
OLDEST = Family(
    "astralink_kme_oldest_key_age_seconds",
    Kind.GAUGE,
    "Time since the oldest key that is there to take was distilled, by its link.",
    ("link",),
)
CAPACITY = Family(
    "astralink_kme_capacity_keys", Kind.GAUGE, "Keys of the default size that the pool may hold."
)
WAITING = Family(
    "astralink_kme_waiting_keys", Kind.GAUGE, "Keys that wait for the slave SAEs they are for."
)
DELIVERED = Family(
    "astralink_kme_keys_delivered_total",
    Kind.COUNTER,
    "Keys that SAEs were given, by the method that gave them.",
    ("method",),
)
REQUESTS = Family(
    "astralink_kme_requests_total",
    Kind.COUNTER,
    "Requests of SAEs, by method and by the status code of the answer.",
    ("method", "code"),
)
PEER_UP = Family(
    "astralink_kme_peer_up", Kind.GAUGE, "0 while the other KME is left alone: it did not answer."
)
DATABASE_UP = Family(
    "astralink_kme_database_up", Kind.GAUGE, "1 where the last look at the database worked."
)
FAMILIES = (STORED, OLDEST, CAPACITY, WAITING, DELIVERED, REQUESTS, PEER_UP, DATABASE_UP)


def measured(entity: KeyManagementEntity) -> Measured:
    """The collector of one KME. It asks the database: collect in a worker thread."""

    def measure(samples: Samples) -> None:
        delivery, limits = entity.settings.delivery, entity.settings.limits
        samples.add(CAPACITY, limits.capacity_bits // delivery.key_size)
        samples.add(PEER_UP, int(not entity.paused))
        for method, keys in list(entity.delivered.items()):
            samples.add(DELIVERED, keys, method)
        for (method, code), count in list(entity.requests.items()):
            samples.add(REQUESTS, count, method, str(code))
        try:
            waiting = entity.promises.waiting()
            stored = _stored(entity)
        except DBAPIError:
            samples.add(DATABASE_UP, 0)
            return
        samples.add(DATABASE_UP, 1)
        samples.add(WAITING, waiting)
        now = time.time()
        for link, size, oldest in stored:
            samples.add(STORED, 8 * size // delivery.key_size, link)
            samples.add(OLDEST, max(0.0, now - oldest), link)

    return Measured(FAMILIES, measure)


def _stored(entity: KeyManagementEntity) -> list[tuple[str, int, float]]:
    """The links that key is there of: how many bytes, and when the oldest was distilled."""
    query = (
        select(blocks.c.link_id, func.sum(blocks.c.free_bytes), func.min(blocks.c.created_at))
        .where(
            blocks.c.owner == entity.settings.kme_id,
            blocks.c.state == BlockState.READY.value,
            blocks.c.free_bytes > literal_column("0"),
            blocks.c.expires_at.is_(None) | (blocks.c.expires_at > time.time()),
        )
        .group_by(blocks.c.link_id)
        .order_by(blocks.c.link_id)
    )
    with entity.database.engine.begin() as db:
        return [(row[0], int(row[1]), float(row[2])) for row in db.execute(query)]
