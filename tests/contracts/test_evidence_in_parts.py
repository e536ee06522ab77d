"""Evidence whose two signatures are too much for one transaction, brought one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pqcrypto.sign import slh_dsa_sha2_256s

from bridge.chain.statements import Evidence, evidence_tuple
from bridge.crypto.digests import checkpoint_digest
from bridge.crypto.hashing import keccak256
from bridge.domain.contexts import CHECKPOINT_CONTEXT, ROTATION_CONTEXT
from bridge.domain.quorums import SignerSet
from bridge.testing import Deployed, World
from bridge.testing.machine import GAS, STRANGER, reverts
from bridge.testing.world import GOVERNANCE, HOUR_S
from tests.contracts.test_revocation import forked, hash_of, signed, submit


def prove(world: World, evidence: Evidence, index: int, signature: bytes) -> None:
    world.b.registry.send(
        *("proveSignature", evidence.epoch, evidence.signer, evidence.key),
        *(checkpoint_digest((evidence.a, evidence.b)[index]), signature),
        sender=STRANGER,
    )


def test_signatures_may_be_proven_one_by_one(world: World) -> None:
    evidence = forked(world)
    in_parts = replace(evidence, signature_a=b"", signature_b=b"")
    for index, signature in enumerate((evidence.signature_a, evidence.signature_b)):
        with reverts("InvalidSignature", 0):
            submit(world, in_parts)
        prove(world, evidence, index, signature)
        digest = checkpoint_digest((evidence.a, evidence.b)[index])
        assert world.b.registry.call("provenSignature", hash_of(0), digest)
        assert not world.b.registry.call("provenSignature", hash_of(1), digest)
    with reverts("InvalidSignature", 1):
        submit(world, replace(in_parts, signer=1))
    submit(world, in_parts)
    assert world.b.registry.call("revokedSigners", 1) == 0b001


def test_what_was_not_signed_is_not_proven(world: World) -> None:
    evidence = forked(world)
    for bad in (b"", evidence.signature_b, signed(1, evidence.a)):
        with reverts("InvalidSignature", 0):
            prove(world, evidence, 0, bad)
    with reverts("InvalidSignature", 0):
        prove(world, evidence, 0, signed(0, evidence.a, ROTATION_CONTEXT))
    with reverts("SignerNotInSet", 3, 3):
        prove(world, replace(evidence, signer=3), 0, b"")
    with reverts("KeyNotOfSigner", 1, 1):
        prove(world, replace(evidence, key=1), 0, b"")
    assert not world.b.registry.call("provenSignature", hash_of(0), checkpoint_digest(evidence.a))


@pytest.fixture
def slow(world: World) -> tuple[Deployed, Evidence]:
    """A registry whose signer 0 has an SLH-DSA-SHA2-256s key, and signed two trees with it."""
    machine = world.b.machine
    public_key, secret = slh_dsa_sha2_256s.keygen()
    verifier = machine.deploy("SlhDsaSha2256sVerifier")
    members, *thresholds = world.b.struct(SignerSet(1, 2, world.signers))
    members[0] = (1, [(verifier.address, bytes(public_key))])
    registry = machine.deploy("SignerRegistry", GOVERNANCE, HOUR_S, HOUR_S)
    registry.send("initialise", (members, *thresholds))
    evidence = forked(world)
    a, b = (
        bytes(slh_dsa_sha2_256s.sign(secret, checkpoint_digest(one), CHECKPOINT_CONTEXT))
        for one in (evidence.a, evidence.b)
    )
    assert registry.call("signer", 1, 0)[1][0][1] == bytes(public_key)
    assert registry.call("provenSignature", keccak256(bytes(public_key)), bytes(32)) is False
    return registry, replace(evidence, signature_a=a, signature_b=b)


def test_an_equivocator_with_the_slowest_key_is_removed_within_the_cap(
    world: World, slow: tuple[Deployed, Evidence]
) -> None:
    """No transaction has more than 2^24 gas (EIP-7825), and both at once take more."""
    world.b.registry, evidence = slow
    with world.b.machine.undone():
        sent = world.b.registry.send("submitEvidence", evidence_tuple(evidence), gas=1 << 26)
        assert sent.gas > GAS
    with reverts(""):  # the verifier ran out of gas
        submit(world, evidence)
    prove(world, evidence, 0, evidence.signature_a)
    submit(world, replace(evidence, signature_a=b""))
    assert world.b.registry.call("revokedSigners", 1) == 0b001
