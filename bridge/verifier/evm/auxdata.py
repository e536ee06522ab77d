"""Where compilers wrote auxdata into code, and what it says.

Solidity ("Encoding of the Metadata Hash in the Bytecode" in its documentation) appends a CBOR map
and its length in two bytes, big-endian, which counts the map alone. Vyper does the same behind its
creation code, with an array or, before 0.3.10, a map; the array's length counts those two bytes as
well. Code that creates contracts carries theirs in its middle, so that one code has several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.domain.errors import CodeRefused
from bridge.verifier.cbor import Cbor, decode, decode_first

MAX_AUXDATA: Final = 1024
"""Bytes of the CBOR item; what compilers write is below 100."""

MAX_SECTIONS: Final = 256

_DIGESTS: Final = {"ipfs": 34, "bzzr0": 32, "bzzr1": 32}
_OTHERS: Final = frozenset({"experimental", "solc"})
_FIRST_KEYS: Final = tuple(
    bytes([0x60 | len(key)]) + key.encode() for key in (*_DIGESTS, *sorted(_OTHERS))
)


@dataclass(frozen=True, slots=True)
class Auxdata:
    """One section: ``code[start:end]``, its two bytes of length included.

    ``ipfs`` is a multihash of 34 bytes, ``bzzr0`` and ``bzzr1`` are 32. ``compiler`` is ``solc`` or
    ``vyper``; ``version`` is None where none is said. ``value`` is the whole CBOR item.
    """

    start: int
    end: int
    compiler: str
    version: str | None
    ipfs: bytes | None
    bzzr0: bytes | None
    bzzr1: bytes | None
    experimental: bool
    value: Cbor

    @property
    def has_metadata_hash(self) -> bool:
        """Whether it binds the sources, as an exact match needs."""
        return any(one is not None for one in (self.ipfs, self.bzzr0, self.bzzr1))


def auxdata_sections(code: bytes) -> tuple[Auxdata, ...]:
    """All sections in ``code``, in order; they do not overlap. Never raises.

    A section in the middle is found by its first key, one at the end by its length too. What has
    the look of one but is not to the letter is left out.
    """
    found: dict[int, Auxdata] = {}
    for start in _candidates(code):
        if len(found) == MAX_SECTIONS:
            break
        section = _solc_section(code, start)
        if section is not None:
            found[section.start] = section
    last = _vyper_section(code)
    if last is not None:
        found.setdefault(last.start, last)
    return _apart(sorted(found.values(), key=lambda one: one.start))


def _apart(sections: list[Auxdata]) -> tuple[Auxdata, ...]:
    kept: list[Auxdata] = []
    for section in sections:
        if not kept or section.start >= kept[-1].end:
            kept.append(section)
    return tuple(kept)


def _candidates(code: bytes) -> list[int]:
    starts = set()
    for key in _FIRST_KEYS:
        at = code.find(key)
        while at != -1:
            if at and 0xA1 <= code[at - 1] <= 0xA5:
                starts.add(at - 1)
            at = code.find(key, at + 1)
    return sorted(starts)


def _solc_section(code: bytes, start: int) -> Auxdata | None:
    """The section whose map begins at ``start``, where the length behind the map agrees."""
    try:
        value, end = decode_first(code, start)
    except CodeRefused:
        return None
    if end + 2 > len(code) or int.from_bytes(code[end : end + 2], "big") != end - start:
        return None
    if not isinstance(value, dict) or not value or not set(value) <= {*_DIGESTS, *_OTHERS}:
        return None
    digests: dict[str, bytes | None] = dict.fromkeys(_DIGESTS)
    for key, size in _DIGESTS.items():
        digest = value.get(key)
        if digest is None:
            continue
        if not isinstance(digest, bytes) or len(digest) != size:
            return None
        digests[key] = digest
    if digests["ipfs"] is not None and digests["ipfs"][:2] != b"\x12\x20":  # SHA-256, 32 bytes
        return None
    experimental = value.get("experimental", False)
    if not isinstance(experimental, bool):
        return None
    version = _solc_version(value.get("solc"))
    if version is None and "solc" in value:
        return None
    return Auxdata(
        start, end + 2, "solc", version, **digests, experimental=experimental, value=value
    )


def _solc_version(value: Cbor | None) -> str | None:
    """Three bytes in a release, text in a build of one's own."""
    if isinstance(value, bytes) and len(value) == 3:
        return ".".join(map(str, value))
    return value if isinstance(value, str) and value else None


def _vyper_section(code: bytes) -> Auxdata | None:
    if len(code) < 4:
        return None
    length = int.from_bytes(code[-2:], "big")
    for size in (length, length - 2):
        start = len(code) - 2 - size
        if not 0 < size <= MAX_AUXDATA or start < 0:
            continue
        try:
            value = decode(code[start : len(code) - 2])
        except CodeRefused:
            continue
        named = value[-1] if isinstance(value, list) and value else value
        if not isinstance(named, dict) or set(named) != {"vyper"}:
            continue
        version = named["vyper"]
        if not (
            isinstance(version, list)
            and len(version) == 3
            and all(type(part) is int and part >= 0 for part in version)
        ):
            continue
        return Auxdata(
            start, len(code), "vyper", ".".join(map(str, version)), None, None, None, False, value
        )
    return None
