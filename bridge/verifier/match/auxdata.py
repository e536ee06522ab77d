"""The auxdata that a compiler put into code, as a match compares it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.errors import CodeProblem, CodeRefused
from bridge.verifier.cbor import Cbor, decode

HASHES = ("ipfs", "bzzr0", "bzzr1")
"""The keys under which Solidity puts the hash of the metadata."""
KNOWN = frozenset({*HASHES, "solc", "experimental", "vyper"})
LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class Auxdata:
    """A CBOR map with the two bytes of its length, as it stands in the code at ``offset``."""

    offset: int
    value: bytes

    @property
    def has_hash(self) -> bool:
        """Whether the metadata's hash is in it."""
        return any(name in decode_map(self.value[:-LENGTH_BYTES]) for name in HASHES)


def decode_map(data: bytes) -> dict[str, Cbor]:
    r"""A map with keys that compilers write; ``CodeRefused`` (``bad_cbor``) for anything else.

    >>> decode_map(bytes.fromhex("a164736f6c634300081a"))
    {'solc': b'\x00\x08\x1a'}
    """
    value = decode(data)
    if not isinstance(value, dict) or not value or not value.keys() <= KNOWN:
        raise CodeRefused(
            CodeProblem.BAD_CBOR, f"expected a map with keys of {sorted(KNOWN)}, got {value!r:.80}"
        )
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
    except CodeRefused:
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
        except CodeRefused:
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
            except CodeRefused:
                continue
            return Auxdata(start, creation[start:])
    return None
