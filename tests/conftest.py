"""What tests of several folders ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Server, find_binaries, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server for the session."""
    if find_binaries() is None:
        pytest.skip("no PostgreSQL: install Debian's package postgresql")
    with server() as one:
        yield one
