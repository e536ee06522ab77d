"""Digests against eth_abi, which encodes as Solidity does."""

from dataclasses import replace

import pytest
from eth_abi import encode
from eth_utils import keccak

from bridge.crypto.digests import checkpoint_digest, message_id, rotation_digest
from bridge.domain.checkpoints import CHECKPOINT_TYPE, Checkpoint
from bridge.domain.messages import Message
from bridge.domain.rotations import ROTATION_TYPE, Rotation

CHECKPOINT = Checkpoint(
    origin_domain=7,
    origin_chain_id=31337,
    outbox=b"\xaa" * 20,
    root=b"\x01" * 32,
    size=5,
    destination_domain=8,
    destination_chain_id=2**63,
    inbox=b"\xbb" * 20,
    epoch=3,
)


def test_checkpoint_digest_is_solidity_abi_encode():
    c = CHECKPOINT
    types = [
        *("bytes32", "uint32", "uint64", "address", "bytes32"),
        *("uint32", "uint32", "uint64", "address", "uint32"),
    ]
    values = [
        keccak(text=CHECKPOINT_TYPE),
        *(c.origin_domain, c.origin_chain_id, "0x" + c.outbox.hex(), c.root),
        *(c.size, c.destination_domain, c.destination_chain_id, "0x" + c.inbox.hex(), c.epoch),
    ]
    assert checkpoint_digest(c) == keccak(encode(types, values))


@pytest.mark.parametrize(
    "change",
    [
        {"origin_domain": 9},
        {"origin_chain_id": 1},
        {"outbox": b"\xac" * 20},
        {"root": b"\x02" * 32},
        {"size": 6},
        {"destination_domain": 9},
        {"destination_chain_id": 1},
        {"inbox": b"\xac" * 20},
        {"epoch": 4},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_changes_the_digest(change):
    assert checkpoint_digest(replace(CHECKPOINT, **change)) != checkpoint_digest(CHECKPOINT)


def test_message_id_is_keccak_of_the_packed_message():
    message = Message(1, 2, b"\x11" * 32, 3, b"\x22" * 32, b"body")
    packed = bytes.fromhex("030000000100000002" + "11" * 32 + "00000003" + "22" * 32)
    assert message_id(message) == keccak(packed + b"body")
    assert message_id(replace(message, nonce=2)) != message_id(message)


ROTATION = Rotation(2**63, b"\xcc" * 20, 3, b"\x04" * 32, 2**64 - 1)


def test_rotation_digest_is_solidity_abi_encode():
    r = ROTATION
    types = ["bytes32", "uint64", "address", "uint32", "bytes32", "uint64"]
    values = [keccak(text=ROTATION_TYPE), r.chain_id, "0x" + r.registry.hex(), r.epoch]
    assert rotation_digest(r) == keccak(encode(types, [*values, r.set_hash, r.salt]))


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": 1},
        {"registry": b"\xcd" * 20},
        {"epoch": 4},
        {"set_hash": b"\x05" * 32},
        {"salt": 0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_of_a_rotation_changes_its_digest(change):
    assert rotation_digest(replace(ROTATION, **change)) != rotation_digest(ROTATION)
