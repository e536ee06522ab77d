"""Value flow: what stands on the stack and in memory in each node, and what each node does with it.

The graph says in which order nodes run. Where paths meet, words that differ become one `join`
expression of that place, which takes in what else arrives; so every place changes a bounded number
of times, and the whole ends.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.verifier.evm import opcodes as op
from bridge.verifier.evm.blocks import Exit
from bridge.verifier.evm.graph import Graph, Node
from bridge.verifier.evm.memory import MAX_COPY, Bases, Memory, union
from bridge.verifier.evm.values import (
    CALL_FLAG,
    CODE,
    RETURNED,
    RETURNED_SIZE,
    Value,
    Values,
    Word,
    options,
)
from bridge.verifier.evm.words import PURE

MAX_COPIES: Final = 256
"""Copies of code that are noted, as start and size."""

MAX_GROWTH: Final = 6
"""How often a node may run until its memory takes in no more places."""


@dataclass(frozen=True, slots=True)
class Event:
    """An instruction that does something: a call, a write to storage, a log, an end.

    ``operands`` are from the top of the stack down. ``memory`` is what it reads of memory: words
    with their distance from the region's start. ``result`` is what it pushes.
    """

    node: int
    offset: int
    opcode: int
    operands: tuple[Word, ...]
    memory: tuple[tuple[int, Word], ...] = ()
    result: Value | None = None


# Operands that name the region of memory that is read: address, size.
_READS: Final = {
    **dict.fromkeys((op.CALL, op.CALLCODE), (3, 4)),
    **dict.fromkeys((op.DELEGATECALL, op.STATICCALL), (2, 3)),
    **dict.fromkeys((op.CREATE, op.CREATE2), (1, 2)),
    **dict.fromkeys((op.RETURN, *range(op.LOG0, op.LOG4 + 1)), (0, 1)),
}
_EVENTS: Final = frozenset({*_READS, op.SSTORE, op.TSTORE, op.SELFDESTRUCT, op.STOP})
# Where the copies take what they write: destination, source, size.
_COPIES: Final = frozenset({op.CALLDATACOPY, op.CODECOPY, op.RETURNDATACOPY, op.MCOPY})
# The same whenever they run, as far as matters here; others are another word each time.
_STEADY: Final = frozenset(
    {*range(0x30, 0x37), 0x3A, *range(0x40, 0x4B), op.SLOAD, op.TLOAD, 0x31, op.EXTCODESIZE, 0x3F}
)


class State:
    """What a node begins with. ``last`` is the flag of the call that returned last."""

    __slots__ = ("bases", "last", "stack", "visits")

    def __init__(self, stack: list[Word], bases: Bases, last: Word) -> None:
        self.stack = stack
        self.bases = bases
        self.last = last
        self.visits = 0


class Interpreter:
    """Runs the nodes of a graph until nothing changes or the budget is used up."""

    def __init__(self, graph: Graph, order: list[Node]) -> None:
        self.graph = graph
        self.values = Values()
        self.states: dict[int, State] = {}
        self.events: dict[int, list[Event]] = {}
        self.conditions: dict[int, Word] = {}
        self.jumps: dict[int, Word] = {}
        self.edges: dict[int, tuple[tuple[int, ...], int | None]] = {}
        self.hashes: dict[int, int] = {}
        self.copies: set[tuple[int, int]] = set()
        self.nodes: dict[int, Node] = {node.index: node for node in order}
        self._rank = {node.index: rank for rank, node in enumerate(order)}
        self._work: list[tuple[int, int]] = []
        self._queued: set[int] = set()
        # The words of one node, while it runs.
        self._now = 0
        self._last: Word = 0

    def run(self, starts: Iterable[tuple[Node, list[Word]]]) -> None:
        """Everything from the nodes, which begin with those stacks and empty memory."""
        for root, stack in starts:
            self._arrive(root, stack, {}, 0)
        while True:
            while self._work:
                _, index = heapq.heappop(self._work)
                self._queued.discard(index)
                if not self._step(self.nodes[index]):
                    return
            # A jump through a joined word goes where it went when the node last ran, and the word
            # may have taken in more since.
            for index, word in self.jumps.items():
                if isinstance(word, int) or self.graph.budget.nodes <= 0:
                    continue
                if len(self.edges[index][0]) < len(self._targets(self.nodes[index], word)):
                    self._push(index)
            if not self._work:
                return

    def _push(self, index: int) -> None:
        if index not in self._queued:
            self._queued.add(index)
            heapq.heappush(self._work, (self._rank.get(index, 1 << 30), index))

    def _arrive(self, node: Node, stack: list[Word], bases: Bases, last: Word) -> None:
        index = node.index
        state = self.states.get(index)
        if state is None:
            self.states[index] = State(list(stack), dict(bases), last)
            self.nodes.setdefault(index, node)
            self._push(index)
            return
        if node.block.is_dead_end and not node.block.operations:
            return
        changed = False
        mine = state.stack
        if mine != stack:
            for place, (old, new) in enumerate(zip(mine, stack, strict=True)):
                if old is new or (isinstance(old, int) and old == new):
                    continue
                joined = self.values.join((index, place), old, new)
                if joined is not old:
                    mine[place] = joined
                    changed = True
        grows = state.visits < MAX_GROWTH
        grown, compared = union(state.bases, bases, self.values, index, grows)
        self.graph.budget.spend(compared >> 2)
        changed = changed or grown
        if state.last is not last and state.last != last:
            joined = self.values.join((index, "last"), state.last, last)
            if joined is not state.last:
                state.last = joined
                changed = True
        if changed:
            self._push(index)

    def _step(self, node: Node) -> bool:
        block, state = node.block, self.states[node.index]
        state.visits += 1
        stack, need = state.stack, block.need
        cost = 1 + len(block.operations) + (len(stack) + len(block.out) >> 1)
        if not self.graph.budget.spend(cost + len(state.bases)):
            return False
        self.edges[node.index] = ((), None)
        if len(stack) < need:
            return True
        words: list[Word] = [*block.registers, *(stack[-need:] if need else ())]  # type: ignore[list-item]
        memory = Memory(state.bases, self.values)
        self._now, self._last = node.index, state.last
        events: list[Event] = []
        for opcode, offset, operands, result in block.operations:
            given = tuple([words[one] for one in operands])
            if opcode in PURE:
                words[result] = self.values.pure(opcode, given)
            elif opcode == op.MLOAD:
                words[result] = self._load(memory, given[0])
            elif opcode == op.MSTORE:
                memory.store(given[0], given[1])
            else:
                word = self._act(memory, opcode, offset, given, events)
                if result >= 0:
                    words[result] = word
        self.events[node.index] = events
        after = stack[:-need] if need else stack[:]
        after += [words[one] for one in block.out]
        if len(after) > 1024:
            return True
        self._leave(node, words, after, memory)
        return True

    def _leave(self, node: Node, words: list[Word], after: list[Word], memory: Memory) -> None:
        block = node.block
        targets: list[int] = []
        falls: int | None = None
        if block.exit is Exit.FALL:
            falls = block.end
        elif block.target is not None:
            condition: Word = 1
            if block.condition is not None:
                condition = self.conditions[node.index] = words[block.condition]
            if condition != 0:
                self.jumps[node.index] = words[block.target]
                targets = self._targets(node, words[block.target])
            if block.condition is not None and (not isinstance(condition, int) or condition == 0):
                falls = block.end
        # Each side of a branch knows which word is zero there. Where a call failed, solc's code for
        # try and catch has one word less on its stack, and tells by the call's flag.
        taken, other = after, after
        asked = self.conditions.get(node.index) if falls is not None else None
        if isinstance(asked, Value):
            if asked.kind == op.ISZERO:
                taken = _with_zero(after, asked.operands[0])
            other = _with_zero(after, asked)
        reached = [self._go(one, taken, memory) for one in targets]
        next_ = None if falls is None else self._go(falls, other, memory)
        self.edges[node.index] = (tuple(one for one in reached if one is not None), next_)

    def _targets(self, node: Node, word: Word) -> list[int]:
        destinations = self.graph.contexts.destinations
        if isinstance(word, int):
            return [word] if word in destinations else []
        known = {one for one in options(word)[0] if one in destinations}
        known |= self.graph.hints.get(node.block.end - 1, frozenset())
        return sorted(known)

    def _go(self, start: int, after: list[Word], memory: Memory) -> int | None:
        if start >= len(self.graph.contexts.code):
            return None
        key = self.graph.contexts.key(start, after)
        node = self.graph.nodes.get(key)
        if node is None:
            if not self.graph.budget.node(len(after)):
                return None
            node = Node(len(self.graph.nodes), self.graph.contexts.block(start), [])
            self.graph.nodes[key] = node
        self._arrive(node, after, memory.bases, self._last)
        return node.index

    def _load(self, memory: Memory, address: Word) -> Word:
        if isinstance(address, Value) and address.kind == CALL_FLAG:
            # Solady's ECDSA and others write the result of a precompile to address 1 and load from
            # the address that the flag of success is.
            found = memory.load(1)
            return self.values.make("picked", (address, found))
        return memory.load(address)

    def _act(
        self, memory: Memory, opcode: int, offset: int, given: tuple[Word, ...], events: list[Event]
    ) -> Word:
        """One instruction that is not pure."""
        if opcode in op.CALLS:
            return self._call(memory, opcode, offset, given, events)
        if opcode in _EVENTS:
            read: tuple[tuple[int, Word], ...] = ()
            if opcode in _READS:
                address, size = _READS[opcode]
                read = memory.region(given[address], given[size])
            made = None
            if opcode in (op.CREATE, op.CREATE2):
                made = self._last = self.values.make(CALL_FLAG, (), (self._now, offset))
            events.append(Event(self._now, offset, opcode, given, read, made))
            return made or 0
        if opcode in _COPIES:
            self._copy(memory, opcode, given)
            return 0
        if opcode == op.SHA3:
            words = tuple(word for _, word in memory.region(given[0], given[1]))
            name = None if isinstance(given[1], int) and len(words) * 32 == given[1] else given
            hashed = self.values.make(op.SHA3, words, name)
            self.hashes.setdefault(hashed.index, offset)
            return hashed
        if opcode == op.RETURNDATASIZE:
            if isinstance(self._last, int):
                return 0
            return self.values.make(RETURNED_SIZE, (self._last,))
        if opcode == op.MSTORE8:
            memory.forget(given[0], 1)
            return 0
        if opcode == op.EXTCODECOPY:
            memory.forget(given[1], given[3])
            return 0
        if opcode in _STEADY:
            return self.values.make(opcode, given)
        if opcode == op.IMMUTABLE:
            return self.values.make(opcode, (), offset)
        return self.values.make(opcode, given, (self._now, offset))

    def _call(
        self, memory: Memory, opcode: int, offset: int, given: tuple[Word, ...], events: list[Event]
    ) -> Word:
        flag = self.values.make(CALL_FLAG, (), (self._now, offset))
        address, size = _READS[opcode]
        read = memory.region(given[address], given[size])
        events.append(Event(self._now, offset, opcode, given, read, flag))
        self._last = flag
        out, out_size = given[-2], given[-1]
        if out_size == 0:
            return flag
        memory.forget(out, out_size)
        if isinstance(out_size, int):
            for word in range(min(out_size + 31 >> 5, MAX_COPY)):
                self._put(memory, out, word, self.values.make(RETURNED, (flag,), 32 * word))
        else:
            memory.fill(out, self.values.make(RETURNED, (flag,), 0))
        return flag

    def _put(self, memory: Memory, start: Word, word: int, value: Word) -> None:
        memory.store(self.values.pure(op.ADD, (start, 32 * word)), value)

    def _copy(self, memory: Memory, opcode: int, given: tuple[Word, ...]) -> None:
        destination, source, size = given
        if opcode == op.MCOPY:
            memory.copy(destination, source, size)
            return
        memory.forget(destination, size)
        if opcode == op.RETURNDATACOPY and not isinstance(self._last, int):
            at = source if isinstance(source, int) else 0
            if isinstance(size, int):
                for word in range(min(size + 31 >> 5, MAX_COPY)):
                    value = self.values.make(RETURNED, (self._last,), at + 32 * word)
                    self._put(memory, destination, word, value)
            else:
                memory.fill(destination, self.values.make(RETURNED, (self._last,), at))
        elif opcode == op.CODECOPY and isinstance(size, int):
            self._copy_code(memory, destination, source, size)

    def _copy_code(self, memory: Memory, destination: Word, source: Word, size: int) -> None:
        code = self.graph.contexts.code
        if 0 < size < 32 and isinstance(destination, int) and destination % 32 == 32 - size:
            # Vyper reads its tables of functions like this, into the end of a word that is zero.
            end = destination + size
            if isinstance(source, int):
                memory.store(end - 32, int.from_bytes(read_code(code, source, size), "big"))
            else:
                memory.store(end - 32, self.values.make(CODE, (source, size)))
            return
        if not isinstance(source, int):
            return
        if len(self.copies) < MAX_COPIES:
            self.copies.add((source, size))
        for word in range(min(size + 31 >> 5, MAX_COPY)):
            start = source + 32 * word
            value = int.from_bytes(read_code(code, start, 32), "big")
            self._put(memory, destination, word, value)


def _with_zero(stack: list[Word], zero: Word) -> list[Word]:
    return [0 if word is zero else word for word in stack] if zero in stack else stack


def read_code(code: bytes, start: int, size: int) -> bytes:
    """What CODECOPY copies: zeros beyond the end."""
    return code[start : start + size].ljust(size, b"\0")
