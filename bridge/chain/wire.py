"""Quantities and data as Ethereum's JSON-RPC writes them (execution-apis, "Hex value encoding").

A quantity is "0x" and the fewest hex digits, zero is "0x0"; data is "0x" and two digits a byte.
"""

from __future__ import annotations

MAX_QUANTITY = (1 << 256) - 1
MAX_QUANTITY_CHARACTERS = 2 + 64


def quantity(value: int) -> str:
    """``value`` as a quantity: 0x0, 0x41, 0x400."""
    return hex(value)


def data(value: bytes) -> str:
    """``value`` as data: 0x, 0x00ff."""
    return "0x" + value.hex()


def parse_quantity(text: object) -> int:
    """The number that a quantity says; ``ValueError`` names what came instead.

    Leading zeros are taken, since many clients write them.
    """
    if not isinstance(text, str) or not text.startswith("0x"):
        raise ValueError(f"expected a quantity such as 0x1f, got {text!r}")
    if not 3 <= len(text) <= MAX_QUANTITY_CHARACTERS:
        raise ValueError(f"expected a quantity of 1 to 64 digits, got {len(text) - 2}")
    try:
        return int(text[2:], 16)
    except ValueError as error:
        raise ValueError(f"expected a quantity such as 0x1f, got {text!r}") from error


def parse_data(text: object, length: int | None = None) -> bytes:
    """The bytes that ``text`` says, ``length`` of them where given; ``ValueError`` otherwise."""
    if not isinstance(text, str) or not text.startswith("0x"):
        raise ValueError(f"expected hex data that begins with 0x, got {text!r}")
    try:
        value = bytes.fromhex(text[2:])
    except ValueError as error:
        raise ValueError(f"expected pairs of hex digits after 0x, got {text!r}") from error
    if length is not None and len(value) != length:
        raise ValueError(f"expected {length} bytes, got {len(value)}")
    return value
