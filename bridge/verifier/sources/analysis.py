"""An analysis: the uses of all contracts that are wanted of one program, by pattern."""

from __future__ import annotations

from collections.abc import Collection

from bridge.verifier.sources.patterns import Pattern, is_part_of_another, pattern_of
from bridge.verifier.sources.program import Contract, Program
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
        self._by_pattern: dict[Pattern, list[Use]] = {}
        for contract in self.contracts:
            uses, too_deep = uses_of(program, contract)
            self.too_deep |= too_deep
            for use in uses:
                if not is_part_of_another(use, uses):
                    self._by_pattern.setdefault(pattern_of(use), []).append(use)

    def uses_of(self, pattern: Pattern) -> list[Use]:
        """The uses of that pattern, contract after contract; of several at one place the first."""
        found: dict[tuple[int, str, int], Use] = {}
        for use in self._by_pattern.get(pattern, ()):
            found.setdefault((id(use.contract), use.source, use.line), use)
        return list(found.values())
