"""The CBOR that compilers put into code: a reader of what they write, and nothing else.

RFC 8949 in the part that occurs: maps with text keys, arrays, byte and text strings, unsigned
integers and booleans, lengths in their shortest form. Anything else is no auxdata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

MAX_DEPTH = 4
HASHES = ("ipfs", "bzzr0", "bzzr1")
"""The keys under which Solidity puts the hash of the metadata."""
KNOWN = frozenset({*HASHES, "solc", "experimental", "vyper"})
LENGTH_BYTES = 2

Value: TypeAlias = "int | bool | bytes | str | list[Value] | dict[str, Value]"


class NotAuxdata(ValueError):
    """Bytes that no compiler writes as auxdata."""


@dataclass(frozen=True, slots=True)
class Auxdata:
    """A CBOR map with the two bytes of its length, as it stands in the code at ``offset``."""

    offset: int
    value: bytes

    @property
    def has_hash(self) -> bool:
        """Whether the metadata's hash is in it."""
        return any(name in decode_map(self.value[:-LENGTH_BYTES]) for name in HASHES)


def decode(data: bytes) -> Value:
    """The value that ``data`` is, as a whole; ``NotAuxdata`` for anything else.

    >>> decode(bytes.fromhex("a164736f6c634300081a"))["solc"].hex()
    '00081a'
    """
    value, end = _value(data, 0, 0)
    if end != len(data):
        raise NotAuxdata(f"expected {end} bytes, got {len(data)}")
    return value


def decode_map(data: bytes) -> dict[str, Value]:
    """A map with keys that compilers write; ``NotAuxdata`` for anything else."""
    value = decode(data)
    if not isinstance(value, dict) or not value or not value.keys() <= KNOWN:
        raise NotAuxdata(f"expected a map with keys of {sorted(KNOWN)}, got {value!r:.80}")
    return value


def at_end(code: bytes) -> Auxdata | None:
    """The auxdata that ``code`` ends with, as Solidity puts it; None where there is none."""
    if len(code) < LENGTH_BYTES:
        return None
    length = int.from_bytes(code[-LENGTH_BYTES:])
    offset = len(code) - LENGTH_BYTES - length
    if offset < 0:
        return None
    try:
        decode_map(code[offset:-LENGTH_BYTES])
    except NotAuxdata:
        return None
    return Auxdata(offset, code[offset:])


def vyper_immutables(creation: bytes) -> int | None:
    """How many bytes of immutables a Vyper contract appends to its runtime code.

    Since 0.3.10 the creation code ends with the array [runtime size, [sizes of data sections],
    size of immutables, {"vyper": version}], since 0.4.1 with a hash before these, and two bytes
    of length, which count themselves. None where there is no such array.
    """
    for counted in (LENGTH_BYTES, 0):
        length = int.from_bytes(creation[-LENGTH_BYTES:]) - counted
        start = len(creation) - LENGTH_BYTES - length
        if length <= 0 or start < 0:
            continue
        try:
            value = decode(creation[start:-LENGTH_BYTES])
        except NotAuxdata:
            continue
        if isinstance(value, list) and len(value) in (4, 5) and isinstance(value[-1], dict):
            size = value[-2]
            return size if isinstance(size, int) and not isinstance(size, bool) else None
    return None


def vyper_at_end(creation: bytes) -> Auxdata | None:
    """The array that `vyper_immutables` reads, with its two bytes of length."""
    for counted in (LENGTH_BYTES, 0):
        length = int.from_bytes(creation[-LENGTH_BYTES:]) - counted
        start = len(creation) - LENGTH_BYTES - length
        if length > 0 and start >= 0:
            try:
                decode(creation[start:-LENGTH_BYTES])
            except NotAuxdata:
                continue
            return Auxdata(start, creation[start:])
    return None


def _value(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if depth > MAX_DEPTH:
        raise NotAuxdata("nested too deep")
    kind, argument, at = _head(data, at)
    if kind == 0:
        return argument, at
    if kind in (2, 3):
        end = at + argument
        if end > len(data):
            raise NotAuxdata(f"a string of {argument} bytes in {len(data) - at}")
        raw = data[at:end]
        if kind == 2:
            return raw, end
        try:
            return raw.decode(), end
        except UnicodeDecodeError as error:
            raise NotAuxdata("text that is no UTF-8") from error
    if argument > len(data) - at:
        raise NotAuxdata(f"{argument} entries in {len(data) - at} bytes")
    if kind == 4:
        items: list[Value] = []
        for _ in range(argument):
            item, at = _value(data, at, depth + 1)
            items.append(item)
        return items, at
    if kind == 5:
        entries: dict[str, Value] = {}
        for _ in range(argument):
            key, at = _value(data, at, depth + 1)
            if not isinstance(key, str) or key in entries:
                raise NotAuxdata(f"expected a text key that is new, got {key!r:.40}")
            entries[key], at = _value(data, at, depth + 1)
        return entries, at
    if kind == 7 and argument in (20, 21):
        return argument == 21, at
    raise NotAuxdata(f"major type {kind}")


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Major type, argument and where the rest begins; lengths in their shortest form only."""
    if at >= len(data):
        raise NotAuxdata("ends too early")
    kind, low = data[at] >> 5, data[at] & 31
    at += 1
    if low < 24:
        return kind, low, at
    if low > 26 or kind == 7:
        raise NotAuxdata(f"a length of form {low}")
    size = 1 << (low - 24)
    argument = int.from_bytes(data[at : at + size])
    if at + size > len(data) or argument < (24, 1 << 8, 1 << 16)[low - 24]:
        raise NotAuxdata("a length that is cut off, or not in its shortest form")
    return kind, argument, at + size
