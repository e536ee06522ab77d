"""A bare EVM (revm, Prague) for contract tests: no blocks, no RPC, hundreds of Mgas a second.

Accounts and storage stay warm from one call to the next, so gas is what a call costs within a
transaction that touched them before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyrevm
import pytest
from eth_utils.address import to_checksum_address

from bridge.chain.abi import decode, selector, split_signature
from bridge.chain.artifact import Artifact, Event, all_abis, load
from bridge.chain.revert import error_signatures

OWNER = to_checksum_address("0x" + "a1" * 20)
STRANGER = to_checksum_address("0x" + "b2" * 20)
GUARDIAN = to_checksum_address("0x" + "c3" * 20)
CHAIN_ID = 1
START_S = 1_800_000_000
"""When a machine begins, in seconds since 1970."""
GAS = 1 << 24
"""The cap of a transaction, EIP-7825."""
ERRORS = {selector(signature): signature for signature in error_signatures(all_abis())}


class Reverted(Exception):
    """A call reverted; ``name`` and ``arguments`` are those of the custom error, or empty.

    ``errors`` are the signatures of those that are known, by their selectors.
    """

    def __init__(self, data: bytes, errors: Mapping[bytes, str] = ERRORS) -> None:
        self.data = data
        self.name, self.arguments = "", ()
        if data[:4] in errors:
            self.name, types = split_signature(errors[data[:4]])
            self.arguments = decode(types, data[4:])
        super().__init__(f"{self.name}{self.arguments}" if self.name else data.hex() or "no data")


class Machine:
    """One chain. Addresses are checksummed strings; ``logs`` are all that were ever emitted."""

    def __init__(self, chain_id: int = CHAIN_ID) -> None:
        settings = pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=chain_id))
        self.evm = pyrevm.EVM(env=settings, gas_limit=1 << 63, spec_id="PRAGUE")
        self.chain_id = chain_id
        self.logs: list[RawLog] = []
        self.errors = dict(ERRORS)
        self.timestamp = START_S
        self.warp(0)
        for account in (OWNER, STRANGER, GUARDIAN):
            self.evm.set_balance(account, 10**24)

    def warp(self, seconds: int) -> None:
        """Let ``seconds`` pass."""
        self.timestamp += seconds
        self.evm.set_block_env(pyrevm.BlockEnv(timestamp=self.timestamp, number=1))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens in the block is taken back at its end: state, clock and logs."""
        checkpoint, timestamp, logs = self.evm.snapshot(), self.timestamp, len(self.logs)
        try:
            yield
        finally:
            self.evm.revert(checkpoint)
            self.warp(timestamp - self.timestamp)
            del self.logs[logs:]

    def deploy(self, name: str, *arguments: Any, sender: str = OWNER) -> Deployed:
        """A contract of the package by its name."""
        return self.deploy_artifact(load(name), *arguments, sender=sender)

    def deploy_artifact(self, artifact: Artifact, *arguments: Any, sender: str = OWNER) -> Deployed:
        """A contract of anybody's, with its constructor's arguments."""
        self.errors |= {selector(one): one for one in error_signatures([artifact.abi])}
        with _reverts(self.errors):
            address = self.evm.deploy(sender, artifact.deployment(*arguments))
        return Deployed(self, artifact, to_checksum_address(address))

    def balance(self, address: str) -> int:
        """What the account holds, in wei."""
        return int(self.evm.get_balance(address))

    def deploy_code(self, creation_code: bytes) -> str:
        """The address of what ``creation_code`` creates."""
        return to_checksum_address(self.evm.deploy(OWNER, creation_code))

    def raw_call(
        self, to: str, data: bytes, sender: str, static: bool, gas: int = GAS, value: int = 0
    ) -> bytes:
        """What a call returns; ``Reverted`` where it reverts."""
        with _reverts(self.errors):
            output = self.evm.message_call(
                sender, to, calldata=data, value=value, gas=gas, is_static=static
            )
        return bytes(output)


RawLog = tuple[str, list[bytes], bytes]
"""Address, topics and data of a log."""


@dataclass(frozen=True)
class Deployed:
    """A contract on a machine."""

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

    def send(
        self, function: str, *arguments: Any, sender: str = OWNER, gas: int = GAS, value: int = 0
    ) -> Sent:
        """The effects of a transaction."""
        data = self.artifact.call_data(function, *arguments)
        output = self.machine.raw_call(self.address, data, sender, False, gas, value)
        result = self.machine.evm.result
        assert result is not None  # a call was just made
        intrinsic = 21_000 + sum(16 if byte else 4 for byte in data)
        logs: list[RawLog] = [
            (to_checksum_address(log.address), _topics(log.topics), bytes(log.data[1]))
            for log in result.logs
        ]
        self.machine.logs += logs
        return Sent(output, result.gas_used, result.gas_used - intrinsic, logs)


@dataclass(frozen=True)
class Sent:
    """``gas`` is all of it; ``execution_gas`` leaves out the base cost and calldata."""

    output: bytes
    gas: int
    execution_gas: int
    logs: list[RawLog]

    def events(self, contract: Deployed) -> list[Event]:
        """The contract's own events among the logs, in their order."""
        found = [
            contract.artifact.event(topics, data)
            for address, topics, data in self.logs
            if address == contract.address
        ]
        return [event for event in found if event is not None]


def _topics(raw: Any) -> list[bytes]:
    return [bytes.fromhex(topic.removeprefix("0x")) for topic in raw]


@contextmanager
def _reverts(errors: Mapping[bytes, str]) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        match = re.search(r"output: 0x([0-9a-f]*)", str(error))
        if match is None:
            raise
        raise Reverted(bytes.fromhex(match[1]), errors) from None


@contextmanager
def reverts(name: str, *arguments: Any) -> Iterator[pytest.ExceptionInfo[Reverted]]:
    """Passes when the block reverts with this custom error and, where given, these arguments.

    Addresses may be given in either case.
    """
    with pytest.raises(Reverted) as caught:
        yield caught
    assert caught.value.name == name, caught.value
    if arguments:
        assert _lowered(caught.value.arguments) == _lowered(arguments), caught.value


def _lowered(arguments: Sequence[Any]) -> list[Any]:
    return [one.lower() if isinstance(one, str) else one for one in arguments]
