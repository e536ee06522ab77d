"""Two chains with the bridge between them, and small recipients written as bytes."""

from __future__ import annotations

import pytest

from bridge.crypto.keys import SigningKeyPair
from bridge.testing import bridge_world, padded, world
from bridge.testing.machine import Machine
from bridge.testing.world import SLH_DSA as SLH
from bridge.testing.world import World, signature_of
from bridge.testing.world import key_pair as key_pair_of

__all__ = ["bridge_world", "world"]
A, B = 1, 2


def key_pair(number: int) -> SigningKeyPair:
    """A key pair of SLH-DSA-SHA2-128s from a seed that is ``number`` in each byte."""
    return key_pair_of(SLH, number)


def sign(number: int, message: bytes, ctx: bytes) -> bytes:
    """A hedged signature of that key; the same one for the same arguments."""
    return signature_of(SLH, number, message, ctx)


def creation(runtime: str) -> bytes:
    """The code that deploys ``runtime``, hexadecimal and shorter than 256 bytes."""
    code = bytes.fromhex(runtime)
    return bytes.fromhex(f"60{len(code):02x}600c60003960{len(code):02x}6000f3") + code


ACCEPTS = creation("00")  # STOP
REFUSES = creation("632a2a2a2a6000526004601cfd")  # mstore(0, 0x2a2a2a2a); revert(28, 4)
BURNS = creation("5b5f56")  # for ever
BOMBS = creation("61ffff5ffd")  # revert(0, 65535)
STORES = creation("600160843555" + "00")  # sstore(first word of the body, 1)
# Calls the address in the first word of the body with the rest of it, and returns or reverts with
# what comes back.
CALLS = creation(
    "60206064" + "3503" + "8060a45f37" + "5f5f825f5f6084355af1" + "3d5f5f3e" + "601f57" + "3d5ffd"
    "5b3d5ff3"
)
# The same, and succeeds whatever comes back.
TRIES = creation("60206064" + "3503" + "8060a45f37" + "5f5f825f5f6084355af1" + "00")


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def recipient(world: World) -> bytes:
    """A contract on B that takes whatever comes, left-padded to 32 bytes."""
    return padded(world.b.machine.deploy_code(ACCEPTS))


def dispatch(world: World, recipient: bytes, *bodies: bytes) -> None:
    """A message from A to ``recipient`` on B for each body."""
    for body in bodies:
        world.a.outbox.send("dispatch", B, recipient, body)
    world.a.sync()
