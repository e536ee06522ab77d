"""A contract's code as detectors see it: functions, sites of cryptography, what each decides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from bridge.verifier.evm import opcodes as op
from bridge.verifier.evm.auxdata import Auxdata, auxdata_sections
from bridge.verifier.evm.budget import Budget
from bridge.verifier.evm.disassembler import check_code, jump_destinations
from bridge.verifier.evm.dispatch import functions, jump_table
from bridge.verifier.evm.flow import Flow
from bridge.verifier.evm.formats import Target, points_to
from bridge.verifier.evm.graph import Graph, Node, reverse_postorder
from bridge.verifier.evm.interfaces import ENTRIES
from bridge.verifier.evm.interpreter import Interpreter
from bridge.verifier.evm.sinks import guards_of
from bridge.verifier.evm.sites import Site, Use, find_sites
from bridge.verifier.evm.sourcemap import SourceMap
from bridge.verifier.evm.values import Value, Word
from bridge.verifier.finding import Guard, Location

SMALLEST: Final = 8
"""Bytes of code that is worth a look."""

TABLE_ROUNDS: Final = 4
"""Tables of jumps behind tables of jumps."""

KEPT_BY_GRAPH: Final = 0.75
"""Of the budget, for what comes after the graph."""

KEPT_BY_VALUES: Final = 0.25
"""Of what is left then, for what the values decide."""

UNKNOWN_STACK: Final = 32
"""Unknown words below code of which nobody knows how it is reached."""


@dataclass(frozen=True, slots=True)
class CallerCheck:
    """A branch that compares the caller with one account: ``slot`` holds it, or ``account`` is it.

    ``offset`` is that of the branch.
    """

    offset: int
    slot: int | None
    account: int | None


class Program:
    """Runtime code, read once; what detectors ask is computed when they ask.

    ``contract`` is the name that findings carry. ``base`` is where the code stands in a longer one,
    of which offsets in findings are. CodeRefused for what is no legacy EVM code.
    """

    def __init__(
        self,
        code: bytes,
        contract: str,
        source_map: SourceMap | None = None,
        budget: Budget | None = None,
        base: int = 0,
    ) -> None:
        self.code = code
        self.base = base
        self.contract = contract
        self.source_map = source_map
        self.budget = budget if budget is not None else Budget()
        self.target: Target | None = points_to(code)
        self.auxdata: tuple[Auxdata, ...] = auxdata_sections(code)
        self.table: dict[int, int] = {}
        if self.target is None or code[:1] != b"\xef":
            check_code(code)
            self.run, self.main = self._explore()
        else:
            self.run, self.main = _nothing(self.budget), frozenset()

    def _explore(self) -> tuple[Interpreter, frozenset[int]]:
        destinations = jump_destinations(self.code)
        hints: dict[int, frozenset[int]] = {}
        nodes = self.budget.nodes
        for _ in range(TABLE_ROUNDS):
            graph = Graph(self.code, destinations, self.budget, hints)
            run, main = _interpret(graph, [(0, 0)])
            found = {}
            for index in self._lost(run):
                place = run.nodes[index].block.end - 1
                targets, selectors = jump_table(run, run.jumps[index])
                if targets - hints.get(place, frozenset()):
                    found[place] = targets | hints.get(place, frozenset())
                    self.table |= selectors
            if not found or self.budget.used_up:
                break
            self.budget.nodes = nodes  # these go
            hints |= found
        if self._lost(run) and not self.budget.used_up:
            # Something jumps where nobody knows, so what is not reached may still run.
            reached = {run.nodes[index].block.start for index in run.states}
            self.budget.nodes = nodes
            rest = [(one, UNKNOWN_STACK) for one in sorted(destinations - reached)]
            graph = Graph(self.code, destinations, self.budget, hints)
            run, main = _interpret(graph, [(0, 0), *rest])
        return run, main

    @staticmethod
    def _lost(run: Interpreter) -> list[int]:
        """Nodes whose jump goes nobody knows where."""
        return [
            index
            for index, word in run.jumps.items()
            if not isinstance(word, int) and not run.edges[index][0]
        ]

    @cached_property
    def unresolved(self) -> tuple[int, ...]:
        """Offsets of jumps that go nobody knows where, in the code reached from byte 0."""
        lost = {
            self.run.nodes[one].block.end - 1 for one in self._lost(self.run) if one in self.main
        }
        return tuple(sorted(lost))

    @cached_property
    def functions(self) -> dict[int, frozenset[int]]:
        """Nodes with which each function begins, by selector."""
        return functions(self.run, self.table)

    @cached_property
    def reached(self) -> tuple[tuple[int, int], ...]:
        """Ranges of bytes that run, from byte 0 or by a jump that is not known: start and end."""
        blocks = {(node.block.start, node.block.end) for node in self._ran()}
        ranges: list[tuple[int, int]] = []
        for start, end in sorted(blocks):
            end = min(end, len(self.code))
            if ranges and start <= ranges[-1][1]:
                ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
            else:
                ranges.append((start, end))
        return tuple(ranges)

    def _ran(self) -> list[Node]:
        return [self.run.nodes[index] for index in self.run.edges]

    @property
    def code_end(self) -> int:
        """The offset after the last byte that runs; data and auxdata may stand before it too."""
        return self.reached[-1][1] if self.reached else 0

    @cached_property
    def constants(self) -> dict[int, int]:
        """Constants of more than 8 bytes in code that runs, each with its first block's offset."""
        found: dict[int, int] = {}
        for node in self._ran():
            for word in node.block.registers:
                if word is not None and word >> 64:
                    start = node.block.start
                    found[word] = min(start, found.get(word, start))
        return found

    @cached_property
    def caller_checks(self) -> tuple[CallerCheck, ...]:
        """Branches on whether one account calls."""
        found = {}
        for index, condition in self.run.conditions.items():
            check = _caller_check(self.run.nodes[index].block.end - 1, condition)
            if check is not None:
                found[check.offset] = check
        return tuple(found[offset] for offset in sorted(found))

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """All sites of cryptography."""
        return find_sites(self.run)

    @cached_property
    def flow(self) -> Flow:
        """What the sites decide."""
        return Flow(self.run, self.sites)

    def precompile_sites(self, *addresses: int) -> tuple[Site, ...]:
        """Sites that call one of the precompiles."""
        return tuple(one for one in self.sites if one.precompiles & set(addresses))

    def verifier_sites(self) -> tuple[Site, ...]:
        """Sites that ask another contract."""
        return tuple(one for one in self.sites if one.use is Use.VERIFIER)

    def is_swept(self, site: Site) -> bool:
        """Whether only a jump that is not known can lead to the site."""
        return bool(site.nodes) and not site.nodes & self.main

    @cached_property
    def _reaches(self) -> dict[int, frozenset[int]]:
        return {
            selector: frozenset().union(*(self.flow.reach(one) for one in starts))
            for selector, starts in self.functions.items()
        }

    def entered_by(self, site: Site) -> tuple[int, ...]:
        """Selectors of the functions that run the site."""
        return tuple(selector for selector, nodes in self._reaches.items() if nodes & site.nodes)

    @cached_property
    def _decisions(self) -> dict[int, tuple[frozenset[Guard], bool]]:
        owner_slots = {one.slot for one in self.caller_checks if one.slot is not None}
        guards: dict[int, set[Guard]] = {site.index: set() for site in self.sites}
        decided: dict[int, int] = {}
        for one, nodes in self.flow.decided.items():
            for node in nodes:
                decided[node] = decided.get(node, 0) | 1 << one
        answers: set[int] = set()
        for index, events in self.run.events.items():
            for event in events:
                is_answer = event.opcode == op.RETURN
                does = guards_of(event, owner_slots)
                if not does and not is_answer:
                    continue
                mask = decided.get(index, 0)
                mask |= self.flow.carried((*event.operands, *(word for _, word in event.memory)))
                while mask:
                    one = mask.bit_length() - 1
                    mask ^= 1 << one
                    if is_answer:
                        answers.add(one)
                    guards[one] |= does
        return {one: (frozenset(found), one in answers) for one, found in guards.items()}

    def guards(self, site: Site) -> tuple[Guard, ...]:
        """What the site's result decides, in the order of `Guard`."""
        found, answers = self._decisions[site.index]
        named = set()
        deciding = self.flow.deciding[site.index]
        for selector in self.entered_by(site):
            entry = ENTRIES.get(selector)
            inside = self._reaches[selector]
            if entry is not None and entry.guard is not None and (answers or deciding & inside):
                named.add(entry.guard)
        whole = found | named
        return tuple(one for one in Guard if one in whole) or (Guard.NOTHING_SEEN,)

    def is_answer(self, site: Site) -> bool:
        """Whether the contract tells its caller what came of it."""
        return self._decisions[site.index][1]

    def location(self, offset: int) -> Location:
        """The offset, and the source line where a source map has one."""
        at = None if self.source_map is None else self.source_map.line_at(offset)
        if at is None:
            return Location(offset=self.base + offset)
        return Location(source=at[0], line=at[1], offset=self.base + offset)

    @cached_property
    def carried(self) -> tuple[tuple[int, int], ...]:
        """Start and end of other code that this code deploys.

        What a constructor returns is runtime code; what CREATE takes is init code, which carries
        its runtime code in the same way.
        """
        returned: set[object] = set()
        creates = False
        for events in self.run.events.values():
            for event in events:
                if event.opcode == op.RETURN:
                    returned.add(event.operands[1])
                elif event.opcode in (op.CREATE, op.CREATE2):
                    creates = True
        reached = self.reached
        found = []
        for start, size in sorted(self.run.copies):
            end = start + size
            apart = all(end <= first or last <= start for first, last in reached)
            if (
                size >= SMALLEST
                and end <= len(self.code)
                and apart
                and (creates or size in returned)
            ):
                found.append((start, end))
        return tuple(found)


def _interpret(graph: Graph, starts: list[tuple[int, int]]) -> tuple[Interpreter, frozenset[int]]:
    """A finished run, and the nodes reached from the first start."""
    roots = []
    graph.budget.keep(KEPT_BY_GRAPH)
    for start, height in starts:
        root = graph.explore(start, [None] * height)
        if root is not None:
            roots.append((root, start, height))
    run = Interpreter(graph, reverse_postorder([root for root, _, _ in roots]))
    graph.budget.keep(KEPT_BY_VALUES)
    begins: list[tuple[Node, list[Word]]] = [
        (root, [run.values.make("unknown", (), (start, depth)) for depth in range(height)])
        for root, start, height in roots
    ]
    run.run(begins[:1])
    main = frozenset(run.states)
    run.run(begins[1:])
    graph.budget.keep(0)
    return run, main


def _nothing(budget: Budget) -> Interpreter:
    """The run of no code."""
    return Interpreter(Graph(b"", frozenset(), budget), [])


def _caller_check(offset: int, condition: Word) -> CallerCheck | None:
    while isinstance(condition, Value) and condition.kind in (op.ISZERO, op.SHL, op.AND):
        inner = [one for one in condition.operands if isinstance(one, Value)]
        if len(inner) != 1:
            return None
        condition = inner[0]
    if not isinstance(condition, Value) or condition.kind not in (op.EQ, op.SUB, op.XOR):
        return None
    a, b = (_unmasked(one) for one in condition.operands)
    for caller, other in ((a, b), (b, a)):
        if not (isinstance(caller, Value) and caller.kind == op.CALLER):
            continue
        if isinstance(other, int):
            return CallerCheck(offset, None, other)
        if other.kind == op.SLOAD and isinstance(other.operands[0], int):
            return CallerCheck(offset, other.operands[0], None)
    return None


def _unmasked(word: Word) -> Word:
    """What an address is read from, without masks and shifts."""
    while isinstance(word, Value) and word.kind in (op.AND, op.SHR, op.SHL, op.DIV):
        inner = [one for one in word.operands if isinstance(one, Value)]
        if len(inner) != 1:
            break
        word = inner[0]
    return word
