"""The bridge in one process, for the tests of applications that use it.

    from bridge.testing import World, reverts, world

Needs the extra ``testing``: pytest, and revm for the chains. ``world`` is a pytest fixture; in a
``conftest.py`` it is imported like any name, and each test that asks for it finds two chains with
the bridge between them, as they were built, whatever another test did.
"""

from bridge.chain.artifact import Artifact
from bridge.testing.compiler import compile_solidity
from bridge.testing.fixtures import bridge_world, world
from bridge.testing.machine import (
    GUARDIAN,
    OWNER,
    STRANGER,
    Deployed,
    Machine,
    Reverted,
    Sent,
    reverts,
)
from bridge.testing.world import Side, World, padded

__all__ = [
    "GUARDIAN",
    "OWNER",
    "STRANGER",
    "Artifact",
    "Deployed",
    "Machine",
    "Reverted",
    "Sent",
    "Side",
    "World",
    "bridge_world",
    "compile_solidity",
    "padded",
    "reverts",
    "world",
]
