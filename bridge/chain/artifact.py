"""The compiled contracts that the package carries, and the encoding of what they say.

An artifact is the JSON that ``scripts/build_contracts.py`` writes: ABI, creation code, deployed
code. Calls, results, events and errors are encoded as the Solidity ABI specification has it, by
``eth_abi``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

from eth_utils.abi import (
    collapse_if_tuple,
    event_abi_to_log_topic,
    function_abi_to_4byte_selector,
    get_abi_input_types,
    get_abi_output_types,
)

from bridge.chain.abi import decode, encode

NAMES = (
    "HyperlaneCcipReadIsm",
    "HyperlaneHook",
    "HyperlaneNullIsm",
    "Inbox",
    "MlDsa87Expander",
    "MlDsa87Kernel",
    "MlDsa87Verifier",
    "NativeFirstVerifier",
    "NftBridge",
    "NftVoucher",
    "Outbox",
    "Postcard",
    "Receipts",
    "SignerRegistry",
    "SlhDsaSha2128sVerifier",
    "SlhDsaSha2256sVerifier",
    "TokenBridge",
    "TokenVoucher",
    "VerdictRegistry",
)


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded event: its name and its arguments by name, indexed ones among them."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Artifact:
    """One compiled contract. ``creation_code`` takes the constructor's arguments behind it.

    ``parts`` has, for a kernel that names the parts of its work, the ranges of their code: first
    position and position behind the last.
    """

    name: str
    abi: tuple[dict[str, Any], ...]
    creation_code: bytes
    deployed_code: bytes
    parts: dict[str, list[list[int]]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str) -> Artifact:
        """The artifact that a file of ``scripts/build_contracts.py`` holds."""
        raw = json.loads(text)
        return cls(
            name=raw["contractName"],
            abi=tuple(raw["abi"]),
            creation_code=bytes.fromhex(raw["bytecode"].removeprefix("0x")),
            deployed_code=bytes.fromhex(raw["deployedBytecode"].removeprefix("0x")),
            parts=raw.get("parts", {}),
        )

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for entry in self.abi:
            found.setdefault((entry["type"], entry.get("name", "")), []).append(entry)
        return found

    def _entry(self, kind: str, name: str, arguments: int | None = None) -> dict[str, Any]:
        """The entry of that name; of several overloads the one with so many arguments."""
        entries = self._by_name.get((kind, name), [])
        if len(entries) > 1 and arguments is not None:
            entries = [entry for entry in entries if len(entry["inputs"]) == arguments]
        if not entries:
            counted = "" if arguments is None else f" with {arguments} arguments"
            raise KeyError(f"{self.name} has no {kind} {name!r}{counted}")
        return entries[0]

    def deployment(self, *arguments: Any) -> bytes:
        """The data of the transaction that creates the contract."""
        constructors: Any = self._by_name.get(("constructor", ""))
        types = get_abi_input_types(constructors[0]) if constructors else []
        return self.creation_code + encode(types, arguments)

    def call_data(self, function: str, *arguments: Any) -> bytes:
        """The data of a call of ``function``: selector and encoded arguments.

        Of overloads, the one that takes so many arguments.
        """
        entry: Any = self._entry("function", function, len(arguments))
        selector: bytes = function_abi_to_4byte_selector(entry)
        return selector + encode(get_abi_input_types(entry), arguments)

    def result(self, function: str, data: bytes) -> tuple[Any, ...]:
        """What ``function`` returned, decoded; ``InputError`` if ``data`` is not that.

        Overloads of the contracts return the same types.
        """
        entry: Any = self._entry("function", function)
        return decode(get_abi_output_types(entry), data)

    def topic(self, event: str) -> bytes:
        """The first topic of ``event``'s logs, 32 bytes."""
        return self._topics[event]

    @cached_property
    def _topics(self) -> dict[str, bytes]:
        events: list[Any] = [entry for entry in self.abi if entry["type"] == "event"]
        return {entry["name"]: bytes(event_abi_to_log_topic(entry)) for entry in events}

    def event(self, topics: Sequence[bytes], data: bytes) -> Event | None:
        """The event of a log; ``None`` when it is none of this contract's."""
        for entry in self.abi:
            if entry["type"] == "event" and topics and self.topic(entry["name"]) == topics[0]:
                break
        else:
            return None
        indexed = [i for i in entry["inputs"] if i["indexed"]]
        plain = [i for i in entry["inputs"] if not i["indexed"]]
        values = {
            item["name"]: decode([collapse_if_tuple(item)], topic)[0]
            for item, topic in zip(indexed, topics[1:], strict=True)
        }
        values.update(
            zip(
                (item["name"] for item in plain),
                decode([collapse_if_tuple(item) for item in plain], data),
                strict=True,
            )
        )
        return Event(entry["name"], values)


@cache
def load(name: str) -> Artifact:
    """The artifact of the contract ``name``, one of ``NAMES``."""
    if name not in NAMES:
        raise KeyError(f"no contract {name!r}: expected one of {', '.join(NAMES)}")
    text = (resources.files("bridge.chain") / "artifacts" / f"{name}.json").read_text()
    return Artifact.from_json(text)


def all_abis() -> tuple[tuple[dict[str, Any], ...], ...]:
    """The ABI of each contract, as decoders of errors take them."""
    return tuple(load(name).abi for name in NAMES)
