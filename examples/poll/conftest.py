"""The fixtures of the bridge, and this application on both of its chains."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.testing import (
    Artifact,
    Deployed,
    World,
    bridge_world,
    compile_solidity,
    padded,
    world,
)

__all__ = ["bridge_world", "world"]

OPEN_S = 3_600
CHOICES = 3


@pytest.fixture(scope="session")
def artifact() -> Artifact:
    return compile_solidity(Path(__file__).parent / "contracts")["Poll"]


@pytest.fixture
def polls(world: World, artifact: Artifact) -> tuple[Deployed, Deployed]:
    """The poll on A, which is its home, and on B."""
    closes_at = world.a.machine.timestamp + OPEN_S
    here, there = (
        side.machine.deploy_artifact(
            artifact, side.outbox.address, side.inbox.address, world.a.domain, CHOICES, closes_at
        )
        for side in (world.a, world.b)
    )
    here.send("enrolPeer", world.b.domain, padded(there.address))
    there.send("enrolPeer", world.a.domain, padded(here.address))
    return here, there
