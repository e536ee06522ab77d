"""The runtime code in an artifact of hardhat, foundry, ape or truffle, or in a file of hex."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.domain.errors import SourceTooLarge, SourceUnreadable
from bridge.verifier.sources.folder import read_json

MAX_CODE_CHARACTERS = 4 << 20
HEX_ENDINGS = (".bin", ".hex", ".bin-runtime")
PLACEHOLDER = re.compile(r"__.{38}")
"""Where the address of a library belongs, in 40 characters; it is read as zero."""
_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})+)")


@dataclass(frozen=True, slots=True)
class RuntimeCode:
    """The code of the contract of that name."""

    name: str
    code: bytes


def runtime_code(path: Path, limit: int) -> RuntimeCode | None:
    """What a file has of runtime code; None for a file that is of another kind.

    ``SourceUnreadable`` for hex that is none, and what `read_json` raises above ``limit`` bytes.
    """
    if path.suffix in HEX_ENDINGS:
        if path.stat().st_size > MAX_CODE_CHARACTERS:
            raise SourceTooLarge(str(path), "bytes", MAX_CODE_CHARACTERS, path.stat().st_size)
        text = path.read_text(encoding="ascii", errors="replace").strip()
        return RuntimeCode(path.stem, _code(text, str(path)))
    if path.suffix != ".json":
        return None
    document = read_json(path, limit)
    found = _field(document) if isinstance(document, dict) else None
    if found is None:
        return None
    name = str(document.get("contractName") or path.stem)
    return RuntimeCode(name, _code(found, str(path)))


def _field(document: dict[str, Any]) -> str | None:
    """``deployedBytecode`` of hardhat, truffle and foundry, or ``runtimeBytecode`` of ape."""
    found = document.get("deployedBytecode") or document.get("runtimeBytecode")
    if isinstance(found, dict):
        found = found.get("object") or found.get("bytecode")
    return found if isinstance(found, str) and found not in ("0x", "") else None


def _code(text: str, where: str) -> bytes:
    found = _HEX.fullmatch(PLACEHOLDER.sub("0" * 40, text))
    if found is None:
        raise SourceUnreadable(where, "runtime code in hex", repr(text[:20]))
    return bytes.fromhex(found[1])
