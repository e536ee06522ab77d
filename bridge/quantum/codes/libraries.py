"""Where the libraries of the extra ``codes`` are asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bridge.domain.errors import InputError

EXTRA = "codes"


def require(library: str) -> Any:
    """The module ``library``; `InputError` that names the extra when it is not installed."""
    try:
        return import_module(library)
    except ImportError as error:
        raise InputError(
            f"codes: expected the library {error.name or library}, it is not installed: "
            f"pip install 'astralink-bridge[{EXTRA}]'"
        ) from None
