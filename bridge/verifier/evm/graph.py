"""Control flow: blocks in the contexts in which they run, and where each goes from there.

A node is a block with the height of its stack and the tags on it, which are the places that the
functions under way return to; so that a function called from two places is two nodes, and neither
returns to the other's caller. Where one block has very many contexts, only the topmost tags tell
them apart, and a return may go to each of the places that were joined. Nothing but constants is
followed here; `interpreter` follows values and memory along this graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from bridge.verifier.evm.blocks import MAX_STACK, Block, Exit, Tag, read_block
from bridge.verifier.evm.budget import Budget
from bridge.verifier.evm.words import PURE

Known: TypeAlias = "int | frozenset[int] | None"
"""A word: a constant, one of several JUMPDESTs, or anything."""

MAX_CONTEXTS: Final = 96
"""Contexts of one block that all tags tell apart."""

KEPT_TAGS: Final = 2
"""How many of the topmost tags tell contexts apart after that."""

MAX_TARGETS: Final = 256


class Node:
    """A block in one context. ``targets`` are nodes that a jump goes to, ``falls`` the next one."""

    __slots__ = ("block", "falls", "index", "queued", "stack", "targets", "unresolved")

    def __init__(self, index: int, block: Block, stack: list[Known]) -> None:
        self.index = index
        self.block = block
        self.stack = stack
        self.targets: tuple[Node, ...] = ()
        self.falls: Node | None = None
        self.unresolved = False
        self.queued = False

    @property
    def successors(self) -> tuple[Node, ...]:
        """Where it goes, the jump's targets first."""
        return self.targets if self.falls is None else (*self.targets, self.falls)


class Contexts:
    """Which node a stack goes to: the names of nodes, the same for constants and for values."""

    def __init__(self, code: bytes, destinations: frozenset[int]) -> None:
        self.code = code
        self.destinations = destinations
        self.blocks: dict[int, Block] = {}
        self._met: dict[int, int] = {}
        self._keys: set[tuple[int, ...]] = set()

    def block(self, start: int) -> Block:
        """The block there, read once."""
        block = self.blocks.get(start)
        if block is None:
            block = self.blocks[start] = read_block(self.code, start, self.destinations)
        return block

    def key(self, start: int, stack: Sequence[object]) -> tuple[int, ...]:
        """Offset, height, and place and value of each tag that counts."""
        block = self.block(start)
        if block.is_dead_end and not block.operations:
            return (start,)
        key = [start, len(stack)]
        for place, word in enumerate(stack):
            if type(word) is Tag:
                key.append(place)
                key.append(word)
        whole = tuple(key)
        if whole in self._keys:
            return whole
        met = self._met.get(start, 0)
        if met >= MAX_CONTEXTS:
            return (start, len(stack), *whole[2:][-2 * KEPT_TAGS :], -1)
        self._met[start] = met + 1
        self._keys.add(whole)
        return whole


class Graph:
    """All nodes that are reached from byte 0 (and from ``roots``), in reverse postorder."""

    def __init__(
        self,
        code: bytes,
        destinations: frozenset[int],
        budget: Budget,
        hints: Mapping[int, frozenset[int]] | None = None,
    ) -> None:
        self.contexts = Contexts(code, destinations)
        self.budget = budget
        self.hints = hints or {}
        self.nodes: dict[tuple[int, ...], Node] = {}
        self._work: list[Node] = []
        self.order: list[Node] = []

    def explore(self, start: int, stack: list[Known]) -> Node | None:
        """Everything reached from ``start`` with that stack. None when the budget is used up."""
        root = self._enter(start, stack)
        while self._work and self.budget.spend(1):
            node = self._work.pop()
            node.queued = False
            self._run(node)
        return root

    def _run(self, node: Node) -> None:
        block = node.block
        if block.is_dead_end:
            return
        stack = node.stack
        if not self.budget.spend(len(block.shape) + (len(stack) + len(block.out) >> 1)):
            return
        need = block.need
        if len(stack) < need or len(stack) - need + len(block.out) > MAX_STACK:
            return
        words: list[Known] = [*block.registers, *(stack[-need:] if need else ())]
        for opcode, _, operands, result in block.shape:
            values = [words[one] for one in operands]
            if all(isinstance(one, int) for one in values):
                words[result] = PURE[opcode](*values)
        after = stack[:-need] if need else stack[:]
        after += [words[one] for one in block.out]
        if block.exit is Exit.FALL:
            node.falls = self._enter(block.end, after)
        elif block.target is not None:
            condition = 1 if block.condition is None else words[block.condition]
            if condition != 0:
                self._jump(node, words[block.target], after)
            if block.condition is not None and not (isinstance(condition, int) and condition):
                node.falls = self._enter(block.end, after)

    def _jump(self, node: Node, target: Known, after: list[Known]) -> None:
        destinations = self.contexts.destinations
        if isinstance(target, int):
            known: tuple[int, ...] = (target,)
        elif target is not None:
            known = tuple(sorted(target))
        else:
            known = tuple(sorted(self.hints.get(node.block.end - 1, ())))
            node.unresolved = not known
        reached = [self._enter(one, after) for one in known if one in destinations]
        node.targets = tuple(one for one in reached if one is not None)

    def _enter(self, start: int, stack: list[Known]) -> Node | None:
        if start >= len(self.contexts.code):
            return None
        key = self.contexts.key(start, stack)
        node = self.nodes.get(key)
        if node is None:
            if not self.budget.node(len(stack)):
                return None
            node = Node(len(self.nodes), self.contexts.block(start), list(stack))
            self.nodes[key] = node
            self._push(node)
        elif len(key) > 1 and self._join(node, stack):
            self._push(node)
        return node

    def _push(self, node: Node) -> None:
        if not node.queued:
            node.queued = True
            self._work.append(node)

    def _join(self, node: Node, stack: list[Known]) -> bool:
        mine = node.stack
        if mine == stack:
            return False
        changed = False
        for place, (old, new) in enumerate(zip(mine, stack, strict=True)):
            if old is None or old == new:
                continue
            joined = self._either(old, new)
            if joined != old:
                mine[place] = joined
                changed = True
        return changed

    def _either(self, old: Known, new: Known) -> Known:
        if old is None or new is None:
            return None
        both = (old if isinstance(old, frozenset) else frozenset((old,))) | (
            new if isinstance(new, frozenset) else frozenset((new,))
        )
        if len(both) > MAX_TARGETS or not both <= self.contexts.destinations:
            return None
        return both


def reverse_postorder(roots: list[Node]) -> list[Node]:
    """All nodes reached from ``roots``, each before what it goes to, loops apart."""
    seen: set[int] = set()
    order: list[Node] = []
    for root in roots:
        if root.index in seen:
            continue
        seen.add(root.index)
        path: list[tuple[Node, list[Node]]] = [(root, list(reversed(root.successors)))]
        while path:
            node, rest = path[-1]
            while rest:
                child = rest.pop()
                if child.index not in seen:
                    seen.add(child.index)
                    path.append((child, list(reversed(child.successors))))
                    break
            else:
                path.pop()
                order.append(node)
    order.reverse()
    return order
