"""Versions: which of those that are there satisfies all version expressions, by npm's rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

Version = tuple[int, int, int]
_PART = re.compile(r"(\^|~|>=|<=|>|<|=|v)*\s*(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?")
_HYPHEN = re.compile(r"(\d+(?:\.\d+){0,2})\s+-\s+(\d+(?:\.\d+){0,2})")
_TOP: Version = (1 << 30, 0, 0)


def parsed(version: str) -> Version:
    """``0.8.37`` as numbers; what follows a ``+`` or ``-`` is left away."""
    numbers = [int(one) for one in re.findall(r"\d+", re.split(r"[+-]", version)[0])[:3]]
    return (*numbers, 0, 0, 0)[:3]  # type: ignore[return-value]


def newest(expressions: Sequence[str], versions: Iterable[str]) -> str | None:
    """The newest of ``versions`` that satisfies all ``expressions``; None where none does."""
    fitting = [one for one in versions if all(satisfies(parsed(one), e) for e in expressions)]
    return max(fitting, key=parsed, default=None)


def satisfies(version: Version, expression: str) -> bool:
    """Whether ``version`` is in the ranges of ``expression``; ``||`` stands between ranges."""
    text = re.sub(r"[\"']", "", expression)
    return any(all(low <= version < high for low, high in _ranges(one)) for one in text.split("||"))


def _ranges(text: str) -> list[tuple[Version, Version]]:
    text = _HYPHEN.sub(r">=\1 <=\2", text)
    return [_range(match) for match in _PART.finditer(text)] or [((0, 0, 0), _TOP)]


def _range(match: re.Match[str]) -> tuple[Version, Version]:
    sign = (match[1] or "").replace("v", "")
    given = [int(one) for one in match.groups()[1:] if one is not None and one.isdigit()]
    low: Version = (*given, 0, 0, 0)[:3]  # type: ignore[assignment]
    after = _next(given)
    if sign == "^":
        place = next((i for i, one in enumerate(given) if one), len(given) - 1)
        return low, _next(given[: place + 1])
    if sign == "~":
        return low, _next(given[:2])
    if sign == ">=":
        return low, _TOP
    if sign == ">":
        return after, _TOP
    if sign == "<":
        return (0, 0, 0), low
    if sign == "<=":
        return (0, 0, 0), after
    return low, after


def _next(given: Sequence[int]) -> Version:
    """The first version after all that begin with these numbers."""
    if not given:
        return _TOP
    return (*given[:-1], given[-1] + 1, 0, 0, 0)[:3]  # type: ignore[return-value]
