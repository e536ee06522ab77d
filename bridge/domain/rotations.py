"""The rotation: what the outgoing quorum of a registry signs about the set that follows it.

The digest that goes under the signature is ``bridge.crypto.digests.rotation_digest``, the context
string ``ROTATION_CONTEXT``.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.errors import InputError

ROTATION_TYPE = (
    "AstraLinkRotation(uint64 chainId,address registry,uint32 epoch,bytes32 setHash,uint64 salt)"
)

_WIDTH_BITS = {"chain_id": 64, "epoch": 32, "salt": 64}
_LENGTH_BYTES = {"registry": 20, "set_hash": 32}


@dataclass(frozen=True, slots=True)
class Rotation:
    """The set with ``set_hash`` follows ``epoch`` in one registry of one chain.

    ``registry`` is a 20-byte address; ``set_hash`` is 32 bytes
    (``bridge.chain.statements.signer_set_hash``) and never zero. Another ``salt`` lets the same
    set be signed again after a cancellation.
    """

    chain_id: int
    registry: bytes
    epoch: int
    set_hash: bytes
    salt: int = 0

    def __post_init__(self) -> None:
        for name, bits in _WIDTH_BITS.items():
            value = getattr(self, name)
            if not 0 <= value < 1 << bits:
                raise InputError(f"rotation {name}: expected {bits} bits, got {value}")
        for name, length in _LENGTH_BYTES.items():
            got = len(getattr(self, name))
            if got != length:
                raise InputError(f"rotation {name}: expected {length} bytes, got {got}")
        if self.epoch == 0:
            raise InputError("rotation epoch: expected at least 1, got 0")
        if not any(self.set_hash):
            raise InputError("rotation set_hash: expected a non-zero hash, got zero")
