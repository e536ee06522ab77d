"""Outputs: what standards say of their form, and that nothing of a target's text is run or lost."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bridge.domain.errors import IgnoreListWrong, InputError
from bridge.verifier.detector import detectors
from bridge.verifier.finding import (
    Algorithm,
    Confidence,
    Finding,
    Guard,
    Location,
    Primitive,
    Severity,
)
from bridge.verifier.ignore import Rule, apply_rules, baseline, read_rules
from bridge.verifier.outputs.cyclonedx import cyclonedx
from bridge.verifier.outputs.html import html
from bridge.verifier.outputs.sarif import sarif
from bridge.verifier.outputs.table import show
from bridge.verifier.report import Ignored, Report, Unread, canonical, digest, report_data

PROJECT = Path(__file__).parents[3]
SCHEMA = (
    PROJECT
    / ".cache/sourcify/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
)
ECDSA = Algorithm("ECDSA", Primitive.SIGNATURE, "secp256k1", "secg/secp256k1")
KECCAK = Algorithm("Keccak-256, cut to 128 bits", Primitive.HASH, "128")
EVIL = '<script>alert("x")</script>'
ONE = Finding(
    "ecrecover", "Vault", ECDSA, Severity.HIGH, Confidence.HIGH,
    Location("src/Vault a.sol", 2), (Guard.TRANSFER, Guard.STORAGE), f"words {EVIL}",
)  # fmt: skip
CODE = replace(ONE, location=Location(offset=77), severity=Severity.MEDIUM, contract=EVIL)
HASH = replace(ONE, detector="weak-hash", algorithm=KECCAK, severity=Severity.INFO)
REPORT = Report.of(
    "target [bold]", "astralink 0.1.0", [HASH, CODE, ONE],
    ignored=(Ignored(replace(ONE, contract="Old"), f"because {EVIL}"),),
    files=3, contracts=4, unread=(Unread("b.sol", "no compiler [/x]"),), notes=("a note",),
)  # fmt: skip
EMPTY = Report.of("nothing", "astralink 0.1.0", [])


def test_the_digest_says_all_of_the_findings_and_nothing_of_their_order() -> None:
    assert digest(REPORT) == hashlib.sha256(canonical(REPORT)).digest()
    shuffled = replace(REPORT, findings=REPORT.findings[::-1], target="else", notes=())
    assert digest(shuffled) == digest(REPORT)
    moved = replace(
        REPORT, findings=REPORT.findings + tuple(i.finding for i in REPORT.ignored), ignored=()
    )
    assert digest(moved) == digest(REPORT)
    for change in (
        {"detail": "others"}, {"severity": Severity.LOW}, {"location": Location("a.sol", 3)},
        {"guards": (Guard.CALL,)}, {"contract": "V"}, {"confidence": Confidence.LOW},
    ):  # fmt: skip
        other = replace(REPORT, findings=(replace(ONE, **change), *REPORT.findings[1:]))
        assert digest(other) != digest(REPORT)
    assert digest(replace(REPORT, tool="astralink 0.2.0")) != digest(REPORT)
    assert canonical(REPORT).isascii()
    assert json.loads(canonical(REPORT))["format"] == "astralink-scan-1"


def test_json_has_all_findings_the_severest_first() -> None:
    data = report_data(REPORT, detectors())
    assert [one["severity"] for one in data["findings"]] == ["high", "medium", "info"]
    assert data["counts"] == {"high": 1, "medium": 1, "low": 0, "info": 1}
    assert data["digest"] == digest(REPORT).hex()
    assert data["ignored"][0]["reason"] == f"because {EVIL}"
    assert set(data["detectors"]) == {"ecrecover", "weak-hash"}
    with pytest.raises(InputError, match="of-nobody"):
        report_data(replace(REPORT, findings=(replace(ONE, detector="of-nobody"),)), detectors())


def test_sarif_has_rules_places_and_suppressions() -> None:
    (run,) = sarif(REPORT, detectors())["runs"]
    rules = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert rules == ["ecrecover", "weak-hash"]
    first, second, third, ignored = run["results"]
    assert [one["level"] for one in run["results"]] == ["error", "warning", "none", "error"]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "src/Vault%20a.sol"
    assert place["region"] == {"startLine": 2}
    assert second["locations"][0]["physicalLocation"]["region"]["byteOffset"] == 77
    assert third["kind"] == "informational"
    assert "suppressions" not in first
    assert ignored["suppressions"][0]["justification"] == f"because {EVIL}"
    assert sarif(EMPTY, detectors())["runs"][0]["results"] == []


def test_sarif_is_of_the_schema() -> None:
    if not SCHEMA.exists():
        pytest.skip("the schema is of an npm package, which npm brings: make sourcify")
    import jsonschema

    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    for report in (REPORT, EMPTY):
        assert list(validator.iter_errors(sarif(report, detectors()))) == []
    wrong = sarif(REPORT, detectors())
    wrong["runs"][0]["results"][0]["level"] = "high"
    assert list(validator.iter_errors(wrong))


def test_the_cbom_is_of_the_schema_and_names_each_algorithm_once() -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    validator = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    for report in (REPORT, EMPTY):
        assert validator.validate_str(json.dumps(cyclonedx(report))) is None
    bom = cyclonedx(REPORT)
    assert [one["name"] for one in bom["components"]] == ["ECDSA", "Keccak-256, cut to 128 bits"]
    ecdsa = bom["components"][0]["cryptoProperties"]["algorithmProperties"]
    assert ecdsa["nistQuantumSecurityLevel"] == 0
    assert ecdsa["curve"] == "secg/secp256k1"
    assert len(bom["components"][0]["evidence"]["occurrences"]) == 3  # the ignored one too
    assert cyclonedx(REPORT)["serialNumber"] == bom["serialNumber"]
    wrong = cyclonedx(REPORT)
    wrong["components"][0]["cryptoProperties"]["algorithmProperties"]["primitive"] = "signing"
    assert validator.validate_str(json.dumps(wrong)) is not None


def test_the_page_runs_and_loads_nothing_and_escapes_all() -> None:
    page = html(REPORT, detectors(), {"src/Vault a.sol": f"line 1\n{EVIL}\nline 3"})
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert not re.search(r"(src|href)\s*=|@import|url\(", page)
    assert 'class="here">    2  &lt;script&gt;' in page
    assert digest(REPORT).hex() in page
    assert "because" in page
    assert "nothing was found" in html(EMPTY, detectors(), {})


def test_the_table_shows_what_is_severe_enough_and_takes_no_markup() -> None:
    out = io.StringIO()
    show(REPORT, detectors(), Console(file=out, width=200), Severity.MEDIUM, words=True)
    text = out.getvalue()
    assert "target [bold]" in text
    assert "no compiler [/x]" in text
    assert "weak-hash" not in text
    assert "byte 0x4d" in text
    assert "remedy:" in text
    show(REPORT, detectors(), Console(file=out, width=200), Severity.INFO, words=False)
    assert "weak-hash" in out.getvalue()


def test_an_ignore_list_takes_what_it_names_and_says_what_took_nothing() -> None:
    today = dt.date(2026, 1, 1)
    rules = [
        Rule("ecrecover", "looked at", contract="Vault"),
        Rule("weak-hash", "over", until=dt.date(2025, 12, 31)),
        Rule("rsa", "none here"),
    ]
    left, ignored, idle = apply_rules([ONE, CODE, HASH], rules, today)
    assert left == [CODE, HASH]
    assert ignored == [Ignored(ONE, "looked at")]
    assert idle == rules[1:]
    left, ignored, _ = apply_rules([HASH], rules, dt.date(2025, 12, 31))
    assert (left, len(ignored)) == ([], 1)


def test_a_baseline_takes_all_that_it_was_made_of(tmp_path: Path) -> None:
    path = tmp_path / "ignore.json"
    path.write_text(json.dumps(baseline([ONE, CODE, HASH], "begun with")))
    rules = read_rules(path, detectors())
    left, ignored, idle = apply_rules([ONE, CODE, HASH], rules, dt.date(2026, 1, 1))
    assert (left, len(ignored), idle) == ([], 3, [])
    other = replace(ONE, contract="New")
    assert apply_rules([other], rules, dt.date(2026, 1, 1))[0] == [other]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "expected JSON"),
        ("[]", 'a list "ignore"'),
        ('{"ignore": [1]}', "entry 1: expected an object"),
        ('{"ignore": [{"detector": "ecrecover"}]}', "expected a reason"),
        ('{"ignore": [{"detector": "ecrecover", "reason": " "}]}', "reason: expected a text"),
        ('{"ignore": [{"detector": "nobody", "reason": "x"}]}', "the id of a detector"),
        ('{"ignore": [{"detector": "rsa", "reason": "x", "line": "1"}]}', "got 'line'"),
        ('{"ignore": [{"detector": "rsa", "reason": "x", "until": "soon"}]}', "expected a date"),
    ],
)
def test_an_ignore_list_without_a_reason_or_with_an_unknown_word_is_refused(
    text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "ignore.json"
    path.write_text(text)
    with pytest.raises(IgnoreListWrong, match=re.escape(said)):
        read_rules(path, detectors())
    with pytest.raises(IgnoreListWrong):
        read_rules(tmp_path / "none.json", detectors())
