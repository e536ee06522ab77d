"""The key service itself: pool, filler, store and signer under one roof."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import structlog

from bridge.crypto.kem import KemProvider
from bridge.crypto.providers import select
from bridge.crypto.signatures import SignatureProvider
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import (
    BridgeError,
    Equivocation,
    InputError,
    KeyServiceError,
    KeyUnusable,
    LabelTaken,
    RotationConflict,
    VerdictConflict,
)
from bridge.domain.keys import Algorithm, PublicKeyRecord
from bridge.domain.rotations import Rotation
from bridge.domain.verdicts import RevocationStatement, VerdictStatement
from bridge.keyservice.audit import Entry
from bridge.keyservice.compromise import Compromise, Damage, declare
from bridge.keyservice.derivation import derive_seed, link_bits
from bridge.keyservice.filler import LinkStatus, PoolFiller
from bridge.keyservice.linkblock import KeySource, SimulatedLink
from bridge.keyservice.pool import LOCAL, KeyPool, LinkKey, PoolLimits
from bridge.keyservice.retention import RETENTION_S, prune
from bridge.keyservice.rotation import RotationPolicy, next_label
from bridge.keyservice.sealingkey import KeyFile, SealingKeySource
from bridge.keyservice.secretfile import read_or_create_secret
from bridge.keyservice.signer import Signed, Signer
from bridge.keyservice.store import KeyLife, KeyState, KeyStore
from bridge.quantum.distillation.pipeline import BlockParameters

_log = structlog.stdlib.get_logger(__name__)

MAXIMUM_LABEL_LENGTH = 64
HOUSEKEEPING_S = 5.0
"""How often old key is destroyed and keys that are due get a successor."""
SIGNED, NO_ALGORITHM = "signed", "none"

Statement = TypeVar("Statement", Checkpoint, Rotation, VerdictStatement, RevocationStatement)


@dataclass(frozen=True, slots=True)
class KeyServiceSettings:
    """What a key service needs to know.

    ``provider`` is a setting of ``bridge.crypto.providers.select``. ``patience`` is how many blocks
    in a row may be rejected before the link counts as attacked or broken. ``wait_for_bits_s`` is
    how long a request for a key waits while the pool fills. ``source`` stands in for the simulated
    ``link``. ``shared_database`` is the address of a PostgreSQL where one machine is not enough,
    ``sealing`` where the key comes from that seals it; the file ``key_file`` where it is None.
    """

    state_folder: Path
    provider: str = "default"
    link: BlockParameters = field(default_factory=BlockParameters)
    pool_target_bits: int = 1 << 16
    pool_lifetime_s: float | None = 24 * 3600.0
    patience: int = 5
    wait_for_bits_s: float = 5.0
    source: KeySource | None = None
    simulated: bool = True
    shared_database: str | None = field(default=None, repr=False)
    sealing: SealingKeySource | None = None
    rotation: RotationPolicy = field(default_factory=RotationPolicy)
    retention_s: float = RETENTION_S

    @property
    def secrets_folder(self) -> Path:
        """Where the key file and the token are."""
        return self.state_folder / "secrets"

    @property
    def database(self) -> Path | str:
        """The database: a SQLite in the state folder, or the shared one."""
        return self.shared_database or self.state_folder / "keyservice.sqlite"

    @property
    def limits(self) -> PoolLimits:
        """The pool's water marks: it is filled again when it is half empty."""
        target = self.pool_target_bits
        return PoolLimits(
            high_bits=target,
            low_bits=max(8, target // 2),
            lifetime_s=self.pool_lifetime_s,
        )

    @property
    def key_file(self) -> Path:
        """The key that seals seeds at rest."""
        return self.secrets_folder / "keyservice.key"

    @property
    def token_file(self) -> Path:
        """The bearer token of the HTTP interface."""
        return self.secrets_folder / "keyservice.token"


class KeyService:
    """Makes signing keys and signs checkpoints with them. ``start`` and ``stop`` it in one task.

    ``asked`` counts what came of asking for signatures, by algorithm and outcome, for whoever
    measures.

    >>> async def make_a_key(folder: Path) -> str:
    ...     async with KeyService(KeyServiceSettings(folder)) as service:
    ...         record = await service.create_key(Algorithm.ML_DSA_87, "first")
    ...         return f"{record.label}: {len(record.public_key)} bytes"
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asyncio.run(make_a_key(Path(folder)))
    'first: 2592 bytes'
    """

    def __init__(self, settings: KeyServiceSettings) -> None:
        self._settings = settings
        providers = select(settings.provider)
        self._signatures: SignatureProvider = providers.signatures
        self._kem: KemProvider = providers.kem
        self._limits = settings.limits
        self._exit = contextlib.AsyncExitStack()
        self._opened: _Opened | None = None
        self.asked: Counter[tuple[str, str]] = Counter()

    async def start(self) -> None:
        """Opens the store and starts to fill the pool.

        Raises ``ConfigError`` for a wrong key file, database or token file.
        """
        settings = self._settings
        token = await asyncio.to_thread(read_or_create_secret, settings.token_file)
        key = settings.sealing or KeyFile(settings.key_file)
        store = await asyncio.to_thread(KeyStore.open, settings.database, key)
        self._exit.callback(store.close)
        pool = KeyPool(store.database, LOCAL, self._limits)
        source = settings.source or SimulatedLink(settings.link, pool.name)
        filler = PoolFiller(pool, source, settings.patience, settings.simulated, store.audit)
        group = await self._exit.enter_async_context(asyncio.TaskGroup())
        signer = Signer(store, self._signatures)
        self._opened = _Opened(store, signer, token, pool, filler, group)
        self._start_task(filler.run())
        self._start_task(self._keep_house())
        _log.info(
            "keyservice.started", provider=self._signatures.name, simulated=settings.simulated
        )

    async def stop(self) -> None:
        """Stops filling and closes the store."""
        await self.__aexit__(None, None, None)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened = None
        await self._exit.__aexit__(kind, error, traceback)
        _log.info("keyservice.stopped")

    @property
    def token(self) -> str:
        """The bearer token that the HTTP interface asks for, in hex."""
        return self._open().token.hex()

    def link_status(self) -> LinkStatus:
        """The link and its pool now."""
        return self._open().filler.status()

    async def reset_link(self) -> LinkStatus:
        """The link after an operator let it start anew; as it is where it had not stopped."""
        filler = self._open().filler
        if await filler.reset():
            self._start_task(filler.run())
        return filler.status()

    async def keys(self) -> list[PublicKeyRecord]:
        """All keys, in the order of their labels."""
        store = self._open().store
        return await asyncio.to_thread(store.keys)

    async def key(self, key_id: str) -> PublicKeyRecord:
        """The key with that id; ``UnknownKey`` when there is none."""
        store = self._open().store
        return await asyncio.to_thread(store.key, key_id)

    async def lives(self) -> dict[str, KeyLife]:
        """How far each key is, by its id."""
        return await asyncio.to_thread(self._open().store.lives)

    async def create_key(self, algorithm: Algorithm, label: str) -> PublicKeyRecord:
        """A new key pair, its seed from link key and system randomness.

        Raises ``InputError`` for a label that is empty, too long or not printable, ``LabelTaken``,
        and ``PoolExhausted`` when the link gave too few bits in ``wait_for_bits_s``.
        """
        store = self._open().store
        if not 1 <= len(label) <= MAXIMUM_LABEL_LENGTH or not label.isprintable():
            raise InputError(
                f"label: expected 1 to {MAXIMUM_LABEL_LENGTH} printable characters, got {label!r}"
            )
        if await asyncio.to_thread(store.label_taken, label):
            raise LabelTaken(label)
        record = await self._make(algorithm, label, None)
        _log.info(
            "keyservice.key_created", key_id=record.key_id, label=label, algorithm=algorithm.value
        )
        return record

    async def rotate_key(self, key_id: str) -> PublicKeyRecord:
        """The successor of a key, which goes on until it is destroyed.

        Raises ``UnknownKey``, ``KeyUnusable`` for one that has a successor or is gone, and
        ``PoolExhausted``.
        """
        store = self._open().store
        old = await self.key(key_id)
        life = await asyncio.to_thread(store.life, key_id)
        if life.state is not KeyState.ACTIVE:
            raise KeyUnusable(key_id, life.state)
        record = await self._make(old.algorithm, next_label(old.label), old)
        _log.info("keyservice.key_rotated", key_id=key_id, successor=record.key_id)
        return record

    async def destroy_key(self, key_id: str) -> PublicKeyRecord:
        """A key whose seed is gone now; it was replaced before.

        Raises ``UnknownKey``, and ``KeyUnusable`` for one that is active or gone already.
        """
        opened = self._open()

        def wipe() -> PublicKeyRecord:
            with opened.store.database.engine.begin() as db:
                opened.store.require_replaced(db, key_id)
                (record,) = opened.store.wipe(db, [key_id], KeyState.DESTROYED)
                opened.store.audit.append(db, "key.destroyed", key_id=key_id, label=record.label)
            return record

        record = await asyncio.to_thread(wipe)
        opened.signer.forget(key_id)
        _log.info("keyservice.key_destroyed", key_id=key_id)
        return record

    async def declare_compromise(self, compromise: Compromise) -> Damage:
        """Invalidates a span of a link's time, or all links', and what came of it: `declare`."""
        opened = self._open()
        damage = await asyncio.to_thread(declare, opened.store, opened.store.audit, compromise)
        for wiped in damage.signing_keys:
            opened.signer.forget(wiped.key_id)
        await opened.filler.wake()
        _log.warning(
            "keyservice.compromise_declared",
            blocks=len(damage.block_ids),
            signing_keys=[one.key_id for one in damage.signing_keys],
        )
        return damage

    async def audit_entries(self, after: int = 0, limit: int | None = None) -> list[Entry]:
        """The audit log after an entry, checked; ``AuditBroken`` where it was changed."""
        log = self._open().store.audit
        return await asyncio.to_thread(lambda: list(islice(log.entries(after), limit)))

    async def decapsulate(self, key_id: str, ciphertext: bytes) -> bytes:
        """The shared secret of an ML-KEM ciphertext (FIPS 203, Algorithm 21).

        Raises ``UnknownKey``, ``KeyUnusable``, and ``InputError`` for a key that signs or a
        ciphertext of another length.
        """
        store = self._open().store

        def open_it() -> bytes:
            record = store.key(key_id)
            if record.algorithm is not Algorithm.ML_KEM_1024:
                raise InputError(
                    f"key {key_id}: expected {Algorithm.ML_KEM_1024}, got {record.algorithm}"
                )
            pair = self._kem.key_pair(store.seed(key_id))
            secret = self._kem.decapsulate(pair.secret, ciphertext)
            store.count_use(key_id)
            return secret

        return await asyncio.to_thread(open_it)

    async def sign_checkpoint(self, key_id: str, checkpoint: Checkpoint) -> Signed:
        """A checkpoint signed by ``key_id``; see `Signer.sign_checkpoint`."""
        signer = self._open().signer
        signed = await self._counted(signer.sign_checkpoint, key_id, checkpoint)
        _log.info(
            "keyservice.checkpoint_signed",
            key_id=key_id,
            origin_domain=checkpoint.origin_domain,
            size=checkpoint.size,
            root="0x" + checkpoint.root.hex(),
            digest="0x" + signed.digest.hex(),
        )
        return signed

    async def sign_rotation(self, key_id: str, rotation: Rotation) -> Signed:
        """A rotation signed by ``key_id``; see `Signer.sign_rotation`."""
        signer = self._open().signer
        signed = await self._counted(signer.sign_rotation, key_id, rotation)
        _log.info(
            "keyservice.rotation_signed",
            key_id=key_id,
            chain_id=rotation.chain_id,
            epoch=rotation.epoch,
            set_hash=rotation.set_hash.hex(),
        )
        return signed

    async def sign_verdict(self, key_id: str, statement: VerdictStatement) -> Signed:
        """A verdict signed by ``key_id``; see `Signer.sign_verdict`."""
        signed = await self._counted(self._open().signer.sign_verdict, key_id, statement)
        _log.info("keyservice.verdict_signed", **_told(key_id, statement, signed))
        return signed

    async def sign_revocation(self, key_id: str, statement: RevocationStatement) -> Signed:
        """A revocation signed by ``key_id``; see `Signer.sign_revocation`."""
        signed = await self._counted(self._open().signer.sign_revocation, key_id, statement)
        _log.info("keyservice.revocation_signed", **_told(key_id, statement, signed))
        return signed

    @property
    def equivocations_refused(self) -> int:
        """How many second, different statements were asked for and refused."""
        kinds = (Equivocation, RotationConflict, VerdictConflict)
        conflicts = tuple(kind.__name__ for kind in kinds)
        return sum(count for (_, outcome), count in self.asked.items() if outcome in conflicts)

    async def _counted(
        self, sign: Callable[[str, Statement], Signed], key_id: str, statement: Statement
    ) -> Signed:
        algorithm, outcome = NO_ALGORITHM, "cancelled"
        try:
            algorithm = (await self.key(key_id)).algorithm.value
            signed = await asyncio.to_thread(sign, key_id, statement)
            outcome = SIGNED
        except BridgeError as error:
            outcome = type(error).__name__
            raise
        else:
            return signed
        finally:
            self.asked[algorithm, outcome] += 1

    async def _make(
        self, algorithm: Algorithm, label: str, old: PublicKeyRecord | None
    ) -> PublicKeyRecord:
        opened = self._open()
        key_id = str(uuid4())
        bits = link_bits(algorithm)
        await opened.filler.wait_for(bits, self._settings.wait_for_bits_s)
        try:
            link_key = await asyncio.to_thread(opened.pool.take, bits, key_id)
        finally:
            await opened.filler.wake()
        return await asyncio.to_thread(
            self._make_key, opened.store, algorithm, key_id, label, link_key, old
        )

    def _make_key(
        self,
        store: KeyStore,
        algorithm: Algorithm,
        key_id: str,
        label: str,
        link_key: LinkKey,
        old: PublicKeyRecord | None,
    ) -> PublicKeyRecord:
        seed = derive_seed(algorithm, key_id, link_key)
        now = time.time()
        record = PublicKeyRecord(
            key_id=key_id,
            label=label,
            algorithm=algorithm,
            public_key=self._public_key(algorithm, seed),
            provenance=link_key.provenance,
        )
        with store.database.engine.begin() as db:
            store.add_key_within(db, record, seed)
            if old is not None:
                store.replace(db, old.key_id, key_id, now)
            store.audit.append(
                db,
                "key.created" if old is None else "key.rotated",
                key_id=key_id,
                label=label,
                algorithm=algorithm.value,
                block_id=link_key.provenance.block_id,
                replaces=None if old is None else old.key_id,
            )
        return record

    def _public_key(self, algorithm: Algorithm, seed: bytes) -> bytes:
        if algorithm is Algorithm.ML_KEM_1024:
            return self._kem.key_pair(seed).ek
        return self._signatures.key_pair(algorithm, seed).public_key

    async def _keep_house(self) -> None:
        """Destroys what is too old, and gives keys that are due a successor, again and again."""
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            try:
                await self.keep_house()
            except BridgeError as error:
                _log.warning("keyservice.housekeeping_failed", reason=str(error))

    async def keep_house(self) -> None:
        """One round of it. Raises what rotation and destruction raise."""
        opened = self._open()
        expired = await asyncio.to_thread(opened.pool.expire)
        if expired:
            _log.info("pool.expired", bits=expired)
        pruned = await asyncio.to_thread(prune, opened.store.database, self._settings.retention_s)
        if pruned:
            _log.info("keyservice.pruned", **asdict(pruned))
        policy = self._settings.rotation
        lives = await self.lives()
        for key_id in policy.over(lives, time.time()):
            await self.destroy_key(key_id)
        for key_id in policy.due(await self.keys(), lives, time.time()):
            await self.rotate_key(key_id)

    def _start_task(self, work: Coroutine[Any, Any, None]) -> None:
        self._exit.callback(self._open().group.create_task(work).cancel)

    def _open(self) -> _Opened:
        if self._opened is None:
            raise KeyServiceError("key service: expected it to be started, it is not")
        return self._opened


def _told(
    key_id: str, statement: VerdictStatement | RevocationStatement, signed: Signed
) -> dict[str, object]:
    return {
        "key_id": key_id,
        "chain_id": statement.chain_id,
        "address": "0x" + statement.address.hex(),
        "sequence": statement.place.sequence,
        "digest": "0x" + signed.digest.hex(),
    }


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a started service has."""

    store: KeyStore
    signer: Signer
    token: bytes = field(repr=False)
    pool: KeyPool
    filler: PoolFiller
    group: asyncio.TaskGroup
