"""The bodies of the HTTP interface. Bytes are hex with 0x; numbers are JSON numbers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm, Provenance, PublicKeyRecord
from bridge.domain.rotations import Rotation
from bridge.domain.verdicts import (
    MatchKind,
    Place,
    RevocationStatement,
    Verdict,
    VerdictStatement,
)
from bridge.keyservice.instants import seconds

if TYPE_CHECKING:  # a client of the service has no use for the link, which takes a while to load
    from bridge.keyservice.compromise import Compromise
    from bridge.keyservice.filler import BlockReport, LinkStatus
    from bridge.keyservice.store import KeyLife

Hex = Annotated[str, StringConstraints(pattern=r"^0x([0-9a-fA-F]{2})*$", max_length=65_536)]

AlgorithmName = Annotated[Algorithm, Field(strict=False)]
"""Read by its FIPS name, although the bodies are strict."""


class Body(BaseModel):
    """A body is frozen, and a field that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class HealthBody(Body):
    """Answer of ``GET /v1/health``. ``degraded`` while the link has stopped; ``reason`` is why."""

    status: Literal["ok", "degraded"]
    simulated: bool
    reason: str | None = None


class ReadyBody(Body):
    """Answer of ``GET /v1/ready``: with 503 while the link has stopped."""

    ready: bool
    reason: str | None = None


class BlockBody(Body):
    """What is told about the last block that gave key. ``limit`` is the QBER that gives none."""

    block_id: str
    qber: float
    limit: float | None
    leak_bits: int
    epsilon: float
    secret_fraction: float | None

    @classmethod
    def of(cls, block: BlockReport) -> BlockBody:
        """The body of a report."""
        return cls(
            block_id=block.block_id,
            qber=block.qber,
            limit=block.limit,
            leak_bits=block.leak_bits,
            epsilon=block.epsilon,
            secret_fraction=block.secret_fraction,
        )


class LinkBody(Body):
    """Answer of ``GET /v1/link``. The pool is filled from below ``low_bits`` up to ``target_bits``.

    ``oldest_age_s`` is None where the pool is empty, ``lifetime_s`` where key does not grow old.
    """

    state: Literal[
        "filling", "full", "link under attack or broken", "randomness failed its health test"
    ]
    pool_bits: int
    target_bits: int
    blocks_distilled: int
    blocks_rejected: int
    last_block: BlockBody | None
    last_rejection: str | None
    simulated: bool
    reason: str | None = None
    low_bits: int
    reserve_bits: int
    capacity_bits: int
    oldest_age_s: float | None
    lifetime_s: float | None

    @classmethod
    def of(cls, status: LinkStatus) -> LinkBody:
        """The body of a status."""
        block = status.last_block
        return cls(
            state=status.state.value,
            pool_bits=status.pool_bits,
            target_bits=status.target_bits,
            blocks_distilled=status.blocks_distilled,
            blocks_rejected=status.blocks_rejected,
            last_block=None if block is None else BlockBody.of(block),
            last_rejection=status.last_rejection,
            simulated=status.simulated,
            reason=status.reason,
            low_bits=status.limits.low_bits,
            reserve_bits=status.limits.reserve_bits,
            capacity_bits=status.limits.capacity_bits,
            oldest_age_s=None
            if status.oldest_at is None
            else round(max(0.0, time.time() - status.oldest_at), 3),
            lifetime_s=status.limits.lifetime_s,
        )


class ProvenanceBody(Body):
    """A `Provenance`, field by field."""

    source: str
    simulated: bool
    block_id: str
    qber: float
    leak_bits: int
    epsilon: float
    created_at: str


class KeyBody(Body):
    """A public key with its provenance."""

    key_id: str
    label: str
    algorithm: AlgorithmName
    public_key: Hex
    provenance: ProvenanceBody

    @classmethod
    def of(cls, record: PublicKeyRecord) -> KeyBody:
        """The body of a record."""
        origin = record.provenance
        return cls(
            key_id=record.key_id,
            label=record.label,
            algorithm=record.algorithm,
            public_key=to_hex(record.public_key),
            provenance=ProvenanceBody(
                source=origin.source,
                simulated=origin.simulated,
                block_id=origin.block_id,
                qber=origin.qber,
                leak_bits=origin.leak_bits,
                epsilon=origin.epsilon,
                created_at=origin.created_at,
            ),
        )

    def record(self) -> PublicKeyRecord:
        """The record of a body."""
        return PublicKeyRecord(
            key_id=self.key_id,
            label=self.label,
            algorithm=self.algorithm,
            public_key=from_hex(self.public_key),
            provenance=Provenance(**self.provenance.model_dump()),
        )


class KeysBody(Body):
    """Answer of ``GET /v1/keys``."""

    keys: list[KeyBody]


class CreateKeyBody(Body):
    """Question of ``POST /v1/keys``."""

    algorithm: AlgorithmName
    label: str


class CheckpointBody(Body):
    """Question of ``POST /v1/keys/{key_id}/checkpoints``: a `Checkpoint`, field by field."""

    origin_domain: int
    origin_chain_id: int
    outbox: Hex
    root: Hex
    size: int
    destination_domain: int
    destination_chain_id: int
    inbox: Hex
    epoch: int

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> CheckpointBody:
        """The body of a checkpoint."""
        return cls(
            origin_domain=checkpoint.origin_domain,
            origin_chain_id=checkpoint.origin_chain_id,
            outbox=to_hex(checkpoint.outbox),
            root=to_hex(checkpoint.root),
            size=checkpoint.size,
            destination_domain=checkpoint.destination_domain,
            destination_chain_id=checkpoint.destination_chain_id,
            inbox=to_hex(checkpoint.inbox),
            epoch=checkpoint.epoch,
        )

    def checkpoint(self) -> Checkpoint:
        """The checkpoint of a body; ``InputError`` when a field has another width."""
        return Checkpoint(
            origin_domain=self.origin_domain,
            origin_chain_id=self.origin_chain_id,
            outbox=from_hex(self.outbox),
            root=from_hex(self.root),
            size=self.size,
            destination_domain=self.destination_domain,
            destination_chain_id=self.destination_chain_id,
            inbox=from_hex(self.inbox),
            epoch=self.epoch,
        )


class RotationBody(Body):
    """Question of ``POST /v1/keys/{key_id}/rotations``: a `Rotation`, field by field.

    ``salt`` is text, since a JSON number has 53 bits for sure.
    """

    chain_id: int
    registry: Hex
    epoch: int
    set_hash: Hex
    salt: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]

    @classmethod
    def of(cls, rotation: Rotation) -> RotationBody:
        """The body of a rotation."""
        return cls(
            chain_id=rotation.chain_id,
            registry=to_hex(rotation.registry),
            epoch=rotation.epoch,
            set_hash=to_hex(rotation.set_hash),
            salt=str(rotation.salt),
        )

    def rotation(self) -> Rotation:
        """The rotation of a body; ``InputError`` when a field has another width."""
        return Rotation(
            chain_id=self.chain_id,
            registry=from_hex(self.registry),
            epoch=self.epoch,
            set_hash=from_hex(self.set_hash),
            salt=int(self.salt),
        )


Number64 = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]
"""A number of 64 bits as text, since a JSON number has 53 bits for sure."""


class PlaceBody(Body):
    """A `Place`, field by field."""

    registry_chain_id: Number64
    registry: Hex
    epoch: int
    sequence: Number64

    @classmethod
    def of(cls, place: Place) -> PlaceBody:
        """The body of a place."""
        return cls(
            registry_chain_id=str(place.registry_chain_id),
            registry=to_hex(place.registry),
            epoch=place.epoch,
            sequence=str(place.sequence),
        )

    def place(self) -> Place:
        """The place of a body; ``InputError`` when a field has another width."""
        return Place(
            int(self.registry_chain_id), from_hex(self.registry), self.epoch, int(self.sequence)
        )


class VerdictBody(Body):
    """Question of ``POST /v1/keys/{key_id}/verdicts``: a `VerdictStatement`, field by field.

    ``match`` is NO_MATCH, MATCH or EXACT_MATCH.
    """

    place: PlaceBody
    issued_at: Number64
    expires_at: Number64
    chain_id: Number64
    address: Hex
    code_hash: Hex
    block_number: Number64
    block_hash: Hex
    match: Literal["NO_MATCH", "MATCH", "EXACT_MATCH"]
    scan_digest: Hex
    tool: str

    @classmethod
    def of(cls, statement: VerdictStatement) -> VerdictBody:
        """The body of a verdict."""
        verdict = statement.verdict
        return cls.model_validate(
            {
                "place": PlaceBody.of(statement.place),
                "issued_at": str(statement.issued_at),
                "expires_at": str(statement.expires_at),
                "chain_id": str(verdict.chain_id),
                "address": to_hex(verdict.address),
                "code_hash": to_hex(verdict.code_hash),
                "block_number": str(verdict.block_number),
                "block_hash": to_hex(verdict.block_hash),
                "match": verdict.match.name,
                "scan_digest": to_hex(verdict.scan_digest),
                "tool": verdict.tool,
            }
        )

    def statement(self) -> VerdictStatement:
        """The verdict of a body; ``InputError`` when a field has another width."""
        return VerdictStatement(
            place=self.place.place(),
            issued_at=int(self.issued_at),
            expires_at=int(self.expires_at),
            verdict=Verdict(
                chain_id=int(self.chain_id),
                address=from_hex(self.address),
                code_hash=from_hex(self.code_hash),
                block_number=int(self.block_number),
                block_hash=from_hex(self.block_hash),
                match=MatchKind[self.match],
                scan_digest=from_hex(self.scan_digest),
                tool=self.tool,
            ),
        )


class RevocationBody(Body):
    """Question of ``POST /v1/keys/{key_id}/revocations``: a `RevocationStatement`."""

    place: PlaceBody
    issued_at: Number64
    chain_id: Number64
    address: Hex
    code_hash: Hex
    reason: str

    @classmethod
    def of(cls, statement: RevocationStatement) -> RevocationBody:
        """The body of a revocation."""
        return cls(
            place=PlaceBody.of(statement.place),
            issued_at=str(statement.issued_at),
            chain_id=str(statement.chain_id),
            address=to_hex(statement.address),
            code_hash=to_hex(statement.code_hash),
            reason=statement.reason,
        )

    def statement(self) -> RevocationStatement:
        """The revocation of a body; ``InputError`` when a field has another width."""
        return RevocationStatement(
            place=self.place.place(),
            issued_at=int(self.issued_at),
            chain_id=int(self.chain_id),
            address=from_hex(self.address),
            code_hash=from_hex(self.code_hash),
            reason=self.reason,
        )


class SignedBody(Body):
    """Answer of ``POST /v1/keys/{key_id}/checkpoints`` and its neighbours."""

    signature: Hex
    digest: Hex


class LifeBody(Body):
    """How far a key is. ``replaced_at`` is in Unix seconds."""

    key_id: str
    state: Literal["active", "replaced", "destroyed", "compromised"]
    signatures: int
    successor: str | None
    replaced_at: float | None

    @classmethod
    def of(cls, life: KeyLife) -> LifeBody:
        """The body of a life."""
        return cls(
            key_id=life.key_id,
            state=life.state.value,
            signatures=life.signatures,
            successor=life.successor,
            replaced_at=life.replaced_at,
        )


class LivesBody(Body):
    """Answer of ``GET /v1/lives``."""

    lives: list[LifeBody]


class CiphertextBody(Body):
    """Question of ``POST /v1/keys/{key_id}/decapsulations``."""

    ciphertext: Hex


class SharedSecretBody(Body):
    """Its answer."""

    shared_secret: Hex = Field(repr=False)


class CompromiseBody(Body):
    """Question of ``POST /v1/compromises``: times in ISO 8601, no link for all of them.

    The answer is a `Damage` as it tells itself.
    """

    since: str
    until: str
    link_id: str | None = None
    reason: Annotated[str, StringConstraints(max_length=500)] = ""

    def compromise(self) -> Compromise:
        """The compromise of a body; ``InputError`` for times that are none."""
        from bridge.keyservice.compromise import Compromise

        return Compromise(seconds(self.since), seconds(self.until), self.link_id, self.reason)


class AuditBody(Body):
    """Answer of ``GET /v1/audit``: entries as they are exported, by number."""

    entries: list[dict[str, Any]]


class ErrorDetail(Body):
    """What went wrong. The others are there where the code's error has them."""

    code: str
    message: str
    signed_root: Hex | None = None
    signed_set_hash: Hex | None = None
    signed_statement: Hex | None = None
    wanted_bits: int | None = None
    available_bits: int | None = None
    state: str | None = None


class ErrorBody(Body):
    """Answer of every request that fails."""

    error: ErrorDetail


def to_hex(data: bytes) -> str:
    """``0x`` and two digits for each byte."""
    return "0x" + data.hex()


def from_hex(text: str) -> bytes:
    """The bytes of ``0x...``; ``InputError`` for anything else."""
    try:
        if text.startswith("0x"):
            return bytes.fromhex(text[2:])
    except ValueError:
        pass
    raise InputError(f"hex: expected 0x and two digits for each byte, got {text[:80]!r}")
