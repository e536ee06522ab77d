"""How much work a scan may do: steps, not seconds, so that one code gives one result everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.domain.errors import InputError

DEFAULT_STEPS: Final = 2_000_000
"""Several times what the heaviest contract that was measured takes."""

DEFAULT_NODES: Final = 60_000
"""Blocks in their contexts: the bound on memory."""


@dataclass(slots=True)
class Budget:
    """What is left; ``used_up`` is set by the first thing that did not fit and stays."""

    steps: int = DEFAULT_STEPS
    nodes: int = DEFAULT_NODES
    used_up: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "nodes"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise InputError(f"budget: {name}: expected an integer from 1, got {value!r}")

    def spend(self, steps: int) -> bool:
        """Whether ``steps`` more fit; from the first time that they do not, nothing does."""
        self.steps -= steps
        if self.steps < 0:
            self.used_up = True
        return not self.used_up

    def node(self) -> bool:
        """Whether one more node fits."""
        if self.nodes <= 0:
            self.used_up = True
            return False
        self.nodes -= 1
        return True
