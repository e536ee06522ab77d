"""The digests that the contracts compute too: of messages, checkpoints and rotations."""

from __future__ import annotations

from typing import Final

from bridge.crypto.hashing import keccak256
from bridge.domain.checkpoints import CHECKPOINT_TYPE, Checkpoint
from bridge.domain.messages import Message
from bridge.domain.rotations import ROTATION_TYPE, Rotation

CHECKPOINT_TYPE_HASH: Final = keccak256(CHECKPOINT_TYPE.encode())
ROTATION_TYPE_HASH: Final = keccak256(ROTATION_TYPE.encode())


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


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
