"""Code written by hand: mnemonics, numbers that are pushed, and labels."""

from __future__ import annotations

from bridge.verifier.evm.opcodes import OPCODES, PUSH0

BY_NAME = {one.name: code for code, one in OPCODES.items()} | {"SHA3": 0x20}


def assemble(text: str) -> bytes:
    """``:name`` is a JUMPDEST, ``@name`` pushes its offset in two bytes, a number is pushed."""
    code = bytearray()
    labels: dict[str, int] = {}
    wanted: list[tuple[int, str]] = []
    for word in text.split():
        if word.startswith(":"):
            labels[word[1:]] = len(code)
            code.append(0x5B)
        elif word.startswith("@"):
            code.append(0x61)
            wanted.append((len(code), word[1:]))
            code += b"\0\0"
        elif word.startswith("raw:"):
            code += bytes.fromhex(word[4:])
        elif word in BY_NAME and not word.startswith("PUSH"):
            code.append(BY_NAME[word])
        elif word == "PUSH0":
            code.append(PUSH0)
        else:
            value = int(word, 0)
            size = max(1, (value.bit_length() + 7) // 8)
            code.append(PUSH0 + size)
            code += value.to_bytes(size, "big")
    for at, name in wanted:
        code[at : at + 2] = labels[name].to_bytes(2, "big")
    return bytes(code)
