"""The data formats of ETSI GS QKD 014 V1.1.1, clause 6, in the standard's own spelling.

Sizes are in bits, keys in base64 (RFC 4648, section 4). A field that may be left out may be null.
A field that the standard has not is refused: vendors have the extensions.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SaeId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
KeyId = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
    ),
]
"""A UUID as RFC 4122 writes it."""
Extension = dict[str, Any]
PREFIX = "/api/v1/keys"
MAXIMUM_IDS = 1024
MAXIMUM_NUMBER = (1 << 63) - 1

SIZE = "size shall be a multiple of 8"
MANDATORY_UNSUPPORTED = "not all extension_mandatory parameters are supported"
MANDATORY_UNMET = "not all extension_mandatory request options could be met"
NOT_FOUND = "one or more keys specified are not found on KME"
BAD_FORMAT = "bad request format"


class Model(BaseModel):
    """Frozen and strict."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Status(Model):
    """Clause 6.1: what a master SAE can have for a slave SAE."""

    source_KME_ID: str
    target_KME_ID: str
    master_SAE_ID: str
    slave_SAE_ID: str
    key_size: int
    stored_key_count: int
    max_key_count: int
    max_key_per_request: int
    max_key_size: int
    min_key_size: int
    max_SAE_ID_count: int
    status_extension: Extension | None = None


class KeyRequest(Model):
    """Clause 6.2: what `Get key` asks for. All of it may be left out."""

    number: Annotated[int, Field(ge=1, le=MAXIMUM_NUMBER)] | None = None
    size: (
        Annotated[int, Field(ge=1, le=MAXIMUM_NUMBER, json_schema_extra={"multipleOf": 8})] | None
    ) = None
    additional_slave_SAE_IDs: Annotated[list[SaeId], Field(max_length=MAXIMUM_IDS)] | None = None
    extension_mandatory: Annotated[list[Extension], Field(max_length=MAXIMUM_IDS)] | None = None
    extension_optional: Annotated[list[Extension], Field(max_length=MAXIMUM_IDS)] | None = None


class Key(Model):
    """One key of a container."""

    key_ID: str
    key: str = Field(repr=False)
    key_ID_extension: Extension | None = None
    key_extension: Extension | None = None


class KeyContainer(Model):
    """Clause 6.3: what `Get key` and `Get key with key IDs` answer."""

    keys: list[Key]
    key_container_extension: Extension | None = None


class KeyIdEntry(Model):
    """One key that is asked for."""

    key_ID: KeyId
    key_ID_extension: Extension | None = None


class KeyIds(Model):
    """Clause 6.4: the keys that `Get key with key IDs` asks for."""

    key_IDs: Annotated[list[KeyIdEntry], Field(min_length=1, max_length=MAXIMUM_IDS)]
    key_IDs_extension: Extension | None = None


class Error(Model):
    """Clause 6.5: what is wrong, and more of it as names with values."""

    message: str
    details: list[dict[str, Any]] | None = None
