"""The digests that the contracts compute too: of messages, checkpoints, rotations, verdicts."""

from __future__ import annotations

from typing import Final

from bridge.crypto.hashing import keccak256
from bridge.domain.checkpoints import CHECKPOINT_TYPE, Checkpoint
from bridge.domain.messages import Message
from bridge.domain.rotations import ROTATION_TYPE, Rotation
from bridge.domain.verdicts import (
    REVOCATION_TYPE,
    VERDICT_TYPE,
    RevocationStatement,
    Statement,
    VerdictStatement,
    word_of,
)

CHECKPOINT_TYPE_HASH: Final = keccak256(CHECKPOINT_TYPE.encode())
ROTATION_TYPE_HASH: Final = keccak256(ROTATION_TYPE.encode())
VERDICT_TYPE_HASH: Final = keccak256(VERDICT_TYPE.encode())
REVOCATION_TYPE_HASH: Final = keccak256(REVOCATION_TYPE.encode())


def message_id(message: Message) -> bytes:
    """Keccak-256 of the message's encoding, 32 bytes: its leaf in the Outbox's tree.

    >>> message_id(Message(0, 1, bytes(32), 2, bytes(32), b"")).hex()[:8]
    '619777ee'
    """
    return keccak256(message.encode())


def checkpoint_digest(checkpoint: Checkpoint) -> bytes:
    """What a signer signs, 32 bytes: Keccak-256 of ``abi.encode`` of type hash and fields.

    Each field is one big-endian word of 32 bytes in the order of ``CHECKPOINT_TYPE``; addresses
    are left-padded.
    """
    words = (
        CHECKPOINT_TYPE_HASH,
        _word(checkpoint.origin_domain),
        _word(checkpoint.origin_chain_id),
        checkpoint.outbox.rjust(32, b"\0"),
        checkpoint.root,
        _word(checkpoint.size),
        _word(checkpoint.destination_domain),
        _word(checkpoint.destination_chain_id),
        checkpoint.inbox.rjust(32, b"\0"),
        _word(checkpoint.epoch),
    )
    return keccak256(b"".join(words))


def rotation_digest(rotation: Rotation) -> bytes:
    """What a signer signs of a rotation, 32 bytes: Keccak-256 of type hash and fields, as above."""
    words = (
        ROTATION_TYPE_HASH,
        _word(rotation.chain_id),
        rotation.registry.rjust(32, b"\0"),
        _word(rotation.epoch),
        rotation.set_hash,
        _word(rotation.salt),
    )
    return keccak256(b"".join(words))


def verdict_digest(statement: VerdictStatement) -> bytes:
    """What a signer signs of a verdict, 32 bytes: Keccak-256 of type hash and fields, as above."""
    return keccak256(b"".join(_verdict_words(statement, statement.place.epoch)))


def revocation_digest(statement: RevocationStatement) -> bytes:
    """What a signer signs of a revocation, 32 bytes: Keccak-256 of type hash and fields."""
    return keccak256(b"".join(_revocation_words(statement, statement.place.epoch)))


def statement_digest(statement: Statement) -> bytes:
    """The digest of a verdict or of a revocation."""
    if isinstance(statement, VerdictStatement):
        return verdict_digest(statement)
    return revocation_digest(statement)


def statement_content(statement: Statement) -> bytes:
    """What a statement says whatever epoch it is signed in, 32 bytes: its digest with epoch 0.

    The signers of the next epoch may say the same once more, and nothing else.
    """
    if isinstance(statement, VerdictStatement):
        return keccak256(b"".join(_verdict_words(statement, 0)))
    return keccak256(b"".join(_revocation_words(statement, 0)))


def _verdict_words(statement: VerdictStatement, epoch: int) -> tuple[bytes, ...]:
    place, verdict = statement.place, statement.verdict
    return (
        VERDICT_TYPE_HASH,
        _word(place.registry_chain_id),
        place.registry.rjust(32, b"\0"),
        _word(epoch),
        _word(place.sequence),
        _word(statement.issued_at),
        _word(statement.expires_at),
        _word(verdict.chain_id),
        verdict.address.rjust(32, b"\0"),
        verdict.code_hash,
        _word(verdict.block_number),
        verdict.block_hash,
        _word(verdict.match),
        verdict.scan_digest,
        word_of(verdict.tool),
    )


def _revocation_words(statement: RevocationStatement, epoch: int) -> tuple[bytes, ...]:
    place = statement.place
    return (
        REVOCATION_TYPE_HASH,
        _word(place.registry_chain_id),
        place.registry.rjust(32, b"\0"),
        _word(epoch),
        _word(place.sequence),
        _word(statement.issued_at),
        _word(statement.chain_id),
        statement.address.rjust(32, b"\0"),
        statement.code_hash,
        word_of(statement.reason),
    )


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
