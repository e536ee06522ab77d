"""What must be put into compiled code to make the chain's of it, as the Verifier Alliance says it.

Names, fields and forms of the values are those of the Verifier Alliance's database
(verifieralliance.org, database-specs, "transformations").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bridge.domain.verdicts import MatchKind


class Kind(StrEnum):
    """How bytes get in."""

    INSERT = "insert"
    REPLACE = "replace"
    DELETE = "delete"


class Reason(StrEnum):
    """Why they are not the compiler's."""

    CONSTRUCTOR_ARGUMENTS = "constructorArguments"
    LIBRARY = "library"
    IMMUTABLE = "immutable"
    CBOR_AUXDATA = "cborAuxdata"
    CALL_PROTECTION = "callProtection"


@dataclass(frozen=True, slots=True)
class Transformation:
    """One place in the compiled code; ``offset`` and ``length`` are in bytes."""

    type: Kind
    reason: Reason
    offset: int
    id: str | None = None
    length: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As the Verifier Alliance writes it."""
        value: dict[str, Any] = {
            "type": self.type.value,
            "reason": self.reason.value,
            "offset": self.offset,
        }
        if self.id is not None:
            value["id"] = self.id
        if self.length is not None:
            value["length"] = self.length
        return value


@dataclass(frozen=True, slots=True)
class Values:
    """The bytes that are put in: immutables by AST id, libraries by path:Name, auxdata by id."""

    constructor_arguments: bytes | None = None
    libraries: dict[str, bytes] = field(default_factory=dict)
    immutables: dict[str, bytes] = field(default_factory=dict)
    cbor_auxdata: dict[str, bytes] = field(default_factory=dict)
    call_protection: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        """As the Verifier Alliance writes it; what there is none of is left out."""
        value: dict[str, Any] = {}
        if self.constructor_arguments is not None:
            value["constructorArguments"] = "0x" + self.constructor_arguments.hex()
        groups = {
            "libraries": self.libraries,
            "immutables": self.immutables,
            "cborAuxdata": self.cbor_auxdata,
        }
        for name, group in groups.items():
            if group:
                value[name] = {key: "0x" + one.hex() for key, one in group.items()}
        if self.call_protection is not None:
            value["callProtection"] = "0x" + self.call_protection.hex()
        return value


@dataclass(frozen=True, slots=True)
class Matched:
    """How one of the two codes agrees. ``code`` and ``reason`` say why where it does not."""

    kind: MatchKind
    transformations: tuple[Transformation, ...] = ()
    values: Values = field(default_factory=Values)
    code: str = ""
    reason: str = ""

    def __bool__(self) -> bool:
        return self.kind is not MatchKind.NO_MATCH


def refused(code: str, reason: str) -> Matched:
    """No match, and why."""
    return Matched(MatchKind.NO_MATCH, code=code, reason=reason)
