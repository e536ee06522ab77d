"""What the contracts of tokens will say to a call, and what becomes of it.

Written from the interfaces' words, in the order in which the contracts look; ``ledger`` keeps who
has what. An empty name stands for success.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from bridge.testing.machine import Deployed, Reverted
from bridge.testing.world import padded
from tests.invariants.calls import Calls
from tests.invariants.ledger import Bucket, Coins, End, Things
from tests.invariants.token_ground import (
    C_PARTS,
    COINS_EACH,
    IDS_EACH,
    LIMITS,
    PEOPLE,
    A,
    Asset,
    B,
    C,
    Ground,
    Origin,
    built,
    origins,
)


@dataclass(frozen=True)
class Said:
    """What a message says to a bridge of tokens, or to Receipts (``expired``).

    ``flaw`` is the error of a body that cannot be read or of a sender who is not the peer.
    """

    to: str
    home: int = 0
    token: bytes = b""
    value: int = 0
    recipient: bytes = b""
    description: bytes = b""
    expired: tuple[bytes, ...] = ()
    flaw: str = ""


@dataclass(frozen=True)
class Sent:
    """A transfer that left: what ``refund`` is to be told."""

    domain: int
    bridge: str
    message_id: bytes
    fields: tuple[int, str, int, str]


@dataclass
class Model:
    """What the contracts must be."""

    ends: dict[tuple[int, tuple[str, int, bytes], int], End] = field(default_factory=dict)
    purses: dict[tuple[int, tuple[str, int, bytes]], Coins | Things] = field(default_factory=dict)
    said: dict[tuple[int, int], Said] = field(default_factory=dict)
    closed: set[tuple[int, int]] = field(default_factory=set)
    expired: set[tuple[int, bytes]] = field(default_factory=set)
    timed_out: set[tuple[int, int, bytes]] = field(default_factory=set)
    sent: list[Sent] = field(default_factory=list)
    pending: set[tuple[int, bytes]] = field(default_factory=set)
    paused: set[tuple[int, str, int]] = field(default_factory=set)
    scheduled: dict[tuple[int, str, bytes], int] = field(default_factory=dict)
    donated: int = 0

    def is_paused(self, domain: int, bridge: str, other: int) -> bool:
        """Whether the bridge lets nothing to and from ``other``."""
        return bool(self.paused & {(domain, bridge, 0), (domain, bridge, other)})


class Foretold(RuleBasedStateMachine):
    """The model of all calls; an heir makes them."""

    calls: ClassVar[Calls] = Calls()
    reasons: ClassVar[Counter[tuple[str, str]]] = Counter()
    """What recipients said for deliveries that failed, with the chain that sent them."""

    @staticmethod
    def ground() -> Ground:
        """Where it plays."""
        return built()

    def __init__(self) -> None:
        super().__init__()
        self.at = self.ground()
        self.world = self.at.world
        self.undo = ExitStack()
        for side in (self.world.a, self.world.b):
            self.undo.enter_context(side.machine.undone())
        self.chains = origins(self.at)
        self.model = Model()
        for asset in self.at.assets:
            for remote in asset.remotes:
                for domain in {asset.home, remote} & {A, B}:
                    limit, now = LIMITS[asset.bridge], self.now
                    buckets = (Bucket.full(limit, now), Bucket.full(limit, now))
                    self.model.ends[domain, asset.key, remote] = End(*buckets)
                    self.model.purses[domain, asset.key] = self.purse(domain, asset)
        self.settled = False

    @property
    def now(self) -> int:
        """Seconds since 1970 on all chains."""
        return self.world.a.machine.timestamp

    def purse(self, domain: int, asset: Asset) -> Coins | Things:
        """What people have at first: everything where the token is at home."""
        if asset.bridge == "tokens":
            coins = Coins()
            if domain == asset.home:
                coins.of.update(dict.fromkeys(PEOPLE, COINS_EACH))
            return coins
        things = Things(self.at.holders[domain].address)
        if domain == asset.home:
            for one in range(len(PEOPLE) * IDS_EACH):
                things.of[one] = PEOPLE[one // IDS_EACH]
        return things

    def bridge(self, domain: int, bridge: str) -> Deployed:
        """A chain's bridge of ERC-20 or of ERC-721 tokens."""
        found: Deployed = getattr(self.at.side(domain), bridge)
        return found

    def local(self, domain: int, asset: Asset) -> str:
        """The token or voucher on that chain."""
        if domain == asset.home:
            assert asset.contract is not None
            return asset.contract.address
        return self.at.vouchers[domain, asset.key].address

    def peer(self, domain: int, bridge: str) -> bytes:
        """The bridge of that chain, as the others know it."""
        if domain in (A, B):
            return padded(self.bridge(domain, bridge).address)
        return padded(C_PARTS[bridge]) if domain == C else bytes(32)

    def named(self, domain: int, recipient: bytes) -> str:
        """The account that these 32 bytes name."""
        known = (*PEOPLE, self.at.holders[domain].address)
        return next(one for one in known if padded(one) == recipient)

    def attempt(self, contract: Deployed, function: str, *arguments: Any, **how: Any) -> str:
        """The name of the error, of the recipient's where a delivery fails; empty for none."""
        error, output = self.calls.attempt(contract, function, *arguments, **how)
        if error == "RecipientReverted":
            error = Reverted(Reverted(output).arguments[1]).name or "no reason"
        return error

    def forbidden(
        self, asset: Asset, domain: int, destination: int, key: Any, recipient: bytes
    ) -> str:
        """Why no transfer goes that way, whatever its value."""
        if self.model.is_paused(domain, asset.bridge, destination):
            return "DomainPaused"
        if domain != asset.home and destination != asset.home:
            return "WrongHome"
        if key not in self.model.ends:
            return "RouteUnknown"
        token = asset.token
        if destination != asset.home:
            voucher = self.at.vouchers.get((destination, asset.key))
            token = padded(voucher.address) if voucher else b""
        return self.misdirected(recipient, self.peer(destination, asset.bridge), token)

    @staticmethod
    def misdirected(recipient: bytes, bridge: bytes, token: bytes) -> str:
        """Whether who is named would lose it."""
        wrong = recipient == bytes(32) or any(recipient[:12]) or recipient in (bridge, token)
        return "InvalidRecipient" if wrong else ""

    def leave(
        self, asset: Asset, key: Any, who: str, value: int, deadline: int, commit: bool
    ) -> str:
        """What stops it; with ``commit``, it is taken from whoever sends it."""
        end, purse = self.model.ends[key], self.model.purses[key[0], asset.key]
        if asset.bridge == "tokens" and value == 0:
            return "ZeroValue"
        units = purse.units(value)
        if units > end.sending.available(self.now):
            return "LimitExceeded"

        def move() -> str:
            if key[0] == asset.home:
                bridge = self.bridge(key[0], asset.bridge).address
                return purse.lock(bridge, who, value, key[2])
            return purse.burn(who, value)

        if not commit:
            late = "DeadlinePassed" if deadline and deadline <= self.now else ""
            return tried(purse, move) or late
        assert move() == ""
        end.sending.take(units, self.now)
        end.sent += units
        return ""

    def refusal(self, domain: int, chain: Origin, index: int) -> str:
        """Why a message with a good proof is not delivered."""
        message = chain.messages[index]
        if message.destination != domain:
            return "WrongDestination"
        if (chain.domain, index) in self.model.closed:
            return "AlreadyDelivered"
        if message.deadline and self.now > message.deadline:
            return "DeadlinePassed"
        return self.arrive(domain, chain.domain, self.model.said[chain.domain, index], commit=False)

    def arrive(self, domain: int, origin: int, said: Said, commit: bool) -> str:
        """What the bridge reverts with; with ``commit``, the recipient has it."""
        if said.to == "receipts" and not said.flaw:
            if commit:
                self.model.timed_out |= {(domain, origin, one) for one in said.expired}
            return ""
        if said.flaw == "NotPeer":
            return said.flaw
        if self.model.is_paused(domain, said.to, origin):
            return "DomainPaused"
        if said.flaw:
            return said.flaw
        if said.to == "tokens" and said.value == 0:
            return "ZeroValue"
        coming = said.home == origin
        if not coming and said.home != domain:
            return "WrongHome"
        if not coming and said.description:
            return "MalformedBody"
        asset = (said.to, said.home, said.token)
        end = self.model.ends.get((domain, asset, domain if coming else origin))
        if end is None:
            return "RouteUnknown"
        purse = self.model.purses[domain, asset]
        units = purse.units(said.value)
        if units > end.receiving.available(self.now):
            return "LimitExceeded"
        if not coming and units > end.locked:
            return "NotLocked"
        bridge = self.bridge(domain, said.to).address
        local = padded(self.at.vouchers[domain, asset].address) if coming else said.token
        wrong = self.misdirected(said.recipient, padded(bridge), local)
        if wrong:
            return wrong
        if coming and not said.description:
            return "MalformedBody"
        to = self.named(domain, said.recipient)

        def move() -> str:
            if coming:
                return purse.mint(to, said.value, asked=True)
            return purse.release(bridge, to, said.value, origin, asked=True)

        if not commit:
            return tried(purse, move)
        assert move() == ""
        end.receiving.take(units, self.now)
        end.received += units
        return ""

    def asset_of(self, chosen: Sent) -> Asset:
        """What was sent; gold and silver have one address, each on its chain."""
        return next(
            one
            for one in self.at.assets
            if one.bridge == chosen.bridge
            and (chosen.domain, one.key) in self.model.purses
            and self.local(chosen.domain, one) == chosen.fields[1]
        )

    def withheld(self, chosen: Sent, fields: tuple[Any, ...], commit: bool) -> str:
        """Why nothing comes back; with ``commit``, the sender has it."""
        domain, identifier = chosen.domain, chosen.message_id
        if self.model.is_paused(domain, chosen.bridge, fields[0]):
            return "DomainPaused"
        if (domain, identifier) not in self.model.pending or fields != chosen.fields:
            return "NotRefundable"
        destination, _, value, who = chosen.fields
        if (domain, destination, identifier) not in self.model.timed_out:
            return "NotTimedOut"
        asset = self.asset_of(chosen)
        home = domain == asset.home
        end = self.model.ends[domain, asset.key, destination if home else domain]
        purse = self.model.purses[domain, asset.key]
        units = purse.units(value)
        if units > end.receiving.available(self.now):
            return "LimitExceeded"
        if home and units > end.locked:
            return "NotLocked"
        bridge = self.bridge(domain, chosen.bridge).address

        def move() -> str:
            if home:
                return purse.release(bridge, who, value, destination, asked=False)
            return purse.mint(who, value, asked=False)

        if not commit:
            return tried(purse, move)
        assert move() == ""
        end.receiving.take(units, self.now)
        end.refunded += units
        self.model.pending.discard((domain, identifier))
        return ""


def tried(purse: Coins | Things, move: Callable[[], str]) -> str:
    """What ``move`` says, with the purse as it was before."""
    if isinstance(purse, Coins):
        before = purse.of.copy()
        error = move()
        purse.of = before
        return error
    owners, locks = purse.of.copy(), purse.locked_for.copy()
    error = move()
    purse.of, purse.locked_for = owners, locks
    return error
