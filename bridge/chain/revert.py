"""Revert data in words: Error(string), Panic(uint256) and the custom errors of known ABIs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bridge.chain.abi import decode, selector, split_signature
from bridge.domain.errors import InputError

ErrorDecoder = Callable[[bytes], str]

STANDARD_ERROR = "Error(string)"
PANIC = "Panic(uint256)"
PANIC_REASONS = {
    0x00: "generic panic",
    0x01: "assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division or modulo by zero",
    0x21: "value out of range of its enum",
    0x22: "storage byte array wrongly encoded",
    0x31: "pop of an empty array",
    0x32: "array index out of bounds",
    0x41: "too much memory allocated",
    0x51: "call of a zero-initialized function",
}
"""Solidity's panic codes ("Panic via assert and Error via require")."""
NO_DATA = "no revert data"
SHOWN_BYTES = 64


class RevertDecoder:
    r"""Says what revert data means, by a table from selector to error signature.

    >>> decoder = RevertDecoder(["IndexOutOfRange(uint256,uint256)"])
    >>> decoder(selector("IndexOutOfRange(uint256,uint256)") + bytes(31) + b"\x05" + bytes(32))
    'IndexOutOfRange(5, 0)'
    """

    def __init__(self, signatures: Iterable[str] = ()) -> None:
        self._signatures = {selector(signature): signature for signature in signatures}

    @classmethod
    def from_abis(cls, abis: Iterable[Sequence[Mapping[str, Any]]]) -> RevertDecoder:
        """A decoder of every error that the JSON ABIs declare."""
        return cls(error_signatures(abis))

    def __call__(self, data: bytes) -> str:
        """``data`` in words; never raises, since bad data must not hide that a call reverted."""
        if not data:
            return NO_DATA
        head, body = data[:4], data[4:]
        try:
            if head == selector(STANDARD_ERROR):
                (reason,) = decode(["string"], body)
                return str(reason)
            if head == selector(PANIC):
                (code,) = decode(["uint256"], body)
                return f"Panic(0x{code:02x}): {PANIC_REASONS.get(code, 'unknown code')}"
            signature = self._signatures.get(head)
            if signature is not None:
                name, types = split_signature(signature)
                return f"{name}({', '.join(map(_show, decode(types, body)))})"
        except InputError:
            return f"malformed revert data {_hex(data)}"
        return f"unknown error {_hex(data)}"


def error_signatures(abis: Iterable[Sequence[Mapping[str, Any]]]) -> list[str]:
    """The canonical signature of every error that the JSON ABIs declare."""
    return [
        f"{entry['name']}({','.join(map(_canonical_type, entry['inputs']))})"
        for abi in abis
        for entry in abi
        if entry.get("type") == "error"
    ]


def _canonical_type(entry: Mapping[str, Any]) -> str:
    kind = str(entry["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(map(_canonical_type, entry["components"]))
    return f"({inner}){kind.removeprefix('tuple')}"


def _show(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case bytes():
            return "0x" + value.hex()
        case str() if not value.startswith("0x"):
            return f'"{value}"'
        case tuple() | list():
            return f"({', '.join(map(_show, value))})"
        case _:
            return str(value)


def _hex(data: bytes) -> str:
    tail = f"... ({len(data)} bytes)" if len(data) > SHOWN_BYTES else ""
    return f"0x{data[:SHOWN_BYTES].hex()}{tail}"


decode_revert = RevertDecoder()
"""Decodes what needs no ABI: Error(string) and Panic(uint256)."""
