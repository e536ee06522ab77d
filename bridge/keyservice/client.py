"""The key service as its users see it: an asynchronous client that raises the domain's errors."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, RootModel, ValidationError

from bridge.crypto.digests import (
    checkpoint_digest,
    revocation_digest,
    rotation_digest,
    statement_content,
    verdict_digest,
)
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import (
    BridgeError,
    Equivocation,
    KeyServiceRefused,
    KeyServiceUnreachable,
    KeyUnusable,
    LabelTaken,
    PoolExhausted,
    RotationConflict,
    UnknownKey,
    VerdictConflict,
)
from bridge.domain.keys import Algorithm, PublicKeyRecord
from bridge.domain.rotations import Rotation
from bridge.domain.verdicts import RevocationStatement, VerdictStatement
from bridge.keyservice.tlsfiles import TlsFiles
from bridge.keyservice.wire import (
    AuditBody,
    Body,
    CheckpointBody,
    CiphertextBody,
    CompromiseBody,
    CreateKeyBody,
    ErrorBody,
    HealthBody,
    KeyBody,
    KeysBody,
    LifeBody,
    LinkBody,
    LivesBody,
    RevocationBody,
    RotationBody,
    SharedSecretBody,
    SignedBody,
    VerdictBody,
    from_hex,
    to_hex,
)

DEFAULT_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0

Answer = TypeVar("Answer", bound=BaseModel)


class _Anything(RootModel[dict[str, Any]]):
    """A JSON object."""


class KeyServiceClient:
    """Speaks to one key service. Use it as an async context manager, or call ``aclose``.

    ``token`` is the content of the service's token file; health may be asked with an empty one.
    With ``tls`` a certificate says who this is, and no token is needed.
    Every request has a deadline of ``timeout_s``. Every method raises ``KeyServiceUnreachable``
    when nobody answers in time, and ``KeyServiceRefused`` for an error that has no class of its
    own.
    """

    def __init__(
        self,
        url: str,
        token: str,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        tls: TlsFiles | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        verify: ssl.SSLContext | bool = True if tls is None else tls.client_context()
        self._http = httpx.AsyncClient(
            base_url=self._url,
            verify=verify,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S)),
            trust_env=False,  # a proxy of the environment has no business with keys
        )

    def __repr__(self) -> str:
        return f"KeyServiceClient({self._url}, redacted)"

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def health(self) -> HealthBody:
        """Whether the service works; needs no token."""
        return await self._get("/v1/health", HealthBody)

    async def link(self) -> LinkBody:
        """The link and its pool."""
        return await self._get("/v1/link", LinkBody)

    async def reset_link(self) -> LinkBody:
        """The link, after one that had stopped was let start anew."""
        return await self._request("POST", "/v1/link/reset", None, LinkBody, "")

    async def keys(self) -> list[PublicKeyRecord]:
        """All keys, in the order of their labels."""
        return [body.record() for body in (await self._get("/v1/keys", KeysBody)).keys]

    async def key(self, key_id: str) -> PublicKeyRecord:
        """The key with that id; ``UnknownKey`` when there is none."""
        return (await self._get(_path(key_id), KeyBody, key_id=key_id)).record()

    async def create_key(self, algorithm: Algorithm, label: str) -> PublicKeyRecord:
        """A new signing key.

        Raises ``PoolExhausted`` and ``LabelTaken``.
        """
        question = CreateKeyBody(algorithm=algorithm, label=label)
        return (await self._post("/v1/keys", question, KeyBody)).record()

    async def sign_checkpoint(self, key_id: str, checkpoint: Checkpoint) -> bytes:
        """The signature of ``key_id`` over the checkpoint's digest under ``CHECKPOINT_CONTEXT``.

        Raises ``UnknownKey`` and ``Equivocation``, and ``KeyServiceRefused`` when the service
        signed another digest than this side computes.
        """
        question = CheckpointBody.of(checkpoint)
        return await self._sign(key_id, "checkpoints", question, checkpoint_digest(checkpoint))

    async def sign_rotation(self, key_id: str, rotation: Rotation) -> bytes:
        """The signature of ``key_id`` over the rotation's digest under ``ROTATION_CONTEXT``.

        Raises ``UnknownKey`` and ``RotationConflict``, otherwise as ``sign_checkpoint``.
        """
        question = RotationBody.of(rotation)
        return await self._sign(key_id, "rotations", question, rotation_digest(rotation))

    async def sign_verdict(self, key_id: str, statement: VerdictStatement) -> bytes:
        """The signature of ``key_id`` over the verdict's digest under ``VERDICT_CONTEXT``.

        Raises ``UnknownKey`` and ``VerdictConflict``, otherwise as ``sign_checkpoint``.
        """
        question = VerdictBody.of(statement)
        return await self._sign(key_id, "verdicts", question, verdict_digest(statement))

    async def sign_revocation(self, key_id: str, statement: RevocationStatement) -> bytes:
        """The signature of ``key_id`` over the revocation's digest under ``REVOCATION_CONTEXT``.

        Raises as ``sign_verdict``.
        """
        question = RevocationBody.of(statement)
        return await self._sign(key_id, "revocations", question, revocation_digest(statement))

    async def lives(self) -> dict[str, LifeBody]:
        """How far each key is, by its id."""
        return {one.key_id: one for one in (await self._get("/v1/lives", LivesBody)).lives}

    async def rotate_key(self, key_id: str) -> PublicKeyRecord:
        """The successor of a key.

        Raises ``UnknownKey``, ``KeyUnusable`` for one that has a successor or is gone, and
        ``PoolExhausted``.
        """
        path = f"{_path(key_id)}/successor"
        return (await self._request("POST", path, None, KeyBody, key_id)).record()

    async def destroy_key(self, key_id: str) -> PublicKeyRecord:
        """A replaced key, destroyed. Raises ``UnknownKey`` and ``KeyUnusable``."""
        path = f"{_path(key_id)}/destruction"
        return (await self._request("POST", path, None, KeyBody, key_id)).record()

    async def decapsulate(self, key_id: str, ciphertext: bytes) -> bytes:
        """The shared secret of a ciphertext for an ML-KEM key.

        Raises ``UnknownKey`` and ``KeyUnusable``.
        """
        question = CiphertextBody(ciphertext=to_hex(ciphertext))
        path = f"{_path(key_id)}/decapsulations"
        return from_hex((await self._post(path, question, SharedSecretBody, key_id)).shared_secret)

    async def declare_compromise(self, compromise: CompromiseBody) -> dict[str, Any]:
        """What a compromise reached, after it was carried out."""
        answer = await self._post("/v1/compromises", compromise, _Anything)
        return answer.root

    async def audit(self, after: int = 0) -> AsyncIterator[dict[str, Any]]:
        """The entries of the audit log after one, as they are exported."""
        while True:
            entries = (await self._get(f"/v1/audit?after={after}", AuditBody)).entries
            for entry in entries:
                yield entry
            if not entries:
                return
            after = int(entries[-1]["number"])

    async def _sign(self, key_id: str, kind: str, question: Body, digest: bytes) -> bytes:
        body = await self._post(f"{_path(key_id)}/{kind}", question, SignedBody, key_id=key_id)
        if from_hex(body.digest) != digest:
            raise KeyServiceRefused(
                200,
                f"expected a signature over digest 0x{digest.hex()}, got one over {body.digest}",
            )
        return from_hex(body.signature)

    async def _get(self, path: str, kind: type[Answer], key_id: str = "") -> Answer:
        return await self._request("GET", path, None, kind, key_id)

    async def _post(
        self, path: str, question: Body, kind: type[Answer], key_id: str = ""
    ) -> Answer:
        return await self._request("POST", path, question, kind, key_id)

    async def _request(
        self, method: str, path: str, question: Body | None, kind: type[Answer], key_id: str
    ) -> Answer:
        content = question.model_dump_json() if question is not None else None
        headers = {"Content-Type": "application/json"} if content is not None else None
        try:
            response = await self._http.request(method, path, content=content, headers=headers)
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise KeyServiceUnreachable(self._url, reason) from error
        if not response.is_success:
            raise _domain_error(response, question, key_id)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise KeyServiceRefused(
                response.status_code, f"expected a {kind.__name__}, got another answer: {error}"
            ) from error


def _path(key_id: str) -> str:
    return f"/v1/keys/{quote(key_id, safe='')}"


def _domain_error(response: httpx.Response, question: Body | None, key_id: str) -> BridgeError:
    """The error that the service raised, as this side's class of it."""
    try:
        detail = ErrorBody.model_validate_json(response.content).error
    except ValidationError:
        return KeyServiceRefused(response.status_code, f"answered {response.text[:200]!r}")
    if detail.code == "unknown_key":
        return UnknownKey(key_id)
    if detail.code == "key_unusable":
        return KeyUnusable(key_id, detail.state or "gone")
    if detail.code == "label_taken" and isinstance(question, CreateKeyBody):
        return LabelTaken(question.label)
    if detail.code == "equivocation" and isinstance(question, CheckpointBody):
        signed = from_hex(detail.signed_root or "0x")
        return Equivocation(key_id, question.size, signed, from_hex(question.root))
    if detail.code == "rotation_conflict" and isinstance(question, RotationBody):
        signed = from_hex(detail.signed_set_hash or "0x")
        asked = from_hex(question.set_hash)
        return RotationConflict(key_id, question.epoch, int(question.salt), signed, asked)
    if detail.code == "verdict_conflict" and isinstance(question, VerdictBody | RevocationBody):
        statement = question.statement()
        signed = from_hex(detail.signed_statement or "0x")
        sequence = statement.place.sequence
        return VerdictConflict(key_id, sequence, signed, statement_content(statement))
    if detail.code == "pool_exhausted":
        return PoolExhausted(detail.wanted_bits or 0, detail.available_bits or 0)
    return KeyServiceRefused(response.status_code, detail.message)
