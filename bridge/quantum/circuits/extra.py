"""The libraries of the extra ``circuits``, or a word on how to get them."""

from __future__ import annotations

from importlib.util import find_spec

from bridge.domain.errors import ExtraMissing


def require(*libraries: str, extra: str = "circuits") -> None:
    """Nothing, when all ``libraries`` can be imported; raises ``ExtraMissing`` for the first."""
    for library in libraries:
        if find_spec(library) is None:
            raise ExtraMissing(library, extra)
