"""``astralink keys``: the keys of the key service, from their birth to their end."""

from __future__ import annotations

import asyncio
import json as jsonlib
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import load_config, state_folder
from bridge.apps.devnet.layout import Layout
from bridge.apps.devnet.world import key_service_client
from bridge.domain.errors import InputError
from bridge.domain.keys import PublicKeyRecord
from bridge.keyservice.client import KeyServiceClient
from bridge.keyservice.wire import CompromiseBody, LifeBody

app = typer.Typer(help="Keys of the key service.", no_args_is_help=True)

Answer = TypeVar("Answer")
KeysArgument = Annotated[list[str], typer.Argument(help="Labels or ids of keys.")]


@app.callback()
def _keys() -> None:
    """Keys, where they come from, how long they live and what was done with them."""


@app.command("list")
def list_keys(state: StateOption = None, json: JsonOption = False) -> None:
    """The public halves of all keys, with the block of the link that seeded each."""
    records = _ask(state, lambda keys: keys.keys())
    if json:
        print_json([_data(record) for record in records])
        return
    table = Table(title="signing keys")
    for column in ("label", "algorithm", "public key", "seeded by", "QBER", "leak", "epsilon"):
        table.add_column(column)
    for record in records:
        origin = record.provenance
        table.add_row(
            record.label,
            record.algorithm,
            f"0x{record.public_key[:6].hex()}…",
            origin.source + (" + system" if origin.simulated else ""),
            f"{origin.qber:.2%}",
            f"{origin.leak_bits} bit",
            f"{origin.epsilon:.1e}",
        )
    Console().print(table)


@app.command()
def status(state: StateOption = None, json: JsonOption = False) -> None:
    """The link, its pool with water marks and age, and how far each key is."""

    async def ask(keys: KeyServiceClient) -> dict[str, Any]:
        link, records, lives = await keys.link(), await keys.keys(), await keys.lives()
        return {
            "link": link.model_dump(),
            "keys": [_data(one) | {"life": _life(lives[one.key_id])} for one in records],
        }

    data = _ask(state, ask)
    if json:
        print_json(data)
        return
    link = data["link"]
    console = Console(highlight=False)
    console.print(_link_table(link))
    table = Table()
    for column in ("label", "algorithm", "state", "uses", "since", "successor"):
        table.add_column(column)
    labels = {one["key_id"]: one["label"] for one in data["keys"]}
    for one in data["keys"]:
        life = one["life"]
        table.add_row(
            one["label"],
            one["algorithm"],
            life["state"],
            str(life["signatures"]),
            one["provenance"]["created_at"],
            labels.get(life["successor"], ""),
        )
    console.print(table)


def _link_table(link: dict[str, Any]) -> Table:
    lifetime = link["lifetime_s"]
    rows = {
        "state": link["state"] + (f": {link['reason']}" if link["reason"] else ""),
        "pool": f"{link['pool_bits']:,} bits",
        "filled": f"from below {link['low_bits']:,} up to {link['target_bits']:,} bits",
        "takes at most": f"{link['capacity_bits']:,} bits",
        "kept for signing keys": f"{link['reserve_bits']:,} bits",
        "oldest": _seconds(link["oldest_age_s"]),
        "destroyed after": "never" if lifetime is None else _seconds(lifetime),
        "blocks": f"{link['blocks_distilled']:,} distilled, {link['blocks_rejected']:,} rejected",
    }
    block = link["last_block"]
    if block is not None:
        limit = "" if block["limit"] is None else f", limit {block['limit']:.2%}"
        rows["last block"] = f"QBER {block['qber']:.2%}{limit}"
    if link["last_rejection"] is not None:
        rows["last rejection"] = link["last_rejection"]
    table = Table(title="simulated link" if link["simulated"] else "link", show_header=False)
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _seconds(age_s: float | None) -> str:
    return "-" if age_s is None else f"{age_s:,.0f} s"


@app.command("reset-link")
def reset_link(state: StateOption = None, json: JsonOption = False) -> None:
    """Let a link that has stopped start anew: it was attacked, broken, or its randomness failed.

    Find out why first: `keys status` and the audit log say what was seen.
    """
    link = _ask(state, lambda keys: keys.reset_link())
    if json:
        print_json(link.model_dump())
        return
    Console(highlight=False, soft_wrap=True).print(f"link: {link.state}")


@app.command()
def rotate(keys: KeysArgument, state: StateOption = None, json: JsonOption = False) -> None:
    """Make a successor for each key. The old ones go on until `keys destroy`.

    A signer's successor attests once it is in the chains' sets: `signers rotate`.
    """
    made = _each(state, keys, lambda service, key_id: service.rotate_key(key_id))
    _tell([{"successor_of": old.label} | _data(new) for old, new in made], "successor", json)


@app.command()
def destroy(keys: KeysArgument, state: StateOption = None, json: JsonOption = False) -> None:
    """Destroy keys that have a successor: nobody signs with them any more, for ever."""
    gone = _each(state, keys, lambda service, key_id: service.destroy_key(key_id))
    _tell([_data(record) for _, record in gone], "destroyed", json)


@app.command()
def compromise(
    since: Annotated[str, typer.Option(help="ISO 8601, as 2026-01-31T12:00:00+00:00.")],
    until: Annotated[str, typer.Option(help="ISO 8601; the end is not in it.")],
    link: Annotated[str | None, typer.Option(help="Id of a link; default: all.")] = None,
    reason: Annotated[str, typer.Option(help="For the audit log.")] = "",
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Invalidate all key that was distilled in a span of time, and all that was made of it.

    Lists what that is. Revoke the signing keys on the chains: `signers revoke`.
    """
    body = CompromiseBody(since=since, until=until, link_id=link, reason=reason)
    body.compromise()  # refused here, with what was expected
    damage = _ask(state, lambda keys: keys.declare_compromise(body))
    if json:
        print_json(damage)
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{len(damage['blocks'])} blocks; {damage['pool_bits_destroyed']:,} bits destroyed"
    )
    for one in damage["signing_keys"]:
        console.print(f"key {one['label']} ({one['key_id']}) signs no more")
    for one in damage["delivered_keys"]:
        holders = ", ".join((one["master"], *one["taken_by"]))
        console.print(f"delivered key {one['key_id']}: {holders}")


@app.command("export-audit")
def export_audit(
    out: Annotated[
        Path | None, typer.Option("--out", help="A new file; default: stdout.", dir_okay=False)
    ] = None,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """The audit log as JSON Lines, checked. Its last hash, on stderr, is worth noting elsewhere.

    With --json what was exported, and no log unless --out says where to.
    """
    from bridge.keyservice.audit import check_export

    async def ask(keys: KeyServiceClient) -> list[dict[str, Any]]:
        return [entry async for entry in keys.audit()]

    lines = [jsonlib.dumps(entry, sort_keys=True) for entry in _ask(state, ask)]
    number, last = check_export(lines)
    text = "".join(f"{line}\n" for line in lines)
    if out is not None:
        try:
            with out.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise InputError(f"--out: expected a new file, got {out}: {error.strerror}") from None
    elif not json:
        sys.stdout.write(text)
    if json:
        print_json({"entries": number, "last_hash": last.hex()})
    else:
        sys.stderr.write(f"{number} entries, last hash {last.hex()}\n")


@app.command("check-audit")
def check_audit(
    file: Annotated[Path, typer.Argument(help="What `export-audit` wrote.", dir_okay=False)],
    json: JsonOption = False,
) -> None:
    """Check an exported audit log by itself. An entry that does not fit is exit code 6."""
    from bridge.keyservice.audit import check_export

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"expected an exported audit log, got {file}: {error}") from None
    number, last = check_export(text.splitlines())
    if json:
        print_json({"entries": number, "last_hash": last.hex()})
        return
    sys.stdout.write(f"{number} entries fit, last hash {last.hex()}\n")


def _ask(state: Path | None, ask: Callable[[KeyServiceClient], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        async with key_service_client(load_config(Layout(state_folder(state)).config)) as keys:
            return await ask(keys)

    return asyncio.run(run())


def _each(
    state: Path | None,
    named: list[str],
    act: Callable[[KeyServiceClient, str], Awaitable[PublicKeyRecord]],
) -> list[tuple[PublicKeyRecord, PublicKeyRecord]]:
    """Each named key with what came of it; ``InputError`` before any for a name of no key."""

    async def ask(keys: KeyServiceClient) -> list[tuple[PublicKeyRecord, PublicKeyRecord]]:
        records = await keys.keys()
        known = {one.label: one for one in records} | {one.key_id: one for one in records}
        unknown = [name for name in named if name not in known]
        if unknown:
            have = ", ".join(sorted(one.label for one in records)) or "none"
            raise InputError(f"key {unknown[0]!r}: expected one of {have}")
        chosen = list(dict.fromkeys(known[name].key_id for name in named))
        return [(known[key_id], await act(keys, key_id)) for key_id in chosen]

    return _ask(state, ask)


def _tell(data: list[dict[str, Any]], what: str, json: bool) -> None:
    if json:
        print_json(data)
        return
    console = Console(highlight=False, soft_wrap=True)
    for one in data:
        console.print(f"{what}: {one['label']} ({one['key_id']})")


def _life(life: LifeBody) -> dict[str, Any]:
    return life.model_dump(exclude={"key_id"})


def _data(record: PublicKeyRecord) -> dict[str, Any]:
    origin = record.provenance
    return {
        "key_id": record.key_id,
        "label": record.label,
        "algorithm": record.algorithm.value,
        "public_key": "0x" + record.public_key.hex(),
        "provenance": {
            "source": origin.source,
            "simulated": origin.simulated,
            "block_id": origin.block_id,
            "qber": origin.qber,
            "leak_bits": origin.leak_bits,
            "epsilon": origin.epsilon,
            "created_at": origin.created_at,
        },
    }
