"""The pytest fixtures: a world for each test, built once and taken back after each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.testing.world import World


@pytest.fixture(scope="session")
def bridge_world() -> World:
    """The two chains as they were built. A test takes ``world``, which is put back after it."""
    return World.built()


@pytest.fixture
def world(bridge_world: World) -> Iterator[World]:
    """Two chains with the bridge between them and nothing dispatched yet."""
    with bridge_world.a.machine.undone(), bridge_world.b.machine.undone():
        yield bridge_world.copy()
