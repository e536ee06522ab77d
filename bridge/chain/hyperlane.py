"""What the Hyperlane adapters say to each other and to the endpoint that serves their proofs.

A hook announces the message with id ``hyperlane_id`` by a message of the bridge with the body
``announcement(hyperlane_id)``. A module of type CCIP_READ asks for the proof of an announcement by
the call data of ``PROOF_SIGNATURE`` (EIP-3668; ``contracts/interfaces/IHyperlaneAdapter.sol``) and
takes ``module_metadata``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.chain.abi import decode, encode, encode_call, selector, split_signature
from bridge.crypto.hashing import keccak256
from bridge.domain.errors import InputError

ANNOUNCEMENT_TAG: Final = keccak256(b"astralink/hyperlane/dispatched/v1")
ANNOUNCEMENT_BYTES: Final = 64
PROOF_SIGNATURE: Final = "hyperlaneProof(uint32,bytes32,uint32,bytes32)"
PROOF_TYPES: Final = split_signature(PROOF_SIGNATURE)[1]


def announcement(hyperlane_id: bytes) -> bytes:
    """The body of a hook's message, 64 bytes: the tag, then the id of Hyperlane's message.

    >>> announcement(bytes(32)).hex()[:8]
    '74eba19f'
    """
    return ANNOUNCEMENT_TAG + hyperlane_id


def module_metadata(proof: bytes, message: bytes) -> bytes:
    """What a CCIP_READ module takes: ``abi.encode(bytes, bytes)``.

    ``proof`` is what ``Inbox.process`` takes beside the hook's ``message``.
    """
    return encode(["bytes", "bytes"], [proof, message])


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """The announcement of ``hyperlane_id`` by ``hook`` on ``origin`` to ``destination``.

    Domains are the bridge's; ``hook`` and ``hyperlane_id`` are 32 bytes.
    """

    origin: int
    hook: bytes
    destination: int
    hyperlane_id: bytes

    @classmethod
    def parse(cls, call_data: bytes) -> ProofRequest:
        """The request that ``call_data`` encodes; ``InputError`` for anything else."""
        length = 4 + 32 * len(PROOF_TYPES)
        if len(call_data) != length or call_data[:4] != selector(PROOF_SIGNATURE):
            raise InputError(
                f"data: expected {length} bytes that begin with 0x{selector(PROOF_SIGNATURE).hex()}"
                f" ({PROOF_SIGNATURE}), got {len(call_data)} that begin with "
                f"0x{call_data[:4].hex()}"
            )
        return cls(*decode(PROOF_TYPES, call_data[4:]))

    def encode(self) -> bytes:
        """The request's call data."""
        return encode_call(
            PROOF_SIGNATURE, self.origin, self.hook, self.destination, self.hyperlane_id
        )
