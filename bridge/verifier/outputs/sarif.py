"""SARIF 2.1.0 (OASIS Standard), as code hosts and editors read it."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from bridge.verifier.detector import Detector
from bridge.verifier.finding import Confidence, Finding, Severity
from bridge.verifier.report import Report, digest, used_detectors

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "none",
}
SCORES = {Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "3.0", Severity.INFO: "0.0"}
"""``security-severity``, which code hosts read: above 7.0 is high, above 4.0 medium."""
RANKS = {Confidence.HIGH: 90.0, Confidence.MEDIUM: 60.0, Confidence.LOW: 30.0}


def sarif(report: Report, detectors: dict[str, Detector]) -> dict[str, Any]:
    """The report as a SARIF log with one run; ignored findings are results with a suppression."""
    used = used_detectors(report, detectors)
    places = {id: place for place, id in enumerate(used)}
    name, _, version = report.tool.partition(" ")
    results = [_result(one, places) for one in report.findings]
    for ignored in report.ignored:
        suppression = {"kind": "external", "status": "accepted", "justification": ignored.reason}
        results.append(_result(ignored.finding, places) | {"suppressions": [suppression]})
    driver = {
        "name": name,
        "semanticVersion": version,
        "rules": [_rule(one, report) for one in used.values()],
    }
    notes = [
        {
            "level": "warning",
            "message": {"text": f"{one.name} was read without a compiler: {one.reason}"},
        }
        for one in report.unread
    ]
    notes += [{"level": "note", "message": {"text": one}} for one in report.notes]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "utf16CodeUnits",
                "originalUriBaseIds": {"SRCROOT": {"description": {"text": report.target}}},
                "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
                "results": results,
                "properties": {"scanDigest": digest(report).hex()},
            }
        ],
    }


def _rule(detector: Detector, report: Report) -> dict[str, Any]:
    found = [*report.findings, *(one.finding for one in report.ignored)]
    worst = min(
        (one.severity for one in found if one.detector == detector.id), key=lambda s: s.rank
    )
    return {
        "id": detector.id,
        "name": "".join(part.capitalize() for part in detector.id.split("-")),
        "shortDescription": {"text": detector.title},
        "fullDescription": {"text": f"{detector.impact} {detector.scenario}"},
        "help": {"text": detector.remedy},
        "defaultConfiguration": {"level": LEVELS[worst]},
        "properties": {
            "security-severity": SCORES[worst],
            "tags": ["security", "cryptography", "post-quantum"],
        },
    }


def _result(one: Finding, places: dict[str, int]) -> dict[str, Any]:
    level = LEVELS[one.severity]
    kind = {"kind": "informational", "level": "none"} if level == "none" else {"level": level}
    logical = {"name": one.contract, "kind": "type"}
    location: dict[str, Any] = {"logicalLocations": [logical]}
    place = one.location
    if place.source is not None and place.line is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(place.source), "uriBaseId": "SRCROOT"},
            "region": {"startLine": place.line},
        }
    elif place.offset is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": f"{quote(one.contract)}.bin", "uriBaseId": "SRCROOT"},
            "region": {"byteOffset": place.offset, "byteLength": 1},
        }
    identity = "|".join((one.detector, one.contract, place.source or "", one.algorithm.name))
    return {
        "ruleId": one.detector,
        "ruleIndex": places[one.detector],
        **kind,
        "message": {"text": one.detail},
        "locations": [location],
        "rank": RANKS[one.confidence],
        "partialFingerprints": {
            "astralinkFinding/v1": hashlib.sha256(identity.encode()).hexdigest()
        },
        "properties": {
            "algorithm": one.algorithm.name,
            "guards": [guard.value for guard in one.guards],
            "confidence": one.confidence.value,
            **({"byteOffset": place.offset} if place.offset is not None else {}),
        },
    }
