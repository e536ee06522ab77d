"""Code that only points to other code: minimal proxies and delegations of accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bridge.domain.errors import CodeProblem, CodeRefused

DELEGATION: Final = bytes.fromhex("ef0100")
"""What an account's code begins with that EIP-7702 delegates; 20 bytes of address follow."""


class Pointer(Enum):
    """What kind of code points to another's."""

    EIP_1167 = "EIP-1167 minimal proxy"
    SHORT_1167 = "EIP-1167 minimal proxy to an address with leading zeros"
    EIP_7511 = "EIP-7511 minimal proxy with PUSH0"
    ZEROAGE = "0age's minimal proxy"
    VYPER_OLD = "Vyper's minimal proxy before 0.2.9"
    WITH_ARGS = "EIP-1167 minimal proxy with arguments behind it"
    EIP_7702 = "EIP-7702 delegation"


@dataclass(frozen=True, slots=True)
class Target:
    """Whose code runs: ``address`` is 20 bytes, which stand at ``offset``.

    Where leading zeros are left out, the rest stands there. ``data`` is what follows the proxy's
    own code.
    """

    kind: Pointer
    address: bytes
    offset: int
    data: bytes = b""


# The code before and after the address, as each source has it.
_FIXED: Final = (
    (
        Pointer.EIP_1167,
        "363d3d373d3d3d363d73",
        "5af43d82803e903d91602b57fd5bf3",
    ),
    (Pointer.EIP_7511, "365f5f375f5f365f73", "5af43d5f5f3e5f3d91602a57fd5bf3"),
    (Pointer.ZEROAGE, "3d3d3d3d363d3d37363d73", "5af43d3d93803e602a57fd5bf3"),
    (Pointer.VYPER_OLD, "366000600037611000600036600073", "5af4602c57600080fd5b6110006000f3"),
)
# EIP-1167's note on vanity addresses: PUSH1 to PUSH19 in place of PUSH20, and a shorter jump.
_SHORT: Final = re.compile(
    rb"\x36\x3d\x3d\x37\x3d\x3d\x3d\x36\x3d([\x60-\x72])(.{1,19}?)"
    rb"\x5a\xf4\x3d\x82\x80\x3e\x90\x3d\x91\x60(.)\x57\xfd\x5b\xf3",
    re.DOTALL,
)


def points_to(code: bytes) -> Target | None:
    """Where code of one of the known forms points to, None for all other code.

    CodeRefused (``bad_delegation``) for a delegation that is not 23 bytes long, which no account
    can have.
    """
    if code[:3] == DELEGATION:
        if len(code) != 23:
            raise CodeRefused(
                CodeProblem.BAD_DELEGATION,
                f"expected 23 bytes of delegation (EIP-7702), got {len(code)}",
            )
        return Target(Pointer.EIP_7702, code[3:], 3)
    for kind, before_hex, after_hex in _FIXED:
        before, after = bytes.fromhex(before_hex), bytes.fromhex(after_hex)
        start = len(before)
        end = start + 20
        if code[:start] == before and code[end : end + len(after)] == after:
            data = code[end + len(after) :]
            if kind is Pointer.EIP_1167 and data:
                kind = Pointer.WITH_ARGS
            return Target(kind, code[start:end], start, data)
    short = _SHORT.fullmatch(code)
    if short:
        size = short[1][0] - 0x5F
        if len(short[2]) == size and short[3][0] == 0x2B - (20 - size):
            return Target(Pointer.SHORT_1167, short[2].rjust(20, b"\0"), 10)
    return None
