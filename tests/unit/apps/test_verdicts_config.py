"""The configuration of verdicts, signed statements as files, and what is neither."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.apps.verdicts import SignedStatement
from bridge.apps.verdicts_config import PolicyConfig, VerdictsConfig
from bridge.domain.errors import InputError
from bridge.domain.verdicts import MatchKind
from bridge.verifier.finding import Severity
from bridge.verifier.policy import VerdictPolicy
from tests.unit.domain.test_verdicts import REVOCATION, STATEMENT


def test_verdicts_are_made_as_configured(tmp_path: Path) -> None:
    assert VerdictsConfig().resolved(tmp_path) == VerdictsConfig()
    config = VerdictsConfig(scan=False, compilers=Path("solc"), compile_s=3)
    assert config.resolved(tmp_path).compilers == tmp_path / "solc"


@pytest.mark.parametrize(
    "change",
    [
        *({"scan": "os:system"}, {"compile_s": 0}, {"compilers": 7}, {"tool": "a" * 33}),
        *({"timeout_s": 0}, {"timeout_s": float("nan")}, {"timeout_s": True}, {"match": "a.b:c"}),
    ],
)
def test_a_wrong_setting_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VerdictsConfig(**change)


def test_the_policy_is_as_configured(tmp_path: Path) -> None:
    config = PolicyConfig(
        least_match="EXACT_MATCH", greatest_severity=Severity.LOW, scans=Path("scans"), recheck_s=1
    )
    assert config.resolved(tmp_path).policy() == VerdictPolicy(
        MatchKind.EXACT_MATCH, Severity.LOW, tmp_path / "scans", False, 1
    )
    assert PolicyConfig().policy() == VerdictPolicy()


@pytest.mark.parametrize(
    "change",
    [
        *({"least_match": "NO_MATCH"}, {"recheck_s": 0}, {"recheck_s": float("nan")}),
        *({"greatest_severity": "worst"}, {"follows_proxies": 2}, {"unknown": 1}),
    ],
)
def test_a_policy_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PolicyConfig(**change)


def test_a_policy_whose_parts_do_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="scans: expected the folder"):
        PolicyConfig(greatest_severity=Severity.LOW).policy()
    with pytest.raises(InputError, match="expected MATCH or EXACT_MATCH"):
        VerdictPolicy(MatchKind.NO_MATCH)
    for seconds in (0.0, -1.0, float("nan"), 3_601.0):
        with pytest.raises(InputError, match="recheck_s"):
            VerdictPolicy(recheck_s=seconds)


@pytest.mark.parametrize("statement", [STATEMENT, REVOCATION], ids=["verdict", "revocation"])
def test_a_signed_statement_is_read_as_it_was_written(tmp_path: Path, statement: Any) -> None:
    signed = SignedStatement(statement, {0: b"\1", 2: b""})
    signed.write(tmp_path / "one.json")
    assert SignedStatement.read(tmp_path / "one.json") == signed


def test_what_is_no_signed_statement_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    with pytest.raises(InputError, match="expected a signed statement"):
        SignedStatement.read(path)
    SignedStatement(STATEMENT, {}).write(path)
    good = json.loads(path.read_text())
    both = {**good, "revocation": {}}
    for raw in (b"\xff", b"[]", b"{", json.dumps(both).encode(), b"[" * 100_000):
        path.write_bytes(raw)
        with pytest.raises(InputError, match="expected a signed statement"):
            SignedStatement.read(path)
    path.write_text("{}")
    with pytest.raises(InputError, match="expected one of verdict and revocation"):
        SignedStatement.read(path)
    good["verdict"]["expires_at"] = good["verdict"]["issued_at"]
    path.write_text(json.dumps(good))
    with pytest.raises(InputError, match="expires_at: expected later"):
        SignedStatement.read(path)
    good["verdict"]["match"] = "BEST"
    path.write_text(json.dumps(good))
    with pytest.raises(InputError, match="expected a signed statement"):
        SignedStatement.read(path)
