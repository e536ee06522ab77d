"""Verifying a deployed contract anew, from the chain's own words: what stands behind each verdict.

How code and source are matched and what a scan reports are functions that are given: `Match` and
`Scan`, which `bridge.verifier.source_verifier` has. Everything else of a verdict is read here,
through endpoints that must agree.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from eth_utils.address import to_checksum_address

from bridge.chain.client import ChainClient
from bridge.chain.records import BlockRef
from bridge.crypto.hashing import keccak256
from bridge.domain.errors import BlockNotFinal, InputError, NotVerified, VerdictRefused
from bridge.domain.verdicts import NO_DIGEST, MatchKind, Verdict
from bridge.domain.version import VERSION

TOOL = f"astralink/{VERSION}"
TIMEOUT_S = 120.0
"""How long a match and a scan may take, each."""
RESERVED = 0xEF
"""No legacy code begins with it (EIP-3541): it is of EOF, or points elsewhere (EIP-7702)."""

Source = Mapping[str, Any]
"""What a contract is matched with, as the match function takes it: Sourcify's body of
POST /v2/verify, with ``stdJsonInput``, ``compilerVersion`` and ``contractIdentifier``."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deployed:
    """A contract as a chain has it at a final block. ``address`` is 20 bytes."""

    client: ChainClient
    address: bytes
    block: BlockRef
    code: bytes

    @property
    def checksummed(self) -> str:
        """The address with its checksum (EIP-55)."""
        return to_checksum_address(self.address)


Match = Callable[[Deployed, Source | None], Awaitable[MatchKind]]
"""How well the code agrees with a source; ``NO_MATCH`` where there is none."""
Scan = Callable[[Deployed, Source | None, str], Awaitable[bytes]]
"""The scan's report in its canonical form, by the tool of that name.

The source is one that the code agrees with; where it does not, None is given."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A verdict, and the report whose SHA-256 it names; None where nothing was scanned."""

    verdict: Verdict
    report: bytes | None


class Recheck:
    """Makes verdicts of contracts on the chains of ``clients``, which are by chain id.

    Without ``scan`` nothing is scanned. ``tool`` says in each verdict what verified it.
    """

    def __init__(
        self,
        clients: Mapping[int, ChainClient],
        match: Match,
        scan: Scan | None = None,
        tool: str = TOOL,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._clients = dict(clients)
        self._match = match
        self._scan = scan
        self._tool = tool
        self._timeout_s = timeout_s

    async def verdict(
        self,
        chain_id: int,
        address: bytes,
        block_number: int | None = None,
        source: Source | None = None,
    ) -> Verdict:
        """What is found of a contract at a final block, by default the newest.

        Raises ``InputError`` for a chain that is not configured, ``BlockNotFinal``, ``NotVerified``
        for an account without code or whose code changed since that block, ``VerdictRefused``
        where the chain changes meanwhile or a match or scan takes too long, and what they raise.
        """
        return (await self.examined(chain_id, address, block_number, source)).verdict

    async def examined(
        self,
        chain_id: int,
        address: bytes,
        block_number: int | None = None,
        source: Source | None = None,
    ) -> Examined:
        """As ``verdict``, with the scan's report."""
        deployed = await self._deployed(chain_id, address, block_number)
        match = await self._within("match", self._match(deployed, source))
        digest, report = NO_DIGEST, None
        if self._scan is not None:
            matched = None if match is MatchKind.NO_MATCH else source
            report = await self._within("scan", self._scan(deployed, matched, self._tool))
            digest = hashlib.sha256(report).digest()
        block = deployed.block
        # A node may have given code and block of two histories: the same block is asked for again.
        again = await deployed.client.block(block.number)
        if again != block:
            raise VerdictRefused("block_hash", block.hash, again.hash)
        verdict = Verdict(
            chain_id=chain_id,
            address=address,
            code_hash=keccak256(deployed.code),
            block_number=block.number,
            block_hash=block.hash,
            match=match,
            scan_digest=digest,
            tool=self._tool,
        )
        return Examined(verdict, report)

    async def _deployed(self, chain_id: int, address: bytes, number: int | None) -> Deployed:
        client = self._clients.get(chain_id)
        if client is None:
            known = ", ".join(map(str, sorted(self._clients))) or "none"
            raise InputError(f"verdict: chain_id: expected one of {known}, got {chain_id}")
        name = client.settings.name
        final = await client.finalized()
        number = final.number if number is None else number
        if number > final.number:
            raise BlockNotFinal(name, number, final.number)
        block = await client.block(number)
        where = to_checksum_address(address)
        code = await client.code(where, number)
        if not code:
            raise NotVerified(name, where, f"it has no code at block {number}")
        if code[0] == RESERVED:
            raise NotVerified(name, where, f"its code begins with 0xef: 0x{code[:23].hex()}")
        now = await client.code(where, final.number)
        if now != code:
            raise NotVerified(
                name,
                where,
                f"its code was 0x{keccak256(code).hex()} at block {number} and is "
                f"0x{keccak256(now).hex()} at block {final.number}",
            )
        return Deployed(client, address, block, code)

    async def _within(self, what: str, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await work
        except TimeoutError as error:
            limit = f"at most {self._timeout_s:g} s"
            raise VerdictRefused(f"duration of the {what}", limit, "more") from error
