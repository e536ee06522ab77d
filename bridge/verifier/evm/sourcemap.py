"""Source lines for byte offsets, from the compressed source map of Solidity.

The map has one entry for each instruction: ``s:l:f:j:m``, entries apart by semicolons, a field that
is empty or left out being that of the entry before (Solidity documentation, "Source Mappings").
``s`` and ``l`` are bytes of the source, ``f`` its index, -1 for code of the compiler's own.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.domain.errors import CodeProblem, CodeRefused
from bridge.verifier.evm.disassembler import instructions

MAX_ENTRIES: Final = 1 << 20
_JUMPS: Final = frozenset("io-")


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one instruction is from: bytes of a source, in or out of a function or neither."""

    start: int
    length: int
    source: int
    jump: str
    modifier_depth: int


def parse_source_map(text: str) -> tuple[Entry, ...]:
    """The entries of a compressed map; CodeRefused (``bad_source_map``) where one is no entry."""
    if text == "":
        return ()
    parts = text.split(";", MAX_ENTRIES)
    if len(parts) > MAX_ENTRIES:
        raise _refused(MAX_ENTRIES, f"at most {MAX_ENTRIES} entries", "more")
    fields = ["", "", "", "-", "0"]
    entries: list[Entry] = []
    last: Entry | None = None
    for number, part in enumerate(parts):
        if part or last is None:
            given = part.split(":")
            if len(given) > len(fields):
                raise _refused(number, f"at most {len(fields)} fields", f"{len(given)}")
            for place, field in enumerate(given):
                fields[place] = field or fields[place]
            last = _entry(number, fields)
        entries.append(last)
    return tuple(entries)


def _entry(number: int, fields: list[str]) -> Entry:
    start, length, source, jump, depth = fields
    numbers = []
    for name, field in (("s", start), ("l", length), ("f", source), ("m", depth)):
        digits = field.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 10:
            raise _refused(number, f"an integer {name}", repr(field))
        numbers.append(int(field))
    if jump not in _JUMPS:
        raise _refused(number, "a jump i, o or -", repr(jump))
    return Entry(numbers[0], numbers[1], numbers[2], jump, numbers[3])


def _refused(number: int, expected: str, got: str) -> CodeRefused:
    return CodeRefused(
        CodeProblem.BAD_SOURCE_MAP, f"entry {number}: expected {expected}, got {got[:60]}"
    )


class SourceMap:
    """A map with the sources it is about.

    ``sources`` are path and text by the index that the compiler gave each (``sources.*.id`` of its
    output, generated ones left out).
    """

    def __init__(self, code: bytes, text: str, sources: Mapping[int, tuple[str, str]]) -> None:
        entries = parse_source_map(text)
        self._starts = [one.offset for one, _ in zip(instructions(code), entries, strict=False)]
        self._entries = entries
        self._sources = dict(sources)
        self._lines: dict[int, list[int]] = {}

    def line_at(self, offset: int) -> tuple[str, int] | None:
        """Path and line, from 1, of the instruction that holds the byte; None where none is."""
        place = bisect.bisect_right(self._starts, offset) - 1
        if place < 0 or offset < 0:
            return None
        entry = self._entries[place]
        source = self._sources.get(entry.source)
        if source is None or entry.start < 0:
            return None
        path, text = source
        if entry.source not in self._lines:
            self._lines[entry.source] = [
                at for at, byte in enumerate(text.encode()) if byte == 0x0A
            ]
        return path, bisect.bisect_left(self._lines[entry.source], entry.start) + 1
