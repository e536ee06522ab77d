"""A client of any KME with ETSI GS QKD 014 V1.1.1, which believes no answer that it can check."""

from __future__ import annotations

import base64
import binascii
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.domain.errors import InputError, KmeLied, KmeRefused, KmeUnreachable
from bridge.keyservice.kme.wire import PREFIX, Error, KeyId
from bridge.keyservice.tlsfiles import TlsFiles

TIMEOUT_S = 10.0
DELAYS_S = (0.2, 1.0, 3.0)
"""Waits between tries where nobody answers or the KME says 503."""
MAXIMUM_ANSWER = 1 << 24
LONG_BYTES = 16
REMEMBERED = 1 << 16
"""Key ids that are remembered, so that none is taken twice."""

Answer = TypeVar("Answer", bound=BaseModel)


class _Reply(BaseModel):
    """What a KME answers; a field that the standard has not is a vendor's and passed over."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class KmeStatus(_Reply):
    """A `Status` as far as it is used; sizes in bits."""

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
    status_extension: dict[str, Any] | None = None


class _Key(_Reply):
    key_ID: KeyId
    key: str
    key_extension: dict[str, Any] | None = None


class _Container(_Reply):
    keys: list[_Key]


@dataclass(frozen=True, slots=True)
class KmeKey:
    """A key under its id. ``repr`` does not show it."""

    key_id: str
    key: bytes = field(repr=False)
    extension: dict[str, Any] | None = None


class KmeClient:
    """An SAE at one KME. Blocking and safe for threads; close it, or use it as a context manager.

    Every method raises ``KmeUnreachable`` when nobody answers after all tries, ``KmeRefused`` for
    an error with its status and message, ``KmeLied`` for an answer that is not what was asked for.
    """

    def __init__(
        self,
        url: str,
        tls: TlsFiles,
        timeout_s: float = TIMEOUT_S,
        delays_s: Sequence[float] = DELAYS_S,
    ) -> None:
        if not url.startswith("https://"):
            raise InputError(f"KME: expected an address as https://kme.example:443, got {url!r}")
        self.url = url.rstrip("/")
        self._delays_s = tuple(delays_s)
        self._http = httpx.Client(
            base_url=self.url, verify=tls.client_context(), timeout=timeout_s, trust_env=False
        )
        self._seen: set[str] = set()
        self._order: deque[str] = deque()

    def __repr__(self) -> str:
        return f"KmeClient({self.url})"

    def __enter__(self) -> KmeClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def status(self, slave: str) -> KmeStatus:
        """`Get status`: what there is for this SAE and ``slave``."""
        status = self._ask("GET", f"{_path(slave)}/status", None, KmeStatus)
        if status.slave_SAE_ID != slave:
            raise KmeLied(self.url, f"the status for {slave!r}", f"one for {status.slave_SAE_ID!r}")
        if not 0 < status.min_key_size <= status.key_size <= status.max_key_size:
            sizes = (status.min_key_size, status.key_size, status.max_key_size)
            raise KmeLied(self.url, "min_key_size <= key_size <= max_key_size", str(sizes))
        if status.max_key_per_request < 1:
            raise KmeLied(self.url, "max_key_per_request above 0", str(status.max_key_per_request))
        return status

    def get_key(
        self,
        slave: str,
        number: int,
        size: int,
        additional_slaves: Sequence[str] = (),
        optional: Sequence[dict[str, Any]] = (),
    ) -> list[KmeKey]:
        """`Get key`: ``number`` new keys of ``size`` bits for this SAE and ``slave``.

        Each was never given to this client before. A try whose answer was lost has cost its keys.
        """
        body: dict[str, Any] = {"number": number, "size": size}
        if additional_slaves:
            body["additional_slave_SAE_IDs"] = list(additional_slaves)
        if optional:
            body["extension_optional"] = list(optional)
        container = self._ask("POST", f"{_path(slave)}/enc_keys", body, _Container)
        keys = self._opened(container, number)
        for one in keys:
            if 8 * len(one.key) != size:
                raise KmeLied(self.url, f"keys of {size} bits", f"one of {8 * len(one.key)}")
        self._require_new(keys)
        return keys

    def get_key_with_ids(self, master: str, key_ids: Sequence[str]) -> list[KmeKey]:
        """`Get key with key IDs`: keys that ``master`` had given for this SAE.

        In the order of the ids, whatever order the KME has.
        """
        body = {"key_IDs": [{"key_ID": key_id} for key_id in key_ids]}
        container = self._ask("POST", f"{_path(master)}/dec_keys", body, _Container)
        by_id = {one.key_id.lower(): one for one in self._opened(container, len(key_ids))}
        if set(by_id) != {key_id.lower() for key_id in key_ids}:
            raise KmeLied(self.url, f"keys {sorted(key_ids)}", f"keys {sorted(by_id)}")
        return [by_id[key_id.lower()] for key_id in key_ids]

    def _opened(self, container: _Container, number: int) -> list[KmeKey]:
        if len(container.keys) != number:
            raise KmeLied(self.url, f"{number} keys", str(len(container.keys)))
        keys = []
        for one in container.keys:
            try:
                key = base64.b64decode(one.key, validate=True)
            except binascii.Error as error:
                raise KmeLied(self.url, f"key {one.key_ID} in base64", str(error)) from None
            if not any(key):
                raise KmeLied(self.url, f"key {one.key_ID}", "nothing but zeros")
            keys.append(KmeKey(one.key_ID, key, one.key_extension))
        if len({one.key_id.lower() for one in keys}) != number:
            raise KmeLied(self.url, f"{number} different key ids", "one twice")
        return keys

    def _require_new(self, keys: Sequence[KmeKey]) -> None:
        for one in keys:
            if one.key_id.lower() in self._seen:
                raise KmeLied(self.url, "keys that were not given before", f"key {one.key_id}")
        # Of shorter ones two may be alike by chance.
        if len({one.key for one in keys if len(one.key) >= LONG_BYTES}) != sum(
            len(one.key) >= LONG_BYTES for one in keys
        ):
            raise KmeLied(self.url, "different keys", "one twice")
        for one in keys:
            self._seen.add(one.key_id.lower())
            self._order.append(one.key_id.lower())
            if len(self._order) > REMEMBERED:
                self._seen.discard(self._order.popleft())

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None, kind: type[Answer]
    ) -> Answer:
        for delay in (*self._delays_s, None):
            try:
                return self._ask_once(method, path, body, kind)
            except (KmeUnreachable, KmeRefused) as error:
                if delay is None or (isinstance(error, KmeRefused) and error.status != 503):
                    raise
                time.sleep(delay)
        raise AssertionError("unreachable")

    def _ask_once(
        self, method: str, path: str, body: dict[str, Any] | None, kind: type[Answer]
    ) -> Answer:
        try:
            with self._http.stream(method, path, json=body) as response:
                content = bytearray()
                for part in response.iter_bytes():
                    content += part
                    if len(content) > MAXIMUM_ANSWER:
                        raise KmeLied(self.url, f"at most {MAXIMUM_ANSWER} bytes", "more")
        except httpx.HTTPError as error:
            raise KmeUnreachable(self.url, f"{type(error).__name__} {error}".strip()) from error
        if response.status_code != 200:
            raise KmeRefused(self.url, response.status_code, _message(bytes(content)))
        try:
            return kind.model_validate_json(bytes(content))
        except ValidationError as error:
            problem = error.errors(include_input=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise KmeLied(
                self.url, f"a {kind.__name__.lstrip('_')}", f"{where}: {problem['msg']}"
            ) from None


def _message(content: bytes) -> str:
    try:
        return Error.model_validate_json(content).message
    except ValidationError:
        return content[:200].decode("utf-8", "replace")


def _path(sae_id: str) -> str:
    return f"{PREFIX}/{quote(sae_id, safe='')}"
