"""What a result decides: where it flows, and what runs only because a condition on it held.

A label is a bit for each site. It flows from what a call returns through expressions, memory and
the inputs of further precompiles. A branch whose condition carries a label decides what follows: if
one side only reverts, all that the other reaches; else what one side reaches and the other does
not. Where the two sides meet again with different words, those words carry the label on (implicit
flow), unless the branch asked only whether an address that was recovered is zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bridge.verifier.evm import opcodes as op
from bridge.verifier.evm.blocks import Exit
from bridge.verifier.evm.interpreter import Interpreter
from bridge.verifier.evm.sites import LAST_PRECOMPILE, Site
from bridge.verifier.evm.values import (
    JOIN,
    MEMORY,
    OFFSET,
    RETURNED,
    RETURNED_SIZE,
    Value,
    Word,
)

MAX_ROUNDS: Final = 8
"""Rounds of implicit flow; each adds a level of functions that answer by constants."""

MAX_WEAK: Final = 200
"""Expressions that are looked at to see whether a condition only asks for zero."""

# A test of these on an address asks only whether it is zero.
_WEAK: Final = frozenset(
    {op.ISZERO, op.AND, op.OR, op.SHL, op.SHR, op.LT, op.GT, OFFSET, JOIN, MEMORY, "picked"}
)


class Flow:
    """Labels of all values, and the nodes that each site decides.

    ``labels[i]`` is the mask of the sites that value ``i`` carries; ``decided[s]`` the nodes that
    run only because a condition on site ``s`` held; ``deciding[s]`` the nodes that end in such a
    condition.
    """

    def __init__(self, run: Interpreter, sites: tuple[Site, ...]) -> None:
        self.run = run
        self.sites = sites
        values = run.values.all
        self.labels = [0] * len(values)
        self._returned = [0] * len(values)
        self._implicit: dict[int, int] = {}
        self.decided: dict[int, set[int]] = {site.index: set() for site in sites}
        self.deciding: dict[int, set[int]] = {site.index: set() for site in sites}
        self._users: list[list[int]] = [[] for _ in values]
        for value in values:
            for operand in value.operands:
                if isinstance(operand, Value):
                    self._users[operand.index].append(value.index)
        self._successors = {
            index: (*targets, *(() if falls is None else (falls,)))
            for index, (targets, falls) in run.edges.items()
        }
        self._predecessors: dict[int, list[int]] = {}
        for index, after in self._successors.items():
            for one in after:
                self._predecessors.setdefault(one, []).append(index)
        self._alive = self._reaching_an_end()
        self._joins: dict[int, list[int]] | None = None
        self._reached: dict[int, frozenset[int]] = {}
        self._inputs = self._inputs_of_precompiles()
        self._begin()
        self._decide()

    def carried(self, words: Iterable[Word]) -> int:
        """The mask of what any of the words carries."""
        mask = 0
        for word in words:
            if isinstance(word, Value):
                mask |= self.labels[word.index]
        return mask

    def reach(self, start: int) -> frozenset[int]:
        """All nodes from ``start`` on, itself included."""
        known = self._reached.get(start)
        if known is None:
            seen = {start}
            work = [start]
            while work:
                for one in self._successors.get(work.pop(), ()):
                    if one not in seen:
                        seen.add(one)
                        work.append(one)
            # Sets are kept, so what they hold is what they cost.
            self.run.graph.budget.spend(2 * len(seen))
            known = self._reached[start] = frozenset(seen)
        return known

    def _reaching_an_end(self) -> set[int]:
        """Nodes from which a run may end without being undone, or go where nobody knows."""
        nodes = self.run.nodes
        seen = set()
        for index, after in self._successors.items():
            block = nodes[index].block
            ends = block.exit in (Exit.STOP, Exit.RETURN)
            if not after and block.exit in (Exit.JUMP, Exit.BRANCH):
                ends = self._is_unknown(index)
            if ends or (not after and block.exit is Exit.FALL):
                seen.add(index)
        work = list(seen)
        while work:
            for one in self._predecessors.get(work.pop(), ()):
                if one not in seen:
                    seen.add(one)
                    work.append(one)
        return seen

    def _is_unknown(self, index: int) -> bool:
        return not isinstance(self.run.jumps.get(index), int)

    def _inputs_of_precompiles(self) -> dict[int, list[int]]:
        """Flags of precompiles' calls by the values that the calls read."""
        inputs: dict[int, list[int]] = {}
        for events in self.run.events.values():
            for event in events:
                if event.opcode not in op.CALLS or event.result is None:
                    continue
                address = event.operands[1]
                if not isinstance(address, int) or not 0 < address <= LAST_PRECOMPILE:
                    continue
                for _, word in event.memory:
                    if isinstance(word, Value):
                        inputs.setdefault(word.index, []).append(event.result.index)
        return inputs

    def _begin(self) -> None:
        work: list[int] = []
        for site in self.sites:
            bit = 1 << site.index
            for flag in site.flags:
                self._returned[flag] |= bit
                if site.flag_decides:
                    self.labels[flag] |= bit
                work.append(flag)
            for value in site.values:
                self.labels[value] |= bit
                work.append(value)
        self._spread(work)

    def _spread(self, work: list[int]) -> None:
        values, labels, returned = self.run.values.all, self.labels, self._returned
        while work:
            index = work.pop()
            for user in self._users[index]:
                kind = values[user].kind
                mask = labels[index]
                # What is returned carries the call's label, which its flag of success does not.
                behind = returned[index] if kind == JOIN else 0
                if kind in (RETURNED, RETURNED_SIZE, "picked"):
                    mask |= returned[index]
                if mask & ~labels[user] or behind & ~returned[user]:
                    labels[user] |= mask
                    returned[user] |= behind
                    work.append(user)
            for flag in self._inputs.get(index, ()):
                if labels[index] & ~returned[flag]:
                    returned[flag] |= labels[index]
                    work.append(flag)

    def _decide(self) -> None:
        done: dict[int, int] = {}
        for _ in range(MAX_ROUNDS):
            work: list[int] = []
            for index, condition in self.run.conditions.items():
                if not isinstance(condition, Value) or not self.labels[condition.index]:
                    continue
                if not self.run.graph.budget.spend(1):
                    return
                mask = self._strong(condition, self.labels[condition.index])
                new = mask & ~done.get(index, 0)
                if new:
                    done[index] = done.get(index, 0) | new
                    work += self._branch(index, new)
            if not work:
                return
            self._spread(work)

    def _strong(self, condition: Value, mask: int) -> int:
        """``mask`` without the sites of which the condition only asks whether something came."""
        for site in self.sites:
            bit = 1 << site.index
            if not (mask & bit and site.gives_address):
                continue
            seen: set[int] = set()
            if self._is_weak(condition, bit, seen):
                mask &= ~bit
            self.run.graph.budget.spend(len(seen) >> 2)
        return mask

    def _is_weak(self, word: Word, bit: int, seen: set[int]) -> bool:
        if isinstance(word, int) or word.index in seen or not self.labels[word.index] & bit:
            return True
        if self._implicit.get(word.index, 0) & bit:
            return False
        if word.kind in (RETURNED, RETURNED_SIZE):
            return True
        seen.add(word.index)
        if len(seen) > MAX_WEAK:
            return False
        if word.kind in (op.EQ, op.SUB, op.XOR):
            return all(isinstance(one, int) or one.kind == RETURNED_SIZE for one in word.operands)
        return word.kind in _WEAK and all(self._is_weak(one, bit, seen) for one in word.operands)

    def _branch(self, index: int, mask: int) -> list[int]:
        """Mark what the branch at the end of a node decides; values that now carry the labels."""
        after = dict.fromkeys(self._successors[index])
        sides = [one for one in after if one in self._alive]
        if not sides or (len(after) < 2 and not self._throws(index)):
            return []
        if len(sides) == 1:
            decided = set(self.reach(sides[0]))
        else:
            reaches = [self.reach(one) for one in sides]
            decided = set().union(*reaches) - frozenset.intersection(*reaches)
        self.run.graph.budget.spend(len(decided) >> 1)
        for site in self.sites:
            if mask >> site.index & 1:
                self.decided[site.index] |= decided
                self.deciding[site.index].add(index)
        return [] if len(sides) == 1 else self._meet(index, sides, mask)

    def _throws(self, index: int) -> bool:
        """Whether the branch goes to a place that is none, as ``throw`` did in old Solidity."""
        target = self.run.jumps.get(index)
        return isinstance(target, int) and target not in self.run.graph.contexts.destinations

    def _meet(self, index: int, sides: list[int], mask: int) -> list[int]:
        """Words that differ where the sides of a branch meet carry its labels."""
        first, second = self.reach(sides[0]), self.reach(sides[-1])
        changed = []
        both = first & second
        self.run.graph.budget.spend(len(both))
        for node in both:
            before = self._predecessors.get(node, ())
            from_first = any(
                (one in first and one not in second) or (one == index and node == sides[0])
                for one in before
            )
            from_second = any(
                (one in second and one not in first) or (one == index and node == sides[-1])
                for one in before
            )
            if from_first and from_second:
                for value in self._joins_of(node):
                    if mask & ~self.labels[value]:
                        self.labels[value] |= mask
                        self._implicit[value] = self._implicit.get(value, 0) | mask
                        changed.append(value)
        return changed

    def _joins_of(self, node: int) -> list[int]:
        if self._joins is None:
            self._joins = {}
            for place, value in self.run.values.joins():
                self._joins.setdefault(place, []).append(value)
        return self._joins.get(node, [])
