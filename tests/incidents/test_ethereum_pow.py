"""EthereumPoW, September 2022: a fork with another chain id took the other chain's signatures."""

from __future__ import annotations

import pytest

from bridge.chain.statements import rotation_tuple, signer_set_hash
from bridge.domain.quorums import SignerSet
from bridge.domain.rotations import Rotation
from bridge.testing import World
from bridge.testing.machine import reverts
from bridge.testing.world import MAXIMUM_AGE_S, SIGNERS, Side, _side, padded, raw
from tests.incidents.conftest import A, send

FORK = 10_001


@pytest.fixture(scope="module")
def fork_built(bridge_world: World) -> Side:
    """B after a fork: the same contracts at the same addresses with the same signers and owner."""
    side = _side(FORK, bridge_world.b.domain, SignerSet(1, 2, SIGNERS))
    other = bridge_world.a
    side.outbox.send("enrolDestination", other.domain)
    side.inbox.send("enrolOrigin", other.domain, other.machine.chain_id, other.outbox.address)
    side.receipts.send("enrolPeer", other.domain, padded(other.receipts.address))
    return side


@pytest.fixture
def fork(fork_built: Side):
    with fork_built.machine.undone():
        yield fork_built


def test_nothing_of_a_chains_id_is_kept_in_code(world: World, fork: Side) -> None:
    """An id that a constructor had kept would be that of the other chain after a fork."""
    for name in ("inbox", "outbox", "registry", "receipts"):
        ours, theirs = getattr(world.b, name), getattr(fork, name)
        assert ours.address == theirs.address
        code = ours.machine.evm.get_code(ours.address)
        assert code == theirs.machine.evm.get_code(theirs.address)
        assert len(code) > 1_000


def test_a_checkpoint_is_not_replayed_on_a_fork(world: World, fork: Side, recipient: bytes) -> None:
    """Nor on the chain that keeps the id, when it was signed for the fork."""
    send(world, recipient, b"once")
    checkpoint = world.checkpoint(world.a, world.b)
    with reverts("WrongChainId", FORK, 31002):
        world.attest(world.a, fork, checkpoint)
    for_fork = world.checkpoint(world.a, fork)
    with reverts("WrongChainId", 31002, FORK):
        world.attest(world.a, world.b, for_fork)
    world.attest(world.a, world.b, checkpoint)
    assert fork.inbox.call("attestedSize", A, checkpoint.root) == 0


def test_a_checkpoint_of_a_forked_origin_is_not_taken(world: World, recipient: bytes) -> None:
    """A's fork has the same Outbox at the same address, and its tree grows otherwise."""
    send(world, recipient, b"on the fork")
    with reverts("WrongChainId", 31001, FORK):
        world.attest(world.a, world.b, world.checkpoint(world.a, world.b, origin_chain_id=FORK))
    world.attest(world.a, world.b)


def test_a_rotation_is_not_replayed_on_a_fork(world: World, fork: Side) -> None:
    """The set that the fork's registry would get is approved for the other chain only."""
    signer_set = SignerSet(2, 3, SIGNERS)
    digest = signer_set_hash(signer_set, world.b.addresses())
    statement = Rotation(31002, raw(world.b.registry.address), 1, digest)
    with reverts("WrongChainId", FORK, 31002):
        world.rotate(fork, statement)
    world.rotate(world.b, statement)
    struct = world.b.struct(signer_set)
    with reverts("WrongChainId", FORK, 31002):
        fork.registry.send("scheduleRotation", rotation_tuple(statement), struct)
    world.b.registry.send("scheduleRotation", rotation_tuple(statement), struct)
    world.warp(MAXIMUM_AGE_S)
    fork.machine.warp(MAXIMUM_AGE_S)
    assert (world.b.registry.call("currentEpoch"), fork.registry.call("currentEpoch")) == (2, 1)
