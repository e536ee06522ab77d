"""Findings of bytecode and source: one use is one finding, two uses stay two."""

from __future__ import annotations

from dataclasses import replace

from bridge.verifier.finding import (
    Algorithm,
    Confidence,
    Finding,
    Guard,
    Location,
    Primitive,
    Severity,
)
from bridge.verifier.sources.merge import merge

ECDSA = Algorithm("ECDSA", Primitive.SIGNATURE, "secp256k1", "secg/secp256k1")
SOURCE = Finding(
    "erc2612-permit", "Token", ECDSA, Severity.HIGH, Confidence.MEDIUM,
    Location(source="Token.sol", line=12), (Guard.PERMIT,), "words of the source",
)  # fmt: skip
CODE = Finding(
    "ecrecover", "Token", ECDSA, Severity.MEDIUM, Confidence.HIGH,
    Location(offset=400), (Guard.STORAGE,), "words of the code",
)  # fmt: skip


def line_of(offset: int) -> tuple[str, int] | None:
    return {400: ("Token.sol", 12), 500: ("Token.sol", 30)}.get(offset)


def test_one_use_is_one_finding_with_line_and_offset() -> None:
    (one,) = merge([SOURCE], [CODE], line_of)
    assert one.location == Location("Token.sol", 12, 400)
    assert one.detector == "erc2612-permit"
    assert one.severity is Severity.HIGH
    assert one.confidence is Confidence.HIGH
    assert one.guards == (Guard.PERMIT, Guard.STORAGE)
    assert merge([SOURCE], [CODE]) == [one]  # the only ones of the contract, without a map


def test_uses_of_other_contracts_algorithms_or_lines_stay_apart() -> None:
    other = replace(CODE, contract="Other")
    assert len(merge([SOURCE], [other], line_of)) == 2
    rsa = replace(CODE, algorithm=Algorithm("RSA", Primitive.SIGNATURE))
    assert len(merge([SOURCE], [rsa], line_of)) == 2
    second = replace(SOURCE, location=Location("Token.sol", 30))
    assert len(merge([SOURCE, second], [CODE])) == 3  # which of the two it is nobody says
    both = merge([SOURCE, second], [CODE, replace(CODE, location=Location(offset=500))], line_of)
    assert [(one.location.line, one.location.offset) for one in both] == [(12, 400), (30, 500)]


def test_findings_of_one_side_are_kept() -> None:
    assert merge([], [CODE]) == [CODE]
    assert merge([SOURCE], []) == [SOURCE]
    assert merge([], []) == []
