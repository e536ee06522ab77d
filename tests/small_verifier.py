"""A small verifier for tests: code against an artifact, and a scan for one precompile.

The source is an artifact of this package, whose code was compiled from its source. Both functions
have the types that the configuration asks for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bridge.crypto.hashing import keccak256
from bridge.domain.verdicts import MatchKind
from bridge.verifier.finding import Severity
from bridge.verifier.recheck import Deployed, Source

PUSH1, PUSH32, STATICCALL = 0x60, 0x7F, 0xFA
ECRECOVER = b"\x01"
SIGHT = 3
"""Instructions between the push of a precompile's address and the call."""


async def match(deployed: Deployed, source: Source | None) -> MatchKind:
    """Exact where all but the immutables is equal, a match where the metadata differs."""
    if source is None or "deployedBytecode" not in source:
        return MatchKind.NO_MATCH
    expected = bytearray.fromhex(source["deployedBytecode"][2:])
    code = bytearray(deployed.code)
    if len(code) != len(expected):
        return MatchKind.NO_MATCH
    immutables: Mapping[str, list[dict[str, int]]] = source.get("immutableReferences", {})
    for places in immutables.values():
        values = {bytes(code[one["start"] : one["start"] + one["length"]]) for one in places}
        if len(values) != 1:
            return MatchKind.NO_MATCH  # one immutable has one value
        for one in places:
            code[one["start"] : one["start"] + one["length"]] = bytes(one["length"])
    if code == expected:
        return MatchKind.EXACT_MATCH
    metadata = int.from_bytes(expected[-2:]) + 2
    return MatchKind.MATCH if code[:-metadata] == expected[:-metadata] else MatchKind.NO_MATCH


def report_of(code: bytes) -> bytes:
    """The report of a scan, in its canonical form."""
    findings: list[dict[str, Any]] = []
    recent: list[bytes] = []
    position = 0
    while position < len(code):
        opcode = code[position]
        size = opcode - PUSH1 + 1 if PUSH1 <= opcode <= PUSH32 else 0
        if opcode == STATICCALL and ECRECOVER in recent[-SIGHT:]:
            findings.append({"offset": position, "severity": Severity.HIGH.value})
        recent.append(code[position + 1 : position + 1 + size])
        position += 1 + size
    report = {"code_hash": keccak256(code).hex(), "findings": findings}
    return json.dumps(report, separators=(",", ":"), sort_keys=True).encode()


async def scan(deployed: Deployed, source: Source | None) -> bytes:
    """The SHA-256 of the report on a contract's code."""
    return hashlib.sha256(report_of(deployed.code)).digest()
