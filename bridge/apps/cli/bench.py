"""``astralink bench``: what verifying and delivering cost, measured here and now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.bench import snapshot
from bridge.apps.bench.delivery import BODY_BYTES, QUORUM, SIGNERS
from bridge.apps.bench.gas import measure
from bridge.apps.bench.keys import USES, holdings
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.interrupts import stoppable

app = typer.Typer(help="Measurements.", no_args_is_help=True)

OWN = "this bridge"
SCHEMES = {
    "ml_dsa_87": "ML-DSA-87",
    "slh_dsa_sha2_128s": "SLH-DSA-SHA2-128s",
    "slh_dsa_sha2_256s": "SLH-DSA-SHA2-256s",
}
COST_COLUMNS = ("gas", "calldata_bytes", "calldata_gas", "transaction_gas")
NOTES = (
    "gas: called from a contract, cold accesses counted, without a transaction's 21,000 and "
    "without calldata.",
    "transaction: all of a transaction that calls the verifier directly, from its receipt.",
    "SLH-DSA's gas follows from the digest, 233 for each step of a WOTS+ chain: these are figures "
    "of one signature.",
)


@app.callback()
def _bench() -> None:
    """Measurements."""


@app.command()
def gas(
    check: Annotated[
        Path | None,
        typer.Option(
            help="Compare with this snapshot: exit code 1 when a figure grew by more than 1 %.",
            dir_okay=False,
        ),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write a snapshot there.", dir_okay=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Gas of verification and of delivery, on an Anvil that lives as long as the measurement."""
    progress = Console(stderr=True, highlight=False)
    committed = snapshot.read(check) if check else None
    with stoppable(), progress.status("starting") as status:
        figures = asyncio.run(measure(status.update))
    if json:
        print_json(figures)
    else:
        _show(figures)
    if write:
        write.write_text(snapshot.text(figures))
    if committed is None:
        return
    problems = snapshot.worse(snapshot.flat(figures), committed)
    for problem in problems:
        progress.print(problem, style="red", markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
    progress.print(f"no figure is over {check} by more than {snapshot.TOLERANCE_PERCENT} %")


def _rows(figures: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each of our figures with its name."""
    rows = []
    for name, cost in figures["verifiers"].items():
        if "gas" in cost:
            rows.append((SCHEMES[name], cost))
        else:
            ways = ((f"{SCHEMES[name]}, {way.replace('_', ' ')}", one) for way, one in cost.items())
            rows.extend(ways)
    return rows


def _show(figures: dict[str, Any]) -> None:
    console = Console(highlight=False)
    rows = _rows(figures)

    costs = _table("one verification", "scheme", "gas", "calldata bytes", "calldata", "transaction")
    for name, cost in rows:
        costs.add_row(name, *(f"{cost[column]:,}" for column in COST_COLUMNS))
    console.print(costs)
    for note in NOTES:
        console.print(note, soft_wrap=True)

    parts = figures["verifiers"]["ml_dsa_87"]["registered_key"]["parts"]
    table = _table("ML-DSA-87, registered key: where the gas goes", "part", "gas", "share")
    for part, amount in parts.items():
        table.add_row(part, f"{amount:,}", f"{100 * amount / sum(parts.values()):.1f} %")
    console.print(table)

    registration = figures["registration"]["ml_dsa_87"]
    commitment = figures["commitment"]["ml_dsa_87"]
    console.print(
        f"registering an ML-DSA-87 key: {registration['gas']:,} gas in "
        f"{registration['transactions']} transactions, {registration['bytes']:,} bytes of code; "
        f"committing one: {commitment['gas']:,} gas",
        soft_wrap=True,
    )
    table = _table(
        "holding an ML-DSA-87 key, Mgas, once and with so many uses",
        "held as",
        "once",
        *(f"{uses:,}" for uses in USES),
    )
    for prices, eip_8037 in (("today", False), ("EIP-8037", True)):
        for holding in holdings(figures):
            totals = [holding.total(uses, eip_8037) for uses in (0, *USES)]
            millions = (f"{total / 1e6:,.2f}" for total in totals)
            table.add_row(f"{holding.way}, {prices}", *millions)
    console.print(table)

    verifications = [(name, cost["gas"]) for name, cost in rows]
    console.print(_beside("verification beside others", verifications, figures["peers"]))
    _show_delivery(console, figures)


def _show_delivery(console: Console, figures: dict[str, Any]) -> None:
    table = _table(
        f"delivery of messages of {BODY_BYTES} bytes, a quorum of {QUORUM} ML-DSA-87 signatures "
        "and all transactions included",
        "messages",
        "gas a message",
        "attesting",
        "delivering",
        "transactions",
    )
    for one in figures["delivery"].values():
        table.add_row(
            f"{one['messages']:,}",
            f"{one['gas_per_message']:,}",
            f"{one['attest_gas']:,}",
            f"{one['deliver_gas']:,}",
            f"1 + {one['transactions']}",
        )
    console.print(table)
    own = [
        (f"{QUORUM} of {SIGNERS} signers, ML-DSA-87, batch of {batch}", one["gas_per_message"])
        for batch, one in figures["delivery"].items()
    ]
    title = "a delivered message beside others, whose signatures are classical"
    console.print(_beside(title, own, figures["delivery_peers"]))


def _beside(title: str, own: list[tuple[str, int]], peers: list[dict[str, Any]]) -> Table:
    table = _table(title, "project", "scheme", "gas")
    table.add_column("source", overflow="fold")
    for name, gas_used in own:
        table.add_row(OWN, name, f"{gas_used:,}", "measured, this run", style="bold")
    for peer in peers:
        table.add_row(peer["project"], peer["scheme"], f"{peer['gas']:,}", peer["source"])
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        text = column in ("scheme", "part", "project", "held as")
        table.add_column(column, justify="left" if text else "right")
    return table
