"""What tests of several folders ask for, and the order that all of them run in."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from bridge.domain.loading import undisturbed
from tests.postgres import Server, find_binaries, server
from tests.schedule import in_order, part


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server for the session."""
    if find_binaries() is None:
        pytest.skip("no PostgreSQL: install Debian's package postgresql")
    with server() as one:
        yield one


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    with undisturbed():
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [items[place] for place in in_order(item.nodeid for item in items)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        """Parts in place of files."""

        def _split_scope(self, nodeid: str) -> str:
            return part(nodeid)

    return Scheduling(config, log)
