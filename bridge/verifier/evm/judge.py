"""Findings from sites: how severe, how sure, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from bridge.verifier.evm.interfaces import ENTRIES
from bridge.verifier.evm.program import Program
from bridge.verifier.evm.sites import PRECOMPILES, Site, Use
from bridge.verifier.finding import Algorithm, Confidence, Finding, Guard, Primitive, Severity

LOSES: Final = frozenset({Guard.TRANSFER, Guard.OWNERSHIP, Guard.UPGRADE, Guard.PERMIT, Guard.CALL})
"""What is worth a forgery by itself."""

MAX_NAMED: Final = 6
"""Functions that a detail names."""

ECDSA_SECP256K1: Final = Algorithm("ECDSA", Primitive.SIGNATURE, "secp256k1", "secg/secp256k1")
ECDSA_P256: Final = Algorithm("ECDSA", Primitive.SIGNATURE, "P-256", "nist/P-256")


def severity_of(guards: tuple[Guard, ...]) -> Severity:
    """High where value, ownership, code, an allowance or a call is decided; info where nothing."""
    if LOSES & set(guards):
        return Severity.HIGH
    return Severity.MEDIUM if Guard.STORAGE in guards else Severity.INFO


def confidence_of(program: Program, site: Site) -> Confidence:
    """High where the address is one constant in code that is reached from byte 0.

    Low where only a jump that is not known can lead there; medium where the address is one of
    several, where another contract's code decides, or the budget ended before everything was
    followed.
    """
    if program.is_swept(site):
        return Confidence.LOW
    if not site.direct or site.use is Use.VERIFIER or program.budget.used_up:
        return Confidence.MEDIUM
    return Confidence.HIGH


def finding_at(
    program: Program,
    detector: str,
    site: Site,
    algorithm: Algorithm,
    what: str,
    most: Severity = Severity.HIGH,
) -> Finding:
    """The finding of one site; ``what`` begins its detail, ``most`` bounds its severity."""
    guards = program.guards(site)
    severity = max(severity_of(guards), most, key=lambda one: one.rank)
    return Finding(
        detector=detector,
        contract=program.contract,
        algorithm=algorithm,
        severity=severity,
        confidence=confidence_of(program, site),
        location=program.location(site.offset),
        guards=guards,
        detail=f"{what}{_within(program, site)}: {_decides(program, site, guards)}",
    )


def _within(program: Program, site: Site) -> str:
    entered = program.entered_by(site)
    if not entered:
        return ""
    named = [
        ENTRIES[one].signature.partition("(")[0] if one in ENTRIES else f"0x{one:08x}"
        for one in entered[:MAX_NAMED]
    ]
    more = f" and {len(entered) - MAX_NAMED} more" if len(entered) > MAX_NAMED else ""
    return f" in {', '.join(named)}{more}"


def _decides(program: Program, site: Site, guards: tuple[Guard, ...]) -> str:
    if guards != (Guard.NOTHING_SEEN,):
        return f"decides {', '.join(guards)}"
    if program.is_answer(site):
        return "the answer goes to the caller"
    return "decides nothing that was seen"


def of_precompiles(
    detector: str,
    addresses: tuple[int, ...],
    algorithm: Callable[[Program, Site], Algorithm],
    most: Callable[[Program, Site], Severity] = lambda program, site: Severity.HIGH,
) -> Callable[[Program], Iterator[Finding]]:
    """Findings of all calls of the precompiles."""

    def find(program: Program) -> Iterator[Finding]:
        for site in program.precompile_sites(*addresses):
            called = sorted(site.precompiles & set(addresses))
            names = " or ".join(f"{PRECOMPILES[one]} (0x{one:02x})" for one in called)
            yield finding_at(
                program,
                detector,
                site,
                algorithm(program, site),
                f"calls {names}",
                most(program, site),
            )

    return find


def of_verifiers(
    detector: str, systems: dict[int, str], algorithm: Callable[[str], Algorithm]
) -> Callable[[Program], Iterator[Finding]]:
    """Findings of all calls that ask another contract by one of the functions."""

    def find(program: Program) -> Iterator[Finding]:
        for site in program.sites:
            if site.use is Use.VERIFIER and site.selector in systems:
                system = systems[site.selector]
                yield finding_at(
                    program,
                    detector,
                    site,
                    algorithm(system),
                    f"asks another contract to check ({system}, 0x{site.selector:08x})",
                )

    return find
