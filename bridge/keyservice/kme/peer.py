"""Callers of a KME's second address: the other KME, and the link."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from bridge.domain.errors import BlockConflict, KmeRefused, KmeUnreachable, PoolFull
from bridge.keyservice.kme.peerwire import (
    BlockBody,
    DoneBody,
    LevelBody,
    PromiseBody,
    PromisesBody,
    RefusedBody,
)
from bridge.keyservice.linkblock import LinkBlock
from bridge.keyservice.tlsfiles import TlsFiles

TIMEOUT_S = 5.0
DELAYS_S = (0.05, 0.2, 0.5)
"""Waits between tries at what may be repeated."""

Answer = TypeVar("Answer", bound=BaseModel)


class _Caller:
    """A connection to one KME's second address. Safe for threads."""

    def __init__(self, url: str, tls: TlsFiles, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url, verify=tls.client_context(), timeout=timeout_s, trust_env=False
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url})"

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _ask(self, method: str, path: str, body: BaseModel | None, kind: type[Answer]) -> Answer:
        """The answer; tried again where nobody answers, since every question may be repeated."""
        for delay in (*DELAYS_S, None):
            try:
                return self._ask_once(method, path, body, kind)
            except KmeUnreachable:
                if delay is None:
                    raise
                time.sleep(delay)
        raise AssertionError("unreachable")

    def _ask_once(
        self, method: str, path: str, body: BaseModel | None, kind: type[Answer]
    ) -> Answer:
        content = None if body is None else body.model_dump_json()
        headers = {"Content-Type": "application/json"} if content is not None else None
        try:
            response = self._http.request(method, path, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise KmeUnreachable(self.url, f"{type(error).__name__} {error}".strip()) from error
        try:
            if response.is_success:
                return kind.model_validate_json(response.content)
            refusal = RefusedBody.model_validate_json(response.content)
        except ValidationError as error:
            raise KmeRefused(self.url, response.status_code, "another answer") from error
        if refusal.code == PoolFull.__name__:
            raise KmeUnreachable(self.url, refusal.message)  # later it takes more
        if refusal.code == BlockConflict.__name__:
            raise BlockConflict(refusal.message)
        raise KmeRefused(self.url, response.status_code, refusal.message)


class PeerClient(_Caller):
    """The other KME, as a KME sees it."""

    def reserve(self, promises: Sequence[PromiseBody]) -> None:
        """See `Peer.reserve`."""
        self._ask("POST", "/peer/v1/promises", PromisesBody(promises=list(promises)), DoneBody)


class LinkEnd(_Caller):
    """A KME, as its end of the link sees it."""

    def level(self) -> LevelBody:
        """What it may give away and its water marks."""
        return self._ask("GET", "/link/v1/level", None, LevelBody)

    def deposit(self, block: LinkBlock) -> None:
        """Give it a block; may be repeated.

        Raises ``KmeUnreachable`` where it does not answer or is full, ``BlockConflict`` and
        ``KmeRefused``.
        """
        self._ask("POST", "/link/v1/blocks", BlockBody.of(block), DoneBody)
