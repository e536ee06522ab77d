"""Instructions of EVM code, and where a jump may go.

Every byte string is code to the EVM: a byte that is no opcode ends the run, a PUSH that the end
cuts short is filled with zeros on its right (Yellow Paper), and a JUMPDEST counts
wherever a walk from byte 0 that skips what PUSH carries finds one, also in what the compiler meant
as data. Only code that the protocol itself reads in another way is refused: what begins with 0xEF
(EIP-3541), which is the EVM Object Format (0xEF00, EIP-3540) or a delegation (0xEF0100, EIP-7702).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bridge.domain.errors import CodeProblem, CodeRefused
from bridge.verifier.evm.opcodes import JUMPDEST, OPCODES, PUSH0, PUSH1, PUSH32

MAX_CODE: Final = 1 << 20
"""Bytes. Mainnet takes 24,576 (EIP-170), 49,152 of init code (EIP-3860); other chains take more."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """``immediate`` is what a PUSH carries, as it stands in the code; ``missing`` zeros follow."""

    offset: int
    opcode: int
    immediate: bytes = b""
    missing: int = 0

    @property
    def name(self) -> str:
        """The mnemonic; ``UNKNOWN_0c`` where there is none."""
        known = OPCODES.get(self.opcode)
        return known.name if known else f"UNKNOWN_{self.opcode:02x}"

    @property
    def value(self) -> int | None:
        """The word that a PUSH pushes, None for others."""
        if not PUSH0 <= self.opcode <= PUSH32:
            return None
        return int.from_bytes(self.immediate, "big") << 8 * self.missing

    @property
    def end(self) -> int:
        """The offset of the byte after it."""
        return self.offset + 1 + len(self.immediate)

    def __str__(self) -> str:
        carried = f" 0x{self.immediate.hex()}" if self.immediate else ""
        return f"{self.offset:05x} {self.name}{carried}" + ("…" if self.missing else "")


def check_code(code: bytes) -> None:
    """Nothing, or CodeRefused for what is no code that instructions can be read from."""
    if not code:
        raise CodeRefused(CodeProblem.NO_CODE, "expected contract code, got none")
    if len(code) > MAX_CODE:
        raise CodeRefused(
            CodeProblem.CODE_TOO_LONG, f"expected at most {MAX_CODE} bytes, got {len(code)}"
        )
    if code[:2] == b"\xef\x00":
        raise CodeRefused(
            CodeProblem.EOF_FORMAT,
            "expected legacy EVM code, got an EVM Object Format container (EIP-3540)",
        )
    if code[:1] == b"\xef":
        raise CodeRefused(
            CodeProblem.RESERVED_FORMAT,
            f"expected legacy EVM code, got the reserved first bytes 0x{code[:3].hex()} (EIP-3541)",
        )


def instructions(code: bytes) -> Iterator[Instruction]:
    """All instructions from byte 0 to the end, data read as code where it stands."""
    offset, length = 0, len(code)
    while offset < length:
        opcode = code[offset]
        if PUSH1 <= opcode <= PUSH32:
            size = opcode - PUSH0
            carried = code[offset + 1 : offset + 1 + size]
            yield Instruction(offset, opcode, carried, size - len(carried))
            offset += 1 + size
        else:
            yield Instruction(offset, opcode)
            offset += 1


def jump_destinations(code: bytes) -> frozenset[int]:
    """Offsets of the JUMPDESTs that are instructions: where JUMP and JUMPI may go."""
    found = []
    offset, length = 0, len(code)
    while offset < length:
        opcode = code[offset]
        if opcode == JUMPDEST:
            found.append(offset)
        elif PUSH1 <= opcode <= PUSH32:
            offset += opcode - PUSH0
        offset += 1
    return frozenset(found)


def parse_code(text: str) -> bytes:
    r"""Bytes from hexadecimal digits, with or without ``0x``; CodeRefused for anything else.

    >>> parse_code("0x6001")
    b'`\x01'
    """
    digits = text.strip()
    digits = digits[2:] if digits[:2] in ("0x", "0X") else digits
    if "__" in digits:
        at = digits.index("__") // 2
        raise CodeRefused(
            CodeProblem.NOT_HEX, f"expected linked code, got a library's placeholder at byte {at}"
        )
    try:
        if any(character.isspace() for character in digits):
            raise ValueError
        return bytes.fromhex(digits)
    except ValueError:
        raise CodeRefused(
            CodeProblem.NOT_HEX, f"expected pairs of hexadecimal digits, got {text[:40]!r}"
        ) from None
