"""The RPC endpoints of one chain: which of them is asked, which is left, and when it comes back.

An endpoint is left when it hangs, refuses the connection, answers with an HTTP error or with what
is no JSON-RPC response, belongs to another chain, or is stale. It is asked again after a pause
that doubles, once its chain id (and its head, where that was stale) is right. Each change is one
line in the log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from aiohttp import ClientError

from bridge.chain.jsonrpc import JsonRpc
from bridge.chain.wire import parse_quantity
from bridge.domain.errors import ChainError, ChainRefused, ChainUnreachable, WrongChainId

log = structlog.get_logger()

ATTEMPTS = 4
BACKOFF_S = 0.1
"""The wait after all endpoints failed once; it doubles, within the request's deadline."""
RETRIED_METHODS = frozenset(
    {
        "eth_accounts",
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getProof",
        "eth_getStorageAt",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "eth_syncing",
    }
)
"""What changes nothing and may be asked twice. Sending has rules of its own."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""One that was good for so long begins with the shortest pause again."""

T = TypeVar("T")
Read = Callable[[Mapping[str, Any]], T]
"""What an answer says; raises ``ChainRefused`` or ``TransactionReverted`` for an error."""


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """Where a chain is and which one it must be; ``timeout_s`` is a request's whole deadline.

    ``rpc_url`` is preferred, ``other_urls`` follow in their order. An endpoint that is more than
    ``lag_blocks`` behind most of the others is stale.
    """

    name: str
    domain: int
    chain_id: int
    rpc_url: str
    timeout_s: float = 30.0
    other_urls: tuple[str, ...] = ()
    lag_blocks: int = 16

    @property
    def urls(self) -> tuple[str, ...]:
        """All addresses, the preferred first."""
        return (self.rpc_url, *self.other_urls)

    @property
    def attempt_timeout_s(self) -> float:
        """The deadline at one endpoint: where there are others, they share the whole."""
        return self.timeout_s / len(self.urls)


class EndpointFailed(Exception):
    """One endpoint gave no answer that can be used. Never leaves the chain layer."""

    def __init__(self, reason: str, wrong_chain: WrongChainId | None = None) -> None:
        self.wrong_chain = wrong_chain
        super().__init__(reason)


@dataclass(slots=True)
class EndpointCounts:
    """What was asked of an endpoint since the start, and what it last failed with."""

    requests: int = 0
    failures: int = 0
    disagreements: int = 0
    last_error: str | None = None


class Endpoint:
    """One address of a chain. ``counts`` and ``left_for`` are for whoever measures.

    ``head`` is the highest block that it is known to have, ``finalized`` the newest final one.
    """

    def __init__(self, settings: ChainSettings, number: int, url: str) -> None:
        self.number = number
        self.url = url
        self.counts = EndpointCounts()
        self.left_for: str | None = None
        self.head: int | None = None
        self.finalized: int | None = None
        self._settings = settings
        self._right_chain = False
        self._needed_head = 0
        self._again_at = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._good_since = time.monotonic()
        self._rpc = JsonRpc(url, settings.timeout_s)

    @property
    def place(self) -> str:
        """The address for logs: a path may hold a key that is nobody else's business."""
        parts = urlsplit(self.url)
        rest = "/..." if parts.path.strip("/") or parts.query else ""
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{rest}"

    @property
    def waits(self) -> bool:
        """Whether it was left and its time has not come."""
        return self.left_for is not None and time.monotonic() < self._again_at

    @property
    def again_at(self) -> float:
        """When it may be asked again, on the monotonic clock."""
        return self._again_at

    async def close(self) -> None:
        """Close the connections."""
        await self._rpc.close()

    async def ask(self, method: str, params: Sequence[object], timeout_s: float) -> dict[str, Any]:
        """The JSON-RPC response, with ``result`` or ``error``; ``EndpointFailed`` otherwise."""
        if not self._right_chain:
            await self._check(timeout_s)
        answer = await self._post(method, params, timeout_s)
        self._come_back()
        return answer

    def leave(self, reason: str, wrong_chain: WrongChainId | None = None) -> EndpointFailed:
        """Leave it for a while; the error to raise comes back."""
        now = time.monotonic()
        self.counts.failures += 1
        self.counts.last_error = reason
        self._right_chain = False
        if self.left_for is None:
            if now - self._good_since > STEADY_S:
                self._pause_s = FIRST_PAUSE_S
            log.warning(
                "rpc_endpoint_left",
                chain=self._settings.name,
                endpoint=self.number,
                url=self.place,
                reason=reason,
                pause_s=self._pause_s,
            )
        if now >= self._again_at:  # several requests may fail at once, and count as one
            self._again_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self.left_for = reason
        return EndpointFailed(reason, wrong_chain)

    def leave_as_stale(self, reason: str, needed_head: int) -> None:
        """Leave it until its finalized block is at ``needed_head`` again."""
        self._needed_head = needed_head
        self.leave(f"stale: {reason}")

    def saw(self, number: int, finalized: bool) -> None:
        """Note a block that it has."""
        self.head = number if self.head is None else max(self.head, number)
        if finalized:
            self.finalized = number

    def _come_back(self) -> None:
        if self.left_for is None:
            return
        self.left_for = None
        self._good_since = time.monotonic()
        log.info(
            "rpc_endpoint_back", chain=self._settings.name, endpoint=self.number, url=self.place
        )

    async def _check(self, timeout_s: float) -> None:
        got = self._quantity(await self._post("eth_chainId", (), timeout_s))
        expected = self._settings.chain_id
        if got != expected:
            wrong = WrongChainId(self._settings.name, self.url, expected, got)
            raise self.leave(f"expected chain id {expected}, got {got}", wrong)
        if self._needed_head:
            answer = await self._post("eth_getBlockByNumber", ("finalized", False), timeout_s)
            block = answer.get("result")
            got = self._quantity({"result": block.get("number") if block else "0x0"})
            if got < self._needed_head:
                raise self.leave(f"stale: expected finalized {self._needed_head}, got {got}")
            self._needed_head = 0
            self.finalized = self.head = got
        self._right_chain = True

    def _quantity(self, answer: Mapping[str, Any]) -> int:
        try:
            return parse_quantity(answer.get("result"))
        except ValueError as error:
            raise self.leave(f"answer that cannot be read: {error}") from error

    async def _post(
        self, method: str, params: Sequence[object], timeout_s: float
    ) -> dict[str, Any]:
        self.counts.requests += 1
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._rpc.post(method, params)
        except TimeoutError as error:
            raise self.leave(f"{method}: no answer within {timeout_s:.3g} s") from error
        except (ClientError, OSError, ValueError) as error:
            raise self.leave(f"{method}: {str(error) or type(error).__name__}") from error
        if not isinstance(answer, dict) or not {"result", "error"} & answer.keys():
            raise self.leave(f"{method}: expected a JSON-RPC response, got {str(answer)[:80]!r}")
        return dict(answer)


class Endpoints:
    """All endpoints of a chain, in the order of preference."""

    def __init__(self, settings: ChainSettings) -> None:
        self._settings = settings
        self.all = tuple(Endpoint(settings, n, url) for n, url in enumerate(settings.urls, start=1))

    async def close(self) -> None:
        """Close the connections."""
        for endpoint in self.all:
            await endpoint.close()

    def usable(self) -> list[Endpoint]:
        """Those that may be asked now."""
        return [endpoint for endpoint in self.all if not endpoint.waits]

    def to_try(self) -> list[Endpoint]:
        """Those that may be asked now; where there is none, all, the soonest due first."""
        return self.usable() or sorted(self.all, key=lambda one: one.again_at)

    async def first(self, method: str, params: Sequence[object], read: Read[T]) -> T:
        """What the first endpoint says that can be used.

        One that answers with an error is not left, but the others are asked too where that is
        harmless. Raises that error, or ``WrongChainId`` or ``ChainUnreachable``.
        """
        deadline = time.monotonic() + self._settings.timeout_s
        harmless = method in RETRIED_METHODS
        pause_s = BACKOFF_S
        for attempt in range(ATTEMPTS if harmless else 1):
            if attempt:
                if time.monotonic() + pause_s >= deadline:
                    break
                await asyncio.sleep(pause_s)
                pause_s *= 2
            failures: dict[Endpoint, EndpointFailed] = {}
            refused: ChainRefused | None = None
            for endpoint in self.to_try()[: None if harmless else 1]:
                left_s = min(self._settings.attempt_timeout_s, deadline - time.monotonic())
                if left_s <= 0:
                    break
                try:
                    return read(await endpoint.ask(method, params, left_s))
                except EndpointFailed as error:
                    failures[endpoint] = error
                except ChainRefused as error:
                    refused = refused or error
            if refused is not None:
                raise refused
            if failures and all(error.wrong_chain for error in failures.values()):
                break
        raise self.unreachable(failures)

    def unreachable(self, failures: Mapping[Endpoint, EndpointFailed]) -> ChainError:
        """The error for endpoints that all failed: ``WrongChainId`` where each is another chain."""
        name = self._settings.name
        wrong = [error.wrong_chain for error in failures.values() if error.wrong_chain]
        if wrong and len(wrong) == len(failures):
            return wrong[0]
        if len(self.all) == 1:
            return ChainUnreachable(
                name, self.all[0].url, "; ".join(map(str, failures.values())) or "no time left"
            )
        places = ", ".join(endpoint.place for endpoint in self.all)
        reasons = "; ".join(f"{one.place}: {error}" for one, error in failures.items())
        return ChainUnreachable(name, places, reasons)

    def compare_heads(self, heads: Mapping[Endpoint, int]) -> None:
        """Leave the endpoints whose finalized block is stale beside what most of them say.

        One is stale that is more than ``lag_blocks`` behind, or that went back while the others
        did not. Where there is one endpoint only, nothing is stale.
        """
        before = {endpoint: endpoint.finalized for endpoint in heads}
        for endpoint, number in heads.items():
            endpoint.saw(number, finalized=True)
        if len(heads) < 2:
            return
        most = sorted(heads.values(), reverse=True)[(len(heads) - 1) // 2]
        for endpoint, number in heads.items():
            seen = before[endpoint]
            if number < most - self._settings.lag_blocks:
                reason = f"its finalized block is {number}, others have {most}"
                endpoint.leave_as_stale(reason, most - self._settings.lag_blocks)
            elif seen is not None and number < seen and number < most:
                reason = f"its finalized block went back from {seen} to {number}"
                endpoint.leave_as_stale(reason, seen)
