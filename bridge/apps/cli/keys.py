"""``astralink keys``: the signing keys of the key service."""

from __future__ import annotations

import asyncio

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import load_config, state_folder
from bridge.apps.devnet.layout import Layout
from bridge.apps.devnet.world import key_service_client
from bridge.domain.keys import PublicKeyRecord

app = typer.Typer(help="Signing keys.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """Signing keys and where they come from."""


@app.command("list")
def list_keys(state: StateOption = None, json: JsonOption = False) -> None:
    """The public halves of all signing keys, with the block of the link that seeded each."""
    records = asyncio.run(_records(Layout(state_folder(state))))
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


async def _records(layout: Layout) -> list[PublicKeyRecord]:
    async with key_service_client(load_config(layout.config)) as keys:
        return list(await keys.keys())


def _data(record: PublicKeyRecord) -> dict[str, object]:
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
