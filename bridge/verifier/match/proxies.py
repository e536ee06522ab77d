"""Contracts that hand every call on to another: which they are, and where they lead.

EIP-1967 (implementation and beacon) and EIP-1822 keep the address in a slot of storage, which
anybody's contract may fill: the slot is read, and what it names must have code. Minimal proxies
have it in their code: EIP-1167, with OpenZeppelin's arguments behind it; EIP-7511; clones with
immutable args (github.com/wighawag/clones-with-immutable-args).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from eth_utils.address import to_checksum_address

from bridge.chain.client import ChainClient
from bridge.crypto.hashing import keccak256
from bridge.domain.errors import ChainRefused, TransactionReverted
from bridge.verifier.evm.formats import Pointer, points_to

ADDRESS_BYTES = 20


class ProxyKind(StrEnum):
    """The standard that a proxy keeps."""

    EIP1167 = "EIP1167Proxy"
    EIP7511 = "EIP7511Proxy"
    CLONE_WITH_IMMUTABLE_ARGS = "CloneWithImmutableArgs"
    EIP1967 = "EIP1967Proxy"
    EIP1967_BEACON = "EIP1967BeaconProxy"
    EIP1822 = "EIP1822Proxy"


def _less_one(name: str) -> int:
    return int.from_bytes(keccak256(name.encode())) - 1


SLOTS: Mapping[ProxyKind, int] = {
    ProxyKind.EIP1967: _less_one("eip1967.proxy.implementation"),
    ProxyKind.EIP1967_BEACON: _less_one("eip1967.proxy.beacon"),
    ProxyKind.EIP1822: int.from_bytes(keccak256(b"PROXIABLE")),
}
IMPLEMENTATION = keccak256(b"implementation()")[:4]
_MINIMAL: Mapping[Pointer, ProxyKind] = {
    Pointer.EIP_1167: ProxyKind.EIP1167,
    Pointer.WITH_ARGS: ProxyKind.EIP1167,
    Pointer.EIP_7511: ProxyKind.EIP7511,
}
_WITH_IMMUTABLE_ARGS = re.compile(
    rb"\x36\x3d\x3d\x37\x3d\x3d\x3d\x3d\x61(?P<size>..)\x60\x37\x36\x39\x36\x61(?P=size)"
    rb"\x01\x3d\x73(?P<address>.{20})\x5a\xf4\x3d\x3d\x93\x80\x3e\x60\x35\x57\xfd\x5b\xf3"
    rb"(?P<args>.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Implementation:
    """What stands behind a proxy; ``code_hash`` is the Keccak-256 of its runtime code."""

    address: str
    code_hash: bytes


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's kind and where it leads; ``arguments`` are the immutable args in its code."""

    kind: ProxyKind
    implementations: tuple[Implementation, ...]
    beacon: Implementation | None = None
    arguments: bytes = field(default=b"", repr=False)

    @property
    def whole(self) -> bool:
        """Whether its code is known in full by its form: a minimal proxy needs no source."""
        return self.kind not in SLOTS


def minimal_proxy(code: bytes) -> tuple[ProxyKind, bytes, bytes] | None:
    """Kind, implementation's address and immutable args of a minimal proxy's code, or None."""
    if code[:1] == b"\xef":  # no contract's: a delegation, or a format that is not read
        return None
    target = points_to(code)
    if target is not None and target.kind in _MINIMAL:
        return _MINIMAL[target.kind], target.address, target.data
    found = _WITH_IMMUTABLE_ARGS.fullmatch(code)
    if found is None:
        return None
    return ProxyKind.CLONE_WITH_IMMUTABLE_ARGS, found["address"], found["args"]


async def find_proxy(client: ChainClient, address: str, code: bytes, block: int) -> Proxy | None:
    """What kind of proxy the contract is at that block, or None.

    One whose slot is empty, or names an address without code, is none.
    """
    minimal = minimal_proxy(code)
    if minimal is not None:
        kind, target, arguments = minimal
        behind = await _behind(client, target, block)
        return Proxy(kind, (behind,) if behind else (), None, arguments)
    for kind, slot in SLOTS.items():
        word = await client.storage(address, slot, block)
        if not any(word) or any(word[:-ADDRESS_BYTES]):
            continue
        behind = await _behind(client, word[-ADDRESS_BYTES:], block)
        if behind is None:
            continue
        if kind is not ProxyKind.EIP1967_BEACON:
            return Proxy(kind, (behind,))
        led = await _beacon_target(client, behind.address, block)
        further = await _behind(client, led, block) if led else None
        return Proxy(kind, (further,) if further else (), behind)
    return None


async def running_code(client: ChainClient, address: str) -> tuple[str, ...]:
    """The contracts whose code runs when ``address`` is called, each by its address, as of now.

    A proxy, its beacon and what they lead to; of a minimal proxy, whose own code says nothing but
    where it leads, that alone.
    """
    block = await client.block("latest")
    code = await client.code(address, block.number)
    proxy = await find_proxy(client, address, code, block.number) if code else None
    if proxy is None:
        return (address,)
    behind = [one.address for one in proxy.implementations]
    if proxy.beacon is not None:
        behind.append(proxy.beacon.address)
    return tuple(behind) if proxy.whole and behind else (address, *behind)


async def _behind(client: ChainClient, address: bytes, block: int) -> Implementation | None:
    name = str(to_checksum_address(address))
    code = await client.code(name, block)
    return Implementation(name, keccak256(code)) if code else None


async def _beacon_target(client: ChainClient, beacon: str, block: int) -> bytes | None:
    """What the beacon's ``implementation()`` says, where it says an address."""
    try:
        answer = await client.call(beacon, IMPLEMENTATION, block)
    except (TransactionReverted, ChainRefused):
        return None
    if len(answer) != 32 or any(answer[:-ADDRESS_BYTES]):
        return None
    return answer[-ADDRESS_BYTES:]
