"""Taint: which sites a value comes from, and what a function does with them."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.verifier.sources.effects import Effect
from bridge.verifier.sources.sites import Place


@dataclass(frozen=True, slots=True)
class Token:
    """A site, and where a contract's own code called the library that it is in, if in one."""

    place: Place
    anchor: tuple[str, int] | None = None


Taint = frozenset[Token | int]
"""Sites that a value comes from, and the numbers of the parameters that it comes from."""
NONE: Taint = frozenset()


@dataclass(slots=True)
class Summary:
    """What a function does with sites, seen by who calls it."""

    returns: set[Token | int] = field(default_factory=set)
    decides: set[Token | int] = field(default_factory=set)
    effects: set[Effect] = field(default_factory=set)
    sites: set[Token] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    """Full names of functions that run, and names of functions of other contracts."""
