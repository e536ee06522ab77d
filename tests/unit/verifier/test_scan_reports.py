"""The report of a scan: its worst finding, and what is none."""

import json

import pytest

from bridge.domain.errors import InputError
from bridge.verifier.finding import Severity
from bridge.verifier.scans import worst_severity


def report(*severities: str) -> bytes:
    return json.dumps({"findings": [{"severity": one} for one in severities]}).encode()


def test_the_worst_finding_counts() -> None:
    assert worst_severity(report("low", "high", "info")) is Severity.HIGH
    assert worst_severity(report("info")) is Severity.INFO
    assert worst_severity(report()) is None


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"null", b"[]", b"{}", b'{"findings": 1}', b'{"findings": [1]}', b"\xff"),
        *(report("worst"), b'{"findings": [{"severity": null}]}', b"[" * 100_000),
    ],
    ids=lambda raw: f"{len(raw)} bytes",
)
def test_what_is_no_report_is_refused(raw: bytes) -> None:
    with pytest.raises(InputError, match="expected an object with findings"):
        worst_severity(raw)
