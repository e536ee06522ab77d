"""An attestor as the relayer sees it: asked over HTTP, and believed in nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from bridge.crypto.digests import checkpoint_digest, statement_digest
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import (
    AttestorLied,
    AttestorRefused,
    AttestorUnreachable,
    BlockNotFinal,
    BridgeError,
    InputError,
    NotFinalized,
)
from bridge.domain.keys import PublicKeyRecord
from bridge.domain.verdicts import Statement, VerdictStatement
from bridge.keyservice.wire import (
    Body,
    CheckpointBody,
    ErrorBody,
    RevocationBody,
    VerdictBody,
    from_hex,
)
from bridge.relayer.attestor_wire import (
    HealthBody,
    ReadyBody,
    RevocationQuestion,
    SignaturesBody,
    SignaturesQuestion,
    SignerBody,
    VerdictQuestion,
)
from bridge.verifier.recheck import Source

SIGN_TIMEOUT_S = 20.0
VERDICT_TIMEOUT_S = 300.0
"""A contract is compiled and scanned first."""
IDENTITY_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 5.0
BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of what is counted together; longer ones are in the last count."""
SIGNED, UNKNOWN_KEY = "signed", "unknown_key"

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(slots=True)
class Durations:
    """Seconds by bucket: ``counts[i]`` are at most ``bounds[i]`` and no less than that before.

    ``sum_s`` is the sum of all.
    """

    bounds: tuple[float, ...] = BUCKETS_S
    counts: list[int] = field(init=False)
    sum_s: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        """Count one."""
        last = len(self.bounds)
        place = next((i for i, bound in enumerate(self.bounds) if seconds <= bound), last)
        self.counts[place] += 1
        self.sum_s += seconds


@dataclass(slots=True)
class Dealings:
    """What came of asking an attestor for signatures: how often each outcome, and how long.

    An outcome is ``signed``, ``unreachable``, ``lied``, ``cancelled`` where a quorum stood before
    it answered, or the code of its refusal.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    durations: Durations = field(default_factory=Durations)
    last_outcome: str | None = None
    last_error: str | None = None


class AttestorClient:
    """Speaks to one attestor. Use it as an async context manager, or call ``aclose``.

    ``token`` is the content of its token file. ``dealings`` are for whoever measures. Methods
    raise ``AttestorUnreachable`` when nobody answers in time, and ``AttestorRefused``.
    """

    def __init__(self, url: str, token: str, timeout_s: float = SIGN_TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self.dealings = Dealings()
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S)),
            trust_env=False,  # a proxy of the environment has no business with signatures
        )

    def __repr__(self) -> str:
        return f"AttestorClient({self.url}, redacted)"

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
        """Whether it works; needs no token."""
        return await self._request("GET", "/v1/health", None, HealthBody, IDENTITY_TIMEOUT_S)

    async def ready(self) -> ReadyBody:
        """How far it has read; ``AttestorRefused`` never for one that is not ready."""
        return await self._request(
            "GET", "/v1/ready", None, ReadyBody, IDENTITY_TIMEOUT_S, also=(503,)
        )

    async def keys(self) -> list[PublicKeyRecord]:
        """The public keys that it says it signs with."""
        body = await self._request("GET", "/v1/signer", None, SignerBody, IDENTITY_TIMEOUT_S)
        try:
            return [key.record() for key in body.keys]
        except InputError as error:
            raise AttestorRefused(self.url, 200, "unreadable", str(error)) from error

    async def sign(self, checkpoint: Checkpoint, key_ids: Sequence[str]) -> list[bytes]:
        """What it gives as the signatures of these keys over ``checkpoint``, not verified.

        Raises ``NotFinalized`` where it does not see all messages yet, and ``AttestorLied`` for
        an answer about another checkpoint or other keys.
        """
        question = SignaturesQuestion(checkpoint=CheckpointBody.of(checkpoint), keys=list(key_ids))
        body = await self._request(
            "POST", "/v1/signatures", question, SignaturesBody, self._timeout_s
        )
        return self._signatures(body, checkpoint_digest(checkpoint), key_ids)

    async def sign_statement(
        self, statement: Statement, key_ids: Sequence[str], source: Source | None = None
    ) -> list[bytes]:
        """What it gives as the signatures of these keys over a verdict or revocation, not verified.

        ``source`` is what the contract is matched with. Raises ``BlockNotFinal`` where the
        verdict's block is not final for it yet, and ``AttestorLied`` as ``sign``.
        """
        question: Body
        if isinstance(statement, VerdictStatement):
            path, given = "/v1/verdicts", None if source is None else dict(source)
            body = VerdictBody.of(statement)
            question = VerdictQuestion(statement=body, source=given, keys=list(key_ids))
        else:
            path = "/v1/revocations"
            revocation = RevocationBody.of(statement)
            question = RevocationQuestion(statement=revocation, keys=list(key_ids))
        answer = await self._request("POST", path, question, SignaturesBody, VERDICT_TIMEOUT_S)
        return self._signatures(answer, statement_digest(statement), key_ids)

    def _signatures(
        self, body: SignaturesBody, digest: bytes, key_ids: Sequence[str]
    ) -> list[bytes]:
        try:
            if from_hex(body.digest) != digest:
                raise AttestorLied(self.url, digest, f"got one over {body.digest}")
            got = [one.key_id for one in body.signatures]
            if got != list(key_ids):
                raise AttestorLied(self.url, digest, f"expected keys {list(key_ids)}, got {got}")
            return [from_hex(one.signature) for one in body.signatures]
        except InputError as error:
            raise AttestorLied(self.url, digest, str(error)) from error

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Note in ``dealings`` what comes of the block inside, and how long it takes."""
        began = time.monotonic()
        outcome = "cancelled"
        try:
            yield
            outcome = SIGNED
        except BridgeError as error:
            outcome = _outcome(error)
            self.dealings.last_error = str(error)
            raise
        finally:
            self.dealings.outcomes[outcome] += 1
            self.dealings.last_outcome = outcome
            self.dealings.durations.add(time.monotonic() - began)

    async def _request(
        self,
        method: str,
        path: str,
        question: Body | None,
        kind: type[Answer],
        timeout_s: float,
        also: tuple[int, ...] = (),
    ) -> Answer:
        content = question.model_dump_json() if question is not None else None
        headers = {"Content-Type": "application/json"} if content is not None else None
        try:
            response = await self._http.request(
                method, path, content=content, headers=headers, timeout=timeout_s
            )
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise AttestorUnreachable(self.url, reason) from error
        if not response.is_success and response.status_code not in also:
            raise self._refusal(response, question)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise AttestorRefused(
                self.url,
                response.status_code,
                "unreadable",
                f"expected a {kind.__name__}, got another answer: {error}",
            ) from error

    def _refusal(self, response: httpx.Response, question: Body | None) -> BridgeError:
        try:
            detail = ErrorBody.model_validate_json(response.content).error
        except ValidationError:
            text = f"answered {response.text[:200]!r}"
            return AttestorRefused(self.url, response.status_code, "unreadable", text)
        if detail.code == "not_finalized" and isinstance(question, SignaturesQuestion):
            return NotFinalized(f"behind {self.url}", question.checkpoint.size, None)
        if detail.code == "block_not_final" and isinstance(question, VerdictQuestion):
            block = int(question.statement.block_number)
            return BlockNotFinal(f"behind {self.url}", block, None)
        return AttestorRefused(self.url, response.status_code, detail.code, detail.message)


def _outcome(error: BridgeError) -> str:
    match error:
        case AttestorRefused():
            return error.code
        case AttestorUnreachable():
            return "unreachable"
        case NotFinalized():
            return "not_finalized"
        case BlockNotFinal():
            return "block_not_final"
        case _:
            return "lied"
