"""The message: one layout on every chain, Hyperlane's, so that its applications work here.

    version u8 | nonce u32 | origin u32 | sender b32 | destination u32 | recipient b32 | body

All integers are big-endian. The identifier of a message is the keccak-256 of this encoding
(``bridge.crypto.digests.message_id``).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from bridge.domain.errors import InputError

VERSION = 3
HEADER = struct.Struct(">BII32sI32s")
HEADER_BYTES = HEADER.size
assert HEADER_BYTES == 77
_ADDRESS = re.compile(r"(0x)?([0-9a-fA-F]{40})")


@dataclass(frozen=True, slots=True)
class Message:
    """One message from a contract on one chain to a contract on another.

    ``sender`` and ``recipient`` are 32 bytes, an address of 20 bytes in the last 20.
    """

    nonce: int
    origin: int
    sender: bytes
    destination: int
    recipient: bytes
    body: bytes
    version: int = VERSION

    def __post_init__(self) -> None:
        if not 0 <= self.version <= 0xFF:
            raise InputError(f"version: expected 8 bits, got {self.version}")
        for name in ("nonce", "origin", "destination"):
            value = getattr(self, name)
            if not 0 <= value <= 0xFFFFFFFF:
                raise InputError(f"{name}: expected 32 bits, got {value}")
        for name in ("sender", "recipient"):
            length = len(getattr(self, name))
            if length != 32:
                raise InputError(f"{name}: expected 32 bytes, got {length}")

    def encode(self) -> bytes:
        """The message's bytes, as they are hashed and delivered."""
        header = HEADER.pack(
            self.version, self.nonce, self.origin, self.sender, self.destination, self.recipient
        )
        return header + self.body

    @classmethod
    def decode(cls, data: bytes) -> Message:
        """The message that ``data`` encodes; ``InputError`` when it is shorter than the header."""
        if len(data) < HEADER_BYTES:
            raise InputError(f"message: expected at least {HEADER_BYTES} bytes, got {len(data)}")
        version, nonce, origin, sender, destination, recipient = HEADER.unpack_from(data)
        return cls(nonce, origin, sender, destination, recipient, data[HEADER_BYTES:], version)


def address_to_bytes32(address: str) -> bytes:
    """A 20-byte address ("0x...") left-padded to 32 bytes."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise InputError(f"address: expected 20 bytes in hex, got {address!r}")
    return bytes.fromhex(match[2]).rjust(32, b"\0")
