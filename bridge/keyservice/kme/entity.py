"""A key management entity: what ETSI GS QKD 014 V1.1.1 asks of it, whatever carries the questions.

The two KMEs hold the same blocks, each filled by its own end of the link. A block has one owner,
which alone may give its bits away, so that the two never give the same bits and need no lock
between them. What the owner gave its master SAE it reserves at the other KME by the bits' place in
the block and the key's id, before the master SAE hears of it; no key passes between the KMEs.

Blocking: run it in worker threads.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bridge.domain.errors import (
    BlockConflict,
    KeyServiceError,
    PoolExhausted,
)
from bridge.domain.keys import Provenance
from bridge.keyservice.audit import AuditLog
from bridge.keyservice.blockrows import Purpose
from bridge.keyservice.database import Database
from bridge.keyservice.kme.extensions import Asked, read_extensions
from bridge.keyservice.kme.peerwire import PromiseBody, SegmentBody
from bridge.keyservice.kme.refusals import bad_request, unauthorized, unavailable
from bridge.keyservice.kme.settings import KmeSettings
from bridge.keyservice.kme.wire import (
    MANDATORY_UNMET,
    NOT_FOUND,
    SIZE,
    KeyRequest,
    Status,
)
from bridge.keyservice.linkblock import LinkBlock
from bridge.keyservice.pool import KeyPool
from bridge.keyservice.promises import NotHere, NotNamed, Promise, Promises
from bridge.keyservice.retention import Pruned, prune

_log = structlog.stdlib.get_logger(__name__)

PAUSE_S = 2.0
"""After the other KME did not answer, nothing is given for so long: what was taken is lost."""


class Peer(Protocol):
    """The other KME."""

    def reserve(self, promises: Sequence[PromiseBody]) -> None:
        """Have it keep keys for its slave SAEs; all or none, and it may be repeated.

        Raises ``KmeUnreachable`` and ``KmeRefused``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """A key for an SAE; ``extension`` is what an extension of the request asked to tell of it."""

    key_id: str
    key: bytes = field(repr=False)
    extension: dict[str, Any] | None = None


class KeyManagementEntity:
    """One end. Safe for threads.

    ``delivered`` counts keys by the method that gave them, ``requests`` those of SAEs by method and
    status code, for whoever measures.
    """

    def __init__(self, settings: KmeSettings, database: Database, peer: Peer) -> None:
        self.settings = settings
        self.pool = KeyPool(database, settings.kme_id, settings.limits)
        self.promises = Promises(database, settings.delivery.wait_s)
        self.audit = AuditLog(database)
        self.database = database
        self.delivered: Counter[str] = Counter()
        self.requests: Counter[tuple[str, int]] = Counter()
        self._engine = database.engine
        self._peer = peer
        self._paused_until = 0.0

    @property
    def paused(self) -> bool:
        """Whether nothing is given since the other KME did not answer a moment ago."""
        return time.monotonic() < self._paused_until

    def status(self, master: str | None, slave: str) -> Status:
        """`Get status`: for a master SAE of this KME. Raises ``Refused``."""
        master = self._own(master)
        target = self._kme_of(slave)
        limits, delivery = self.settings.limits, self.settings.delivery
        usable = limits.capacity_bits - limits.reserve_bits
        return Status(
            source_KME_ID=self.settings.kme_id,
            target_KME_ID=target,
            master_SAE_ID=master,
            slave_SAE_ID=slave,
            key_size=delivery.key_size,
            stored_key_count=self.pool.available(Purpose.DELIVERY) // delivery.key_size,
            max_key_count=usable // delivery.key_size,
            max_key_per_request=delivery.max_key_per_request,
            max_key_size=delivery.max_key_size,
            min_key_size=delivery.min_key_size,
            max_SAE_ID_count=delivery.max_sae_id_count,
            status_extension={"astralink_simulated": self.pool.simulated()},
        )

    def get_key(self, master: str | None, slave: str, request: KeyRequest) -> list[Delivered]:
        """`Get key`: new keys for a master SAE of this KME and its slave SAEs.

        The keys left the pool, and the slave SAEs' KMEs have them, when this returns. Raises
        ``Refused``.
        """
        master = self._own(master)
        number, size = self._checked(request)
        slaves = self._slaves(slave, request.additional_slave_SAE_IDs or [])
        asked = read_extensions(request.extension_mandatory, request.extension_optional)
        if self.paused:
            raise unavailable(f"KME {self.settings.peer_id} does not answer")
        delivered, bodies = self._take(master, slaves, number, size, asked)
        try:
            self._peer.reserve(bodies)
        except KeyServiceError as error:
            # The master SAE hears of no key, so the slaves' wait for nobody and expire.
            self._paused_until = time.monotonic() + PAUSE_S
            _log.error("kme.reserve_failed", peer=self.settings.peer_id, reason=str(error))
            raise unavailable(f"KME {self.settings.peer_id}: {error}") from error
        self.delivered["enc_keys"] += len(delivered)
        return delivered

    def get_key_with_ids(
        self, slave: str | None, master: str, key_ids: Sequence[str]
    ) -> list[Delivered]:
        """`Get key with key IDs`: keys that a master SAE named this slave SAE for.

        Each is given once, all that were asked for or none. Raises ``Refused``: 401 when the SAE
        was not named for one of them, 400 when one is not here.
        """
        slave = self._own(slave)
        self._kme_of(master)
        wanted = [key_id.lower() for key_id in key_ids]
        if len(set(wanted)) != len(wanted):
            raise bad_request("key_IDs: expected each key_ID once")
        if len(wanted) > self.settings.delivery.max_key_per_request:
            raise bad_request(
                f"key_IDs: expected at most {self.settings.delivery.max_key_per_request}, "
                f"got {len(wanted)}"
            )
        try:
            with self._engine.begin() as db:
                given = self.promises.give(db, slave, master, wanted)
                self.audit.append(db, "keys.given", master=master, slave=slave, key_ids=wanted)
        except NotNamed as error:
            _log.warning("kme.not_named", slave=slave, reason=str(error))
            raise unauthorized() from error
        except NotHere as error:
            details = [{"key_ID": key_id} for key_id in error.key_ids]
            raise bad_request(NOT_FOUND, details) from error
        self.delivered["dec_keys"] += len(given)
        return [Delivered(one.key_id, one.key) for one in given]

    # the other KME and the link

    def keep(self, owner: str, bodies: Sequence[PromiseBody]) -> None:
        """What the other KME gave away: cut it here, and keep it for the slave SAEs of this KME.

        All or none; what was kept before is left as it is. Raises ``BlockConflict`` for bits that
        are not there and for SAEs that are not of this KME.
        """
        try:
            with self._engine.begin() as db:
                kept = [self._keep_one(db, owner, body) for body in bodies]
                self.audit.append(
                    db, "keys.reserved", owner=owner, key_ids=[key for key in kept if key]
                )
        except IntegrityError as error:  # the same question twice at once
            raise BlockConflict(f"keys of {owner}: they are being kept by another") from error

    def deposit(self, link_id: str, block: LinkBlock) -> None:
        """A block from this end of the link; raises ``PoolFull`` and ``BlockConflict``."""
        history = block.history
        ends = (self.settings.kme_id, self.settings.peer_id)
        if history.link_id != link_id or history.owner not in ends:
            raise BlockConflict(
                f"block {history.block_id}: expected link {link_id} and an owner of {ends}, got "
                f"{history.link_id} and {history.owner}"
            )
        self.pool.deposit(block)

    def expire(self) -> tuple[int, int]:
        """Destroy what is too old: bits of blocks, and keys that nobody fetched."""
        return self.pool.expire(), self.promises.expire()

    def prune(self) -> Pruned:
        """Forget some of what was told longer ago than the retention: see `prune`."""
        return prune(self.database, self.settings.retention_s)

    # parts

    def _take(
        self, master: str, slaves: Sequence[str], number: int, size: int, asked: Asked
    ) -> tuple[list[Delivered], list[PromiseBody]]:
        key_ids = [str(uuid4()) for _ in range(number)]
        here = self._at(slaves, self.settings.kme_id)
        there = self._at(slaves, self.settings.peer_id)
        delivered, bodies = [], []
        with self._engine.begin() as db:
            try:
                taken = self.pool.take_within(
                    db, size, key_ids, Purpose.DELIVERY, self._max_qber(db, number, size, asked)
                )
            except PoolExhausted as error:
                raise unavailable(str(error)) from error
            for key_id, key in zip(key_ids, taken, strict=True):
                if here:
                    self.promises.keep(db, Promise(key_id, master, here, key.key, key.provenance))
                segments = [SegmentBody(**asdict(segment)) for segment in key.segments]
                bodies.append(
                    PromiseBody(key_id=key_id, master=master, slaves=list(there), segments=segments)
                )
                extension = _told(key.provenance) if asked.provenance else None
                delivered.append(Delivered(key_id, key.key, extension))
            self.audit.append(
                db, "keys.taken", master=master, slaves=list(slaves), size=size, key_ids=key_ids
            )
        return delivered, bodies

    def _max_qber(self, db: Connection, number: int, size: int, asked: Asked) -> float | None:
        """The limit of the request; none where it was optional and cannot be met.

        Raises ``Refused`` where it was mandatory, cannot be met, and without it could be.
        """
        if asked.max_qber is None:
            return None
        wanted = number * size
        if self.pool.available_within(db, Purpose.DELIVERY, asked.max_qber) >= wanted:
            return asked.max_qber
        if not asked.max_qber_is_mandatory:
            return None
        if self.pool.available_within(db, Purpose.DELIVERY) >= wanted:
            raise bad_request(MANDATORY_UNMET, [{"astralink_max_qber": asked.max_qber}])
        return asked.max_qber

    def _keep_one(self, db: Connection, owner: str, body: PromiseBody) -> str | None:
        if self._at(body.slaves, self.settings.kme_id) != tuple(body.slaves):
            raise BlockConflict(
                f"key {body.key_id}: expected SAEs of {self.settings.kme_id}, got {body.slaves}"
            )
        if self.promises.kept(db, body.key_id, body.master, body.slaves):
            return None
        segments = [one.segment() for one in body.segments]
        key = self.pool.cut_within(db, owner, segments, body.key_id)
        # Without slaves it is kept all the same, given to nobody: the question may come again.
        promise = Promise(body.key_id, body.master, tuple(body.slaves), key.key, key.provenance)
        self.promises.keep(db, promise)
        return body.key_id

    def _own(self, sae_id: str | None) -> str:
        if sae_id is None or self.settings.saes.get(sae_id) != self.settings.kme_id:
            _log.warning("kme.unknown_caller", caller=sae_id)
            raise unauthorized()
        return sae_id

    def _kme_of(self, sae_id: str) -> str:
        try:
            return self.settings.saes[sae_id]
        except KeyError:
            raise bad_request(f"SAE {sae_id!r} is not known to this KME") from None

    def _at(self, sae_ids: Sequence[str], kme_id: str) -> tuple[str, ...]:
        return tuple(one for one in sae_ids if self.settings.saes.get(one) == kme_id)

    def _slaves(self, slave: str, additional: Sequence[str]) -> list[str]:
        limit = self.settings.delivery.max_sae_id_count
        if len(additional) > limit:
            raise bad_request(
                f"additional_slave_SAE_IDs: expected at most {limit}, got {len(additional)}"
            )
        slaves = [slave, *additional]
        for one in slaves:
            self._kme_of(one)
        if len(set(slaves)) != len(slaves):
            raise bad_request("additional_slave_SAE_IDs: expected each slave SAE once")
        return slaves

    def _checked(self, request: KeyRequest) -> tuple[int, int]:
        delivery = self.settings.delivery
        number = 1 if request.number is None else request.number
        size = delivery.key_size if request.size is None else request.size
        if size % 8:
            raise bad_request(SIZE, [{"size": size}])
        if not delivery.min_key_size <= size <= delivery.max_key_size:
            raise bad_request(
                f"size: expected {delivery.min_key_size} to {delivery.max_key_size} bits",
                [{"size": size}],
            )
        if number > delivery.max_key_per_request:
            raise bad_request(
                f"number: expected at most {delivery.max_key_per_request}", [{"number": number}]
            )
        return number, size


def _told(provenance: Provenance) -> dict[str, Any]:
    return {"astralink_provenance": asdict(provenance)}
