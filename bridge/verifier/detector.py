"""A detector: what it looks for, why that matters, and what to do about it.

Each stands in a file of its own in `detectors`, as the module's ``DETECTOR``. One that lacks its
impact, scenario or remedy cannot be made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from bridge.domain.errors import InputError
from bridge.verifier.finding import Finding

Find = Callable[[Any], Iterator[Finding]]
"""Findings of a program (`evm.program.Program`) or of a tree of sources (`sources.tree`)."""


@dataclass(frozen=True, slots=True)
class Detector:
    """``bytecode`` and ``source`` are what it looks at; at least one is there.

    ``impact`` says what is lost, ``scenario`` what an attacker with a quantum computer does,
    ``remedy`` what to move to.
    """

    id: str
    title: str
    impact: str
    scenario: str
    remedy: str
    bytecode: Find | None = None
    source: Find | None = None

    def __post_init__(self) -> None:
        for name in ("id", "title", "impact", "scenario", "remedy"):
            if not getattr(self, name).strip():
                raise InputError(f"detector {self.id!r}: expected its {name}, got none")
        if self.bytecode is None and self.source is None:
            raise InputError(f"detector {self.id}: expected something to look at, got nothing")


def detectors() -> dict[str, Detector]:
    """All of `detectors`, by id, in order of their ids."""
    package = import_module("bridge.verifier.detectors")
    found: dict[str, Detector] = {}
    for module in iter_modules(package.__path__):
        one = getattr(import_module(f"{package.__name__}.{module.name}"), "DETECTOR", None)
        if not isinstance(one, Detector):
            raise InputError(f"detector {module.name}: expected a DETECTOR, got none")
        if one.id in found:
            raise InputError(f"detector {one.id}: expected one of that id, got two")
        found[one.id] = one
    return dict(sorted(found.items()))
