"""Scan one contract's code with every detector that looks at bytecode."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.verifier.detector import Detector, detectors
from bridge.verifier.evm.auxdata import Auxdata
from bridge.verifier.evm.budget import Budget
from bridge.verifier.evm.formats import Target
from bridge.verifier.evm.program import Program
from bridge.verifier.evm.sourcemap import SourceMap
from bridge.verifier.finding import Finding

MAX_CARRIED: Final = 16
"""Codes that one code carries, and that are scanned with it."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found and what was seen.

    ``reached`` are ranges of bytes that run, start and end; ``unresolved_jumps`` offsets of jumps
    that go nobody knows where; ``carried`` start and end of further code that this code deploys, in
    which findings were looked for too. With ``budget_used_up`` there may be more than what was
    found. ``target`` says whose code runs, where this code only points there.
    """

    contract: str
    findings: tuple[Finding, ...]
    selectors: tuple[int, ...]
    reached: tuple[tuple[int, int], ...]
    code_end: int
    unresolved_jumps: tuple[int, ...]
    carried: tuple[tuple[int, int], ...]
    auxdata: tuple[Auxdata, ...]
    target: Target | None
    budget_used_up: bool
    steps: int

    @property
    def is_complete(self) -> bool:
        """Whether everything that can run was followed."""
        return not self.budget_used_up and not self.unresolved_jumps


def scan_bytecode(
    code: bytes,
    contract: str,
    source_map: SourceMap | None = None,
    *,
    budget: Budget | None = None,
    chosen: Iterable[Detector] | None = None,
) -> Scan:
    """The findings in runtime or creation code, most severe first, then by offset.

    ``contract`` is the name in the findings. ``source_map`` belongs to ``code``, not to what it
    carries. ``chosen`` are detectors, all by default. The same code and budget give the same result
    on every machine. CodeRefused for code that is empty, too long, in the EVM Object Format or a
    broken delegation.

    >>> code = bytes.fromhex("5f5f5f5f5f6001615208fa503d5f5f3e3d5ff3")
    >>> [one.detector for one in scan_bytecode(code, "Example").findings]
    ['ecrecover']
    """
    limit = budget if budget is not None else Budget()
    before = limit.steps
    looking = tuple(detectors().values() if chosen is None else chosen)
    program = Program(code, contract, source_map, limit)
    found = _found(program, looking)
    carried: list[tuple[int, int]] = []
    work = [program]
    while work and len(carried) < MAX_CARRIED:
        outer = work.pop(0)
        for start, end in outer.carried[: MAX_CARRIED - len(carried)]:
            place = (outer.base + start, outer.base + end)
            if outer.code[start : start + 1] == b"\xef" or place in carried:
                continue
            inner = Program(outer.code[start:end], contract, None, limit, base=place[0])
            carried.append(place)
            found += _found(inner, looking)
            work.append(inner)
    found.sort(key=lambda one: (one.severity.rank, one.location.offset or 0, one.detector))
    return Scan(
        contract=contract,
        findings=tuple(found),
        selectors=tuple(program.functions),
        reached=program.reached,
        code_end=program.code_end,
        unresolved_jumps=program.unresolved,
        carried=tuple(carried),
        auxdata=program.auxdata,
        target=program.target,
        budget_used_up=limit.used_up,
        steps=before - max(limit.steps, 0),
    )


def _found(program: Program, looking: Iterable[Detector]) -> list[Finding]:
    found: list[Finding] = []
    for detector in looking:
        if detector.bytecode is not None:
            found.extend(detector.bytecode(program))
    return found
