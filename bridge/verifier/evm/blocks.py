"""Basic blocks in register form: what a block does to a stack, without what only moves words.

A block's instructions are run once on a symbolic stack, so that PUSH, POP, DUP and SWAP vanish and
constants fold. What is left is a list of operations on registers. Register ``r >= 0`` is a constant
of the block or an operation's result; ``r < 0`` is the word that stood at ``stack[r]`` on entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from bridge.verifier.evm import opcodes as op
from bridge.verifier.evm.words import PURE

MAX_STACK: Final = 1024


class Tag(int):
    """A constant from the code that names a JUMPDEST: what a function returns to."""

    __slots__ = ()


class Exit(Enum):
    """How a block ends."""

    JUMP = "jump"
    BRANCH = "branch"
    FALL = "fall"
    STOP = "stop"
    RETURN = "return"
    REVERT = "revert"
    ERROR = "error"
    """INVALID, an unknown opcode, a stack that is too short or too high."""


Operation: TypeAlias = tuple[int, int, tuple[int, ...], int]
"""Opcode, offset, registers of the operands from the top down, register of the result or -1."""


@dataclass(frozen=True, slots=True)
class Block:
    """``code[start:end]`` in register form.

    ``out`` are registers, bottom first, that replace the top ``need`` words. ``registers`` holds
    the constants, and None where a result comes. ``target`` and ``condition`` are registers too.
    ``shape`` are the operations that decide where control goes, if constants decide it.
    """

    start: int
    end: int
    need: int
    registers: tuple[int | None, ...]
    operations: tuple[Operation, ...]
    shape: tuple[Operation, ...]
    out: tuple[int, ...]
    exit: Exit
    target: int | None
    condition: int | None

    @property
    def is_dead_end(self) -> bool:
        """Whether the run is undone here whatever the stack holds."""
        return self.exit in (Exit.REVERT, Exit.ERROR)


class _Builder:
    """The symbolic stack of one block."""

    def __init__(self) -> None:
        self.registers: list[int | None] = []
        self.operations: list[Operation] = []
        self.stack: list[int] = []
        self.need = 0

    def reach(self, depth: int) -> None:
        """See to it that ``depth`` words are on the stack, taking them from below the block."""
        while len(self.stack) < depth:
            self.need += 1
            self.stack.insert(0, -self.need)

    def constant(self, value: int) -> int:
        self.registers.append(value)
        return len(self.registers) - 1

    def unknown(self, offset: int) -> None:
        self.registers.append(None)
        self.stack.append(len(self.registers) - 1)
        self.operations.append((op.IMMUTABLE, offset, (), self.stack[-1]))

    def pop(self, count: int) -> tuple[int, ...]:
        self.reach(count)
        taken = tuple(self.stack[-1 : -count - 1 : -1])
        del self.stack[len(self.stack) - count :]
        return taken

    def run(self, opcode: int, offset: int) -> None:
        known = op.OPCODES[opcode]
        operands = self.pop(known.pops)
        if opcode in PURE:
            values = [self.registers[one] if one >= 0 else None for one in operands]
            if None not in values:
                self.stack.append(self.constant(PURE[opcode](*values)))
                return
        result = -1
        if known.pushes:
            self.registers.append(None)
            result = len(self.registers) - 1
            self.stack.append(result)
        self.operations.append((opcode, offset, operands, result))


def read_block(code: bytes, start: int, destinations: frozenset[int]) -> Block:
    """The block that begins at ``start``, which is an instruction."""
    # Compilers give all tags of one code the same width.
    tag_width = 2 if len(code) > 256 else 1
    build = _Builder()
    offset, length = start, len(code)
    exit_, target, condition = Exit.STOP, None, None  # running past the end stops
    while offset < length:
        opcode = code[offset]
        if offset != start and offset in destinations:
            exit_ = Exit.FALL
            break
        if op.PUSH0 <= opcode <= op.PUSH32:
            width = opcode - op.PUSH0
            carried = code[offset + 1 : offset + 1 + width]
            value = int.from_bytes(carried, "big") << 8 * (width - len(carried))
            if width == 32 and value == 0:
                # No compiler writes zero like this: an immutable that is not filled in yet.
                build.unknown(offset)
                offset += 33
                continue
            if width >= tag_width and value in destinations:
                value = Tag(value)
            build.stack.append(build.constant(value))
            offset += 1 + width
            continue
        at, offset = offset, offset + 1
        if op.DUP1 <= opcode < op.SWAP1:
            depth = opcode - op.DUP1 + 1
            build.reach(depth)
            build.stack.append(build.stack[-depth])
        elif op.SWAP1 <= opcode < op.LOG0:
            depth = opcode - op.SWAP1 + 2
            build.reach(depth)
            build.stack[-1], build.stack[-depth] = build.stack[-depth], build.stack[-1]
        elif opcode == op.JUMPDEST:
            continue
        elif opcode == op.POP:
            build.pop(1)
        elif opcode == op.PC:
            build.stack.append(build.constant(at))
        elif opcode == op.CODESIZE:
            build.stack.append(build.constant(length))
        elif opcode == op.JUMP:
            exit_, (target,) = Exit.JUMP, build.pop(1)
            break
        elif opcode == op.JUMPI:
            exit_, (target, condition) = Exit.BRANCH, build.pop(2)
            break
        elif opcode not in op.OPCODES or opcode == op.INVALID:
            exit_ = Exit.ERROR
            break
        else:
            build.run(opcode, at)
            if opcode in op.HALTS:
                exit_ = _HALT[opcode]
                break
        if len(build.stack) > MAX_STACK or build.need > MAX_STACK:
            exit_ = Exit.ERROR
            break
    return _finish(build, start, offset, exit_, target, condition)


_HALT: Final = {
    op.STOP: Exit.STOP,
    op.SELFDESTRUCT: Exit.STOP,
    op.RETURN: Exit.RETURN,
    op.REVERT: Exit.REVERT,
}


def _finish(
    build: _Builder, start: int, end: int, exit_: Exit, target: int | None, condition: int | None
) -> Block:
    wanted = {one for one in (target, condition) if one is not None} | set(build.stack)
    shape = []
    for operation in reversed(build.operations):
        opcode, _, operands, result = operation
        if result in wanted and opcode in PURE:
            shape.append(operation)
            wanted.update(operands)
    return Block(
        start,
        end,
        build.need,
        tuple(build.registers),
        tuple(build.operations),
        tuple(reversed(shape)),
        tuple(build.stack),
        exit_,
        target,
        condition,
    )
