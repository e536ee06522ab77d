"""An Anvil for the time of a test, and what tests ask of it: deploy, send, change."""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from bridge.chain.anvil import AnvilSettings, anvil_command, find_anvil
from bridge.chain.endpoints import ChainSettings

CHAIN_ID = 31337
SENDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
LEFT_OUT = ("--block-time", "0.5", "--mixed-mining")
"""Blocks come with transactions only."""
GAS = 16_000_000
START_S = 60
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Anvil:
    """A running chain; ``url`` is where it answers."""

    url: str

    def rpc(self, method: str, *params: object) -> Any:
        request = {"jsonrpc": "2.0", "id": next(_numbers), "method": method, "params": params}
        answer = httpx.post(self.url, json=request, timeout=60).json()
        assert "error" not in answer, answer
        return answer["result"]

    def send(self, to: str | None, data: bytes, value: int = 0) -> dict[str, Any]:
        """The receipt of a transaction, which must have succeeded."""
        fields = {"from": SENDER, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(GAS)}
        name = self.rpc("eth_sendTransaction", {**fields, **({"to": to} if to else {})})
        receipt: dict[str, Any] = self.rpc("eth_getTransactionReceipt", name)
        assert receipt["status"] == "0x1", receipt
        return receipt

    def deploy(self, init_code: bytes, value: int = 0) -> tuple[str, str]:
        """Address and transaction of a contract that ``init_code`` creates."""
        receipt = self.send(None, init_code, value)
        return receipt["contractAddress"], receipt["transactionHash"]

    def code(self, address: str) -> bytes:
        return bytes.fromhex(self.rpc("eth_getCode", address, "latest")[2:])

    def set_code(self, address: str, code: bytes) -> None:
        self.rpc("anvil_setCode", address, "0x" + code.hex())
        self.rpc("evm_mine")

    def settings(self) -> ChainSettings:
        return ChainSettings("test", 1, CHAIN_ID, self.url)


def hand_made(code: bytes) -> bytes:
    """Creation code that leaves ``code`` behind and runs no constructor."""
    size = len(code).to_bytes(2)
    return b"\x61" + size + bytes.fromhex("80600a3d393df3") + code


@contextlib.contextmanager
def running() -> Iterator[Anvil]:
    """Anvil on a port of its own."""
    binary = find_anvil()
    assert binary is not None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    settings = AnvilSettings(port, CHAIN_ID)
    command = [one for one in anvil_command(binary, settings) if one not in LEFT_OUT]
    process = subprocess.Popen(command)
    try:
        anvil = Anvil(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + START_S
        while True:
            try:
                anvil.rpc("eth_chainId")
                break
            except httpx.HTTPError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield anvil
    finally:
        process.kill()
        process.wait()
