"""Wegman-Carter authentication: Poly1305 under keys that are used once.

Poly1305 (Bernstein 2005, doi 10.1007/11502760_3; RFC 8439, section 2.5) with a fresh 32-byte key
(r, s) for each message is a one-time authenticator: of the keys that give a message its tag, at
most a share of 8 ceil(L / 16) / 2^106 give any other message of at most L bytes any one tag. No
assumption on computing power enters. Without s, a tag is f(r) mod p mod 2^128 for p = 2^130 - 5 and
a polynomial f without constant term, whose coefficients say what the message is, of degree at most
ceil(L / 16). s is uniform and hides f(r), so that r stays uniform among its 2^106 values whatever
the message's tag is. The other message with its tag is accepted when f(r) mod p and g(r) mod p
differ by a given number mod 2^128, that is by one of at most 8 numbers between -p and p; f - g is
no constant, so that each of them is reached at ceil(L / 16) values of r at most.
"""

from __future__ import annotations

from collections import deque

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.poly1305 import Poly1305

from bridge.domain.errors import InputError, LinkError, MessageForged

KEY_BYTES = 32
TAG_BYTES = 16

BLOCK_BYTES = 2 * KEY_BYTES
"""What one block uses up: a key for the receiver's tag and one for the sender's."""

BLOCK_WORDS = BLOCK_BYTES // 8


def forgery_probability(length_bytes: int) -> float:
    """The chance that a forged message of at most this length has the right tag."""
    return float(8 * -(-length_bytes // 16) / 2**106)


def tag(key: bytes, message: memoryview | bytes) -> bytes:
    """The 16-byte tag. A key must never serve twice."""
    return Poly1305.generate_tag(key, message)


def check(key: bytes, message: memoryview | bytes, received: bytes, name: str) -> None:
    """Raise ``MessageForged`` unless the tag is the right one; in constant time."""
    try:
        Poly1305.verify_tag(key, message, received)
    except InvalidSignature:
        raise MessageForged(
            f"{name}: expected the tag of what was exchanged, got {received.hex()}"
        ) from None


class OneTimeKeys:
    """Keys that both ends hold in the same order.

    Each block takes the next two, whatever becomes of it, and gives back as much of its own key.
    """

    def __init__(self, initial: bytes) -> None:
        if not initial or len(initial) % BLOCK_BYTES:
            raise InputError(
                f"authentication keys: expected a multiple of {BLOCK_BYTES} bytes, "
                f"got {len(initial)}"
            )
        self._blocks = deque(
            initial[start : start + BLOCK_BYTES] for start in range(0, len(initial), BLOCK_BYTES)
        )

    def __len__(self) -> int:
        return len(self._blocks)

    def take(self) -> tuple[bytes, bytes]:
        """The receiver's and the sender's key for the next block; ``LinkError`` when none is left.

        Blocks that fail give nothing back. When all are used up, the ends must meet again.
        """
        if not self._blocks:
            raise LinkError(
                "authentication keys: expected two keys for the next block, got none: the blocks "
                "before it failed and gave none back"
            )
        block = self._blocks.popleft()
        return block[:KEY_BYTES], block[KEY_BYTES:]

    def put(self, block: bytes) -> None:
        """Add what a block gave back."""
        if len(block) != BLOCK_BYTES:
            raise InputError(f"authentication keys: expected {BLOCK_BYTES} bytes, got {len(block)}")
        self._blocks.append(block)
