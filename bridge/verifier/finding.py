"""What a scan finds: which cryptography stands where, what it guards, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.errors import InputError


class Severity(StrEnum):
    """How much is lost when the cryptography breaks, most first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the most severe."""
        return tuple(Severity).index(self)


class Confidence(StrEnum):
    """How sure it is that the finding is there."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Primitive(StrEnum):
    """CycloneDX 1.6's names for primitives, those that occur."""

    SIGNATURE = "signature"
    HASH = "hash"
    PKE = "pke"
    KEY_AGREE = "key-agree"
    OTHER = "other"


class Guard(StrEnum):
    """What the result of the cryptography decides."""

    TRANSFER = "transfer"
    OWNERSHIP = "ownership"
    UPGRADE = "upgrade"
    PERMIT = "permit"
    CALL = "call"
    STORAGE = "storage"
    NOTHING_SEEN = "nothing seen"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An algorithm as a CBOM names it; ``quantum_level`` is NIST's category, 0 for broken."""

    name: str
    primitive: Primitive
    parameter_set: str | None = None
    curve: str | None = None
    quantum_level: int = 0


@dataclass(frozen=True, slots=True)
class Location:
    """A place: a line of a source, a byte of the runtime code, or both. Lines count from 1."""

    source: str | None = None
    line: int | None = None
    offset: int | None = None

    def __post_init__(self) -> None:
        if (self.source is None) is not (self.line is None):
            raise InputError(f"location: expected a line with its source, got {self}")
        if self.line is None and self.offset is None:
            raise InputError("location: expected a line or an offset, got neither")


@dataclass(frozen=True, slots=True)
class Finding:
    """One use of one algorithm in one contract, found by the detector of that id."""

    detector: str
    contract: str
    algorithm: Algorithm
    severity: Severity
    confidence: Confidence
    location: Location
    guards: tuple[Guard, ...]
    detail: str
