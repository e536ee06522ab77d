"""How much work a scan may do: steps, not seconds, so that one code gives one result everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.domain.errors import InputError

DEFAULT_STEPS: Final = 2_000_000
"""Several times what the heaviest contract that was measured takes."""

DEFAULT_NODES: Final = 60_000
"""Blocks in their contexts, each with 16 words of stack: the bound on memory."""


@dataclass(slots=True)
class Budget:
    """What is left; ``used_up`` is set by the first thing that did not fit and stays.

    The graph, the values and what they decide take their steps one after the other. ``keep`` says
    what one of them must leave for those that come after it, so that code which uses up the first
    is still followed as far as it was seen.
    """

    steps: int = DEFAULT_STEPS
    nodes: int = DEFAULT_NODES
    used_up: bool = False
    kept: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "nodes"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise InputError(f"budget: {name}: expected an integer from 1, got {value!r}")

    def keep(self, share: float) -> None:
        """Leave that share of the steps that are left now."""
        self.kept = int(max(self.steps, 0) * share)

    def spend(self, steps: int) -> bool:
        """Whether ``steps`` more fit. What did not fit is taken all the same."""
        self.steps -= steps
        if self.steps < self.kept:
            self.used_up = True
            return False
        return True

    def node(self, height: int) -> bool:
        """Whether one more node with that many words on its stack fits."""
        if self.nodes <= 0:
            self.used_up = True
            return False
        self.nodes -= 1 + (height >> 4)
        return True
