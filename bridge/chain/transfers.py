"""What the bridges of tokens say to each other: the body of a transfer.

    tag b32 | home u32 | token b32 | value u256 | recipient b32 | description

Big-endian, as ``contracts/libraries/TransferLib.sol`` has it. The description is empty in what
goes back to the token's home.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bridge.crypto.hashing import keccak256
from bridge.domain.errors import InputError

TOKEN_TAG = keccak256(b"astralink/transfer/v1/erc20")
NFT_TAG = keccak256(b"astralink/transfer/v1/erc721")
HEADER = struct.Struct(">32sI32s32s32s")
assert HEADER.size == 132


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer of ``token`` of the domain ``home``.

    ``value`` is an amount where ``tag`` is ``TOKEN_TAG`` and a token's id where it is ``NFT_TAG``;
    ``token`` and ``recipient`` are 32 bytes.
    """

    tag: bytes
    home: int
    token: bytes
    value: int
    recipient: bytes
    description: bytes

    @classmethod
    def decode(cls, body: bytes) -> Transfer:
        """The transfer that ``body`` says; ``InputError`` where it says none."""
        if len(body) < HEADER.size:
            raise InputError(f"transfer: expected at least {HEADER.size} bytes, got {len(body)}")
        tag, home, token, value, recipient = HEADER.unpack_from(body)
        if tag not in (TOKEN_TAG, NFT_TAG):
            raise InputError(f"transfer: expected a tag of ERC-20 or ERC-721, got {tag.hex()}")
        return cls(tag, home, token, int.from_bytes(value, "big"), recipient, body[HEADER.size :])

    @property
    def units(self) -> int:
        """What it counts for in totals and limits: its amount, or one token."""
        return self.value if self.tag == TOKEN_TAG else 1
