"""A client that believes only what several RPC endpoints of a chain say alike.

A block is compared by number, hash, parent and time, logs as a whole, a call by what it returns or
reverts with. A tag stands for the newest block that enough endpoints have. That fewer endpoints
answer never makes fewer enough.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar, cast

import structlog

from bridge.chain.client import Block, ChainClient
from bridge.chain.endpoints import ChainSettings, Endpoint
from bridge.chain.records import BlockRef
from bridge.chain.revert import ErrorDecoder, decode_revert
from bridge.domain.errors import (
    ChainError,
    ChainRefused,
    EndpointsDisagree,
    EndpointsTooFew,
    InputError,
    TransactionReverted,
)

log = structlog.get_logger()

COMPARED_METHODS = frozenset(
    {
        "eth_getBlockByNumber",
        "eth_getLogs",
        "eth_call",
        "eth_getCode",
        "eth_getBalance",
        "eth_getStorageAt",
    }
)
SHOWN_CHARACTERS = 200
NO_BLOCK = "no such block"

T = TypeVar("T")


class AgreedClient(ChainClient):
    """A ``ChainClient`` whose reads are what ``agreement`` endpoints say alike.

    Blocks, logs, calls, code, storage and balances are compared; they raise ``EndpointsTooFew`` or
    ``EndpointsDisagree`` where they cannot be believed. An endpoint that is alone with what it
    says is left for a while, and its words are in the log. Everything else goes to one endpoint.
    """

    def __init__(
        self,
        settings: ChainSettings,
        agreement: int,
        decoder: ErrorDecoder = decode_revert,
    ) -> None:
        if not 2 <= agreement <= len(settings.urls):
            raise InputError(
                f"agreement: expected 2 to {len(settings.urls)} endpoints, got {agreement}"
            )
        super().__init__(settings, decoder)
        self.agreement = agreement
        self._last_quarrel = ""

    async def connect(self) -> None:
        """Check that enough endpoints answer for the right chain."""
        await self.finalized()

    async def finalized(self) -> BlockRef:
        """The newest block that ``agreement`` endpoints have, and as final."""
        return await self.block("finalized")

    async def find_block(self, block: Block) -> BlockRef | None:
        """The block, or None where the chain has none; a tag as ``agreement`` endpoints have it."""
        if isinstance(block, int):
            return await super().find_block(block)
        return await super().find_block(await self._common(block))

    async def code(self, address: str, block: Block = "latest") -> bytes:
        """The contract code at ``address``; empty where it holds none."""
        return await super().code(address, await self._number(block))

    async def storage(self, address: str, slot: int, block: Block = "latest") -> bytes:
        """The word at ``slot`` of the contract's storage, 32 bytes."""
        return await super().storage(address, slot, await self._number(block))

    async def balance(self, address: str, block: Block = "latest") -> int:
        """The balance in wei."""
        return await super().balance(address, await self._number(block))

    async def call(
        self,
        to: str | None,
        data: bytes,
        block: Block = "latest",
        sender: str | None = None,
        value: int = 0,
        gas: int | None = None,
    ) -> bytes:
        """What the contract returns; ``TransactionReverted`` with the raw data where it reverts."""
        return await super().call(to, data, await self._number(block), sender, value, gas)

    async def _number(self, block: Block) -> int:
        return block if isinstance(block, int) else await self._common(block)

    async def _common(self, tag: str) -> int:
        """The newest block that ``agreement`` endpoints have at ``tag`` or before it."""
        heads = await self._heads(tag, self.agreement)
        if len(heads) < self.agreement:
            raise self._too_few(len(heads), {})
        numbers = sorted((block.number for block in heads.values()), reverse=True)
        return numbers[self.agreement - 1]

    async def _ask(
        self, parse: Callable[[Any], T], method: str, *params: object, what: str = ""
    ) -> T:
        if method not in COMPARED_METHODS:
            return await super()._ask(parse, method, *params, what=what)
        asked = [one for one in self._endpoints.usable() if _has(one, _block_of(method, params))]
        if len(asked) < self.agreement:
            raise self._too_few(len(asked), {})

        def enough(said: Mapping[Endpoint, T | ChainError]) -> bool:
            return any(len(group) >= self.agreement for group in _groups(said).values())

        said, failed = await self._ask_each(asked, parse, method, *params, what=what, enough=enough)
        refusals = [one for one in said.values() if isinstance(one, ChainRefused)]
        groups = _groups(said)
        agreed = [group for group in groups.values() if len(group) >= self.agreement]
        if len(agreed) == 1:
            self._leave_the_others(groups, agreed[0], said, f"{method}{_shown(params)}")
            answer = said[agreed[0][0]]
            if isinstance(answer, ChainError):
                raise answer
            return answer
        if len(groups) > 1:
            raise self._quarrel(f"{method}{_shown(params)}", groups, said)
        got = sum(map(len, groups.values()))
        if refusals and got + len(refusals) >= self.agreement:
            raise refusals[0]
        raise self._too_few(got, {one: str(error) for one, error in failed.items()})

    def _leave_the_others(
        self,
        groups: Mapping[Hashable, list[Endpoint]],
        agreed: list[Endpoint],
        said: Mapping[Endpoint, object],
        what: str,
    ) -> None:
        self._last_quarrel = ""
        for group in groups.values():
            for endpoint in group:
                if endpoint in agreed or said[endpoint] is None:
                    continue  # one that has no such block is behind, and says nothing wrong
                endpoint.counts.disagreements += 1
                endpoint.leave(
                    f"it says of {what}: {_words(said[endpoint])}; "
                    f"{len(agreed)} others say: {_words(said[agreed[0]])}"
                )

    def _quarrel(
        self,
        what: str,
        groups: Mapping[Hashable, list[Endpoint]],
        said: Mapping[Endpoint, object],
    ) -> EndpointsDisagree:
        words = [
            f"{one.place} (endpoint {one.number}) says {_words(said[one])}"
            for group in groups.values()
            for one in group
        ]
        for endpoint in said:
            endpoint.counts.disagreements += 1
        error = EndpointsDisagree(self.settings.name, what, self.agreement, sorted(words))
        if str(error) != self._last_quarrel:
            self._last_quarrel = str(error)
            log.error(
                "rpc_endpoints_disagree", chain=self.settings.name, what=what, said=error.said
            )
        return error

    def _too_few(self, got: int, failures: Mapping[Endpoint, str]) -> EndpointsTooFew:
        reasons = []
        for endpoint in self.endpoints:
            reason = failures.get(endpoint) or endpoint.left_for
            if reason is not None:
                reasons.append(f"{endpoint.place} (endpoint {endpoint.number}): {reason}")
        return EndpointsTooFew(self.settings.name, got, self.agreement, reasons)


def _groups(said: Mapping[Endpoint, Any]) -> dict[Hashable, list[Endpoint]]:
    """The endpoints by what they say. A revert is an answer too, a refusal is none."""
    groups: dict[Hashable, list[Endpoint]] = {}
    for endpoint, answer in said.items():
        if isinstance(answer, ChainRefused):
            continue
        key = ("reverted", answer.data) if isinstance(answer, TransactionReverted) else answer
        groups.setdefault(cast(Hashable, key), []).append(endpoint)
    return groups


def _has(endpoint: Endpoint, block: int | None) -> bool:
    """Whether an endpoint may have the block, as far as is known of its head."""
    return block is None or endpoint.head is None or block <= endpoint.head


def _block_of(method: str, params: tuple[Any, ...]) -> int | None:
    """The newest block that a request needs; None where it needs none to be there."""
    if method == "eth_getBlockByNumber":
        return None
    if method == "eth_getLogs":
        return int(params[0]["toBlock"], 16)
    text = params[-1]
    return int(text, 16) if text.startswith("0x") else None


def _words(answer: object) -> str:
    if answer is None:
        return NO_BLOCK
    if isinstance(answer, BlockRef):
        return f"block {answer.number} 0x{answer.hash.hex()}"
    if isinstance(answer, bytes):
        return _cut("0x" + answer.hex())
    if isinstance(answer, tuple):
        logs = ", ".join(f"{one.block_number}/{one.log_index} 0x{one.data.hex()}" for one in answer)
        return _cut(f"{len(answer)} logs: {logs}")
    return _cut(str(answer))


def _shown(params: tuple[object, ...]) -> str:
    return _cut(str(params))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
