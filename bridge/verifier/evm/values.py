"""Words that are not known: expressions over what a run is given, each made once.

A word is an ``int`` where it is known and a `Value` where it is not. Equal expressions are one
object, so that identity compares them. A `Value` of the kind ``join`` stands for different words
that arrive at one place; what arrives is added to its operands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from bridge.verifier.evm import opcodes as op
from bridge.verifier.evm.words import PURE, SIGN, WORD

Word: TypeAlias = "int | Value"

JOIN: Final = "join"
OFFSET: Final = "offset"
"""An operand and a constant in two's complement that is added to it."""

CALL_FLAG: Final = "call"
"""What CALL and its like push: 1 for success."""

RETURNED: Final = "returned"
"""A word that a call returned; the operand is the call's flag."""

RETURNED_SIZE: Final = "returned size"
MEMORY: Final = "memory"
CODE: Final = "code"
"""Bytes of the code at an offset that is not known."""

MAX_OPTIONS: Final = 64

# Commutative; a constant comes last.
_SYMMETRIC: Final = frozenset({op.ADD, op.MUL, op.EQ, op.AND, op.OR, op.XOR})


class Value:
    """``kind`` is an opcode or one of the names above; ``operands`` are words."""

    __slots__ = ("index", "kind", "operands")

    def __init__(self, index: int, kind: int | str, operands: Sequence[Word]) -> None:
        self.index = index
        self.kind = kind
        self.operands = operands

    def __repr__(self) -> str:
        known = op.OPCODES.get(self.kind) if isinstance(self.kind, int) else None
        name = known.name if known else self.kind
        return f"v{self.index}:{name}"


class Values:
    """All expressions of one program."""

    def __init__(self) -> None:
        self.all: list[Value] = []
        self._arrived: dict[int, set[int | tuple[int]]] = {}
        self._made: dict[tuple[Any, ...], Value] = {}

    def make(self, kind: int | str, operands: tuple[Word, ...] = (), name: object = None) -> Value:
        """The expression; ``name`` tells apart what has the same operands and another value."""
        key = (kind, name, operands)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = Value(len(self.all), kind, operands)
            self.all.append(made)
        return made

    def join(self, name: object, first: Word, second: Word) -> Value:
        """The place's own word, with both in it."""
        made = self._made.get((JOIN, name, ()))
        if made is None:
            made = Value(len(self.all), JOIN, [])
            self._made[(JOIN, name, ())] = made
            self.all.append(made)
            self._arrived[made.index] = set()
        arrived = self._arrived[made.index]
        for one in (first, second):
            known = one if isinstance(one, int) else (one.index,)
            if one is not made and known not in arrived:
                arrived.add(known)
                assert isinstance(made.operands, list)
                made.operands.append(one)
        return made

    def joins(self) -> Iterator[tuple[int, int]]:
        """Node and index of every joined word."""
        for (kind, name, _), value in self._made.items():
            if kind == JOIN and isinstance(name, tuple):
                yield name[0], value.index

    def pure(self, opcode: int, operands: tuple[Word, ...]) -> Word:
        """What an instruction without memory gives, simplified where that is plain to see."""
        if len(operands) == 2:
            a, b = operands
            if isinstance(a, int):
                if isinstance(b, int):
                    return PURE[opcode](a, b)
                if opcode in _SYMMETRIC:
                    return self._with_constant(opcode, b, a)
                if opcode in (op.SHL, op.SHR) and a == 0:
                    return b
            elif isinstance(b, int):
                if opcode == op.SUB:
                    return self._offset(a, -b)
                if opcode in _SYMMETRIC:
                    return self._with_constant(opcode, a, b)
            elif opcode == op.SUB:
                (x, m), (y, n) = split(a), split(b)
                if x is y:
                    return (m - n) & WORD
            return self.make(opcode, operands)
        if all(isinstance(one, int) for one in operands):
            return PURE[opcode](*operands)
        return self.make(opcode, operands)

    def _with_constant(self, opcode: int, value: Value, constant: int) -> Word:
        if opcode == op.ADD:
            return self._offset(value, constant)
        if opcode == op.AND:
            if constant == 0:
                return 0
            if constant == WORD or (value.kind == op.AND and value.operands[1] == constant):
                return value
        elif constant == 0:
            if opcode in (op.OR, op.XOR):
                return value
            if opcode == op.MUL:
                return 0
            if opcode == op.EQ:
                return self.make(op.ISZERO, (value,))
        elif opcode == op.MUL and constant == 1:
            return value
        return self.make(opcode, (value, constant))

    def _offset(self, value: Value, constant: int) -> Word:
        base, offset = split(value)
        total = (offset + constant) & WORD
        if total == 0 and base is not None:
            return base
        if total & SIGN:
            total -= 1 << 256
        assert base is not None
        return self.make(OFFSET, (base, total))


def split(word: Word) -> tuple[Value | None, int]:
    """What an address is an offset from, and the offset; None for a constant address."""
    if isinstance(word, int):
        return None, word
    if word.kind == OFFSET:
        base, offset = word.operands
        assert isinstance(base, Value)
        assert isinstance(offset, int)
        return base, offset
    return word, 0


def options(word: Word) -> tuple[frozenset[int], bool]:
    """The constants that a word may be, and whether it can be nothing else."""
    if isinstance(word, int):
        return frozenset((int(word),)), True
    found: set[int] = set()
    whole = True
    seen = {word.index}
    work = [word]
    while work:
        value = work.pop()
        if value.kind != JOIN:
            whole = False
            continue
        for one in value.operands:
            if isinstance(one, int):
                found.add(int(one))
            elif one.index not in seen:
                seen.add(one.index)
                work.append(one)
        if len(found) > MAX_OPTIONS or len(seen) > MAX_OPTIONS:
            return frozenset(), False
    return frozenset(found), whole
