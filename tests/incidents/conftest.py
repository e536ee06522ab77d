"""Two chains with the bridge between them, and the attackers' contracts."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from bridge.domain.checkpoints import Checkpoint
from bridge.testing import Deployed, Machine, World, bridge_world, padded, world
from bridge.testing.machine import Sent
from tests.contracts.conftest import ACCEPTS
from tests.mocks import mock

__all__ = ["bridge_world", "world"]
A, B = 1, 2
NOBODY = "0x" + "00" * 20
ELSEWHERE = "0x" + "cc" * 20
"""An address that holds no contract."""


@pytest.fixture
def recipient(world: World) -> bytes:
    """A contract on B that takes whatever comes, left-padded to 32 bytes."""
    return padded(world.b.machine.deploy_code(ACCEPTS))


def attacker(machine: Machine, name: str) -> Deployed:
    """A contract of ``contracts/mocks``."""
    return machine.deploy_artifact(mock(name))


def send(world: World, recipient: bytes, body: bytes, gas_limit: int = 0, deadline: int = 0) -> int:
    """A message from A to ``recipient`` on B; its nonce."""
    world.a.outbox.send("dispatch", B, recipient, body, (deadline, gas_limit, NOBODY))
    world.a.sync()
    return len(world.a.messages) - 1


def attest_first(world: World, size: int) -> Checkpoint:
    """The root that the tree of A had with its first ``size`` messages, attested on B."""
    checkpoint = world.checkpoint(world.a, world.b, root=world.a.tree.root(size), size=size)
    world.attest(world.a, world.b, checkpoint)
    return checkpoint


def calls(*targets: tuple[str, bytes]) -> bytes:
    """The body that has ``Reentrant`` call these addresses with these data."""
    return encode(["(address,bytes)[]"], [list(targets)])


def tried(sent: Sent, reentrant: Deployed) -> list[tuple[bool, bytes]]:
    """What came of each call that ``reentrant`` made."""
    events = [event for event in sent.events(reentrant) if event.name == "Tried"]
    return [(event.arguments["done"], event.arguments["output"]) for event in events]
