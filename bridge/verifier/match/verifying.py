"""`verify`: whether the code at an address comes from a source, and what shows it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from eth_utils.address import is_address, to_checksum_address

from bridge.chain.client import Block, ChainClient
from bridge.chain.creation import (
    Creation,
    CreationUnknown,
    creation_in,
    find_creation_transaction,
)
from bridge.chain.records import BlockRef
from bridge.chain.wire import data as hex_data
from bridge.crypto.hashing import keccak256
from bridge.domain.errors import (
    BlockUnknown,
    ChainRefused,
    CodeUnreadable,
    NoMatch,
    NotDeployed,
    RpcInconsistent,
    SourceRefused,
)
from bridge.domain.verdicts import MatchKind, Verdict
from bridge.domain.version import VERSION
from bridge.verifier.compilers.choice import Compilers
from bridge.verifier.match.comparing import ARGUMENTS_DIFFER, match_creation, match_runtime
from bridge.verifier.match.compiled import Compiled, compile_request
from bridge.verifier.match.proxies import Proxy, find_proxy
from bridge.verifier.match.replaying import ReplayFailed, replay
from bridge.verifier.match.request import Request
from bridge.verifier.match.transformation import Matched, refused

UNKNOWN_CREATION = refused("creation_unknown", "the creation code is not known")


class Binding(StrEnum):
    """Whether immutables are known to be what the source's constructor wrote."""

    NOT_NEEDED = "no immutables"
    BOUND = "bound"
    UNBOUND = "not bound"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Standing:
    """A contract as it stood at one block. ``code_hash`` is the Keccak-256 of its code."""

    chain_id: int
    address: str
    block: BlockRef
    code: bytes = field(repr=False)
    proxy: Proxy | None = None

    @property
    def code_hash(self) -> bytes:
        """Keccak-256 of the runtime code."""
        return keccak256(self.code)


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found. ``runtime`` and ``creation`` are apart; ``match`` is what is signed.

    ``binding_reason`` says what of the immutables is bound and what is not. ``implementation`` is
    the verification of what stands behind a proxy, where the source was held against that.
    """

    standing: Standing
    compiled: Compiled = field(repr=False)
    runtime: Matched
    creation: Matched
    binding: Binding
    binding_reason: str
    made: Creation | None = None
    implementation: Verification | None = None

    @property
    def match(self) -> MatchKind:
        """The runtime code's agreement, which a verdict names.

        Immutables that nothing binds make no more than a match of it.
        """
        if self.binding is Binding.UNBOUND:
            return min(self.runtime.kind, MatchKind.MATCH)
        return self.runtime.kind

    def verdict(
        self, scan_digest: bytes = bytes(32), tool: str = f"astralink {VERSION}"
    ) -> Verdict:
        """The verdict on this contract at this block, for a quorum to sign."""
        one = self.standing
        return Verdict(
            chain_id=one.chain_id,
            address=bytes.fromhex(one.address[2:]),
            code_hash=one.code_hash,
            block_number=one.block.number,
            block_hash=one.block.hash,
            match=self.match,
            scan_digest=scan_digest,
            tool=tool,
        )


async def verify(
    client: ChainClient,
    compilers: Compilers,
    request: Request,
    address: str,
    creation_transaction: bytes | None = None,
    block: Block = "latest",
    find_creation: bool = True,
    follow: bool = False,
) -> Verification:
    """How the code at ``address`` agrees with the source of ``request``.

    ``creation_transaction`` is the hash of the transaction that created it; without it, it is
    looked for where the contract has immutables and ``find_creation`` is set. With ``follow``, a
    proxy whose own code is not the source's has the source held against what stands behind it.

    Raises ``NoMatch`` where neither code agrees, or the immutables are forged; ``NotDeployed``,
    ``CodeUnreadable`` and ``RpcInconsistent`` for the chain; what compilers raise; ``ExtraMissing``
    where immutables are to be bound and revm is not installed.
    """
    standing = await stand(client, checked_address(address), block)
    compiled = await asyncio.to_thread(compile_request, compilers, request)
    return await hold(
        client, compiled, standing, creation_transaction, find_creation, follow=follow
    )


async def hold(
    client: ChainClient,
    compiled: Compiled,
    standing: Standing,
    creation_transaction: bytes | None = None,
    find_creation: bool = True,
    follow: bool = False,
) -> Verification:
    """As `verify`, for what is compiled and a standing that is known."""
    own = bytes.fromhex(standing.address[2:])
    runtime = match_runtime(compiled, standing.code, own)
    if not runtime and follow and standing.proxy and standing.proxy.implementations:
        target = standing.proxy.implementations[0].address
        behind = await stand(client, target, standing.block.number)
        found = await hold(client, compiled, behind, None, find_creation)
        await _still(client, standing)
        reason = "the source is that of what stands behind the proxy"
        nothing = refused("no_match", "the proxy's own code was not compared")
        return Verification(
            standing, compiled, nothing, nothing, Binding.NOT_NEEDED, reason, None, found
        )
    made, unknown = await _creation(
        client, standing, creation_transaction, find_creation and bool(compiled.immutables)
    )
    creation = match_creation(compiled, made.init_code) if made else UNKNOWN_CREATION
    changed = await _changed_since(client, standing, made) if made else None
    if changed is not None:
        creation = refused("code_changed", changed)
    if runtime and creation and made:
        runtime, creation = _same_libraries(runtime, creation)
    binding, reason = await _bind(client, compiled, standing, runtime, creation, made, unknown)
    if binding is Binding.FORGED:
        runtime = refused("immutables_forged", reason)
    await _still(client, standing)
    if not runtime and (not creation or runtime.code in _FINAL):
        raise NoMatch(runtime.code, f"{compiled.request.target}: {runtime.reason}")
    return Verification(standing, compiled, runtime, creation, binding, reason, made)


_FINAL = frozenset(
    {
        "bytecode_length_mismatch",
        "extra_file_input_bug",
        "immutables_forged",
        "immutables_disagree",
        "libraries_disagree",
        "call_protection_forged",
    }
)
"""A runtime code that is refused for these is not made good by a creation code that agrees."""


def checked_address(address: object) -> str:
    """The address with its checksum; ``SourceRefused`` for what is none."""
    if not isinstance(address, str) or not address.startswith("0x") or not is_address(address):
        raise SourceRefused(f"address: expected 20 bytes in hex, got {str(address)[:60]!r}")
    return str(to_checksum_address(address))


async def stand(client: ChainClient, address: str, block: Block = "latest") -> Standing:
    """The contract at a block, with what it hands its calls on to; ``NotDeployed`` otherwise."""
    chain_id = client.settings.chain_id
    try:
        at = await client.block(block)
        code = await client.code(address, at.number)
        if not code:
            raise NotDeployed(chain_id, address, at.number)
        proxy = await find_proxy(client, address, code, at.number)
    except (ChainRefused, BlockUnknown) as error:
        raise CodeUnreadable(chain_id, address, str(error)) from error
    return Standing(chain_id, address, at, code, proxy)


async def _still(client: ChainClient, standing: Standing) -> None:
    """That the chain still says of the block what it said; ``RpcInconsistent`` otherwise."""
    chain_id, number = standing.chain_id, standing.block.number
    try:
        again = await client.find_block(number)
        code = await client.code(standing.address, number)
    except ChainRefused as error:
        raise CodeUnreadable(chain_id, standing.address, str(error)) from error
    if again is None or again.hash != standing.block.hash:
        said = "missing" if again is None else hex_data(again.hash)
        raise RpcInconsistent(chain_id, f"block {number}", hex_data(standing.block.hash), said)
    if code != standing.code:
        raise RpcInconsistent(
            chain_id,
            f"the hash of the code of {standing.address} at block {number}",
            hex_data(standing.code_hash),
            hex_data(keccak256(code)),
        )


async def _creation(
    client: ChainClient, standing: Standing, given: bytes | None, find: bool
) -> tuple[Creation | None, str]:
    """How the contract was created, or the reason for which that is not known."""
    try:
        found = given
        if found is None and find:
            found = await find_creation_transaction(client, standing.address, standing.block.number)
        if found is None:
            return None, "its creation transaction was not given" + (
                ", and the node does not tell it" if find else ""
            )
        return await creation_in(client, standing.address, found), ""
    except CreationUnknown as error:
        return None, str(error)
    except ChainRefused as error:
        return None, f"the node does not tell its creation: {error.message}"


async def _changed_since(client: ChainClient, standing: Standing, made: Creation) -> str | None:
    """That the code is another than after its creation, in words; None where it is the same.

    None too where the node has no state so old: a replay then finds none either.
    """
    number = made.transaction.block_number
    try:
        first = await client.code(standing.address, number)
    except ChainRefused:
        return None
    if first == standing.code:
        return None
    return (
        f"the code was {hex_data(keccak256(first))} after that creation, in block {number}, and is "
        f"{hex_data(standing.code_hash)}: the contract was destroyed and deployed anew"
    )


def _same_libraries(runtime: Matched, creation: Matched) -> tuple[Matched, Matched]:
    """Both as they are, where they are linked to the same libraries."""
    theirs = creation.values.libraries
    for name, address in runtime.values.libraries.items():
        if theirs.get(name, address) != address:
            reason = (
                f"library {name}: 0x{address.hex()} in the runtime code, "
                f"0x{theirs[name].hex()} in the creation code"
            )
            return refused("libraries_disagree", reason), creation
    return runtime, creation


async def _bind(
    client: ChainClient,
    compiled: Compiled,
    standing: Standing,
    runtime: Matched,
    creation: Matched,
    made: Creation | None,
    unknown: str,
) -> tuple[Binding, str]:
    """Whether the immutables are the source's constructor's, and in words why."""
    if not compiled.immutables or not runtime:
        return Binding.NOT_NEEDED, "no immutables" if not compiled.immutables else ""
    if made is None:
        return Binding.UNBOUND, f"immutables may be anything: {unknown}"
    if not creation and creation.code != ARGUMENTS_DIFFER:
        return Binding.FORGED, (
            "immutables: the contract was not created by the compiled creation code, so nothing "
            f"says where they come from ({creation.reason})"
        )
    try:
        done = await replay(client, made)
    except ReplayFailed as error:
        return Binding.UNBOUND, f"the creation code is the source's, but {error}"
    before = made.transaction.block_number - 1
    if done.code == standing.code:
        traced = "; the creation code is what a trace of the node says" if made.traced else ""
        return Binding.BOUND, (
            f"the creation, run again on the state of block {before}, makes this code{traced}"
        )
    reason = (
        f"the creation, run again on the state of block {before}, makes code with the hash "
        f"{hex_data(keccak256(done.code))}, the chain has {hex_data(standing.code_hash)}"
    )
    if made.transaction.index:
        earlier = f"; {made.transaction.index} other transactions came before it in its block"
        return Binding.UNBOUND, reason + earlier
    return Binding.FORGED, f"immutables: {reason}"


async def changes_since(
    client: ChainClient, earlier: Standing, block: Block = "latest"
) -> tuple[str, ...]:
    """What of a contract is not as it was; nothing where it still is what was verified.

    Code that was destroyed and deployed anew, an upgraded proxy, and a block that is no longer on
    the chain each void a verification.
    """
    reasons = []
    at = await client.block(block)
    if client.settings.chain_id != earlier.chain_id:
        reasons.append(f"chain id: {earlier.chain_id}, now {client.settings.chain_id}")
    seen = await client.find_block(earlier.block.number)
    if seen is None or seen.hash != earlier.block.hash:
        reasons.append(f"block {earlier.block.number} is no longer {hex_data(earlier.block.hash)}")
    try:
        now = await stand(client, earlier.address, at.number)
    except NotDeployed:
        return (*reasons, "the contract is gone")
    if now.code != earlier.code:
        reasons.append(f"code hash: {hex_data(earlier.code_hash)}, now {hex_data(now.code_hash)}")
    if now.proxy != earlier.proxy:
        reasons.append(f"behind it: {_shown(earlier.proxy)}, now {_shown(now.proxy)}")
    return tuple(reasons)


def _shown(proxy: Proxy | None) -> str:
    if proxy is None:
        return "nothing"
    places: list[Any] = [*proxy.implementations, *([proxy.beacon] if proxy.beacon else [])]
    return ", ".join(f"{one.address} ({hex_data(one.code_hash)[:18]}...)" for one in places)
