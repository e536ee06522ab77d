"""The bodies of an attestor's HTTP interface. Bytes are hex with 0x; errors as the key service's.

POST /v1/signatures   SignaturesQuestion -> SignaturesBody
POST /v1/verdicts     VerdictQuestion -> SignaturesBody
POST /v1/revocations  RevocationQuestion -> SignaturesBody
GET  /v1/signer       SignerBody
GET  /v1/health       HealthBody, for anybody
GET  /v1/ready        ReadyBody, for anybody; 503 while it is not
GET  /metrics         Prometheus' text, for anybody
"""

from __future__ import annotations

from typing import Any, Literal

from bridge.keyservice.wire import (
    Body,
    CheckpointBody,
    Hex,
    KeyBody,
    RevocationBody,
    VerdictBody,
)


class SignaturesQuestion(Body):
    """A checkpoint, and the ids of the keys that shall sign it: all of the attestor's by default.

    The answer comes when the slowest of them has signed.
    """

    checkpoint: CheckpointBody
    keys: list[str] | None = None


class VerdictQuestion(Body):
    """A verdict, the source that the contract is matched with, and the keys that shall sign it.

    ``source`` is as the attestor's match function takes it. The answer comes when the contract was
    verified anew.
    """

    statement: VerdictBody
    source: dict[str, Any] | None = None
    keys: list[str] | None = None


class RevocationQuestion(Body):
    """A revocation, and the keys that shall sign it."""

    statement: RevocationBody
    keys: list[str] | None = None


class SignatureBody(Body):
    """The signature of one key."""

    key_id: str
    signature: Hex


class SignaturesBody(Body):
    """The signatures over ``digest``, in the order in which the keys were named."""

    digest: Hex
    signatures: list[SignatureBody]


class SignerBody(Body):
    """The public keys that the attestor signs with."""

    keys: list[KeyBody]


class HealthBody(Body):
    """``stopped`` when the attestor saw a contradiction on a chain and signs nothing of it."""

    status: Literal["ok", "stopped"]


class OriginBody(Body):
    """How far a chain was read: its messages up to the final block ``block``.

    ``problem`` is what the last reading failed with.
    """

    chain: str
    domain: int
    size: int
    block: int
    problem: str | None = None


class ReadyBody(Body):
    """Whether every chain is read to its final block, and the key service answers.

    ``key_service`` is why it does not.
    """

    ready: bool
    origins: list[OriginBody]
    key_service: str | None = None
