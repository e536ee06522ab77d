"""``astralink message``: where a message stands, and the proof that carried it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import Layout
from bridge.domain.errors import InputError, UnknownMessage
from bridge.relayer.batch import Trees
from bridge.relayer.deliver import proof_siblings
from bridge.relayer.journal import Entry, Journal


def message(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="0x and 64 hex digits.")],
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Every stage that a message reached, with block, transaction and gas, and its proof."""
    config = load_config(Layout(state_folder(state)).config)
    raw = _identifier(identifier)
    journal = Journal(config.relayer.journal, read_only=True)
    try:
        entry = journal.entry(raw)
        if entry is None:
            raise UnknownMessage(identifier)
        data = message_data(config, journal, entry)
    finally:
        journal.close()
    if json:
        print_json(data)
    else:
        _show(data)


def message_data(config: Config, journal: Journal, entry: Entry) -> dict[str, Any]:
    """What the journal knows of a message, ready for JSON."""
    said = entry.message
    data: dict[str, Any] = {
        "id": "0x" + entry.id.hex(),
        "stage": entry.stage.value,
        "from": config.name_of(said.origin),
        "to": config.name_of(said.destination),
        "nonce": said.nonce,
        "sender": "0x" + said.sender.hex(),
        "recipient": "0x" + said.recipient.hex(),
        "body": "0x" + said.body.hex(),
        "attempts": entry.attempts,
        "error": entry.error,
        "stages": [
            {"stage": step.stage.value, "at": step.at, **step.detail}
            for step in journal.transitions(entry.id)
        ],
        "proof": None,
    }
    if entry.root is not None:
        siblings = proof_siblings(Trees(journal), entry)
        data["proof"] = {
            "root": "0x" + entry.root.hex(),
            "size": entry.size,
            "index": said.nonce,
            "siblings": ["0x" + sibling.hex() for sibling in siblings],
        }
    return data


def _identifier(text: str) -> bytes:
    match = re.fullmatch(r"(0x)?([0-9a-fA-F]{64})", text)
    if match is None:
        raise InputError(f"message id: expected 0x and 64 hex digits, got {text!r}")
    return bytes.fromhex(match[2])


def _show(data: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(f"message {data['id']}", soft_wrap=True)
    console.print(f"{data['from']} to {data['to']}, nonce {data['nonce']}: {data['stage']}")
    if data["error"]:
        refused = f"refused {data['attempts']} times, last by {data['error']}"
        console.print(refused, style="red", markup=False)
    table = Table()
    for column in ("stage", "time (UTC)", "block", "gas", "transaction"):
        table.add_column(column, no_wrap=column == "transaction")
    for step in data["stages"]:
        table.add_row(
            step["stage"],
            datetime.fromtimestamp(step["at"], UTC).strftime("%H:%M:%S.%f")[:-3],
            str(step.get("block", "")),
            f"{step['gas']:,}" if "gas" in step else "",
            step.get("transaction", ""),
        )
    console.print(table)
    if data["proof"]:
        proof = data["proof"]
        console.print(f"leaf {proof['index']} of {proof['size']} under root {proof['root']}")
        for height, sibling in enumerate(proof["siblings"]):
            console.print(f"  sibling {height}: {sibling}", soft_wrap=True)
