"""JSON from outside: read within a depth that does not depend on the interpreter's limits.

Python's own reader counts on the recursion limit. Libraries raise that, and text that nests deep
enough then ends the process; so the depth is counted before anything is read.
"""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 200
"""Levels; no document of ours, and no metadata or standard JSON, has nearly as many."""
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def parsed_json(text: str | bytes | bytearray, deepest: int = DEEPEST, unique: bool = False) -> Any:
    """The value that ``text`` is, in UTF-8 where it is bytes.

    Raises ``ValueError`` for what is none, for more than ``deepest`` levels, for the numbers NaN
    and Infinity, and with ``unique`` for a key that comes twice.
    """
    read = text if isinstance(text, str) else bytes(text).decode("utf-8-sig")
    require_shallow(read, deepest)
    return json.loads(read, parse_constant=_refused, object_pairs_hook=_once if unique else None)


def require_shallow(text: str, deepest: int = DEEPEST) -> None:
    """Pass where JSON text nests at most so deep; ``ValueError`` otherwise."""
    depth = 0
    for token in _TOKENS.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > deepest:
                raise ValueError(f"more than {deepest} levels")
        elif first in "]}":
            depth -= 1


def _refused(name: str) -> Any:
    raise ValueError(f"the number {name}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key that comes twice")
    return found
