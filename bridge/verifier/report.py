"""A report: all findings of one target, in the one form that every output is made from.

`canonical` is that form as bytes: JSON with sorted keys, no spaces, ASCII only, findings in a fixed
order, nothing in it that changes from run to run. Its SHA-256 is the ``scan_digest`` of verdicts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.domain.errors import InputError
from bridge.verifier.detector import Detector
from bridge.verifier.finding import Finding, Severity

FORMAT = "astralink-scan-1"
"""Named in each report; changes when the same findings would give other bytes."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that was read without its compiler, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A finding that an ignore list takes away, with the reason that it gives."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a scan of ``target`` found. ``tool`` is name and version of what scanned."""

    target: str
    tool: str
    findings: tuple[Finding, ...]
    ignored: tuple[Ignored, ...] = ()
    files: int = 0
    contracts: int = 0
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, target: str, tool: str, findings: Sequence[Finding], **rest: Any) -> Report:
        """A report with its findings in order, the most severe first."""
        return cls(target, tool, tuple(sorted(findings, key=order)), **rest)

    def counts(self) -> dict[Severity, int]:
        """Findings by severity, ignored ones apart."""
        return {
            severity: sum(1 for one in self.findings if one.severity is severity)
            for severity in Severity
        }

    def at_least(self, severity: Severity) -> int:
        """Findings that are so severe or more."""
        return sum(1 for one in self.findings if one.severity.rank <= severity.rank)


def order(one: Finding) -> tuple[Any, ...]:
    """Where a finding stands in a report."""
    place = one.location
    return (
        one.severity.rank,
        one.contract,
        place.source or "",
        place.line or 0,
        -1 if place.offset is None else place.offset,
        one.detector,
        one.detail,
    )


def finding_data(one: Finding) -> dict[str, Any]:
    """A finding as JSON has it."""
    return {
        "detector": one.detector,
        "contract": one.contract,
        "severity": one.severity.value,
        "confidence": one.confidence.value,
        "algorithm": {
            "name": one.algorithm.name,
            "primitive": one.algorithm.primitive.value,
            "parameter_set": one.algorithm.parameter_set,
            "curve": one.algorithm.curve,
            "quantum_level": one.algorithm.quantum_level,
        },
        "location": {
            "source": one.location.source,
            "line": one.location.line,
            "offset": one.location.offset,
        },
        "guards": [guard.value for guard in one.guards],
        "detail": one.detail,
    }


def report_data(report: Report, detectors: dict[str, Detector]) -> dict[str, Any]:
    """The whole report as JSON, with the words of the detectors that found something."""
    return {
        "format": FORMAT,
        "tool": report.tool,
        "target": report.target,
        "files": report.files,
        "contracts": report.contracts,
        "counts": {severity.value: count for severity, count in report.counts().items()},
        "digest": digest(report).hex(),
        "findings": [finding_data(one) for one in report.findings],
        "ignored": [finding_data(one.finding) | {"reason": one.reason} for one in report.ignored],
        "unread": [{"file": one.name, "reason": one.reason} for one in report.unread],
        "notes": list(report.notes),
        "detectors": {
            id: {
                "title": detector.title,
                "impact": detector.impact,
                "scenario": detector.scenario,
                "remedy": detector.remedy,
            }
            for id, detector in used_detectors(report, detectors).items()
        },
    }


def used_detectors(report: Report, detectors: dict[str, Detector]) -> dict[str, Detector]:
    """Those that found something, by id."""
    ids = {one.detector for one in report.findings} | {
        one.finding.detector for one in report.ignored
    }
    unknown = ids - set(detectors)
    if unknown:
        raise InputError(f"report: expected findings of known detectors, got {sorted(unknown)}")
    return {id: detectors[id] for id in sorted(ids)}


def canonical(report: Report) -> bytes:
    """What is signed of a report: format, tool, target's name left out, all findings.

    The target's name is left out since one code may be scanned under many. Ignored findings are in
    it among the others, since a reason of somebody's changes nothing in the code.
    """
    everything = sorted((*report.findings, *(one.finding for one in report.ignored)), key=order)
    data = {
        "format": FORMAT,
        "tool": report.tool,
        "findings": [finding_data(one) for one in everything],
    }
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode("ascii")


def digest(report: Report) -> bytes:
    """SHA-256 of the canonical form: the ``scan_digest`` of a verdict."""
    return hashlib.sha256(canonical(report)).digest()
