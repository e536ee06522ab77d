"""Libraries of the extra `codes`, imported where they are needed and nowhere before."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bridge.domain.errors import InputError


def require(library: str) -> Any:
    """An optional library, or an ``InputError`` that names the extra that brings it."""
    try:
        return import_module(library)
    except ImportError:
        raise InputError(
            f"expected {library.partition('.')[0]}, it is not installed: "
            "pip install 'astralink-bridge[codes]'"
        ) from None
