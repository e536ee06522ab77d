"""The ignore list: findings that somebody has looked at, each with the reason to leave it.

    {"ignore": [{"detector": "ecrecover", "contract": "Vault", "source": "Vault.sol",
                 "reason": "the signer is replaced every day"}]}

``detector`` and ``reason`` are needed; ``contract``, ``source`` and ``until`` (a date) narrow it.
Lines are not named: they move.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.domain.errors import IgnoreListWrong
from bridge.domain.jsontext import parsed_json
from bridge.verifier.finding import Finding
from bridge.verifier.report import Ignored

MAX_BYTES = 4 << 20
KEYS = {"detector", "contract", "source", "reason", "until"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the list."""

    detector: str
    reason: str
    contract: str | None = None
    source: str | None = None
    until: dt.date | None = None

    def takes(self, one: Finding, today: dt.date) -> bool:
        """Whether it takes this finding away, on that day."""
        return (
            one.detector == self.detector
            and self.contract in (None, one.contract)
            and self.source in (None, one.location.source)
            and (self.until is None or today <= self.until)
        )


def read_rules(path: Path, known: Iterable[str]) -> list[Rule]:
    """The rules in a file; `IgnoreListWrong` names the first entry that is none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise IgnoreListWrong(f"{path}: expected at most {MAX_BYTES} bytes")
        document = parsed_json(path.read_bytes())
    except OSError as error:
        raise IgnoreListWrong(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise IgnoreListWrong(f"{path}: expected JSON, got {error}") from error
    listed = document.get("ignore") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise IgnoreListWrong(f'{path}: expected an object with a list "ignore"')
    ids = set(known)
    return [_rule(f"{path}: entry {place}", one, ids) for place, one in enumerate(listed, 1)]


def _rule(where: str, one: Any, known: set[str]) -> Rule:
    if not isinstance(one, dict):
        raise IgnoreListWrong(f"{where}: expected an object, got {one!r}")
    for key in one:
        if key not in KEYS:
            raise IgnoreListWrong(f"{where}: expected {', '.join(sorted(KEYS))}, got {key!r}")
        if not isinstance(one[key], str) or not one[key].strip():
            raise IgnoreListWrong(f"{where}: {key}: expected a text, got {one[key]!r}")
    for key in ("detector", "reason"):
        if key not in one:
            raise IgnoreListWrong(f"{where}: expected a {key}, got none")
    if one["detector"] not in known:
        raise IgnoreListWrong(f"{where}: expected the id of a detector, got {one['detector']!r}")
    until = None
    if "until" in one:
        try:
            until = dt.date.fromisoformat(one["until"])
        except ValueError as error:
            raise IgnoreListWrong(
                f"{where}: until: expected a date, got {one['until']!r}"
            ) from error
    return Rule(one["detector"], one["reason"], one.get("contract"), one.get("source"), until)


def apply_rules(
    findings: Sequence[Finding], rules: Sequence[Rule], today: dt.date
) -> tuple[list[Finding], list[Ignored], list[Rule]]:
    """What is left, what is ignored, and the rules that took nothing."""
    left: list[Finding] = []
    ignored: list[Ignored] = []
    idle = list(rules)
    for one in findings:
        rule = next((rule for rule in rules if rule.takes(one, today)), None)
        if rule is None:
            left.append(one)
        else:
            ignored.append(Ignored(one, rule.reason))
            if rule in idle:
                idle.remove(rule)
    return left, ignored, idle


def baseline(findings: Iterable[Finding], reason: str) -> dict[str, Any]:
    """An ignore list of these findings, to begin with in a project that has many."""
    entries = dict.fromkeys((one.detector, one.contract, one.location.source) for one in findings)
    return {
        "ignore": [
            {
                "detector": detector,
                "contract": contract,
                **({"source": source} if source else {}),
                "reason": reason,
            }
            for detector, contract, source in sorted(entries, key=lambda one: tuple(map(str, one)))
        ]
    }
