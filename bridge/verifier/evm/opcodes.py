"""The EVM's instructions up to Osaka: name, words taken, words given.

Source: the Yellow Paper's table of instructions and the EIPs that came after it, named beside their
lines. An opcode that is not here ends the run as INVALID does.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Opcode(NamedTuple):
    """``pops`` and ``pushes`` count stack words; DUP and SWAP take what they look at."""

    name: str
    pops: int
    pushes: int


STOP: Final = 0x00
ADD: Final = 0x01
MUL: Final = 0x02
SUB: Final = 0x03
DIV: Final = 0x04
MOD: Final = 0x06
EXP: Final = 0x0A
LT: Final = 0x10
GT: Final = 0x11
SLT: Final = 0x12
SGT: Final = 0x13
EQ: Final = 0x14
ISZERO: Final = 0x15
AND: Final = 0x16
OR: Final = 0x17
XOR: Final = 0x18
NOT: Final = 0x19
BYTE: Final = 0x1A
SHL: Final = 0x1B
SHR: Final = 0x1C
SHA3: Final = 0x20
ADDRESS: Final = 0x30
ORIGIN: Final = 0x32
CALLER: Final = 0x33
CALLVALUE: Final = 0x34
CALLDATALOAD: Final = 0x35
CALLDATASIZE: Final = 0x36
CALLDATACOPY: Final = 0x37
CODESIZE: Final = 0x38
CODECOPY: Final = 0x39
EXTCODESIZE: Final = 0x3B
EXTCODECOPY: Final = 0x3C
RETURNDATASIZE: Final = 0x3D
RETURNDATACOPY: Final = 0x3E
POP: Final = 0x50
MLOAD: Final = 0x51
MSTORE: Final = 0x52
MSTORE8: Final = 0x53
SLOAD: Final = 0x54
SSTORE: Final = 0x55
JUMP: Final = 0x56
JUMPI: Final = 0x57
PC: Final = 0x58
JUMPDEST: Final = 0x5B
TLOAD: Final = 0x5C
TSTORE: Final = 0x5D
MCOPY: Final = 0x5E
PUSH0: Final = 0x5F
PUSH1: Final = 0x60
PUSH32: Final = 0x7F
DUP1: Final = 0x80
SWAP1: Final = 0x90
LOG0: Final = 0xA0
LOG4: Final = 0xA4
CREATE: Final = 0xF0
CALL: Final = 0xF1
CALLCODE: Final = 0xF2
RETURN: Final = 0xF3
DELEGATECALL: Final = 0xF4
CREATE2: Final = 0xF5
STATICCALL: Final = 0xFA
REVERT: Final = 0xFD
INVALID: Final = 0xFE
SELFDESTRUCT: Final = 0xFF

IMMUTABLE: Final = 0x100
"""No opcode: a word of 32 zero bytes in the code, where a compiler leaves room for an immutable."""

CALLS: Final = frozenset({CALL, CALLCODE, DELEGATECALL, STATICCALL})
HALTS: Final = frozenset({STOP, RETURN, REVERT, INVALID, SELFDESTRUCT})


def _table() -> dict[int, Opcode]:
    table = {
        0x00: Opcode("STOP", 0, 0),
        0x01: Opcode("ADD", 2, 1),
        0x02: Opcode("MUL", 2, 1),
        0x03: Opcode("SUB", 2, 1),
        0x04: Opcode("DIV", 2, 1),
        0x05: Opcode("SDIV", 2, 1),
        0x06: Opcode("MOD", 2, 1),
        0x07: Opcode("SMOD", 2, 1),
        0x08: Opcode("ADDMOD", 3, 1),
        0x09: Opcode("MULMOD", 3, 1),
        0x0A: Opcode("EXP", 2, 1),
        0x0B: Opcode("SIGNEXTEND", 2, 1),
        0x10: Opcode("LT", 2, 1),
        0x11: Opcode("GT", 2, 1),
        0x12: Opcode("SLT", 2, 1),
        0x13: Opcode("SGT", 2, 1),
        0x14: Opcode("EQ", 2, 1),
        0x15: Opcode("ISZERO", 1, 1),
        0x16: Opcode("AND", 2, 1),
        0x17: Opcode("OR", 2, 1),
        0x18: Opcode("XOR", 2, 1),
        0x19: Opcode("NOT", 1, 1),
        0x1A: Opcode("BYTE", 2, 1),
        0x1B: Opcode("SHL", 2, 1),  # EIP-145, as the two below
        0x1C: Opcode("SHR", 2, 1),
        0x1D: Opcode("SAR", 2, 1),
        0x1E: Opcode("CLZ", 1, 1),  # EIP-7939
        0x20: Opcode("KECCAK256", 2, 1),
        0x30: Opcode("ADDRESS", 0, 1),
        0x31: Opcode("BALANCE", 1, 1),
        0x32: Opcode("ORIGIN", 0, 1),
        0x33: Opcode("CALLER", 0, 1),
        0x34: Opcode("CALLVALUE", 0, 1),
        0x35: Opcode("CALLDATALOAD", 1, 1),
        0x36: Opcode("CALLDATASIZE", 0, 1),
        0x37: Opcode("CALLDATACOPY", 3, 0),
        0x38: Opcode("CODESIZE", 0, 1),
        0x39: Opcode("CODECOPY", 3, 0),
        0x3A: Opcode("GASPRICE", 0, 1),
        0x3B: Opcode("EXTCODESIZE", 1, 1),
        0x3C: Opcode("EXTCODECOPY", 4, 0),
        0x3D: Opcode("RETURNDATASIZE", 0, 1),  # EIP-211, as the next
        0x3E: Opcode("RETURNDATACOPY", 3, 0),
        0x3F: Opcode("EXTCODEHASH", 1, 1),  # EIP-1052
        0x40: Opcode("BLOCKHASH", 1, 1),
        0x41: Opcode("COINBASE", 0, 1),
        0x42: Opcode("TIMESTAMP", 0, 1),
        0x43: Opcode("NUMBER", 0, 1),
        0x44: Opcode("PREVRANDAO", 0, 1),  # EIP-4399; DIFFICULTY before
        0x45: Opcode("GASLIMIT", 0, 1),
        0x46: Opcode("CHAINID", 0, 1),  # EIP-1344
        0x47: Opcode("SELFBALANCE", 0, 1),  # EIP-1884
        0x48: Opcode("BASEFEE", 0, 1),  # EIP-3198
        0x49: Opcode("BLOBHASH", 1, 1),  # EIP-4844
        0x4A: Opcode("BLOBBASEFEE", 0, 1),  # EIP-7516
        0x50: Opcode("POP", 1, 0),
        0x51: Opcode("MLOAD", 1, 1),
        0x52: Opcode("MSTORE", 2, 0),
        0x53: Opcode("MSTORE8", 2, 0),
        0x54: Opcode("SLOAD", 1, 1),
        0x55: Opcode("SSTORE", 2, 0),
        0x56: Opcode("JUMP", 1, 0),
        0x57: Opcode("JUMPI", 2, 0),
        0x58: Opcode("PC", 0, 1),
        0x59: Opcode("MSIZE", 0, 1),
        0x5A: Opcode("GAS", 0, 1),
        0x5B: Opcode("JUMPDEST", 0, 0),
        0x5C: Opcode("TLOAD", 1, 1),  # EIP-1153, as the next
        0x5D: Opcode("TSTORE", 2, 0),
        0x5E: Opcode("MCOPY", 3, 0),  # EIP-5656
        0x5F: Opcode("PUSH0", 0, 1),  # EIP-3855
        0xF0: Opcode("CREATE", 3, 1),
        0xF1: Opcode("CALL", 7, 1),
        0xF2: Opcode("CALLCODE", 7, 1),
        0xF3: Opcode("RETURN", 2, 0),
        0xF4: Opcode("DELEGATECALL", 6, 1),  # EIP-7
        0xF5: Opcode("CREATE2", 4, 1),  # EIP-1014
        0xFA: Opcode("STATICCALL", 6, 1),  # EIP-214
        0xFD: Opcode("REVERT", 2, 0),  # EIP-140
        0xFE: Opcode("INVALID", 0, 0),  # EIP-141
        0xFF: Opcode("SELFDESTRUCT", 1, 0),
    }
    for n in range(1, 33):
        table[PUSH0 + n] = Opcode(f"PUSH{n}", 0, 1)
    for n in range(1, 17):
        table[DUP1 + n - 1] = Opcode(f"DUP{n}", n, n + 1)
        table[SWAP1 + n - 1] = Opcode(f"SWAP{n}", n + 1, n + 1)
    for n in range(5):
        table[LOG0 + n] = Opcode(f"LOG{n}", 2 + n, 0)
    return dict(sorted(table.items()))


OPCODES: Final[dict[int, Opcode]] = _table()
