"""A bare EVM (revm, Prague) for contract tests: no blocks, no RPC, hundreds of Mgas a second."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyrevm
import pytest
from eth_utils import to_checksum_address

from bridge.chain.abi import decode, selector, split_signature
from bridge.chain.artifact import Artifact, Event, all_abis, load
from bridge.chain.revert import error_signatures

OWNER = to_checksum_address("0x" + "a1" * 20)
STRANGER = to_checksum_address("0x" + "b2" * 20)
CHAIN_ID = 1  # what revm answers to CHAINID
GAS = 1 << 24  # the cap of a transaction, EIP-7825
ERRORS = {selector(signature): signature for signature in error_signatures(all_abis())}


class Reverted(Exception):
    """A call reverted; ``name`` and ``arguments`` are those of the custom error, or empty."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.name, self.arguments = "", ()
        if data[:4] in ERRORS:
            self.name, types = split_signature(ERRORS[data[:4]])
            self.arguments = decode(types, data[4:])
        super().__init__(f"{self.name}{self.arguments}" if self.name else data.hex() or "no data")


class Machine:
    """One chain. Addresses are checksummed strings."""

    def __init__(self) -> None:
        self.evm = pyrevm.EVM(gas_limit=1 << 63, spec_id="PRAGUE")
        for account in (OWNER, STRANGER):
            self.evm.set_balance(account, 10**24)

    def deploy(self, name: str, *arguments: Any, sender: str = OWNER) -> Deployed:
        artifact = load(name)
        with _reverts():
            address = self.evm.deploy(sender, artifact.deployment(*arguments))
        return Deployed(self, artifact, to_checksum_address(address))

    def deploy_code(self, creation_code: bytes) -> str:
        return to_checksum_address(self.evm.deploy(OWNER, creation_code))

    def raw_call(self, to: str, data: bytes, sender: str, static: bool, gas: int = GAS) -> bytes:
        with _reverts():
            output = self.evm.message_call(sender, to, calldata=data, gas=gas, is_static=static)
        return bytes(output)


@dataclass(frozen=True)
class Deployed:
    """A contract on the machine."""

    machine: Machine
    artifact: Artifact
    address: str

    def call(self, function: str, *arguments: Any, sender: str = OWNER) -> Any:
        """What a view returns: the value, or a tuple of several."""
        data = self.artifact.call_data(function, *arguments)
        result = self.artifact.result(
            function, self.machine.raw_call(self.address, data, sender, static=True)
        )
        return result[0] if len(result) == 1 else result

    def send(self, function: str, *arguments: Any, sender: str = OWNER, gas: int = GAS) -> Sent:
        """The effects of a transaction."""
        data = self.artifact.call_data(function, *arguments)
        output = self.machine.raw_call(self.address, data, sender, static=False, gas=gas)
        result = self.machine.evm.result
        intrinsic = 21_000 + sum(16 if byte else 4 for byte in data)
        logs = [
            (to_checksum_address(log.address), _topics(log.topics), bytes(log.data[1]))
            for log in result.logs
        ]
        return Sent(output, result.gas_used, result.gas_used - intrinsic, logs)


@dataclass(frozen=True)
class Sent:
    """``gas`` is all of it; ``execution_gas`` leaves out the base cost and calldata."""

    output: bytes
    gas: int
    execution_gas: int
    logs: list[tuple[str, list[bytes], bytes]]

    def events(self, contract: Deployed) -> list[Event]:
        found = [
            contract.artifact.event(topics, data)
            for address, topics, data in self.logs
            if address == contract.address
        ]
        return [event for event in found if event is not None]


def _topics(raw: Any) -> list[bytes]:
    return [bytes.fromhex(topic.removeprefix("0x")) for topic in raw]


@contextmanager
def _reverts() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        match = re.search(r"output: 0x([0-9a-f]*)", str(error))
        if match is None:
            raise
        raise Reverted(bytes.fromhex(match[1])) from None


@contextmanager
def reverts(name: str, *arguments: Any) -> Iterator[None]:
    """Passes when the block reverts with this custom error and, where given, these arguments."""
    with pytest.raises(Reverted) as caught:
        yield
    assert caught.value.name == name, caught.value
    if arguments:
        assert caught.value.arguments == arguments
