"""A verdict: what was verified of one contract at one block, in the form that a quorum signs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from bridge.domain.errors import InputError


class MatchKind(IntEnum):
    """How well code and source agree. The numbers are signed and never change."""

    NO_MATCH = 0
    MATCH = 1
    EXACT_MATCH = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """``address`` is 20 bytes, ``code_hash``, ``block_hash`` and ``scan_digest`` are 32.

    ``code_hash`` is the Keccak-256 of the runtime code at ``block_number``. ``scan_digest`` is the
    SHA-256 of the scan's JSON in its canonical form, zero where nothing was scanned. ``tool`` is
    the version of what verified.
    """

    chain_id: int
    address: bytes
    code_hash: bytes
    block_number: int
    block_hash: bytes
    match: MatchKind
    scan_digest: bytes
    tool: str

    def __post_init__(self) -> None:
        sizes = {"address": 20, "code_hash": 32, "block_hash": 32, "scan_digest": 32}
        for name, size in sizes.items():
            if len(getattr(self, name)) != size:
                raise InputError(
                    f"verdict: {name}: expected {size} bytes, got {len(getattr(self, name))}"
                )
        for name, bits in (("chain_id", 64), ("block_number", 64)):
            if not 0 <= getattr(self, name) < 1 << bits:
                raise InputError(
                    f"verdict: {name}: expected 0 to 2^{bits} - 1, got {getattr(self, name)}"
                )
        if not 0 < len(self.tool.encode()) <= 32:
            raise InputError(f"verdict: tool: expected 1 to 32 bytes, got {self.tool!r}")
