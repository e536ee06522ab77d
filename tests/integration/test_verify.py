"""The verifier on a real chain: genuine and forged contracts, lies, changes, proxies."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from eth_abi import encode

from bridge.chain.anvil import find_anvil
from bridge.chain.client import ChainClient
from bridge.crypto.hashing import keccak256
from bridge.domain.errors import (
    CompilerExhausted,
    CompilerFailed,
    NoMatch,
    NotDeployed,
    RpcInconsistent,
    SourceRefused,
)
from bridge.domain.verdicts import MatchKind
from bridge.verifier.compilers.confined import Limits
from bridge.verifier.match.proxies import SLOTS, ProxyKind, running_code
from bridge.verifier.match.request import from_standard_json
from bridge.verifier.match.verifying import Binding, Verification, changes_since, stand, verify
from tests.rpc_proxy import RpcProxy
from tests.sourcify.anvil import Anvil, hand_made, running
from tests.sourcify.builds import FIRST
from tests.sourcify.cases import Deployer
from tests.sourcify.compilers import ROOT, compilers

pytestmark = [
    pytest.mark.skipif(find_anvil() is None, reason="no Anvil: run `make tools`"),
    pytest.mark.skipif(
        shutil.which("node") is None or not (ROOT / "node_modules" / "solc").is_dir(),
        reason="no solc: Node.js is needed, and `make tools`",
    ),
]
T = TypeVar("T")
OWNER = "0x" + "c0" * 20
ARGUMENTS = encode(["address", "uint256"], [OWNER, 10**18])
Ask = Callable[[ChainClient], Awaitable[T]]


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def deployer(anvil: Anvil) -> Deployer:
    return Deployer(anvil, compilers(), FIRST)


def ask(anvil: Anvil, work: Ask[T], url: str | None = None) -> T:
    async def run() -> T:
        settings = anvil.settings() if url is None else replace(anvil.settings(), rpc_url=url)
        async with ChainClient(settings) as client:
            return await work(client)

    return asyncio.run(run())


def verified(
    anvil: Anvil, name: str, address: str, transaction: str | None = None, **options: Any
) -> Verification:
    given = bytes.fromhex(transaction[2:]) if transaction else None
    return ask(
        anvil,
        lambda client: verify(client, compilers(), FIRST.request(name), address, given, **options),
    )


def test_an_exact_match_with_immutables_bound(anvil: Anvil, deployer: Deployer) -> None:
    address, transaction = deployer.genuine("Fixed", ARGUMENTS)
    found = verified(anvil, "Fixed", address, transaction)
    exact = MatchKind.EXACT_MATCH
    assert (found.match, found.runtime.kind, found.creation.kind) == (exact, exact, exact)
    assert found.binding is Binding.BOUND
    assert found.creation.values.constructor_arguments == ARGUMENTS
    verdict = found.verdict()
    assert verdict.code_hash == keccak256(anvil.code(address))
    block = anvil.rpc("eth_getBlockByNumber", hex(verdict.block_number), False)
    assert "0x" + verdict.block_hash.hex() == block["hash"]
    assert (verdict.chain_id, verdict.match) == (31337, exact)


def test_without_its_transaction_the_creation_is_looked_for(
    anvil: Anvil, deployer: Deployer
) -> None:
    address, _ = deployer.genuine("Fixed", ARGUMENTS)
    assert verified(anvil, "Fixed", address).binding is Binding.BOUND
    found = verified(anvil, "Fixed", address, find_creation=False)
    assert (found.binding, found.match) == (Binding.UNBOUND, MatchKind.MATCH)
    assert found.runtime.kind is MatchKind.EXACT_MATCH
    assert "may be anything" in found.binding_reason


def test_a_constructor_that_reads_the_chain(anvil: Anvil, deployer: Deployer) -> None:
    source, _ = deployer.genuine("Plain")
    anvil.send(source, keccak256(b"set(uint256)")[:4] + encode(["uint256"], [77]))
    read = encode(["address"], [source])
    for name, arguments in (("Reader", read), ("Aware", b"")):
        found = verified(anvil, name, *deployer.genuine(name, arguments))
        assert (found.match, found.binding) == (MatchKind.EXACT_MATCH, Binding.BOUND)


def test_forged_immutables(anvil: Anvil, deployer: Deployer) -> None:
    address, transaction = deployer.genuine("Fixed", ARGUMENTS)
    code = anvil.code(address)
    places = deployer.compiled("Fixed").immutables
    first = [one for one in places if one.id == places[0].id]
    forged = bytearray(code)
    for place in first:
        forged[place.offset + place.length - 1] ^= 1
    alike, made = anvil.deploy(hand_made(bytes(forged)))
    for given in (made, None):
        with pytest.raises(NoMatch, match="not created by the compiled creation code") as caught:
            verified(anvil, "Fixed", alike, given)
        assert caught.value.code == "immutables_forged"
    several = [one for one in places if sum(one.id == two.id for two in places) > 1]
    disagreeing = bytearray(code)
    disagreeing[several[0].offset + several[0].length - 1] ^= 1
    with pytest.raises(NoMatch, match="the same at all its places") as caught:
        verified(anvil, "Fixed", *anvil.deploy(hand_made(bytes(disagreeing))))
    assert caught.value.code == "immutables_disagree"
    # The right transaction does not help another code at its address.
    anvil.set_code(address, bytes(forged))
    with pytest.raises(NoMatch, match="destroyed and deployed anew"):
        verified(anvil, "Fixed", address, transaction)


def test_other_code(anvil: Anvil, deployer: Deployer) -> None:
    address, transaction = deployer.genuine("Plain")
    with pytest.raises(NoMatch) as caught:
        verified(anvil, "Child", address, transaction)
    assert caught.value.code == "bytecode_length_mismatch"
    code = bytearray(anvil.code(address))
    code[20] ^= 1
    with pytest.raises(NoMatch, match="hash is the same and the code is not") as caught:
        verified(anvil, "Plain", *anvil.deploy(hand_made(bytes(code))))
    # The optimizer is on and the metadata's hash is the same: Sourcify's own word for it.
    assert caught.value.code == "extra_file_input_bug"


def test_no_code_and_no_contract(anvil: Anvil, deployer: Deployer) -> None:
    with pytest.raises(NotDeployed, match="has no code") as caught:
        verified(anvil, "Plain", OWNER)
    assert caught.value.code == "contract_not_deployed"
    for address in ("0x12", "c0" * 20, "vitalik.eth", ""):
        with pytest.raises(SourceRefused, match="address: expected"):
            verified(anvil, "Plain", address)
    address, _ = deployer.genuine("Plain")
    with pytest.raises(NoMatch) as none:
        verified(anvil, "Part", address)
    assert none.value.code == "compiled_bytecode_is_zero"
    with pytest.raises(SourceRefused) as missing:
        verified(anvil, "Nobody", address)
    assert missing.value.code == "contract_not_found_in_compiler_output"


def test_a_proxy_and_what_is_behind_it(anvil: Anvil, deployer: Deployer) -> None:
    behind, _ = deployer.genuine("Plain")
    target = bytes.fromhex(behind[2:])
    clone = (
        bytes.fromhex("363d3d373d3d3d363d73")
        + target
        + bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
    )
    minimal, _ = anvil.deploy(hand_made(clone + b"arguments"))
    found = verified(anvil, "Plain", minimal, follow=True)
    assert found.standing.proxy is not None
    assert found.standing.proxy.kind is ProxyKind.EIP1167
    assert found.standing.proxy.arguments == b"arguments"
    assert found.implementation is not None
    assert found.implementation.match is MatchKind.EXACT_MATCH
    assert found.match is MatchKind.NO_MATCH  # the source is not the proxy's own
    with pytest.raises(NoMatch):
        verified(anvil, "Plain", minimal)
    runs = ask(anvil, lambda client: running_code(client, minimal))
    assert [one.lower() for one in runs] == [behind]  # of the proxy there is nothing to verify
    assert ask(anvil, lambda client: running_code(client, behind)) == (behind,)


@pytest.mark.parametrize("kind", SLOTS)
def test_a_proxy_that_is_upgraded_voids_a_verdict(
    anvil: Anvil, deployer: Deployer, kind: ProxyKind
) -> None:
    proxy, _ = deployer.genuine("Factory")
    first, _ = deployer.genuine("Plain")
    second, _ = deployer.genuine("Child", encode(["uint256"], [3]))

    def leads_to(address: str) -> None:
        if kind is ProxyKind.EIP1967_BEACON:
            word = bytes.fromhex(address[2:]).rjust(32, b"\0")
            beacon = hand_made(b"\x7f" + word + bytes.fromhex("5f5260205ff3"))
            address, _ = anvil.deploy(beacon)
        word = bytes.fromhex(address[2:]).rjust(32, b"\0")
        anvil.rpc("anvil_setStorageAt", proxy, hex(SLOTS[kind]), "0x" + word.hex())
        anvil.rpc("evm_mine")

    leads_to(first)
    before = ask(anvil, lambda client: stand(client, proxy))
    assert before.proxy is not None
    assert before.proxy.kind is kind
    assert [one.address.lower() for one in before.proxy.implementations] == [first]
    assert ask(anvil, lambda client: changes_since(client, before)) == ()
    runs = ask(anvil, lambda client: running_code(client, proxy))
    assert [one.lower() for one in runs[:2]] == [proxy, first]
    assert len(runs) == (3 if kind is ProxyKind.EIP1967_BEACON else 2)
    leads_to(second)
    after = ask(anvil, lambda client: changes_since(client, before))
    assert "behind it" in after[0]
    leads_to(OWNER)  # no code there
    emptied = ask(anvil, lambda client: stand(client, proxy))
    beacon = kind is ProxyKind.EIP1967_BEACON
    assert (emptied.proxy is not None and not emptied.proxy.implementations) is beacon


def test_code_that_changed_or_went_voids_a_verdict(anvil: Anvil, deployer: Deployer) -> None:
    address, transaction = deployer.genuine("Plain")
    found = verified(anvil, "Plain", address, transaction)
    assert ask(anvil, lambda client: changes_since(client, found.standing)) == ()
    anvil.set_code(address, b"\x00")
    changed = ask(anvil, lambda client: changes_since(client, found.standing))
    assert [one.split(":")[0] for one in changed] == ["code hash"]
    anvil.set_code(address, b"")
    gone = ask(anvil, lambda client: changes_since(client, found.standing))
    assert gone == ("the contract is gone",)


@pytest.mark.parametrize("lie", ["block hash", "code"])
def test_an_endpoint_that_says_one_thing_and_then_another(
    anvil: Anvil, deployer: Deployer, lie: str
) -> None:
    address, transaction = deployer.genuine("Plain")

    async def run() -> None:
        with RpcProxy(anvil.url) as proxy:
            seen = 0

            def told(call: dict[str, Any], result: Any) -> Any:
                nonlocal seen
                if lie == "code" and call["method"] == "eth_getCode":
                    seen += 1
                    return result if seen == 1 else "0x00"
                if lie == "block hash" and call["method"] == "eth_getBlockByNumber":
                    seen += 1
                    return result if seen == 1 else {**result, "hash": "0x" + "ab" * 32}
                return result

            proxy.lie = told
            async with ChainClient(replace(anvil.settings(), rpc_url=proxy.url)) as client:
                with pytest.raises(RpcInconsistent, match="lies") as caught:
                    await verify(
                        client, compilers(), FIRST.request("Plain"), address,
                        bytes.fromhex(transaction[2:]) if lie == "block hash" else None,
                    )  # fmt: skip
                assert caught.value.code == "rpc_inconsistent"
                proxy.heal()
                healed = await verify(client, compilers(), FIRST.request("Plain"), address)
                assert healed.match is MatchKind.EXACT_MATCH

    asyncio.run(run())


def test_a_compiler_bomb_and_a_source_that_is_wrong(anvil: Anvil, deployer: Deployer) -> None:
    address, _ = deployer.genuine("Plain")
    nested = "contract A { uint256 x = " + "(" * 200 + "1" + ")" * 200 + "; }"
    wide = "contract A { uint256[2**60] y; function f() public { x = ; } }"
    calls = "".join(f"function f{n}() public {{ f{n + 1}(); }}" for n in range(20_000))
    bomb = f"contract A {{ {calls} function f20000() public {{}} }}"

    def of(text: str, limits: Limits | None = None) -> None:
        given = {"language": "Solidity", "sources": {"A.sol": {"content": text}}, "settings": {}}
        request = from_standard_json(given, "0.8.37", "A.sol:A")
        ask(anvil, lambda client: verify(client, compilers(limits), request, address))

    with pytest.raises(CompilerFailed, match=r"compiler 0\.8\.37") as failed:
        of(wide)
    assert failed.value.code == "compiler_error"
    with pytest.raises(CompilerExhausted, match="time") as exhausted:
        of(bomb, Limits(time_s=1.5))
    assert exhausted.value.code == "compiler_limit_exceeded"
    with pytest.raises(NoMatch):
        of(nested)
