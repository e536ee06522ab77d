"""An assembler for the EVM that follows the stack by names.

Every value on the stack has a name; ``dup("x")`` finds it, wherever it is, and an operand beyond
the reach of DUP16 is an error while assembling and not a wrong result on chain. A label remembers
the stack that it is reached with, and every jump to it must come with the same one.

    asm = Asm()
    asm.push(2, "two")
    asm.push(3)
    asm.dup("two")
    asm.op("ADD", "five")

``gas`` counts what straight-line code costs: each instruction's static cost, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

# mnemonic: (opcode, values taken, values left, static gas)
OPS: dict[str, tuple[int, int, int, int]] = {
    "STOP": (0x00, 0, 0, 0),
    "ADD": (0x01, 2, 1, 3),
    "MUL": (0x02, 2, 1, 5),
    "SUB": (0x03, 2, 1, 3),
    "DIV": (0x04, 2, 1, 5),
    "MOD": (0x06, 2, 1, 5),
    "ADDMOD": (0x08, 3, 1, 8),
    "MULMOD": (0x09, 3, 1, 8),
    "LT": (0x10, 2, 1, 3),
    "GT": (0x11, 2, 1, 3),
    "EQ": (0x14, 2, 1, 3),
    "ISZERO": (0x15, 1, 1, 3),
    "AND": (0x16, 2, 1, 3),
    "OR": (0x17, 2, 1, 3),
    "XOR": (0x18, 2, 1, 3),
    "NOT": (0x19, 1, 1, 3),
    "BYTE": (0x1A, 2, 1, 3),
    "SHL": (0x1B, 2, 1, 3),
    "SHR": (0x1C, 2, 1, 3),
    "SAR": (0x1D, 2, 1, 3),
    "KECCAK256": (0x20, 2, 1, 30),
    "CALLER": (0x33, 0, 1, 2),
    "CALLDATALOAD": (0x35, 1, 1, 3),
    "CALLDATASIZE": (0x36, 0, 1, 2),
    "CALLDATACOPY": (0x37, 3, 0, 3),
    "CODESIZE": (0x38, 0, 1, 2),
    "CODECOPY": (0x39, 3, 0, 3),
    "EXTCODESIZE": (0x3B, 1, 1, 100),
    "EXTCODECOPY": (0x3C, 4, 0, 100),
    "RETURNDATASIZE": (0x3D, 0, 1, 2),
    "RETURNDATACOPY": (0x3E, 3, 0, 3),
    "POP": (0x50, 1, 0, 2),
    "MLOAD": (0x51, 1, 1, 3),
    "MSTORE": (0x52, 2, 0, 3),
    "MSTORE8": (0x53, 2, 0, 3),
    "JUMP": (0x56, 1, 0, 8),
    "JUMPI": (0x57, 2, 0, 10),
    "GAS": (0x5A, 0, 1, 2),
    "JUMPDEST": (0x5B, 0, 0, 1),
    "MCOPY": (0x5E, 3, 0, 3),
    "STATICCALL": (0xFA, 6, 1, 100),
    "RETURN": (0xF3, 2, 0, 0),
    "REVERT": (0xFD, 2, 0, 0),
}

LABEL_BYTES = 2


class AsmError(Exception):
    """The program does what the EVM cannot do: reach too deep, or meet with two stacks."""


@dataclass(frozen=True)
class _LabelRef:
    name: str


@dataclass(frozen=True)
class _Mark:
    part: str


@dataclass
class Asm:
    """A program in the making. ``stack`` holds names, the top last."""

    stack: list[str] = field(default_factory=list)
    gas: int = 0
    _items: list[bytes | _LabelRef | _Mark] = field(default_factory=list)
    _targets: dict[str, list[str]] = field(default_factory=dict)
    _placed: set[str] = field(default_factory=set)
    _fresh: int = 0

    # Values

    def push(self, value: int, name: str = "") -> None:
        """Push a constant of at most 256 bits, by the shortest instruction."""
        if not 0 <= value < 1 << 256:
            raise AsmError(f"push: expected 256 bits, got {value}")
        if value == 0:
            self._emit(b"\x5f", 2)
        else:
            raw = value.to_bytes((value.bit_length() + 7) // 8)
            self._emit(bytes([0x5F + len(raw)]) + raw, 3)
        self.stack.append(name or self._name())

    def dup(self, name: str, new: str = "") -> None:
        """Push a copy of the topmost value called ``name``."""
        depth = self.depth(name)
        if depth > 16:
            raise AsmError(f"dup {name}: {depth} deep in {self.stack}")
        self._emit(bytes([0x7F + depth]), 3)
        self.stack.append(new or self._name())

    def swap(self, name: str) -> None:
        """Exchange the top with the topmost value called ``name`` below it."""
        if self.stack[-1] == name:
            return
        depth = self.depth(name) - 1
        if depth > 16:
            raise AsmError(f"swap {name}: {depth} deep in {self.stack}")
        self._emit(bytes([0x8F + depth]), 3)
        top, other = len(self.stack) - 1, len(self.stack) - 1 - depth
        self.stack[top], self.stack[other] = self.stack[other], self.stack[top]

    def pop(self, expected: str = "") -> None:
        """Drop the top, which is called ``expected`` if that is given."""
        if expected and self.stack[-1] != expected:
            raise AsmError(f"pop: expected {expected} on top, got {self.stack[-1]}")
        self.op("POP")

    def rename(self, new: str) -> None:
        """Call the top ``new``."""
        self.stack[-1] = new

    def replace(self, name: str) -> None:
        """Put the top in the place of the topmost ``name`` below it, under that name: SWAP, POP."""
        top = self.stack.pop()
        depth = self.depth(name)
        self.stack.append(top)
        if depth > 16:
            raise AsmError(f"replace {name}: {depth} deep in {self.stack}")
        self._emit(bytes([0x8F + depth]), 3)
        self.op("POP")

    def op(self, mnemonic: str, name: str = "") -> None:
        """One instruction; its result is called ``name``."""
        code, taken, left, gas = OPS[mnemonic]
        if len(self.stack) < taken:
            raise AsmError(f"{mnemonic}: expected {taken} values, the stack is {self.stack}")
        del self.stack[len(self.stack) - taken :]
        self._emit(bytes([code]), gas)
        if left:
            self.stack.append(name or self._name())

    def ops(self, mnemonics: str) -> None:
        """Several instructions, separated by blanks."""
        for mnemonic in mnemonics.split():
            self.op(mnemonic)

    # Memory, at constant addresses

    def mload(self, address: int, name: str = "") -> None:
        """Push the word at ``address``."""
        self.push(address)
        self.op("MLOAD", name)

    def mstore(self, address: int) -> None:
        """Store the top at ``address``."""
        self.push(address)
        self.op("MSTORE")

    def shr(self, bits: int, name: str = "") -> None:
        """Shift the top right."""
        self.push(bits)
        self.op("SHR", name)

    def shl(self, bits: int, name: str = "") -> None:
        """Shift the top left."""
        self.push(bits)
        self.op("SHL", name)

    # Control

    def label(self, name: str) -> None:
        """A place to jump to. Reached by falling through, too, unless the code before jumped."""
        if name in self._placed:
            raise AsmError(f"label {name}: placed twice")
        self._placed.add(name)
        self._meet(name)
        self._items.append(_LabelRef("=" + name))
        self._emit(b"\x5b", 1)

    def jump(self, name: str) -> None:
        """Jump. What follows is unreachable until a label."""
        self._reference(name)
        self.op("JUMP")
        self._meet(name)

    def jumpi(self, name: str) -> None:
        """Jump if the top is not zero."""
        self._reference(name)
        self.op("JUMPI")
        self._meet(name)

    def jumpi_out(self, name: str) -> None:
        """Jump, if the top is not zero, to a label that ends the call: any stack may come there."""
        self._reference(name)
        self.op("JUMPI")

    def label_out(self, name: str) -> None:
        """The place of a label for ``jumpi_out``; what follows may use no value below."""
        if name in self._placed:
            raise AsmError(f"label {name}: placed twice")
        self._placed.add(name)
        self.stack = []
        self._items.append(_LabelRef("=" + name))
        self._emit(b"\x5b", 1)

    def arrive(self, stack: Sequence[str]) -> None:
        """Say with which stack the code after an unconditional jump is reached."""
        self.stack = list(stack)

    def call(self, name: str, returns: Sequence[str] = ()) -> None:
        """Call the subroutine at label ``name``: the return address is pushed, then jump.

        The subroutine finds the return address on top and must leave the stack below it as it
        was, with ``returns`` on top.
        """
        self._fresh += 1
        back = f"{name}.back{self._fresh}"
        self._reference(back)
        self._reference(name)
        self.op("JUMP")
        below = self.stack[:-1]
        self.arrive([*below, *returns])
        self._targets.pop(back, None)
        self.label(back)

    def push_label(self, name: str, called: str = "") -> None:
        """Push the place of a label."""
        self._reference(name)
        self.stack[-1] = called or self.stack[-1]

    # Choice

    def cheapest(self, ways: Sequence[Callable[[Asm], None]]) -> None:
        """Emit the way with the least gas, then the fewest bytes, of those that can be assembled.

        A way that raises ``AsmError`` is passed over; if all do, the first one's error is raised.
        Ways may place no labels.
        """
        best: Asm | None = None
        refused: AsmError | None = None
        for way in ways:
            trial = replace(self, stack=list(self.stack), _items=[])
            try:
                way(trial)
            except AsmError as error:
                refused = refused or error
                continue
            if best is None or (trial.gas, trial.size()) < (best.gas, best.size()):
                best = trial
        if best is None:
            raise refused or AsmError("cheapest: no way was given")
        self.stack, self.gas, self._fresh = best.stack, best.gas, best._fresh
        self._items.extend(best._items)

    # The result

    def assemble(self) -> bytes:
        """The program's bytes; ``AsmError`` for a label that was never placed."""
        positions: dict[str, int] = {}
        at = 0
        for item in self._items:
            if isinstance(item, _LabelRef) and item.name.startswith("="):
                positions[item.name[1:]] = at
            at += _length(item)
        out = bytearray()
        for item in self._items:
            if isinstance(item, bytes):
                out += item
            elif isinstance(item, _LabelRef) and not item.name.startswith("="):
                if item.name not in positions:
                    raise AsmError(f"label {item.name}: never placed")
                out += bytes([0x5F + LABEL_BYTES]) + positions[item.name].to_bytes(LABEL_BYTES)
        return bytes(out)

    def size(self) -> int:
        """Bytes so far."""
        return sum(_length(item) for item in self._items)

    def mark(self, part: str) -> None:
        """Say that what follows, up to the next mark, is of ``part``. Emits nothing."""
        self._items.append(_Mark(part))

    def parts(self) -> dict[str, list[tuple[int, int]]]:
        """The ranges of each marked part, as first position and position behind the last."""
        marks: list[tuple[str, int]] = []
        at = 0
        for item in self._items:
            if isinstance(item, _Mark):
                marks.append((item.part, at))
            at += _length(item)
        ranges: dict[str, list[tuple[int, int]]] = {}
        for (part, begin), (_, end) in pairwise([*marks, ("", at)]):
            if begin < end:
                ranges.setdefault(part, []).append((begin, end))
        return ranges

    def data(self, raw: bytes, label: str) -> None:
        """Bytes that are no instructions, at a label for CODECOPY. Never run into."""
        self._placed.add(label)
        self._items.append(_LabelRef("=" + label))
        self._items.append(raw)

    # Inside

    def depth(self, name: str) -> int:
        """How deep the topmost value called ``name`` is; 1 is the top."""
        for depth, found in enumerate(reversed(self.stack), 1):
            if found == name:
                return depth
        raise AsmError(f"no value called {name} in {self.stack}")

    def _emit(self, raw: bytes, gas: int) -> None:
        self._items.append(raw)
        self.gas += gas

    def _reference(self, name: str) -> None:
        self._items.append(_LabelRef(name))
        self.gas += 3
        self.stack.append(self._name())

    def _meet(self, name: str) -> None:
        known = self._targets.setdefault(name, list(self.stack))
        if len(known) != len(self.stack):
            raise AsmError(f"label {name}: reached with {known} and with {self.stack}")
        self.stack = list(known)

    def _name(self) -> str:
        self._fresh += 1
        return f"_{self._fresh}"


def _length(item: bytes | _LabelRef | _Mark) -> int:
    if isinstance(item, bytes):
        return len(item)
    if isinstance(item, _Mark) or item.name.startswith("="):
        return 0
    return 1 + LABEL_BYTES


@contextmanager
def loop(asm: Asm, name: str, counter: str, end: int, step: int) -> Iterator[None]:
    """A loop with a counter on the stack: from its value up to, not with, ``end``.

    The counter must be on top when the loop begins and when its body ends.
    """
    asm.label(name)
    if asm.stack[-1] != counter:
        raise AsmError(f"loop {name}: expected {counter} on top, got {asm.stack}")
    yield
    if asm.stack[-1] != counter:
        raise AsmError(f"loop {name}: expected {counter} on top in the end, got {asm.stack}")
    asm.push(step)
    asm.op("ADD", counter)
    asm.push(end)
    asm.dup(counter)
    asm.op("LT")
    asm.jumpi(name)
