"""Keys that were promised to slave SAEs: each is given to each SAE that was named, once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from bridge.crypto.aead import seal, unseal
from bridge.domain.errors import BlockConflict, KeyServiceError
from bridge.domain.keys import Provenance
from bridge.keyservice.database import Database
from bridge.keyservice.schema import promises, recipients
from bridge.keyservice.sealingkey import subkey


class PromiseState(StrEnum):
    """Whether a key still waits for somebody. Persisted, never renamed."""

    WAITING = "waiting"
    GIVEN = "given"
    EXPIRED = "expired"
    COMPROMISED = "compromised"


class NotNamed(KeyServiceError):
    """An SAE that was not named when a key was asked for."""

    def __init__(self, sae_id: str, key_id: str) -> None:
        super().__init__(f"SAE {sae_id!r} was not named for key {key_id}")


class NotHere(KeyServiceError):
    """Keys that this KME does not know, or has given to this SAE already."""

    def __init__(self, key_ids: Sequence[str]) -> None:
        self.key_ids = tuple(key_ids)
        super().__init__(f"keys that are not here: {', '.join(self.key_ids)}")


@dataclass(frozen=True, slots=True)
class Promise:
    """A key under its id, for the SAEs that ``master`` named."""

    key_id: str
    master: str
    slaves: tuple[str, ...]
    key: bytes = field(repr=False)
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class GivenKey:
    """A key as an SAE gets it."""

    key_id: str
    key: bytes = field(repr=False)
    provenance: Provenance


class Promises:
    """The promised keys of a database. For threads and processes."""

    def __init__(self, database: Database, lifetime_s: float) -> None:
        self._engine = database.engine
        self._sealing_key = database.sealing_key
        self._lifetime_s = lifetime_s

    def keep(self, db: Connection, promise: Promise) -> None:
        """Keep a key for its slaves, within the caller's transaction; only its id without any."""
        now = time.time()
        waits = bool(promise.slaves)
        sealed = seal(self._key(promise.key_id), promise.key, promise.key_id.encode())
        db.execute(
            insert(promises).values(
                key_id=promise.key_id,
                master=promise.master,
                state=(PromiseState.WAITING if waits else PromiseState.GIVEN).value,
                sealed=sealed if waits else b"",
                provenance=asdict(promise.provenance),
                created_at=now,
                expires_at=now + self._lifetime_s,
            )
        )
        if not promise.slaves:
            return
        db.execute(
            insert(recipients),
            [{"key_id": promise.key_id, "sae_id": sae_id} for sae_id in promise.slaves],
        )

    def kept(self, db: Connection, key_id: str, master: str, slaves: Sequence[str]) -> bool:
        """Whether this promise was kept before; ``BlockConflict`` where it was made otherwise."""
        row = db.execute(select(promises.c.master).where(promises.c.key_id == key_id)).first()
        if row is None:
            return False
        named = set(
            db.execute(select(recipients.c.sae_id).where(recipients.c.key_id == key_id)).scalars()
        )
        if row.master != master or named != set(slaves):
            raise BlockConflict(
                f"key {key_id}: it was promised to {sorted(named)} for {row.master!r}, "
                f"expected {sorted(slaves)} for {master!r}"
            )
        return True

    def give(
        self, db: Connection, sae_id: str, master: str, key_ids: Sequence[str]
    ) -> list[GivenKey]:
        """The keys that ``master`` had promised to ``sae_id``, all or none, each once.

        Within the caller's transaction: hand them out when it has committed. Raises ``NotNamed``
        when the SAE was not named for any of them, ``NotHere`` for keys that are unknown, were
        given to it, expired or were withdrawn.
        """
        ordered = sorted(key_ids)  # one order for all, so that no two wait for each other
        found = {
            row.key_id: row
            for row in db.execute(
                select(promises)
                .where(promises.c.key_id.in_(ordered))
                .order_by(promises.c.key_id)
                .with_for_update()
            )
        }
        mine = {
            row.key_id: row
            for row in db.execute(
                select(recipients).where(
                    recipients.c.key_id.in_(ordered), recipients.c.sae_id == sae_id
                )
            )
        }
        now = time.time()
        missing = []
        for key_id in key_ids:
            row = found.get(key_id)
            if row is not None and (key_id not in mine or row.master != master):
                raise NotNamed(sae_id, key_id)
            if (
                row is None
                or row.state != PromiseState.WAITING
                or mine[key_id].taken_at is not None
                or (row.expires_at is not None and row.expires_at <= now)
            ):
                missing.append(key_id)
        if missing:
            raise NotHere(missing)
        given = [
            GivenKey(
                key_id,
                unseal(self._key(key_id), found[key_id].sealed, key_id.encode()),
                Provenance(**found[key_id].provenance),
            )
            for key_id in key_ids
        ]
        db.execute(
            update(recipients)
            .where(recipients.c.key_id.in_(ordered), recipients.c.sae_id == sae_id)
            .values(taken_at=now)
        )
        waiting = select(recipients.c.key_id).where(recipients.c.taken_at.is_(None))
        db.execute(
            update(promises)
            .where(promises.c.key_id.in_(ordered), promises.c.key_id.not_in(waiting))
            .values(state=PromiseState.GIVEN.value, sealed=b"")
        )
        return given

    def expire(self) -> int:
        """Destroy keys that nobody fetched in time; how many."""
        with self._engine.begin() as db:
            changed = db.execute(
                update(promises)
                .where(
                    promises.c.state == PromiseState.WAITING.value,
                    promises.c.expires_at <= time.time(),
                )
                .values(state=PromiseState.EXPIRED.value, sealed=b"")
            )
            return int(changed.rowcount)

    def waiting(self) -> int:
        """How many keys wait for an SAE."""
        query = select(func.count()).where(promises.c.state == PromiseState.WAITING.value)
        with self._engine.begin() as db:
            return int(db.execute(query).scalar_one())

    def _key(self, key_id: str) -> bytes:
        return subkey(self._sealing_key, f"promise/{key_id}")
