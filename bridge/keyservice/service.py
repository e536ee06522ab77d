"""The key service itself: pool, filler, store and signer under one roof."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

import structlog

from bridge.crypto.parameters import signature_parameters
from bridge.crypto.providers import select
from bridge.crypto.signatures import SignatureProvider
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import (
    BridgeError,
    Equivocation,
    InputError,
    KeyServiceError,
    LabelTaken,
    RotationConflict,
)
from bridge.domain.keys import Algorithm, PublicKeyRecord
from bridge.domain.rotations import Rotation
from bridge.keyservice.derivation import derive_seed, link_bits
from bridge.keyservice.filler import LinkStatus, PoolFiller
from bridge.keyservice.pool import KeyPool, LinkKey
from bridge.keyservice.secretfile import read_or_create_secret
from bridge.keyservice.signer import Signed, Signer
from bridge.keyservice.store import KeyStore
from bridge.quantum.distillation.pipeline import BlockParameters

_log = structlog.stdlib.get_logger(__name__)

MAXIMUM_LABEL_LENGTH = 64
SIGNED, NO_ALGORITHM = "signed", "none"

Statement = TypeVar("Statement", Checkpoint, Rotation)


@dataclass(frozen=True, slots=True)
class KeyServiceSettings:
    """What a key service needs to know.

    ``provider`` is a setting of ``bridge.crypto.providers.select``. ``patience`` is how many blocks
    in a row may be rejected before the link counts as attacked or broken. ``wait_for_bits_s`` is
    how long a request for a key waits while the pool fills.
    """

    state_folder: Path
    provider: str = "default"
    link: BlockParameters = field(default_factory=BlockParameters)
    pool_target_bits: int = 1 << 16
    patience: int = 5
    wait_for_bits_s: float = 5.0

    @property
    def secrets_folder(self) -> Path:
        """Where the key file and the token are."""
        return self.state_folder / "secrets"

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.state_folder / "keyservice.sqlite"

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
        self._signatures: SignatureProvider = select(settings.provider).signatures
        self._pool = KeyPool()
        self._filler = PoolFiller(
            self._pool, settings.link, settings.pool_target_bits, settings.patience
        )
        self._exit = contextlib.AsyncExitStack()
        self._opened: tuple[KeyStore, Signer, bytes] | None = None
        self.asked: Counter[tuple[str, str]] = Counter()

    async def start(self) -> None:
        """Opens the store and starts to fill the pool.

        Raises ``ConfigError`` for a wrong key file, database or token file.
        """
        token = await asyncio.to_thread(read_or_create_secret, self._settings.token_file)
        store = await asyncio.to_thread(
            KeyStore.open, self._settings.database, self._settings.key_file
        )
        self._exit.callback(store.close)
        group = await self._exit.enter_async_context(asyncio.TaskGroup())
        filling = group.create_task(self._filler.run())
        self._exit.callback(filling.cancel)
        self._opened = (store, Signer(store, self._signatures), token)
        _log.info("keyservice.started", provider=self._signatures.name, simulated=True)

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
        return self._open()[2].hex()

    def link_status(self) -> LinkStatus:
        """The link and its pool now."""
        return self._filler.status()

    async def keys(self) -> list[PublicKeyRecord]:
        """All keys, in the order of their labels."""
        store, _, _ = self._open()
        return await asyncio.to_thread(store.keys)

    async def key(self, key_id: str) -> PublicKeyRecord:
        """The key with that id; ``UnknownKey`` when there is none."""
        store, _, _ = self._open()
        return await asyncio.to_thread(store.key, key_id)

    async def create_key(self, algorithm: Algorithm, label: str) -> PublicKeyRecord:
        """A new signing key, its seed from link key and system randomness.

        Raises ``InputError`` for an algorithm that does not sign or a label that is empty, too long
        or not printable, ``LabelTaken``, and ``PoolExhausted`` when the link gave too few bits in
        ``wait_for_bits_s``.
        """
        store, _, _ = self._open()
        signature_parameters(algorithm)
        if not 1 <= len(label) <= MAXIMUM_LABEL_LENGTH or not label.isprintable():
            raise InputError(
                f"label: expected 1 to {MAXIMUM_LABEL_LENGTH} printable characters, got {label!r}"
            )
        if await asyncio.to_thread(store.label_taken, label):
            raise LabelTaken(label)
        link_key = await self._take(link_bits(algorithm))
        record = await asyncio.to_thread(self._make_key, store, algorithm, label, link_key)
        _log.info(
            "keyservice.key_created", key_id=record.key_id, label=label, algorithm=algorithm.value
        )
        return record

    async def sign_checkpoint(self, key_id: str, checkpoint: Checkpoint) -> Signed:
        """A checkpoint signed by ``key_id``; see `Signer.sign_checkpoint`."""
        _, signer, _ = self._open()
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
        _, signer, _ = self._open()
        signed = await self._counted(signer.sign_rotation, key_id, rotation)
        _log.info(
            "keyservice.rotation_signed",
            key_id=key_id,
            chain_id=rotation.chain_id,
            epoch=rotation.epoch,
            set_hash=rotation.set_hash.hex(),
        )
        return signed

    @property
    def equivocations_refused(self) -> int:
        """How many second, different statements were asked for and refused."""
        conflicts = (Equivocation.__name__, RotationConflict.__name__)
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

    async def _take(self, bits: int) -> LinkKey:
        await self._filler.wait_for(bits, self._settings.wait_for_bits_s)
        try:
            return self._pool.take(bits)
        finally:
            await self._filler.wake()

    def _make_key(
        self, store: KeyStore, algorithm: Algorithm, label: str, link_key: LinkKey
    ) -> PublicKeyRecord:
        key_id = str(uuid4())
        seed = derive_seed(algorithm, key_id, link_key)
        record = PublicKeyRecord(
            key_id=key_id,
            label=label,
            algorithm=algorithm,
            public_key=self._signatures.key_pair(algorithm, seed).public_key,
            provenance=link_key.provenance,
        )
        store.add_key(record, seed)
        return record

    def _open(self) -> tuple[KeyStore, Signer, bytes]:
        if self._opened is None:
            raise KeyServiceError("key service: expected it to be started, it is not")
        return self._opened
