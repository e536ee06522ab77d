"""admit: which messages are relayed at all, where only verified contracts may talk.

The sender is asked for in the VerdictRegistry of its own chain, the recipient in that of its own,
so that each is looked at with the code that it has now. What was admitted may lose its verdict
before its transaction is in a block: who must be sure asks the registry in the recipient itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Sequence

from eth_utils.address import to_checksum_address

from bridge.chain.contracts import Contract
from bridge.chain.verdicts import StandingVerdict, Verdicts
from bridge.domain.errors import InputError
from bridge.relayer.journal import Entry
from bridge.relayer.route import Route, Side
from bridge.verifier.finding import Severity
from bridge.verifier.match.proxies import running_code
from bridge.verifier.policy import VerdictPolicy
from bridge.verifier.scans import worst_severity

SENDER, RECIPIENT = slice(9, 41), slice(45, 77)
"""Where they stand in a message, whatever its version."""
KEPT = 10_000
"""Endpoints whose answer is remembered; more of them are asked for again."""


class Admission:
    """Asks the registries of ``sides``, and remembers what they said for a while."""

    def __init__(
        self,
        sides: Sequence[Side],
        policy: VerdictPolicy,
    ) -> None:
        self.policy = policy
        self._verdicts = {
            side.domain: Verdicts(
                Contract.at(side.reading, "VerdictRegistry", side.record.verdicts)
            )
            for side in sides
            if side.record.verdicts is not None
        }
        self._said: dict[tuple[int, bytes], tuple[float, str | None]] = {}

    async def refused(self, route: Route, entries: Sequence[Entry]) -> dict[bytes, str]:
        """Why messages are not relayed, by id; those that are stand not in it."""
        between: defaultdict[tuple[bytes, bytes], list[bytes]] = defaultdict(list)
        for entry in entries:  # a batch has thousands, and none is decoded for this
            between[entry.encoded[SENDER], entry.encoded[RECIPIENT]].append(entry.id)
        reasons: dict[bytes, str] = {}
        for ends, identifiers in between.items():
            reason = await self.obstacle(route, *ends)
            if reason is not None:
                reasons |= dict.fromkeys(identifiers, reason)
        return reasons

    async def obstacle(self, route: Route, sender: bytes, recipient: bytes) -> str | None:
        """Why nothing is relayed between these endpoints, 32 bytes each; None where it is."""
        for what, side, end in (
            ("sender", route.origin, sender),
            ("recipient", route.destination, recipient),
        ):
            reason = await self._endpoint(side, end)
            if reason is not None:
                return f"{what} {_shown(end)} on chain {side.name}: {reason}"
        return None

    async def _endpoint(self, side: Side, end: bytes) -> str | None:
        if any(end[:12]):
            return "it is no address of 20 bytes, so that no verdict is on it"
        place = side.domain, end
        now = time.monotonic()
        known = self._said.get(place)
        if known is not None and now - known[0] < self.policy.recheck_s:
            return known[1]
        reason = await self._asked(side, end[12:])
        if len(self._said) >= KEPT:
            self._said.clear()
        self._said[place] = now, reason
        return reason

    async def _asked(self, side: Side, address: bytes) -> str | None:
        verdicts = self._verdicts.get(side.domain)
        if verdicts is None:
            return "the chain has no VerdictRegistry"
        own = str(to_checksum_address(address))
        parts: tuple[str, ...] = (own,)
        if self.policy.follows_proxies:
            parts = await running_code(side.reading, own)
        for part in parts:
            reason = await self._verdict(verdicts, side, bytes.fromhex(part[2:]))
            if reason is not None:
                return reason if part == own else f"{part.lower()} behind it: {reason}"
        return None

    async def _verdict(self, verdicts: Verdicts, side: Side, address: bytes) -> str | None:
        policy, chain_id = self.policy, side.record.chain_id
        reason = await verdicts.obstacle(chain_id, address, policy.least_match)
        if reason is not None or policy.greatest_severity is None:
            return reason
        standing = await verdicts.standing(chain_id, address)
        if standing is None:  # a reorg took it between the two questions
            return "no verdict is on it"
        return await asyncio.to_thread(self._severity, standing, policy.greatest_severity)

    def _severity(self, standing: StandingVerdict, greatest: Severity) -> str | None:
        digest = standing.scan_digest
        unknown = None if self.policy.relays_unknown_scans else "its scan is not known here"
        if not any(digest):
            return None if unknown is None else "its verdict was given without a scan"
        assert self.policy.scans is not None
        file = self.policy.scans / f"{digest.hex()}.json"
        try:
            report = file.read_bytes()
        except OSError:
            return unknown if unknown is None else f"{unknown}: expected {file.name}, got none"
        if hashlib.sha256(report).digest() != digest:
            got = hashlib.sha256(report).hexdigest()
            return f"its scan's report is another: expected SHA-256 {digest.hex()}, got {got}"
        try:
            worst = worst_severity(report)
        except InputError as error:
            return f"its scan's report cannot be read: {error}"
        if worst is not None and worst.rank < greatest.rank:
            return f"its scan has a finding that is {worst}; expected at most {greatest}"
        return None


def _shown(end: bytes) -> str:
    return "0x" + (end if any(end[:12]) else end[12:]).hex()
