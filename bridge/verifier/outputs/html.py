"""The report as one HTML file: no script, nothing loaded from elsewhere, fit for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from bridge.verifier.detector import Detector
from bridge.verifier.finding import Finding, Guard, Severity
from bridge.verifier.outputs.table import place
from bridge.verifier.report import Report, digest, used_detectors

STYLE = Path(__file__).with_name("report.css")
AROUND = 2
"""Lines of source shown above and below a finding."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html(report: Report, detectors: dict[str, Detector], texts: Mapping[str, str]) -> str:
    """The page; ``texts`` has the sources by name, from which the lines of findings are shown.

    Every text of the target is escaped, and the page's policy loads and runs nothing.
    """
    kinds = used_detectors(report, detectors)
    worst = report.findings[0].severity.value if report.findings else ""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(report.target)}: cryptography and quantum computers</title>",
        f"<style>{STYLE.read_text()}</style></head><body><main>",
        f"<header><h1>{escape(report.target)}</h1>",
        "<p>Which of its cryptography would a quantum computer break, and what is lost then?</p>",
        "</header>",
        f'<div class="answer {worst}"><p>{escape(_answer(report))}</p></div>',
        _counts(report),
    ]
    if report.findings:
        parts += [_by_contract(report.findings), "<h2>Findings</h2>"]
        lines = {name: text.splitlines() for name, text in texts.items()}
        for id in dict.fromkeys(one.detector for one in report.findings):
            found = [one for one in report.findings if one.detector == id]
            parts.append(_kind(kinds[id], found, lines))
    parts += [_ignored(report), _unread(report), _footer(report), "</main></body></html>"]
    return "\n".join(part for part in parts if part) + "\n"


def _answer(report: Report) -> str:
    if not report.findings:
        return f"Of {report.contracts} contracts, nothing was found that a quantum computer breaks."
    high = [one for one in report.findings if one.severity is Severity.HIGH]
    contracts = len({one.contract for one in high})
    if contracts:
        guards = {guard for one in high for guard in one.guards} - {Guard.NOTHING_SEEN}
        named = ", ".join(one.value for one in Guard if one in guards)
        noun = "contract" if contracts == 1 else "contracts"
        return (
            f"In {contracts} {noun}, cryptography that a quantum computer breaks decides something "
            f"of weight: {named}."
        )
    if report.counts()[Severity.MEDIUM]:
        return (
            "Cryptography that a quantum computer breaks is checked here and answered with, for "
            "others to act on. None was seen to decide something of weight by itself."
        )
    return "What was found decides little: see whether it matters in its place."


def _counts(report: Report) -> str:
    cells = "".join(
        f'<div class="{severity.value}"><b>{count}</b>{severity.value}</div>'
        for severity, count in report.counts().items()
    )
    return f'<div class="counts">{cells}</div>'


def _by_contract(findings: Sequence[Finding]) -> str:
    rows = []
    names = dict.fromkeys(one.contract for one in findings)
    for name in names:
        mine = [one for one in findings if one.contract == name]
        cells = "".join(
            f'<td class="number">{sum(1 for one in mine if one.severity is severity) or ""}</td>'
            for severity in Severity
        )
        algorithms = ", ".join(sorted({one.algorithm.name for one in mine}))
        rows.append(f"<tr><td>{escape(name)}</td>{cells}<td>{escape(algorithms)}</td></tr>")
    heads = "".join(f'<th class="number">{severity.value}</th>' for severity in Severity)
    return (
        f"<h2>By contract</h2><table><thead><tr><th>contract</th>{heads}<th>algorithms</th></tr>"
        f"</thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _kind(detector: Detector, found: Sequence[Finding], lines: Mapping[str, list[str]]) -> str:
    worst = found[0].severity.value
    articles = "".join(_article(one, lines) for one in found)
    return (
        f'<section class="kind"><h3><span class="mark {worst}">{worst}</span>'
        f'{escape(detector.title)}<span class="id">{escape(detector.id)}</span></h3>'
        f"<dl><dt>What is lost</dt><dd>{escape(detector.impact)}</dd>"
        f"<dt>The attack</dt><dd>{escape(detector.scenario)}</dd>"
        f"<dt>What to do</dt><dd>{escape(detector.remedy)}</dd></dl>{articles}</section>"
    )


def _article(one: Finding, lines: Mapping[str, list[str]]) -> str:
    level = one.algorithm.quantum_level
    strength = "broken by a quantum computer" if level == 0 else f"NIST category {level}"
    if one.algorithm.primitive.value == "hash":
        strength = "shorter than quantum search asks"
    return (
        f'<article><h4><span class="mark {one.severity.value}">{one.severity.value}</span>'
        f"{escape(one.contract)} <code>{escape(place(one))}</code></h4>"
        f"<p>{escape(one.detail)}</p>{_excerpt(one, lines)}"
        f'<p class="soft">{escape(one.algorithm.name)}'
        f"{escape(', ' + one.algorithm.curve if one.algorithm.curve else '')}, {strength}; "
        f"confidence {one.confidence.value}; guards {', '.join(g.value for g in one.guards)}"
        "</p></article>"
    )


def _excerpt(one: Finding, lines: Mapping[str, list[str]]) -> str:
    text = lines.get(one.location.source or "", [])
    at = one.location.line
    if at is None or not 0 < at <= len(text):
        return ""
    rows = []
    for number in range(max(1, at - AROUND), min(len(text), at + AROUND) + 1):
        mark = ' class="here"' if number == at else ""
        rows.append(f"<span{mark}>{number:>5}  {escape(text[number - 1][:300])}</span>")
    return f"<pre>{''.join(rows)}</pre>"


def _ignored(report: Report) -> str:
    if not report.ignored:
        return ""
    rows = "".join(
        f"<tr><td>{escape(one.finding.severity.value)}</td><td>{escape(one.finding.contract)}</td>"
        f"<td>{escape(place(one.finding))}</td><td>{escape(one.finding.detector)}</td>"
        f"<td>{escape(one.reason)}</td></tr>"
        for one in report.ignored
    )
    return (
        "<h2>Ignored, with reasons</h2><table><thead><tr><th>severity</th><th>contract</th>"
        f"<th>where</th><th>what</th><th>reason</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _unread(report: Report) -> str:
    if not report.unread and not report.notes:
        return ""
    rows = "".join(
        f"<tr><td>{escape(one.name)}</td><td>{escape(one.reason)}</td></tr>"
        for one in report.unread
    )
    rows += "".join(f"<tr><td>note</td><td>{escape(note)}</td></tr>" for note in report.notes)
    return (
        "<h2>What is less sure</h2><table><thead><tr><th>file, read without a compiler</th>"
        f"<th>why</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _footer(report: Report) -> str:
    return (
        f"<footer><p>{escape(report.tool)}. {report.contracts} contracts in {report.files} files. "
        "A scan finds cryptography by its use in code. It does not prove that nothing else is "
        f"there.</p><p>SHA-256 of the findings: <code>{digest(report).hex()}</code></p></footer>"
    )
