"""Whether the tokens on both chains of a checkpoint add up, asked before it is signed.

The contracts count, at each end of a token's route, what they sent, received and refunded, and
none of these figures ever falls. At home sent is locked and received is released; at the remote
sent is burned and received is minted. So at any moment, and for both directions,

    received(one end) <= sent(other end) - refunded(other end).

The two ends are read one after the other, each at ``finalized``. Whoever receives is read first:
what the other end sent has only grown until it is read, and nothing that was received is ever
refunded, so that no race gives a false alarm. (A node whose ``finalized`` is behind that of other
signers' nodes can give one; it ends when the node has caught up.)
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from bridge.chain.artifact import load
from bridge.chain.contracts import Contract
from bridge.chain.deployment import SideRecord
from bridge.chain.events import Cursor, scan
from bridge.chain.transfers import Transfer
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import InputError, SupplyBroken
from bridge.domain.messages import Message, address_to_bytes32
from bridge.relayer.route import Route, Side
from bridge.relayer.view import OriginView

KINDS = {"TokenBridge": "tokens", "NftBridge": "nfts"}
"""Contract and its field in the record of a side."""


@dataclass(frozen=True, slots=True, order=True)
class TokenRoute:
    """A token of the domain ``home`` on the domain ``remote``; ``token`` is 32 bytes."""

    home: int
    token: bytes
    remote: int

    def tuple(self) -> tuple[int, bytes, int]:
        """The route in the order of the contract's struct."""
        return (self.home, self.token, self.remote)

    def broken(self, what: str, got: int, bound: int) -> SupplyBroken:
        """The error that ``got`` should be at most ``bound``."""
        return SupplyBroken(self.token, self.home, self.remote, what, got, bound)


@dataclass(frozen=True, slots=True)
class Totals:
    """What a route's end sent, received and refunded."""

    sent: int
    received: int
    refunded: int


class Tally:
    """What the messages of one chain's tree say that its bridges of tokens sent, by route."""

    def __init__(self, domain: int, bridges: dict[bytes, str]) -> None:
        self._domain = domain
        self._bridges = bridges
        self.sent: dict[str, Counter[TokenRoute]] = {kind: Counter() for kind in KINDS}

    @classmethod
    def of(cls, record: SideRecord) -> Tally:
        """An empty tally of the bridges that ``record`` names."""
        addresses = {kind: getattr(record, name) for kind, name in KINDS.items()}
        bridges = {address_to_bytes32(at): kind for kind, at in addresses.items() if at is not None}
        return cls(record.domain, bridges)

    def add(self, message: Message) -> None:
        """Count ``message`` where a bridge of tokens sent it.

        What such a bridge sent and is no transfer counts for nothing: the other one refuses it.
        """
        kind = self._bridges.get(message.sender)
        if kind is None:
            return
        try:
            transfer = Transfer.decode(message.body)
        except InputError:
            return
        leaving = transfer.home == self._domain
        remote = message.destination if leaving else self._domain
        route = TokenRoute(transfer.home, transfer.token, remote)
        self.sent[kind][route] += transfer.units


@dataclass
class _Enrolled:
    """The routes that a bridge of tokens has, as its own events tell."""

    cursor: Cursor
    routes: set[TokenRoute] = field(default_factory=set)


class SupplyGuard:
    """Reads the bridges of tokens on both chains of a route; keeps what routes they have."""

    def __init__(self) -> None:
        self._enrolled: dict[tuple[int, str], _Enrolled] = {}

    async def check(self, route: Route, tally: Tally, scanned: int) -> None:
        """Pass where all tokens between the two chains stand for locked ones.

        ``tally`` counts the messages of the origin's tree up to the block ``scanned``. Raises
        ``SupplyBroken``, which names token, route and both figures, and what a chain raises.
        """
        for kind, name in KINDS.items():
            if getattr(route.origin.record, name) is None:
                continue
            if getattr(route.destination.record, name) is None:
                continue
            await self._check(kind, route, tally.sent[kind], scanned)

    async def _check(
        self, kind: str, route: Route, tally: Counter[TokenRoute], scanned: int
    ) -> None:
        origin, destination = _End(kind, route.origin), _End(kind, route.destination)
        here, there = await asyncio.gather(self._routes(origin), self._routes(destination))
        routes = sorted(here | tally.keys() | {one for one in there if _joins(one, route)})

        before = await origin.totals(routes)
        shared = [one for one in routes if _joins(one, route)]
        across = await destination.totals(shared)
        after = await origin.totals(routes, at_least=scanned)

        for one in routes:
            if tally[one] > after.of[one].sent:
                what = f"messages say more than domain {origin.domain} {_word(one, origin)}"
                raise one.broken(what, tally[one], after.of[one].sent)
        for one in shared:
            _require_behind(one, origin, before.of[one], destination, across.of[one])
            _require_behind(one, destination, across.of[one], origin, after.of[one])
        await origin.require_held(after)
        await destination.require_minted(across)

    async def _routes(self, end: _End) -> set[TokenRoute]:
        """The routes of a bridge, read from where the last call ended."""
        start = Cursor.at(end.side.record.start_block)
        known = self._enrolled.setdefault((end.domain, end.kind), _Enrolled(start))
        topics = [end.bridge.artifact.topic("RouteEnrolled")]
        while True:
            found = await scan(end.side.client, known.cursor, end.bridge.address, topics)
            if found.removed_from_block is not None:
                known.cursor, known.routes = start, set()  # read it all again
                continue
            for event in end.bridge.events(found.logs):
                known.routes.add(TokenRoute(**event.arguments))
            if found.cursor == known.cursor:
                return known.routes
            known.cursor = found.cursor


class SupplyCheck:
    """What an attestor asks a guard before it signs, with a tally of each origin's messages.

    Raises what the guard raises.
    """

    def __init__(self) -> None:
        self._guard = SupplyGuard()
        self._tallies: dict[int, tuple[Tally, int]] = {}

    async def __call__(self, route: Route, _: Checkpoint, view: OriginView) -> None:
        """Pass where the tokens of the two chains add up."""
        origin = route.origin
        tally, counted = self._tallies.get(origin.domain) or (Tally.of(origin.record), 0)
        block = view.block
        for message in view.messages(counted):
            tally.add(message)
            counted += 1
        self._tallies[origin.domain] = tally, counted
        await self._guard.check(route, tally, block)


@dataclass(frozen=True, slots=True)
class _Read:
    """The totals of one bridge at one block."""

    block: int
    of: dict[TokenRoute, Totals]


class _End:
    """One bridge of tokens on one side."""

    def __init__(self, kind: str, side: Side) -> None:
        self.kind = kind
        self.side = side
        self.domain = side.domain
        self.bridge = Contract.at(side.client, kind, getattr(side.record, KINDS[kind]))

    async def totals(self, routes: list[TokenRoute], at_least: int = 0) -> _Read:
        """The totals of ``routes`` at ``finalized``, or at block ``at_least`` where that is later.

        A block that was read before is there: a node that lacks it answers with an error.
        """
        block = max((await self.side.client.finalized()).number, at_least)
        read = await asyncio.gather(
            *(self.bridge.call("totals", one.tuple(), block=block) for one in routes)
        )
        return _Read(block, {one: Totals(*got) for one, got in zip(routes, read, strict=True)})

    async def require_held(self, read: _Read) -> None:
        """The bridge holds what it owes of each token of its own chain, over all routes."""
        owed: Counter[bytes] = Counter()
        last: dict[bytes, TokenRoute] = {}
        for one, totals in read.of.items():
            if one.home == self.domain:
                owed[one.token] += totals.sent - totals.received - totals.refunded
                last[one.token] = one
        for token, amount in owed.items():
            if amount == 0:
                continue  # also where nothing but an enrolment ever happened
            contract = self._token(token[12:])
            held = await contract.call("balanceOf", self.bridge.address, block=read.block)
            if amount > held:
                what = f"domain {self.domain} owes more than it holds"
                raise last[token].broken(what, amount, held)
        await self.require_minted(read)

    async def require_minted(self, read: _Read) -> None:
        """Of each voucher on this chain there is what was minted and not burned."""
        for one, totals in read.of.items():
            if one.remote != self.domain:
                continue
            address = await self.bridge.call("voucherOf", one.home, one.token, block=read.block)
            if int(address, 16) == 0:
                continue  # the other chain enrolled the route, this one did not
            voucher = self._token(bytes.fromhex(address[2:]))
            supply = await voucher.call("totalSupply", block=read.block)
            minted = totals.received - totals.sent + totals.refunded
            if supply > minted:
                what = f"domain {self.domain} has more vouchers than it minted"
                raise one.broken(what, supply, minted)

    def _token(self, address: bytes) -> Contract:
        """``balanceOf`` and ``totalSupply`` are the same in ERC-20 and ERC-721."""
        return Contract(self.side.client, load("TokenVoucher"), "0x" + address.hex())


def _require_behind(
    one: TokenRoute, receiver: _End, received: Totals, sender: _End, sent: Totals
) -> None:
    """What was received is at most what was sent and not refunded; ``received`` was read first."""
    bound = sent.sent - sent.refunded
    if received.received > bound:
        taken = "released" if one.home == receiver.domain else "minted"
        what = (
            f"domain {receiver.domain} {taken} more than domain {sender.domain} "
            f"{_word(one, sender)}"
        )
        raise one.broken(what, received.received, bound)


def _word(one: TokenRoute, end: _End) -> str:
    return "locked" if one.home == end.domain else "burned"


def _joins(one: TokenRoute, route: Route) -> bool:
    return {one.home, one.remote} == {route.origin.domain, route.destination.domain}
