"""Where the tests find liboqs, and what to say when it is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.crypto.providers import liboqs_library

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "liboqs"
BUILD = "python scripts/build_liboqs.py"


def use_cached_build() -> None:
    """Point OQS_INSTALL_PATH at the build under ``.cache`` unless it is set already."""
    if "OQS_INSTALL_PATH" not in os.environ and (CACHE / "lib").is_dir():
        os.environ["OQS_INSTALL_PATH"] = str(CACHE)


def require_liboqs() -> None:
    """Skip the test, with the command that builds liboqs, when no library is there."""
    if liboqs_library.find_library() is None:
        pytest.skip(f"no liboqs: build it with `{BUILD}`")
