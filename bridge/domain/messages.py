"""The message: one layout on every chain, Hyperlane's, so that its applications work here.

    version u8 | nonce u32 | origin u32 | sender b32 | destination u32 | recipient b32 | body

Version 3 is Hyperlane's. Version 4 has a deadline (u64, seconds since 1970) and a gas limit (u32)
between header and body. All integers are big-endian. The identifier of a message is the keccak-256
of this encoding (``bridge.crypto.digests.message_id``).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from bridge.domain.errors import InputError

VERSION = 3
VERSION_WITH_OPTIONS = 4
HEADER = struct.Struct(">BII32sI32s")
HEADER_BYTES = HEADER.size
assert HEADER_BYTES == 77
OPTIONS = struct.Struct(">QI")
OPTIONS_BYTES = OPTIONS.size
assert OPTIONS_BYTES == 12
DEFAULT_GAS_LIMIT = 300_000
"""Gas that a recipient may use for a message that says nothing else."""
MAXIMUM_GAS_LIMIT = 10_000_000
"""No message asks for more: a delivery must fit a transaction (EIP-7825)."""
_ADDRESS = re.compile(r"(0x)?([0-9a-fA-F]{40})")


@dataclass(frozen=True, slots=True)
class Message:
    """One message from a contract on one chain to a contract on another.

    ``sender`` and ``recipient`` are 32 bytes, an address of 20 bytes in the last 20. ``deadline``
    is the last second since 1970 at which it is delivered, zero for no end; ``gas_limit`` is what
    its recipient may use, zero for ``DEFAULT_GAS_LIMIT``. Both are for version 4 alone.
    """

    nonce: int
    origin: int
    sender: bytes
    destination: int
    recipient: bytes
    body: bytes
    version: int = VERSION
    deadline: int = 0
    gas_limit: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.version <= 0xFF:
            raise InputError(f"version: expected 8 bits, got {self.version}")
        for name in ("nonce", "origin", "destination", "gas_limit"):
            value = getattr(self, name)
            if not 0 <= value <= 0xFFFFFFFF:
                raise InputError(f"{name}: expected 32 bits, got {value}")
        if not 0 <= self.deadline < 1 << 64:
            raise InputError(f"deadline: expected 64 bits, got {self.deadline}")
        for name in ("sender", "recipient"):
            length = len(getattr(self, name))
            if length != 32:
                raise InputError(f"{name}: expected 32 bytes, got {length}")
        if self.version != VERSION_WITH_OPTIONS and (self.deadline or self.gas_limit):
            raise InputError(
                f"version: expected {VERSION_WITH_OPTIONS} for a message with a deadline or a gas "
                f"limit, got {self.version}"
            )

    def encode(self) -> bytes:
        """The message's bytes, as they are hashed and delivered."""
        header = HEADER.pack(
            self.version, self.nonce, self.origin, self.sender, self.destination, self.recipient
        )
        if self.version != VERSION_WITH_OPTIONS:
            return header + self.body
        return header + OPTIONS.pack(self.deadline, self.gas_limit) + self.body

    @classmethod
    def decode(cls, data: bytes) -> Message:
        """The message that ``data`` encodes.

        ``InputError`` when it is shorter than the header, or than header and options.
        """
        if len(data) < HEADER_BYTES:
            raise InputError(f"message: expected at least {HEADER_BYTES} bytes, got {len(data)}")
        version, nonce, origin, sender, destination, recipient = HEADER.unpack_from(data)
        if version != VERSION_WITH_OPTIONS:
            return cls(nonce, origin, sender, destination, recipient, data[HEADER_BYTES:], version)
        start = HEADER_BYTES + OPTIONS_BYTES
        if len(data) < start:
            raise InputError(f"message: expected at least {start} bytes, got {len(data)}")
        deadline, gas_limit = OPTIONS.unpack_from(data, HEADER_BYTES)
        body = data[start:]
        return cls(
            nonce, origin, sender, destination, recipient, body, version, deadline, gas_limit
        )


def address_to_bytes32(address: str) -> bytes:
    """A 20-byte address ("0x...") left-padded to 32 bytes."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise InputError(f"address: expected 20 bytes in hex, got {address!r}")
    return bytes.fromhex(match[2]).rjust(32, b"\0")
