"""What the EVM's pure instructions do to constants: 256-bit words as ints from 0 to 2^256 - 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.verifier.evm import opcodes as op

WORD: Final = (1 << 256) - 1
SIGN: Final = 1 << 255


def signed(word: int) -> int:
    """The word as a number in two's complement."""
    return word - (1 << 256) if word & SIGN else word


def _sdiv(a: int, b: int) -> int:
    if b == 0:
        return 0
    x, y = signed(a), signed(b)
    quotient = abs(x) // abs(y)
    return (quotient if (x < 0) == (y < 0) else -quotient) & WORD


def _smod(a: int, b: int) -> int:
    if b == 0:
        return 0
    x = signed(a)
    rest = abs(x) % abs(signed(b))
    return (rest if x >= 0 else -rest) & WORD


def _signextend(size: int, word: int) -> int:
    if size > 30:
        return word
    bit = 8 * size + 7
    low = word & ((1 << (bit + 1)) - 1)
    return low | (WORD >> (bit + 1) << (bit + 1)) if word >> bit & 1 else low


PURE: Final[dict[int, Callable[..., int]]] = {
    op.ADD: lambda a, b: (a + b) & WORD,
    op.MUL: lambda a, b: (a * b) & WORD,
    op.SUB: lambda a, b: (a - b) & WORD,
    op.DIV: lambda a, b: a // b if b else 0,
    0x05: _sdiv,
    op.MOD: lambda a, b: a % b if b else 0,
    0x07: _smod,
    0x08: lambda a, b, n: (a + b) % n if n else 0,
    0x09: lambda a, b, n: a * b % n if n else 0,
    op.EXP: lambda a, b: pow(a, b, 1 << 256),
    0x0B: _signextend,
    op.LT: lambda a, b: int(a < b),
    op.GT: lambda a, b: int(a > b),
    op.SLT: lambda a, b: int(signed(a) < signed(b)),
    op.SGT: lambda a, b: int(signed(a) > signed(b)),
    op.EQ: lambda a, b: int(a == b),
    op.ISZERO: lambda a: int(a == 0),
    op.AND: lambda a, b: a & b,
    op.OR: lambda a, b: a | b,
    op.XOR: lambda a, b: a ^ b,
    op.NOT: lambda a: a ^ WORD,
    op.BYTE: lambda i, a: a >> 8 * (31 - i) & 0xFF if i < 32 else 0,
    op.SHL: lambda n, a: (a << n) & WORD if n < 256 else 0,
    op.SHR: lambda n, a: a >> n if n < 256 else 0,
    0x1D: lambda n, a: (signed(a) >> min(n, 255)) & WORD,
    0x1E: lambda a: 256 - a.bit_length(),
}
"""By opcode; the first operand is the top of the stack."""
