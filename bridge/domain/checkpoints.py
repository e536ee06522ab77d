"""The checkpoint: what a signer signs about an Outbox for one Inbox.

The digest that goes under the signature is ``bridge.crypto.digests.checkpoint_digest``; the
context string is ``CHECKPOINT_CONTEXT``, so that a signature over a checkpoint can never be read
as a signature over anything else (FIPS 204 and 205, external interface).
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.errors import InputError

CHECKPOINT_TYPE = (
    "AstraLinkCheckpoint(uint32 originDomain,uint64 originChainId,address outbox,bytes32 root,"
    "uint32 size,uint32 destinationDomain,uint64 destinationChainId,address inbox,uint32 epoch)"
)

_WIDTH_BITS = {
    "origin_domain": 32,
    "origin_chain_id": 64,
    "size": 32,
    "destination_domain": 32,
    "destination_chain_id": 64,
    "epoch": 32,
}
_LENGTH_BYTES = {"outbox": 20, "root": 32, "inbox": 20}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The Outbox's tree of ``size`` leaves has ``root``; said to one Inbox in one epoch.

    ``outbox`` and ``inbox`` are 20-byte addresses, ``root`` is 32 bytes and never zero.
    """

    origin_domain: int
    origin_chain_id: int
    outbox: bytes
    root: bytes
    size: int
    destination_domain: int
    destination_chain_id: int
    inbox: bytes
    epoch: int

    def __post_init__(self) -> None:
        for name, bits in _WIDTH_BITS.items():
            value = getattr(self, name)
            if not 0 <= value < 1 << bits:
                raise InputError(f"checkpoint {name}: expected {bits} bits, got {value}")
        for name, length in _LENGTH_BYTES.items():
            got = len(getattr(self, name))
            if got != length:
                raise InputError(f"checkpoint {name}: expected {length} bytes, got {got}")
        if self.size == 0:
            raise InputError("checkpoint size: expected at least 1 message, got 0")
        if not any(self.root):
            raise InputError("checkpoint root: expected a non-zero root, got zero")
