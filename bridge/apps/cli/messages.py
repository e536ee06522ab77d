"""``astralink messages``: what waits, what was given up, and taking it up again."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import Layout
from bridge.domain.delivery import Stage
from bridge.domain.errors import InputError, UnknownMessage
from bridge.relayer.journal import Entry, Journal

app = typer.Typer(help="The messages of the relayer's journal.", no_args_is_help=True)

FromOption = Annotated[str | None, typer.Option("--from", help="The chain they come from, as A.")]
ToOption = Annotated[str | None, typer.Option("--to", help="The chain they go to, as B.")]
StageOption = Annotated[
    list[Stage] | None, typer.Option("--stage", help="Only at this stage; may be repeated.")
]
AgeOption = Annotated[
    str | None,
    typer.Option("--older-than", help="At their stage for longer than that: 30s, 10m, 2h, 1d."),
]
IdsArgument = Annotated[list[str] | None, typer.Argument(help="Ids of messages.")]
LimitOption = Annotated[int, typer.Option(min=1, help="At most so many.")]

GIVEN_UP = (Stage.HELD, Stage.DEAD_LETTER, Stage.DROPPED)
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@app.callback()
def _messages() -> None:
    """What waits, what was given up, and taking it up again."""


@app.command("list")
def list_messages(
    origin: FromOption = None,
    destination: ToOption = None,
    stage: StageOption = None,
    older_than: AgeOption = None,
    limit: LimitOption = 100,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Messages by route, stage and age, by origin and nonce."""
    config = _config(state)
    with _journal(config, read_only=True) as journal:
        found = _chosen(config, journal, origin, destination, stage, older_than, limit)
    data = [_data(config, entry) for entry in found]
    if json:
        print_json(data)
        return
    table = Table(title=f"{len(data)} messages", title_justify="left")
    for column in ("id", "from", "to", "nonce", "stage", "for", "tries", "last error"):
        table.add_column(column, overflow="fold")
    for one in data:
        table.add_row(
            one["id"],
            one["from"],
            one["to"],
            str(one["nonce"]),
            one["stage"],
            _duration(one["age_s"]),
            str(one["attempts"]),
            one["error"] or "",
        )
    Console().print(table)


@app.command()
def retry(
    ids: IdsArgument = None,
    origin: FromOption = None,
    destination: ToOption = None,
    stage: StageOption = None,
    older_than: AgeOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Have messages tried again now: named by id, or all held or given up on a route."""
    config = _config(state)
    with _journal(config) as journal:
        chosen = _named(journal, ids) or _chosen(
            config, journal, origin, destination, stage or list(GIVEN_UP), older_than, None
        )
        moved = journal.retry([entry.id for entry in chosen])
    _tell("to be tried again", moved, json)


@app.command()
def drop(
    ids: IdsArgument = None,
    origin: FromOption = None,
    destination: ToOption = None,
    stage: StageOption = None,
    older_than: AgeOption = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Have messages not be tried any more: named by id, or all dead letters of a route.

    The Inbox still takes them from anybody, and `retry` takes them up again.
    """
    config = _config(state)
    with _journal(config) as journal:
        chosen = _named(journal, ids) or _chosen(
            config, journal, origin, destination, stage or [Stage.DEAD_LETTER], older_than, None
        )
        moved = journal.drop([entry.id for entry in chosen])
    _tell("dropped", moved, json)


def _config(state: Path | None) -> Config:
    return load_config(Layout(state_folder(state)).config)


@contextmanager
def _journal(config: Config, read_only: bool = False) -> Iterator[Journal]:
    if not read_only:
        Journal(config.relayer.journal, read_only=True).close()  # it must be there
    journal = Journal(config.relayer.journal, read_only=read_only)
    try:
        yield journal
    finally:
        journal.close()


def _named(journal: Journal, ids: list[str] | None) -> list[Entry]:
    """The messages with these ids; ``UnknownMessage`` for the first that is not there."""
    found = []
    for text in ids or ():
        match = re.fullmatch(r"(0x)?([0-9a-fA-F]{64})", text)
        if match is None:
            raise InputError(f"message id: expected 0x and 64 hex digits, got {text!r}")
        entry = journal.entry(bytes.fromhex(match[2]))
        if entry is None:
            raise UnknownMessage(text)
        found.append(entry)
    return found


def _chosen(
    config: Config,
    journal: Journal,
    origin: str | None,
    destination: str | None,
    stages: list[Stage] | None,
    older_than: str | None,
    limit: int | None,
) -> list[Entry]:
    return journal.entries(
        tuple(stages or ()),
        None if origin is None else config.chain(origin).domain,
        None if destination is None else config.chain(destination).domain,
        None if older_than is None else time.time() - _seconds(older_than),
        limit,
    )


def _seconds(text: str) -> int:
    match = re.fullmatch(r"([0-9]+)([smhd])", text)
    if match is None:
        raise InputError(f"age: expected a number and s, m, h or d, got {text!r}")
    return int(match[1]) * _UNITS_S[match[2]]


def _duration(seconds: float) -> str:
    for unit, size in reversed(_UNITS_S.items()):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s"


def _data(config: Config, entry: Entry) -> dict[str, Any]:
    return {
        "id": "0x" + entry.id.hex(),
        "from": config.name_of(entry.origin),
        "to": config.name_of(entry.destination),
        "nonce": entry.nonce,
        "stage": entry.stage.value,
        "since": entry.since,
        "age_s": round(max(0.0, time.time() - entry.since), 3),
        "attempts": entry.attempts,
        "next_attempt_at": entry.next_attempt_at or None,
        "error": entry.error,
    }


def _tell(what: str, moved: list[Entry], json: bool) -> None:
    ids = ["0x" + entry.id.hex() for entry in moved]
    if json:
        print_json(ids)
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{len(ids)} {what}")
    for one in ids:
        console.print(one)
