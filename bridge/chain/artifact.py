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
    event_abi_to_log_topic,
    function_abi_to_4byte_selector,
    get_abi_input_types,
    get_abi_output_types,
)

from bridge.chain.abi import decode, encode

NAMES = (
    "Inbox",
    "MlDsa87Expander",
    "MlDsa87Kernel",
    "MlDsa87Verifier",
    "NativeFirstVerifier",
    "Outbox",
    "Postcard",
    "SignerRegistry",
    "SlhDsaSha2128sVerifier",
    "SlhDsaSha2256sVerifier",
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

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {(entry["type"], entry.get("name", "")): entry for entry in self.abi}

    def _entry(self, kind: str, name: str) -> dict[str, Any]:
        try:
            return self._by_name[kind, name]
        except KeyError:
            raise KeyError(f"{self.name} has no {kind} {name!r}") from None

    def deployment(self, *arguments: Any) -> bytes:
        """The data of the transaction that creates the contract."""
        constructor: Any = self._by_name.get(("constructor", ""))
        types = get_abi_input_types(constructor) if constructor else []
        return self.creation_code + encode(types, arguments)

    def call_data(self, function: str, *arguments: Any) -> bytes:
        """The data of a call of ``function``: selector and encoded arguments."""
        entry: Any = self._entry("function", function)
        selector: bytes = function_abi_to_4byte_selector(entry)
        return selector + encode(get_abi_input_types(entry), arguments)

    def result(self, function: str, data: bytes) -> tuple[Any, ...]:
        """What ``function`` returned, decoded; ``InputError`` if ``data`` is not that."""
        entry: Any = self._entry("function", function)
        return decode(get_abi_output_types(entry), data)

    def topic(self, event: str) -> bytes:
        """The first topic of ``event``'s logs, 32 bytes."""
        entry: Any = self._entry("event", event)
        return bytes(event_abi_to_log_topic(entry))

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
            item["name"]: decode([item["type"]], topic)[0]
            for item, topic in zip(indexed, topics[1:], strict=True)
        }
        values.update(
            zip(
                (item["name"] for item in plain),
                decode([item["type"] for item in plain], data),
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
    raw = json.loads(text)
    return Artifact(
        name=name,
        abi=tuple(raw["abi"]),
        creation_code=bytes.fromhex(raw["bytecode"].removeprefix("0x")),
        deployed_code=bytes.fromhex(raw["deployedBytecode"].removeprefix("0x")),
        parts=raw.get("parts", {}),
    )


def all_abis() -> tuple[tuple[dict[str, Any], ...], ...]:
    """The ABI of each contract, as decoders of errors take them."""
    return tuple(load(name).abi for name in NAMES)
