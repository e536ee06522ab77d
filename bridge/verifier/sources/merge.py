"""Merging: the findings of bytecode and of source of one contract, put together by place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from bridge.verifier.finding import Confidence, Finding, Guard, Location

LineOf = Callable[[int], tuple[str, int] | None]
"""The source and line that a byte of the runtime code comes from, by the compiler's source map."""


def _unknown(offset: int) -> tuple[str, int] | None:
    return None


def merge(
    of_source: Iterable[Finding], of_bytecode: Iterable[Finding], line_of: LineOf = _unknown
) -> list[Finding]:
    """All findings; such of both kinds that are one use become one, with line and byte offset.

    Two are one use if they are of one contract and one algorithm, and by ``line_of`` the byte
    comes from that line. Where no source map is given, or it leads into a library, they are if each
    is the only one of its algorithm in the contract that is left. The source's detector, severity
    and words stay, since it sees names; the confidence is the higher, the guards those of both.
    """
    left = list(of_bytecode)
    result: list[Finding] = []
    pending: list[Finding] = []
    for one in of_source:
        twin = next((other for other in left if _same_line(one, other, line_of)), None)
        if twin is None:
            pending.append(one)
        else:
            left.remove(twin)
            result.append(joined(one, twin))
    for one in pending:
        twins = [other for other in left if _same_use(one, other)]
        rivals = [other for other in pending if other is not one and _same_use(other, one)]
        if len(twins) == 1 and not rivals:
            left.remove(twins[0])
            result.append(joined(one, twins[0]))
        else:
            result.append(one)
    return sorted(
        result + left,
        key=lambda one: (
            one.severity.rank,
            one.contract,
            one.location.source or "",
            one.location.line or 0,
            one.location.offset or 0,
            one.detector,
        ),
    )


def joined(one: Finding, twin: Finding) -> Finding:
    """One finding of source with the byte offset of its twin."""
    place = Location(
        source=one.location.source, line=one.location.line, offset=twin.location.offset
    )
    guards = tuple(
        guard
        for guard in Guard
        if guard in {*one.guards, *twin.guards} and guard is not Guard.NOTHING_SEEN
    )
    order = tuple(Confidence)
    confidence = min(one.confidence, twin.confidence, key=order.index)
    return replace(
        one, location=place, guards=guards or (Guard.NOTHING_SEEN,), confidence=confidence
    )


def _same_use(one: Finding, other: Finding) -> bool:
    curves = one.algorithm.curve, other.algorithm.curve
    same = one.algorithm.name == other.algorithm.name or (
        curves[0] is not None and curves[0] == curves[1]
    )
    return same and one.contract == other.contract


def _same_line(one: Finding, other: Finding, line_of: LineOf) -> bool:
    if other.location.offset is None or not _same_use(one, other):
        return False
    return line_of(other.location.offset) == (one.location.source, one.location.line)
