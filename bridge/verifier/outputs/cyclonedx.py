"""A cryptography bill of materials: CycloneDX 1.6, with ``cryptoProperties`` for each algorithm."""

from __future__ import annotations

import uuid
from typing import Any

from bridge.verifier.finding import Algorithm, Finding, Primitive
from bridge.verifier.report import Report, digest

FUNCTIONS = {
    Primitive.SIGNATURE: ["verify"],
    Primitive.HASH: ["digest"],
    Primitive.PKE: ["encrypt"],
    Primitive.KEY_AGREE: ["keyderive"],
    Primitive.OTHER: ["other"],
}
NAMESPACE = uuid.UUID("5f6d1f0e-6a53-4f6b-9d53-1f5f5d7c2f10")
"""Of serial numbers: the same report has the same."""


def cyclonedx(report: Report) -> dict[str, Any]:
    """The report as a CBOM: one component for each algorithm, with every place it occurs in.

    Ignored findings are in it too: the algorithm is there, whatever somebody thinks of it.
    """
    name, _, version = report.tool.partition(" ")
    found: dict[Algorithm, list[Finding]] = {}
    for one in (*report.findings, *(ignored.finding for ignored in report.ignored)):
        found.setdefault(one.algorithm, []).append(one)
    ordered = sorted(found.items(), key=lambda item: (item[0].name, str(item[0].parameter_set)))
    components = [_component(algorithm, uses) for algorithm, uses in ordered]
    target = {"type": "application", "name": report.target or "target", "bom-ref": "target"}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, digest(report).hex())}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": name, "version": version}]},
            "component": target,
            "properties": [{"name": "astralink:scanDigest", "value": digest(report).hex()}],
        },
        "components": components,
        "dependencies": [
            {"ref": "target", "provides": [one["bom-ref"] for one in components]},
            *({"ref": one["bom-ref"]} for one in components),
        ],
    }


def _component(algorithm: Algorithm, uses: list[Finding]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "primitive": algorithm.primitive.value,
        "executionEnvironment": "software-plain-ram",
        "implementationPlatform": "other",
        "cryptoFunctions": FUNCTIONS[algorithm.primitive],
        "nistQuantumSecurityLevel": algorithm.quantum_level,
    }
    if algorithm.parameter_set is not None:
        properties["parameterSetIdentifier"] = algorithm.parameter_set
    if algorithm.curve is not None:
        properties["curve"] = algorithm.curve
    worst = min((one.severity for one in uses), key=lambda severity: severity.rank)
    return {
        "type": "cryptographic-asset",
        "bom-ref": f"crypto/algorithm/{_slug(algorithm)}",
        "name": algorithm.name,
        "cryptoProperties": {"assetType": "algorithm", "algorithmProperties": properties},
        "evidence": {"occurrences": [_occurrence(one) for one in uses]},
        "properties": [{"name": "astralink:severity", "value": worst.value}],
    }


def _occurrence(one: Finding) -> dict[str, Any]:
    place = one.location
    result: dict[str, Any] = {
        "location": place.source or one.contract,
        "symbol": one.contract,
        "additionalContext": f"{one.detector}, {one.severity.value}: {one.detail}",
    }
    if place.line is not None:
        result["line"] = place.line
    if place.offset is not None:
        result["offset"] = place.offset
    return result


def _slug(algorithm: Algorithm) -> str:
    parts = (algorithm.name, algorithm.parameter_set or "", algorithm.curve or "")
    text = "-".join(part for part in parts if part).lower()
    return "".join(letter if letter.isalnum() else "-" for letter in text)
