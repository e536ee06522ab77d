"""``astralink bench``: what verifying, delivering, relaying and keys cost, measured here."""

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
from bridge.apps.bench.relay import BACKLOGS, OFFERED_A_SECOND, SAMPLES, SUSTAINED_S
from bridge.apps.bench.relay import measure as measure_relay
from bridge.apps.cli.correcting import qec
from bridge.apps.cli.distilling import qkd
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.cli.tables import table as _table
from bridge.apps.interrupts import stoppable

app = typer.Typer(help="Measurements.", no_args_is_help=True)

OWN = "this bridge"
VERDICT_PARTS = {
    "submit_first": "the first verdict on a contract, its transaction",
    "submit_next": "the next one",
    "revoke_by_quorum": "a revocation by a quorum",
    "revoke_by_guardian": "a revocation by the guardian",
    "is_verified": "isVerified(address), called from a contract",
    "is_code_verified": "isCodeVerified(codeHash), called from a contract",
}
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


@app.command()
def relay(
    backlog: Annotated[
        list[int] | None,
        typer.Option(help="Messages that wait when the relayer starts; several times.", min=2),
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="How long the sustained load is measured.", min=1, max=86_400)
    ] = SUSTAINED_S,
    samples: Annotated[
        int, typer.Option(help="Messages whose added latency is measured.", min=10, max=10_000)
    ] = SAMPLES,
    offered: Annotated[
        int, typer.Option(help="Messages dispatched a second in the sustained load.", min=1)
    ] = OFFERED_A_SECOND,
    json: JsonOption = False,
) -> None:
    """Messages a second, memory and added latency of a relayer between two Anvils, about 8 min."""
    progress = Console(stderr=True, highlight=False)
    with stoppable(), progress.status("starting") as status:
        figures = asyncio.run(
            measure_relay(status.update, tuple(backlog or BACKLOGS), seconds, samples, offered)
        )
    if json:
        print_json(figures)
    else:
        _show_relay(Console(highlight=False), figures)


app.command()(qkd)
app.command()(qec)


def _show_relay(console: Console, figures: dict[str, Any]) -> None:
    machine = figures["machine"]
    console.print(
        f"{machine['cores']} cores, Anvil {machine['anvil']} with a block each "
        f"{machine['block_time_s']:g} s and finality after {machine['finality_blocks']}; all "
        "processes and the load share these cores",
        soft_wrap=True,
    )
    sustained = figures["sustained"]
    console.print(
        f"sustained: [bold]{sustained['messages_per_s']:,} messages a second[/bold] delivered over "
        f"{sustained['seconds']:g} s, {sustained['offered_per_s']:,} offered",
        soft_wrap=True,
    )
    table = _table(
        "from final to delivered at light load, s", "signed by", "median", "p99", "largest"
    )
    ways = (("the first quorum", "added_latency_s"), ("SLH-DSA too", "added_latency_slh_dsa_s"))
    for way, name in ways:
        table.add_row(way, *(f"{figures[name][key]:.3f}" for key in ("median", "p99", "largest")))
    console.print(table)
    table = _table(
        "a backlog from the relayer's start on",
        "messages",
        "s",
        "a second",
        "relayer's largest RSS, MiB",
    )
    for count, one in figures["backlog"].items():
        table.add_row(
            f"{int(count):,}",
            f"{one['seconds']:,.1f}",
            f"{one['messages_per_s']:,.0f}",
            f"{one['rss_mib']:,.0f}",
        )
    console.print(table)
    used = [
        sustained["cpu_s_per_1000"],
        *(o["cpu_s_per_1000"] for o in figures["backlog"].values()),
    ]
    heads = ["sustained", *(f"{int(count):,}" for count in figures["backlog"])]
    table = _table("seconds of a core for 1,000 messages", "part", *heads)
    for name in sorted({name for one in used for name in one}):
        table.add_row(name, *(f"{one.get(name, 0.0):.2f}" for one in used))
    console.print(table)


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
    table = _table(f"verdicts, a quorum of {QUORUM} ML-DSA-87 signatures", "part", "gas")
    for name, used in figures["verdicts"].items():
        table.add_row(VERDICT_PARTS[name], f"{used:,}")
    console.print(table)


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
