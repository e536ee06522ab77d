"""The scan of an address, on the embedded chain: what is read, and what is refused."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.chain.development import development_accounts
from bridge.domain.errors import ChainUnreachable, InputError, NoMatch
from bridge.verifier.contract_scan import ContractScan
from bridge.verifier.deployed_scan import scan_address
from bridge.verifier.finding import Severity
from bridge.verifier.match.request import from_standard_json
from tests.sourcify.compilers import OWN, ROOT, compilers

CHAIN_ID = 4343
UNUSED = bytes.fromhex("1234567890123456789012345678901234567890")


def rpc(url: str, method: str, *params: object) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.load(response)
    assert "error" not in answer, answer
    return answer["result"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bridge.chain.embedded_server", "--port", str(port)]
    process = subprocess.Popen([*command, "--chain-id", str(CHAIN_ID), "--block-time", "0"])
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                rpc(address, "eth_chainId")
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def deploy(url: str) -> Callable[[bytes], bytes]:
    account = development_accounts()[0]

    def send(runtime: bytes) -> bytes:
        """The address of a new contract with that code."""
        init = bytes([0x60, len(runtime), 0x60, 0x0B, 0x5F, 0x39, 0x60, len(runtime), 0x5F, 0xF3])
        nonce = int(rpc(url, "eth_getTransactionCount", account.address, "latest"), 16)
        signed = account.sign_transaction(
            {
                "type": 2, "chainId": CHAIN_ID, "nonce": nonce, "gas": 200_000, "to": "",
                "value": 0, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9,
                "data": init.ljust(11, b"\0") + runtime,
            }
        )  # fmt: skip
        sent = rpc(url, "eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
        for _ in range(100):
            receipt = rpc(url, "eth_getTransactionReceipt", sent)
            if receipt is not None:
                return bytes.fromhex(receipt["contractAddress"][2:])
            time.sleep(0.05)
        raise AssertionError("no receipt")

    return send


def answers(owner: bytes) -> bytes:
    """Code that answers every call with that address."""
    return b"\x73" + owner + bytes.fromhex("5f5260205ff3")


GUARDED = bytes.fromhex("5f5f5f5f5f6001615208fa503d5f5f3e3d5ff3")
"""Code that calls ecrecover and answers with what came of it."""


def scanned(url: str, address: bytes, **how: Any) -> ContractScan:
    return asyncio.run(scan_address(url, address, **how))


def test_an_owner_is_judged_by_what_the_chain_knows_of_it(
    url: str, deploy: Callable[[bytes], bytes]
) -> None:
    sender = bytes.fromhex(development_accounts()[0].address[2:])
    contract = deploy(answers(UNUSED))
    for owner, severity, words in (
        (sender, Severity.HIGH, "its public key is on chain"),
        (UNUSED, Severity.MEDIUM, "has sent nothing"),
        (contract, Severity.INFO, "is a contract"),
    ):
        found = scanned(url, deploy(answers(owner)))
        (one,) = found.findings
        assert (one.detector, one.severity) == ("eoa-owner", severity)
        assert words in one.detail
        assert f"chain {CHAIN_ID}, block " in found.notes[-1]
    assert scanned(url, contract, with_owner=False).findings == ()


def test_code_is_scanned_as_it_stood_at_a_block(url: str, deploy: Callable[[bytes], bytes]) -> None:
    address = deploy(GUARDED)
    (one,) = scanned(url, address).findings
    assert (one.detector, one.contract) == ("ecrecover", "0x" + address.hex())
    with pytest.raises(InputError, match="got no code at block 0"):
        scanned(url, address, block=0)


def test_a_source_that_is_not_the_codes_is_refused(
    url: str, deploy: Callable[[bytes], bytes]
) -> None:
    if shutil.which("node") is None or not (ROOT / "node_modules" / "solc").is_dir():
        pytest.skip("no Node.js or no solc in node_modules, which compiles the source")
    text = "pragma solidity 0.8.37; contract A { function f() external {} }"
    source = from_standard_json(
        {"language": "Solidity", "sources": {"A.sol": {"content": text}}}, OWN, "A.sol:A"
    )
    with pytest.raises(NoMatch):
        scanned(url, deploy(GUARDED), source=source, compilers=compilers())


def test_an_address_without_code_and_a_chain_that_is_away_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="got no code"):
        scanned(url, UNUSED)
    with pytest.raises(ChainUnreachable):
        scanned("http://127.0.0.1:9", UNUSED)
