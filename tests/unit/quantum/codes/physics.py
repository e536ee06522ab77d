"""Long statistical runs, which `make verify-physics` asks for."""

import os

import pytest

long_run = pytest.mark.skipif(
    os.environ.get("PHYSICS") != "1", reason="long: make verify-physics runs it"
)
