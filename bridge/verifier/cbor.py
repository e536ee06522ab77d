"""The part of CBOR (RFC 8949) in which compilers write auxdata, read strictly.

Maps, arrays, byte and text strings, integers and booleans, of definite length, in the shortest
encoding, with text keys that do not repeat, nested at most three deep. Nothing else occurs, and a
reader of all of CBOR takes what no compiler writes: tags, floats, lengths that never end. So this
is a reader of its own rather than the library `cbor2`; the tests hold the two against each other.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from bridge.domain.errors import CodeProblem, CodeRefused

Cbor: TypeAlias = int | bool | bytes | str | list["Cbor"] | dict[str, "Cbor"]

MAX_DEPTH: Final = 3
MAX_ITEMS: Final = 64


def decode(data: bytes) -> Cbor:
    r"""The one item that ``data`` is; CodeRefused (``bad_cbor``) for anything else.

    >>> decode(bytes.fromhex("a164736f6c634300081a"))
    {'solc': b'\x00\x08\x1a'}
    """
    value, end = decode_first(data, 0)
    if end != len(data):
        raise _refused(end, "the end", f"{len(data) - end} more bytes")
    return value


def decode_first(data: bytes, offset: int) -> tuple[Cbor, int]:
    """The item that begins at ``offset``, and the offset after it; CodeRefused where none does."""
    return _item(data, offset, 0)


def _refused(offset: int, expected: str, got: str) -> CodeRefused:
    return CodeRefused(CodeProblem.BAD_CBOR, f"byte {offset}: expected {expected}, got {got}")


def _head(data: bytes, offset: int) -> tuple[int, int, int]:
    """Major type, argument, and the offset after them."""
    if offset >= len(data):
        raise _refused(offset, "an item", "the end")
    major, low = data[offset] >> 5, data[offset] & 31
    offset += 1
    if low < 24:
        return major, low, offset
    if low > 27:
        raise _refused(offset - 1, "a definite length", f"additional information {low}")
    size = 1 << (low - 24)
    if offset + size > len(data):
        raise _refused(offset, f"{size} bytes", f"{len(data) - offset}")
    value = int.from_bytes(data[offset : offset + size], "big")
    if value < (24 if size == 1 else 1 << 4 * size):
        raise _refused(offset - 1, "the shortest encoding", f"{value} in {size} bytes")
    return major, value, offset + size


def _item(data: bytes, offset: int, depth: int) -> tuple[Cbor, int]:
    start = offset
    major, argument, offset = _head(data, offset)
    if major == 0:
        return argument, offset
    if major == 1:
        return -1 - argument, offset
    if major in (2, 3):
        end = offset + argument
        if end > len(data):
            raise _refused(start, f"a string of {argument} bytes", f"{len(data) - offset} bytes")
        if major == 2:
            return data[offset:end], end
        try:
            return data[offset:end].decode(), end
        except UnicodeDecodeError:
            raise _refused(start, "text in UTF-8", data[offset:end].hex()) from None
    if major == 7 and data[start] in (0xF4, 0xF5):
        return data[start] == 0xF5, offset
    if major not in (4, 5):
        raise _refused(
            start, "a map, array, string, integer or boolean", f"major type {major}, {argument}"
        )
    if depth == MAX_DEPTH:
        raise _refused(start, f"at most {MAX_DEPTH} levels", "one more")
    if argument > MAX_ITEMS:
        raise _refused(start, f"at most {MAX_ITEMS} items", f"{argument}")
    if major == 4:
        items: list[Cbor] = []
        for _ in range(argument):
            item, offset = _item(data, offset, depth + 1)
            items.append(item)
        return items, offset
    entries: dict[str, Cbor] = {}
    for _ in range(argument):
        at = offset
        key, offset = _item(data, offset, depth + 1)
        if not isinstance(key, str):
            raise _refused(at, "a text key", repr(key))
        if key in entries:
            raise _refused(at, "a key once", f"{key!r} twice")
        entries[key], offset = _item(data, offset, depth + 1)
    return entries, offset
