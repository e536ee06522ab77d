"""Verifying a contract anew, over endpoints that lie: nothing false becomes a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from bridge.apps.devnet.layout import read_deployment
from bridge.chain.agreement import AgreedClient
from bridge.chain.client import ChainClient, ChainSettings
from bridge.crypto.hashing import keccak256
from bridge.domain.errors import (
    BlockNotFinal,
    BridgeError,
    EndpointsDisagree,
    InputError,
    NotVerified,
    VerdictRefused,
)
from bridge.domain.verdicts import NO_DIGEST, MatchKind, Verdict
from bridge.verifier.recheck import Deployed, Recheck, Source
from bridge.verifier.source_verifier import SourceVerifier
from scripts.build_contracts import source_of
from tests import rpc_proxy
from tests.integration.conftest import NEEDS_NODE, ON_ONE_KIND, Network
from tests.sourcify.compilers import compilers

pytestmark = [ON_ONE_KIND, NEEDS_NODE]
VERIFIER = SourceVerifier(compilers())


@pytest.fixture
def proxies(network: Network) -> Iterator[list[rpc_proxy.RpcProxy]]:
    url = network.world.config().chains["A"].urls[0]
    with ExitStack() as stack:
        yield [stack.enter_context(rpc_proxy.RpcProxy(url)) for _ in range(2)]


def postcard(network: Network) -> bytes:
    side = read_deployment(network.world.layout.deployment).sides["A"]
    return bytes.fromhex(side.postcard[2:])


def verdict(
    network: Network,
    proxies: list[rpc_proxy.RpcProxy],
    address: bytes | None = None,
    block: int | None = None,
    with_source: bool = True,
    agreement: int = 2,
    chain_id: int | None = None,
    **how: Any,
) -> Verdict:
    """What is found of the Postcard of A through the proxies."""
    source = source_of("Postcard") if with_source else None
    chain = network.world.config().chains["A"]
    first, *others = [proxy.url for proxy in proxies][:agreement]
    given = {"match": VERIFIER.match, "scan": VERIFIER.scan, **how}
    settings = ChainSettings("A", chain.domain, chain.chain_id, first, 10, tuple(others))

    async def ask() -> Verdict:
        client = ChainClient(settings) if agreement == 1 else AgreedClient(settings, agreement)
        try:
            recheck = Recheck({chain.chain_id: client}, **given)
            return await recheck.verdict(
                chain_id or chain.chain_id, address or postcard(network), block, source
            )
        finally:
            await client.close()

    return asyncio.run(ask())


def test_what_is_found_is_what_the_chain_has(
    network: Network, proxies: list[rpc_proxy.RpcProxy]
) -> None:
    found = verdict(network, proxies)

    async def truth(sides: dict[str, Any]) -> tuple[bytes, bytes]:
        client = sides["A"].client
        code = await client.code(sides["A"].record.postcard, found.block_number)
        return keccak256(code), (await client.block(found.block_number)).hash

    assert (found.code_hash, found.block_hash) == network.on_chain(truth)
    assert found.match is MatchKind.EXACT_MATCH
    assert any(found.scan_digest)
    assert verdict(network, proxies, with_source=False).match is MatchKind.NO_MATCH
    assert verdict(network, proxies, scan=None).scan_digest == NO_DIGEST
    assert verdict(network, proxies, block=found.block_number).block_hash == found.block_hash


def other_code(call: dict[str, Any], result: Any) -> Any:
    return rpc_proxy._flipped(result) if call["method"] == "eth_getCode" else result


@pytest.mark.parametrize("lie", [other_code, rpc_proxy.other_hashes])
def test_one_endpoint_that_lies_makes_no_verdict(
    network: Network, proxies: list[rpc_proxy.RpcProxy], lie: rpc_proxy.Lie
) -> None:
    proxies[1].lie = lie
    with pytest.raises(EndpointsDisagree):
        verdict(network, proxies)
    proxies[1].heal()
    assert verdict(network, proxies).match is MatchKind.EXACT_MATCH


def test_a_block_that_is_another_after_the_match_makes_no_verdict(
    network: Network, proxies: list[rpc_proxy.RpcProxy]
) -> None:
    """With one endpoint nobody contradicts it but itself."""

    async def match(deployed: Deployed, source: Source | None) -> MatchKind:
        proxies[0].lie = rpc_proxy.other_hashes
        return MatchKind.EXACT_MATCH

    with pytest.raises(VerdictRefused, match="block_hash: expected 0x"):
        verdict(network, proxies, agreement=1, match=match)


def test_code_that_is_another_now_makes_no_verdict(
    network: Network, proxies: list[rpc_proxy.RpcProxy]
) -> None:
    final = verdict(network, proxies).block_number
    asked: list[str] = []

    def told(call: dict[str, Any], result: Any) -> Any:
        if call["method"] != "eth_getCode":
            return result
        asked.append(call["params"][1])
        return result if len(asked) == 1 else rpc_proxy._flipped(result)

    proxies[0].lie = told
    with pytest.raises(NotVerified, match=f"at block {final} and is 0x"):
        verdict(network, proxies, block=final, agreement=1)


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"address": b"\x77" * 20}, NotVerified, "it has no code at block"),
        ({"block": 10**9}, BlockNotFinal, "expected block 1000000000"),
        ({"chain_id": 5}, InputError, "chain_id: expected one of 31001, got 5"),
    ],
)
def test_what_cannot_be_verified_says_why(
    network: Network,
    proxies: list[rpc_proxy.RpcProxy],
    how: dict[str, Any],
    error: type[BridgeError],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        verdict(network, proxies, **how)


def test_an_account_that_points_elsewhere_is_no_contract(
    network: Network, proxies: list[rpc_proxy.RpcProxy]
) -> None:
    """EIP-7702: the code of such an account is a pointer, and changes as its owner likes."""
    for proxy in proxies:
        proxy.lie = lambda call, result: (
            "0xef0100" + "11" * 20 if call["method"] == "eth_getCode" else result
        )
    with pytest.raises(NotVerified, match="its code begins with 0xef: 0xef0100"):
        verdict(network, proxies)


async def at_once(deployed: Deployed, source: Source | None) -> MatchKind:
    return MatchKind.MATCH


def stuck(what: str) -> dict[str, Callable[..., Any]]:
    async def forever(deployed: Deployed, source: Source | None, tool: str = "") -> Any:
        await asyncio.sleep(3_600)

    return {what: forever}


@pytest.mark.parametrize("what", ["match", "scan"])
def test_a_match_or_scan_that_takes_too_long_is_ended(
    network: Network, proxies: list[rpc_proxy.RpcProxy], what: str
) -> None:
    with pytest.raises(VerdictRefused, match=rf"duration of the {what}: expected at most 0.2 s"):
        verdict(network, proxies, timeout_s=0.2, **{"match": at_once, **stuck(what)})
