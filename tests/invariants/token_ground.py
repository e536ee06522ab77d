"""The ground of the machine of tokens: two chains with the bridge, and a third that lies.

The third chain's contracts are its owner's: what they dispatch is true of nothing, and the signers,
who attest what was dispatched, attest it. Only chain A hears it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from eth_utils.address import to_checksum_address

from bridge.chain.artifact import load
from bridge.crypto.merkle import IncrementalTree
from bridge.domain.messages import Message
from bridge.testing.machine import GUARDIAN, OWNER, STRANGER, Deployed
from bridge.testing.world import Side, World, padded, raw
from tests.mocks import mock

A, B, C, UNKNOWN = 1, 2, 3, 7
NOBODY = "0x" + "00" * 20
PEOPLE = (OWNER, GUARDIAN, STRANGER)
C_CHAIN_ID = 31003
C_OUTBOX = "0x" + "c0" * 20
C_PARTS = {name: "0x" + byte * 20 for name, byte in (("tokens", "c1"), ("nfts", "c2"))}
C_RECEIPTS = "0x" + "c4" * 20
STRANGE = "0x" + "c5" * 20
"""The address of a token on C."""
COINS_EACH, IDS_EACH = 600, 3
LIMITS = {"tokens": (400, 1), "nfts": (4, 1)}
"""Capacity and refill a second of every bucket at first."""


@dataclass(frozen=True)
class Asset:
    """A token, the bridge that carries it, and where to.

    ``contract`` is None for C's own; ``description`` is what a voucher is told without a URI.
    """

    bridge: str
    home: int
    token: bytes
    remotes: tuple[int, ...]
    description: bytes
    contract: Deployed | None = None

    @property
    def key(self) -> tuple[str, int, bytes]:
        """What both ends of a route know it by, but for the remote."""
        return (self.bridge, self.home, self.token)

    def route(self, remote: int) -> tuple[int, bytes, int]:
        """A route as the contracts take it."""
        return (self.home, self.token, remote)


@dataclass(frozen=True)
class Ground:
    """What is there before anything happens."""

    world: World
    gold: Deployed
    silver: Deployed
    stars: Deployed
    holders: dict[int, Deployed]
    assets: tuple[Asset, ...]
    vouchers: dict[tuple[int, tuple[str, int, bytes]], Deployed]

    def side(self, domain: int) -> Side:
        """The contracts of A or B."""
        return self.world.a if domain == A else self.world.b


@dataclass
class Origin:
    """The messages of a chain; ``attested`` is the newest size under which they are delivered."""

    domain: int
    chain_id: int
    outbox: bytes
    tree: IncrementalTree = field(default_factory=IncrementalTree)
    messages: list[Message] = field(default_factory=list)
    encoded: list[bytes] = field(default_factory=list)
    attested: int = 0


def build(deploy: Callable[[], World] | None = None) -> Ground:
    """The ground; ``deploy`` makes a world with other contracts."""
    world = deploy() if deploy else World.built()
    a, b = world.a, world.b
    gold = a.machine.deploy_artifact(mock("HookedToken"))
    stars = a.machine.deploy_artifact(mock("SampleNft"), "Stars", "STAR")
    silver = b.machine.deploy_artifact(mock("FeeToken"))
    holders = {side.domain: side.machine.deploy_artifact(mock("NftHolder")) for side in (a, b)}

    a.outbox.send("enrolDestination", C)
    a.inbox.send("enrolOrigin", C, C_CHAIN_ID, C_OUTBOX)
    a.receipts.send("enrolPeer", C, padded(C_RECEIPTS))
    for bridge, part in C_PARTS.items():
        getattr(a, bridge).send("enrolPeer", C, padded(part))

    assets = (
        Asset("tokens", A, padded(gold.address), (B, C), b"\x12\6\4HookedHOOK", gold),
        Asset("tokens", B, padded(silver.address), (A,), b"\x12\3\3FeeFEE", silver),
        Asset("tokens", C, padded(STRANGE), (A,), b"\2\3\3MudMUD"),
        Asset("nfts", A, padded(stars.address), (B, C), b"\0\5\4StarsSTAR", stars),
        Asset("nfts", C, padded(STRANGE), (A,), b"\0\4\4DustDUST"),
    )
    vouchers = {}
    for asset in assets:
        limit = LIMITS[asset.bridge]
        for remote in asset.remotes:
            for domain in {asset.home, remote} & {A, B}:
                side = a if domain == A else b
                getattr(side, asset.bridge).send("enrol", asset.route(remote), limit, limit)
        for remote in set(asset.remotes) & {A, B}:
            side = a if remote == A else b
            address = getattr(side, asset.bridge).call("voucherOf", asset.home, asset.token)
            name = "TokenVoucher" if asset.bridge == "tokens" else "NftVoucher"
            at = to_checksum_address(address)
            vouchers[remote, asset.key] = Deployed(side.machine, load(name), at)

    for number, person in enumerate(PEOPLE):
        for side, token in ((a, gold), (b, silver)):
            token.send("mint", person, COINS_EACH)
            token.send("approve", side.tokens.address, 2**256 - 1, sender=person)
        for one in range(number * IDS_EACH, (number + 1) * IDS_EACH):
            stars.send("mint", person, one, f"ipfs://{one}")
        stars.send("setApprovalForAll", a.nfts.address, True, sender=person)
    return Ground(world, gold, silver, stars, holders, assets, vouchers)


@cache
def built() -> Ground:
    """The ground of the contracts as they are."""
    return build()


def origins(ground: Ground) -> dict[int, Origin]:
    """The three chains with nothing dispatched."""
    found = {C: Origin(C, C_CHAIN_ID, raw(C_OUTBOX))}
    for side in (ground.world.a, ground.world.b):
        outbox = raw(side.outbox.address)
        found[side.domain] = Origin(side.domain, side.machine.chain_id, outbox)
    return found
