"""Calls of contracts that may fail, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eth_abi.abi import encode
from eth_utils.abi import get_abi_input_types

from bridge.chain.abi import selector
from bridge.chain.artifact import load
from bridge.testing.machine import GAS, OWNER, Deployed, Reverted
from tests.mocks import FOLDER, mock


@cache
def _entry(contract: str, function: str, arguments: int) -> tuple[bytes, list[str]]:
    """Selector and argument types, looked up once: the machines spend their time on calls."""
    artifact = mock(contract) if (FOLDER / f"{contract}.json").exists() else load(contract)
    found: Any = artifact._entry("function", function, arguments)
    types = get_abi_input_types(found)
    return selector(f"{function}({','.join(types)})"), types


def call_data(contract: Deployed, function: str, *arguments: Any) -> bytes:
    """Selector and encoded arguments."""
    head, types = _entry(contract.artifact.name, function, len(arguments))
    return head + encode(types, arguments)


@cache
def _asked(contract: str, function: str, arguments: tuple[Any, ...]) -> bytes:
    head, types = _entry(contract, function, len(arguments))
    return head + encode(types, arguments)


def word(contract: Deployed, function: str, *arguments: Any) -> int:
    """What a view with one word as its result returns."""
    return words(contract, function, *arguments)[0]


def words(contract: Deployed, function: str, *arguments: Any) -> tuple[int, ...]:
    """What a view returns, word by word."""
    data = _asked(contract.artifact.name, function, arguments)
    output = contract.machine.raw_call(contract.address, data, OWNER, static=True)
    return tuple(int.from_bytes(output[at : at + 32], "big") for at in range(0, len(output), 32))


@dataclass
class Calls:
    """How many transactions were tried and what came of them, by function and error."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def made(self) -> int:
        """All of them."""
        return self.outcomes.total()

    def succeeded(self, function: str) -> int:
        """How often ``function`` went through."""
        return self.outcomes[function, ""]

    def refused(self, function: str) -> int:
        """How often ``function`` did not."""
        every = sum(count for (name, _), count in self.outcomes.items() if name == function)
        return every - self.succeeded(function)

    def errors(self) -> set[str]:
        """The names of all errors that came back."""
        return {error for _, error in self.outcomes if error}

    def attempt(
        self,
        contract: Deployed,
        function: str,
        *arguments: Any,
        sender: str = OWNER,
        value: int = 0,
        gas: int = GAS,
    ) -> tuple[str, bytes]:
        """The error's name, empty for none, and what came back, also with an error."""
        data = call_data(contract, function, *arguments)
        error, output = "", b""
        try:
            output = contract.machine.raw_call(contract.address, data, sender, False, gas, value)
        except Reverted as reverted:
            error, output = reverted.name or "no reason", reverted.data
        self.outcomes[function, error] += 1
        return error, output

    def __str__(self) -> str:
        done = sum(count for (_, error), count in self.outcomes.items() if not error)
        return f"{self.made:,} calls, {done:,} went through, {len(self.errors())} kinds of refusal"
