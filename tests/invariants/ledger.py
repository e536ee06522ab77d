"""The model of the bridges of tokens: buckets, the ends of routes, and who has what.

Plain Python, written from the interfaces' words. What a call would be refused for has the name of
the contracts' error; an empty name stands for success.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

FEE_PARTS = 10_000
"""``FeeToken`` keeps ``fee`` of so many units."""


@dataclass
class Bucket:
    """What may still pass; full at first. Times are seconds since 1970."""

    capacity: int
    refill: int
    level: int
    updated: int

    @classmethod
    def full(cls, limit: tuple[int, int], now: int) -> Bucket:
        """A new one of this capacity and refill a second."""
        return cls(*limit, limit[0], now)

    def available(self, now: int) -> int:
        """What passes now."""
        return min(self.capacity, self.level + (now - self.updated) * self.refill)

    def take(self, units: int, now: int) -> None:
        """Let ``units`` pass."""
        self.level, self.updated = self.available(now) - units, now

    def change(self, limit: tuple[int, int], now: int) -> None:
        """Another limit; what is there stays, up to the new capacity."""
        level = min(self.available(now), limit[0])
        self.capacity, self.refill, self.level, self.updated = *limit, level, now


@dataclass
class End:
    """One end of a route."""

    sending: Bucket
    receiving: Bucket
    sent: int = 0
    received: int = 0
    refunded: int = 0

    @property
    def locked(self) -> int:
        """At home: what is held for the route."""
        return self.sent - self.received - self.refunded

    @property
    def minted(self) -> int:
        """At the remote: the vouchers that are there."""
        return self.received - self.sent + self.refunded


@dataclass
class Coins:
    """Who has how much of an ERC-20 token or voucher on a chain; ``fee`` is ``FeeToken``'s."""

    of: Counter[str] = field(default_factory=Counter)
    fee: int = 0
    on_top: bool = False

    def units(self, value: int) -> int:
        """What a transfer of ``value`` counts for."""
        return value

    def kept(self, value: int) -> int:
        """What the token burns when ``value`` is moved."""
        return value * self.fee // FEE_PARTS

    def lock(self, bridge: str, who: str, value: int, remote: int) -> str:
        """``value`` from ``who`` into the bridge; routes do not matter to coins."""
        del remote
        kept = self.kept(value)
        cost = value + kept if self.on_top else value
        if self.of[who] < cost:
            return "ERC20InsufficientBalance"
        if kept and not self.on_top:
            return "AmountMismatch"
        self.of[who] -= cost
        self.of[bridge] += value
        return ""

    def release(self, bridge: str, to: str, value: int, remote: int, asked: bool) -> str:
        """``value`` out of the bridge; nobody is asked whether he takes coins."""
        del remote, asked
        kept = self.kept(value)
        cost = value + kept if self.on_top else value
        if self.of[bridge] < cost:
            return "ERC20InsufficientBalance"
        if cost != value:
            return "AmountMismatch"
        self.of[bridge] -= value
        self.of[to] += value - kept
        return ""

    def mint(self, to: str, value: int, asked: bool) -> str:
        """A voucher's coins, made."""
        del asked
        self.of[to] += value
        return ""

    def burn(self, who: str, value: int) -> str:
        """A voucher's coins, burned."""
        if self.of[who] < value:
            return "ERC20InsufficientBalance"
        self.of[who] -= value
        return ""


@dataclass
class Things:
    """Who owns which id of an ERC-721 token or voucher on one chain.

    ``holder`` is the contract that is asked whether it takes one, and says what ``takes`` says.
    """

    holder: str
    of: dict[int, str] = field(default_factory=dict)
    locked_for: dict[int, int] = field(default_factory=dict)
    takes: bool = False

    def units(self, value: int) -> int:
        """Tokens count one each."""
        del value
        return 1

    def lock(self, bridge: str, who: str, value: int, remote: int) -> str:
        """The id from ``who`` into the bridge, which all people approved and the holder did not."""
        if value in self.locked_for:
            return "NotLockedFor"
        if value not in self.of:
            return "ERC721NonexistentToken"
        if self.of[value] == self.holder:
            return "ERC721InsufficientApproval"
        if self.of[value] != who:
            return "ERC721IncorrectOwner"
        self.of[value] = bridge
        self.locked_for[value] = remote
        return ""

    def release(self, bridge: str, to: str, value: int, remote: int, asked: bool) -> str:
        """The id out of the bridge, to a recipient that is ``asked`` or to its former owner."""
        del bridge
        if self.locked_for.get(value) != remote:
            return "NotLockedFor"
        if asked and to == self.holder and not self.takes:
            return "ERC721InvalidReceiver"
        del self.locked_for[value]
        self.of[value] = to
        return ""

    def mint(self, to: str, value: int, asked: bool) -> str:
        """The voucher's id, made."""
        if value in self.of:
            return "ERC721InvalidSender"
        if asked and to == self.holder and not self.takes:
            return "ERC721InvalidReceiver"
        self.of[value] = to
        return ""

    def burn(self, who: str, value: int) -> str:
        """The voucher's id, burned."""
        if value not in self.of:
            return "ERC721NonexistentToken"
        if self.of[value] != who:
            return "NotHolder"
        del self.of[value]
        return ""
