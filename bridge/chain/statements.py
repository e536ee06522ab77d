"""What signers state, in the order of the contracts' structs, and the hashes that depend on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.chain.abi import encode
from bridge.crypto.hashing import keccak256
from bridge.domain.checkpoints import Checkpoint
from bridge.domain.errors import InputError
from bridge.domain.keys import Algorithm
from bridge.domain.quorums import SignerKey, SignerSet
from bridge.domain.rotations import Rotation
from bridge.domain.verdicts import RevocationStatement, VerdictStatement, word_of

SIGNER_SET_ABI: Final = "((uint16,(address,bytes)[])[],uint32,uint32,uint32)"
"""``SignerSet`` of ``contracts/types/SignerSet.sol``."""


def checkpoint_tuple(checkpoint: Checkpoint) -> tuple[Any, ...]:
    """The checkpoint in the order of the contract's struct."""
    return (
        checkpoint.origin_domain,
        checkpoint.origin_chain_id,
        checkpoint.outbox,
        checkpoint.root,
        checkpoint.size,
        checkpoint.destination_domain,
        checkpoint.destination_chain_id,
        checkpoint.inbox,
        checkpoint.epoch,
    )


def rotation_tuple(rotation: Rotation) -> tuple[Any, ...]:
    """The rotation in the order of the contract's struct."""
    return (
        rotation.chain_id,
        rotation.registry,
        rotation.epoch,
        rotation.set_hash,
        rotation.salt,
    )


def verdict_tuple(statement: VerdictStatement) -> tuple[Any, ...]:
    """The verdict in the order of the contract's struct."""
    place, verdict = statement.place, statement.verdict
    return (
        place.registry_chain_id,
        place.registry,
        place.epoch,
        place.sequence,
        statement.issued_at,
        statement.expires_at,
        verdict.chain_id,
        verdict.address,
        verdict.code_hash,
        verdict.block_number,
        verdict.block_hash,
        int(verdict.match),
        verdict.scan_digest,
        word_of(verdict.tool),
    )


def revocation_tuple(statement: RevocationStatement) -> tuple[Any, ...]:
    """The revocation in the order of the contract's struct."""
    place = statement.place
    return (
        place.registry_chain_id,
        place.registry,
        place.epoch,
        place.sequence,
        statement.issued_at,
        statement.chain_id,
        statement.address,
        statement.code_hash,
        word_of(statement.reason),
    )


def registry_key(key: SignerKey) -> bytes:
    """What stands for a key in the registry: an ML-DSA-87 key is known by its hash."""
    if key.algorithm is Algorithm.ML_DSA_87:
        return keccak256(key.public_key)
    return key.public_key


def key_hash(key: SignerKey) -> bytes:
    """What the registry revokes a key by, 32 bytes: ``registry_key``, hashed where it is longer."""
    held = registry_key(key)
    return held if len(held) == 32 else keccak256(held)


def signer_set_tuple(signer_set: SignerSet, verifiers: Mapping[Algorithm, str]) -> tuple[Any, ...]:
    """The set in the order of the contract's struct, with the verifiers of one chain.

    ``InputError`` for an algorithm that ``verifiers`` lacks.
    """
    return (
        [
            (
                signer.weight,
                [(_verifier(key, verifiers), registry_key(key)) for key in signer.keys],
            )
            for signer in signer_set.signers
        ],
        signer_set.threshold,
        signer_set.lattice_threshold,
        signer_set.hash_threshold,
    )


def signer_set_hash(signer_set: SignerSet, verifiers: Mapping[Algorithm, str]) -> bytes:
    """What a rotation says of the set, 32 bytes: Keccak-256 of its ABI encoding on one chain."""
    return keccak256(encode([SIGNER_SET_ABI], [signer_set_tuple(signer_set, verifiers)]))


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a tree, 32 bytes, with the siblings that lead to the root, bottom first."""

    hash: bytes
    siblings: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two checkpoints that one key signed and of which one is wrong.

    ``epoch``, ``signer`` and ``key`` say where the key stands in the registry. For checkpoints of
    two sizes, ``index`` is a leaf on which their trees differ, as ``leaf_a`` and ``leaf_b`` prove;
    for one size all three are left out. An empty signature stands for one that the registry's
    ``proveSignature`` took before.
    """

    epoch: int
    signer: int
    key: int
    a: Checkpoint
    b: Checkpoint
    signature_a: bytes
    signature_b: bytes
    index: int = 0
    leaf_a: Leaf = Leaf(bytes(32), ())
    leaf_b: Leaf = Leaf(bytes(32), ())


def evidence_tuple(evidence: Evidence) -> tuple[Any, ...]:
    """The evidence in the order of the contract's struct."""
    return (
        evidence.epoch,
        evidence.signer,
        evidence.key,
        checkpoint_tuple(evidence.a),
        checkpoint_tuple(evidence.b),
        evidence.signature_a,
        evidence.signature_b,
        evidence.index,
        evidence.leaf_a.hash,
        evidence.leaf_b.hash,
        b"".join(evidence.leaf_a.siblings),
        b"".join(evidence.leaf_b.siblings),
    )


def _verifier(key: SignerKey, verifiers: Mapping[Algorithm, str]) -> str:
    if key.algorithm not in verifiers:
        known = ", ".join(verifiers)
        raise InputError(f"key {key.key_id}: expected {known}, got {key.algorithm}")
    return verifiers[key.algorithm]
