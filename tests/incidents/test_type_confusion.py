"""Types of statements: a signature given to one is none of another, in every pair.

Five contexts, and two kinds of digest that signers are asked to sign; each signature is presented
wherever the contracts take one. It counts where both are right and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.chain.statements import (
    Evidence,
    checkpoint_tuple,
    evidence_tuple,
    rotation_tuple,
    signer_set_hash,
)
from bridge.crypto.digests import checkpoint_digest, rotation_digest
from bridge.crypto.hashing import keccak256
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.contexts import CHECKPOINT_CONTEXT, CONTEXTS, ROTATION_CONTEXT
from bridge.domain.quorums import SignerSet
from bridge.domain.rotations import Rotation
from bridge.testing import World
from bridge.testing.machine import reverts
from bridge.testing.world import SIGNERS, raw, sign
from tests.incidents.conftest import send

Present = Callable[[World, bytes], None]


def checkpoint(world: World) -> Checkpoint:
    if not world.a.messages:
        send(world, b"\0" * 12 + b"\7" * 20, b"")
    return world.checkpoint(world.a, world.b)


def rotation(world: World) -> Rotation:
    side = world.b
    set_hash = signer_set_hash(SignerSet(2, 3, SIGNERS), side.addresses())
    return Rotation(side.machine.chain_id, raw(side.registry.address), 1, set_hash)


def to_attest(world: World, signature: bytes) -> None:
    struct = checkpoint_tuple(checkpoint(world))
    world.b.inbox.send("attest", struct, [0], [signature])


def to_rotate(world: World, signature: bytes) -> None:
    struct = rotation_tuple(rotation(world))
    world.b.registry.send("approveRotation", struct, [0], [signature])


def to_prove(world: World, signature: bytes) -> None:
    digest = checkpoint_digest(checkpoint(world))
    world.b.registry.send("proveSignature", 1, 0, 0, digest, signature)


def to_accuse(world: World, signature: bytes) -> None:
    """The other half of the evidence is a signature that is what it should be."""
    a = checkpoint(world)
    b = replace(a, root=b"\1" * 32)
    good = sign(SIGNERS[0], checkpoint_digest(b), CHECKPOINT_CONTEXT)
    evidence = Evidence(1, 0, 0, a, b, signature, good)
    world.b.registry.send("submitEvidence", evidence_tuple(evidence))


DIGESTS: dict[str, Callable[[World], bytes]] = {
    "checkpoint": lambda world: checkpoint_digest(checkpoint(world)),
    "rotation": lambda world: rotation_digest(rotation(world)),
    "evidence": lambda world: keccak256(b"astralink/evidence/v1" + bytes(96)),
}
TAKERS: dict[str, tuple[Present, str, bytes]] = {
    "attest": (to_attest, "checkpoint", CHECKPOINT_CONTEXT),
    "approveRotation": (to_rotate, "rotation", ROTATION_CONTEXT),
    "proveSignature": (to_prove, "checkpoint", CHECKPOINT_CONTEXT),
    "submitEvidence": (to_accuse, "checkpoint", CHECKPOINT_CONTEXT),
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("kind", DIGESTS)
@pytest.mark.parametrize("ctx", [*CONTEXTS, b""])
def test_a_signature_counts_as_what_it_was_given_for(
    world: World, ctx: bytes, kind: str, taker: str
) -> None:
    present, takes, under = TAKERS[taker]
    signature = sign(SIGNERS[0], DIGESTS[kind](world), ctx)
    if (kind, ctx) == (takes, under):
        present(world, signature)
        return
    with reverts("InvalidSignature", 0):
        present(world, signature)


def test_the_contexts_are_apart() -> None:
    """None is a beginning of another, so none with something behind it is another either."""
    for one in CONTEXTS:
        assert [other for other in CONTEXTS if other.startswith(one)] == [one]


def test_what_is_signed_differs_as_well(world: World) -> None:
    """Even under one context: the digests of the types begin with hashes of their own."""
    digests = {kind: digest(world) for kind, digest in DIGESTS.items()}
    assert len(set(digests.values())) == len(DIGESTS)
    assert all(len(digest) == 32 for digest in digests.values())
