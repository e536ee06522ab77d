"""The report on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.verifier.detector import Detector
from bridge.verifier.finding import Finding, Severity
from bridge.verifier.report import Report, digest, used_detectors

COLOURS = {
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
SHOWN_UNREAD = 8


def show(
    report: Report, detectors: dict[str, Detector], console: Console, least: Severity, words: bool
) -> None:
    """Findings of at least that severity; with ``words`` what each detector says below them."""
    shown = [one for one in report.findings if one.severity.rank <= least.rank]
    if shown:
        console.print(_table(report, shown))
    if words:
        for id, detector in used_detectors(report, detectors).items():
            if any(one.detector == id for one in shown):
                console.print(f"\n[bold]{id}[/bold]: {escape(detector.title)}")
                console.print(f"  impact:   {escape(detector.impact)}")
                console.print(f"  scenario: {escape(detector.scenario)}")
                console.print(f"  remedy:   {escape(detector.remedy)}")
    for one in report.unread[:SHOWN_UNREAD]:
        console.print(
            f"read without a compiler: {escape(one.name)}: {escape(one.reason)}", style="yellow"
        )
    if len(report.unread) > SHOWN_UNREAD:
        console.print(f"and {len(report.unread) - SHOWN_UNREAD} more", style="yellow")
    for note in report.notes:
        console.print(f"note: {escape(note)}")
    counts = ", ".join(f"{count} {severity.value}" for severity, count in report.counts().items())
    ignored = f", {len(report.ignored)} ignored" if report.ignored else ""
    console.print(f"{report.contracts} contracts in {report.files} files: {counts}{ignored}")
    console.print(f"digest {digest(report).hex()}")


def _table(report: Report, shown: list[Finding]) -> Table:
    table = Table(title=f"scan of {escape(report.target)}", title_justify="left")
    for column in ("severity", "contract", "where", "what", "guards", "sure"):
        table.add_column(column, overflow="fold")
    for one in shown:
        table.add_row(
            f"[{COLOURS[one.severity]}]{one.severity.value}[/]",
            escape(one.contract),
            escape(place(one)),
            f"{escape(one.algorithm.name)}\n[dim]{one.detector}[/dim]",
            ", ".join(guard.value for guard in one.guards),
            one.confidence.value,
        )
    return table


def place(one: Finding) -> str:
    """``Vault.sol:12``, ``byte 0x1a2``, or both."""
    parts = []
    if one.location.source is not None:
        parts.append(f"{one.location.source}:{one.location.line}")
    if one.location.offset is not None:
        parts.append(f"byte 0x{one.location.offset:x}")
    return ", ".join(parts)
