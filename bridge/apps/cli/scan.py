"""``astralink scan``: which cryptography of contracts a quantum computer would break."""

from __future__ import annotations

import asyncio
import datetime as dt
import json as json_text
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bridge.apps.cli.progress import progress_bar
from bridge.apps.cli.root import JsonOption
from bridge.domain.errors import InputError, SourceUnreadable
from bridge.verifier.detector import detectors
from bridge.verifier.finding import Finding, Severity
from bridge.verifier.ignore import apply_rules, baseline, read_rules
from bridge.verifier.recheck import TOOL
from bridge.verifier.report import Report, Unread, canonical, report_data

CHECKOUT = Path(__file__).resolve().parents[3]
FOUND = 10
"""The exit code for findings at or above ``--fail-on``, apart from those of failures."""
ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")


class Format(StrEnum):
    """What ``--format`` takes; ``canonical`` are the bytes whose digest a verdict signs."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    CYCLONEDX = "cyclonedx"
    HTML = "html"
    CANONICAL = "canonical"


class FailOn(StrEnum):
    """What ``--fail-on`` takes."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    NEVER = "never"


@dataclass(slots=True)
class Scanned:
    """What came of one target, before the ignore list."""

    target: str
    findings: list[Finding]
    files: int = 0
    contracts: int = 0
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    texts: Mapping[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def scan(
    target: Annotated[
        str,
        typer.Argument(
            help="An address with --rpc; or a folder, project, .sol, .vy, standard JSON, artifact, "
            "or hex in .bin."
        ),
    ],
    rpc: Annotated[
        str | None, typer.Option("--rpc", metavar="URL", help="Of the chain, for an address.")
    ] = None,
    block: Annotated[
        str, typer.Option(help="latest, safe, finalized or a block number, for an address.")
    ] = "latest",
    source: Annotated[
        Path | None,
        typer.Option(
            help="Of an address: JSON with stdJsonInput, compilerVersion and contractIdentifier. "
            "The code must match it, and both are scanned.",
            dir_okay=False,
        ),
    ] = None,
    owner: Annotated[
        bool, typer.Option("--owner/--no-owner", help="Ask the chain of an address's owner too.")
    ] = True,
    output: Annotated[
        Format, typer.Option("--format", help="What goes to stdout, or to --output.")
    ] = Format.TABLE,
    to: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="Write there instead.")
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help=f"Exit with {FOUND} from this severity on.")
    ] = FailOn.NEVER,
    ignore: Annotated[
        Path | None,
        typer.Option("--ignore", dir_okay=False, help="Findings to leave out, with reasons."),
    ] = None,
    write_ignore: Annotated[
        Path | None,
        typer.Option("--write-ignore", dir_okay=False, help="Write such a list of all findings."),
    ] = None,
    least: Annotated[
        Severity, typer.Option("--least", help="The least severity that the table shows.")
    ] = Severity.LOW,
    words: Annotated[
        bool, typer.Option("--words/--no-words", help="What each detector says, below the table.")
    ] = True,
    compilers: Annotated[
        list[Path] | None,
        typer.Option("--compilers", help="Folders with npm's solc packages, besides the usual."),
    ] = None,
    fetch: Annotated[
        bool,
        typer.Option("--fetch/--no-fetch", help="Have npm bring a compiler that is not there."),
    ] = True,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes that compile and follow.")
    ] = min(os.cpu_count() or 1, 8),
    timings: Annotated[bool, typer.Option("--timings", help="Seconds of each step.")] = False,
    json: JsonOption = False,
) -> None:
    """Which cryptography of contracts a quantum computer would break, and what that decides.

    Exit code 0; 10 where something at or above --fail-on was found; 2 for what cannot be scanned.
    """
    known = detectors()
    rules = [] if ignore is None else read_rules(ignore, known)
    if ADDRESS.fullmatch(target):
        found = _address(target, rpc, block, source, owner)
    elif rpc is not None or source is not None:
        raise InputError(
            f"--rpc, --source: expected with an address of 20 bytes in hex, got {target!r}"
        )
    else:
        found = _file(Path(target), compilers or [], workers, fetch)
    left, ignored, idle = apply_rules(found.findings, rules, dt.datetime.now(dt.UTC).date())
    for rule in idle:
        found.notes.append(f"ignore list: {rule.detector} ({rule.reason}) takes nothing")
    report = Report.of(
        found.target,
        TOOL,
        left,
        ignored=tuple(ignored),
        files=found.files,
        contracts=found.contracts,
        unread=tuple(found.unread),
        notes=tuple(found.notes),
    )
    if write_ignore is not None:
        text = json_text.dumps(baseline(left, "found when the list was begun"), indent=1)
        _write(write_ignore, text + "\n")
    form = Format.JSON if json else output
    _put(report, form, to, found.texts, least, words)
    if timings:
        said = Console(stderr=True, highlight=False)
        for name, seconds in found.seconds.items():
            said.print(f"{name}: {seconds:.2f} s")
    if fail_on is not FailOn.NEVER and report.at_least(Severity(fail_on.value)):
        raise typer.Exit(FOUND)


def _file(path: Path, folders: list[Path], workers: int, fetch: bool) -> Scanned:
    """A file or folder; of an artifact both its code and its source, where that is there."""
    from bridge.verifier.sources.artifacts import runtime_code
    from bridge.verifier.sources.documents import MAX_DOCUMENT_BYTES

    held = runtime_code(path, MAX_DOCUMENT_BYTES) if path.is_file() else None
    if held is None:
        return _sources(path, folders, workers, fetch)
    from bridge.verifier.contract_scan import scan_code
    from bridge.verifier.sources.merge import merge

    of_code = scan_code(held.code, held.name)
    if path.suffix != ".json":
        return Scanned(path.name, list(of_code.findings), contracts=1, notes=list(of_code.notes))
    try:
        found = _sources(path, folders, workers, fetch)
    except SourceUnreadable as error:
        notes = [*of_code.notes, f"only its code was scanned: {error}"]
        return Scanned(path.name, list(of_code.findings), contracts=1, notes=notes)
    found.findings = merge(found.findings, of_code.findings)
    found.notes += of_code.notes
    return found


def _sources(path: Path, folders: list[Path], workers: int, fetch: bool) -> Scanned:
    from bridge.verifier.compilers.cache import default_cache
    from bridge.verifier.sources.compilers import FetchedCompilers, InstalledCompilers
    from bridge.verifier.sources.documents import open_tree
    from bridge.verifier.sources.folder import project_of
    from bridge.verifier.sources.scan import scan_tree

    tree = open_tree(path)
    project = project_of(path.resolve() if path.is_dir() else path.resolve().parent)
    places = [*folders, CHECKOUT / "node_modules", default_cache()]
    if project is not None:
        places.append(project / "node_modules")
    installed = InstalledCompilers(tuple(place.resolve() for place in places if place.is_dir()))
    with progress_bar() as bar:
        task = bar.add_task("scanning", total=len(tree.wanted))
        found = scan_tree(
            tree,
            FetchedCompilers(installed) if fetch else installed,
            workers=workers,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    return Scanned(
        target=tree.name,
        findings=found.findings,
        files=len(found.files),
        contracts=found.contracts,
        unread=[Unread(one.name, one.reason) for one in found.files if one.version is None],
        notes=found.notes,
        texts={name: one.text for name, one in tree.files.items()},
        seconds=found.seconds,
    )


def _address(target: str, rpc: str | None, block: str, source: Path | None, owner: bool) -> Scanned:
    if rpc is None:
        raise InputError(f"{target}: expected --rpc URL, to read its code")
    from bridge.verifier.deployed_scan import scan_address
    from bridge.verifier.source_verifier import read_source, request_of

    request = None if source is None else request_of(read_source(source))[0]
    at: int | str = int(block) if block.isdecimal() else block
    with Console(stderr=True, highlight=False).status(f"scanning {target}"):
        found = asyncio.run(scan_address(rpc, bytes.fromhex(target[2:]), at, request, owner))
    return Scanned(
        target=target.lower(),
        findings=list(found.findings),
        files=len(found.texts),
        contracts=1,
        notes=list(found.notes),
        texts=found.texts,
    )


def _put(
    report: Report,
    form: Format,
    to: Path | None,
    texts: Mapping[str, str],
    least: Severity,
    words: bool,
) -> None:
    known = detectors()
    if form is Format.TABLE:
        from bridge.verifier.outputs.table import show

        if to is None:
            show(report, known, Console(highlight=False), least, words)
            return
        with to.open("w") as file:
            show(report, known, Console(file=file, highlight=False, width=120), least, words)
        return
    text = _text(report, form, texts)
    if to is None:
        sys.stdout.write(text)
    else:
        _write(to, text)


def _text(report: Report, form: Format, texts: Mapping[str, str]) -> str:
    known = detectors()
    if form is Format.CANONICAL:
        return canonical(report).decode("ascii")
    if form is Format.HTML:
        from bridge.verifier.outputs.html import html

        return html(report, known, texts)
    data: Any
    if form is Format.SARIF:
        from bridge.verifier.outputs.sarif import sarif

        data = sarif(report, known)
    elif form is Format.CYCLONEDX:
        from bridge.verifier.outputs.cyclonedx import cyclonedx

        data = cyclonedx(report)
    else:
        data = report_data(report, known)
    return json_text.dumps(data, indent=1, allow_nan=False) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise InputError(
            f"{path}: expected a file that can be written: {error.strerror}"
        ) from error
