"""An analysis: the uses of all contracts that are wanted of one program, by pattern."""

from __future__ import annotations

from collections.abc import Collection

from bridge.verifier.sources.patterns import Pattern, is_part_of_another, pattern_of
from bridge.verifier.sources.program import Contract, Program
from bridge.verifier.sources.sites import ASKS_ANOTHER
from bridge.verifier.sources.uses import Use, uses_of


class Analysis:
    """What source detectors look at.

    ``contracts`` are those of the ``wanted`` sources; ``too_deep`` are functions whose syntax tree
    nests deeper than is followed.
    """

    def __init__(self, program: Program, wanted: Collection[str]) -> None:
        self.program = program
        names = set(wanted)
        self.contracts: list[Contract] = [one for one in program.contracts if one.source in names]
        self.too_deep: set[str] = set()
        self._uses: dict[Contract, list[tuple[Pattern, Use]]] = {}
        for contract in self.contracts:
            uses, too_deep = uses_of(program, contract)
            self.too_deep |= too_deep
            self._uses[contract] = [
                (pattern_of(use), use) for use in uses if not is_part_of_another(use, uses)
            ]

    def of_source(self, name: str) -> Analysis:
        """The same of the contracts of one source only."""
        part = object.__new__(Analysis)
        part.program = self.program
        part.contracts = [one for one in self.contracts if one.source == name]
        part.too_deep = self.too_deep
        part._uses = self._uses
        return part

    def uses_of(self, pattern: Pattern) -> list[Use]:
        """The uses of that pattern, contract after contract; of several at one place one.

        One that is checked here comes before one that another contract checks.
        """
        found: dict[tuple[int, str, int], Use] = {}
        for contract in self.contracts:
            for of, use in self._uses[contract]:
                place = (id(contract), use.source, use.line)
                if of is pattern and (place not in found or found[place].site in ASKS_ANOTHER):
                    found[place] = use
        return list(found.values())
