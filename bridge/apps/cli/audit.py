"""``astralink audit``: whether everything was delivered once, from the chains alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import Config, load_config, state_folder
from bridge.apps.devnet.layout import Layout, read_deployment
from bridge.apps.devnet.world import chain_client
from bridge.relayer.audit import Audit, Disagreement, RouteFigures
from bridge.relayer.audit import audit as audit_bridge
from bridge.relayer.journal import Journal
from bridge.relayer.route import Side

PAUSE_S = 0.5
SHOWN_WAITING = 10


def audit(
    journal: Annotated[
        bool, typer.Option("--journal/--no-journal", help="Hold the relayer's journal against it.")
    ] = True,
    wait_s: Annotated[
        float,
        typer.Option("--wait", min=0, metavar="SECONDS", help="Repeat so long, until all agrees."),
    ] = 0.0,
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Whether all that was dispatched was delivered once, and the relayer's journal says so.

    From the events and the bits of each chain's contracts, up to its newest block. Exit code 0
    when everything agrees, 1 otherwise, with each disagreement named.
    """
    config = load_config(Layout(state_folder(state)).config)
    console = Console(stderr=True, highlight=False)
    with console.status("reading") as status:

        def watch(what: str, done: int, of: int) -> None:
            status.update(f"reading: {what}, {100 * done // max(of, 1)} %")

        found = asyncio.run(_audit(config, journal, time.monotonic() + wait_s, watch))
    if json:
        print_json(_data(found))
    else:
        _show(found)
    if not found.agrees:
        raise typer.Exit(1)


async def _audit(
    config: Config, with_journal: bool, deadline: float, watch: Callable[[str, int, int], None]
) -> Audit:
    deployment = read_deployment(config.relayer.deployment)
    async with AsyncExitStack() as stack:
        journal = None
        if with_journal:
            journal = Journal(config.relayer.journal, read_only=True)
            stack.callback(journal.close)
        sides = [
            Side.of(await stack.enter_async_context(chain_client(config, name)), record)
            for name, record in deployment.sides.items()
            if name in config.chains
        ]
        while True:
            found = await audit_bridge(sides, journal, watch)
            if found.agrees or time.monotonic() > deadline:
                return found
            await asyncio.sleep(PAUSE_S)


def _data(found: Audit) -> dict[str, Any]:
    return {
        "agrees": found.agrees,
        "chains": {
            one.name: {"latest": one.latest, "finalized": one.finalized} for one in found.chains
        },
        "routes": [_route(one) for one in found.routes],
        "journal": None
        if found.journal is None
        else {
            "stages": found.journal.stages,
            "open_transactions": found.journal.open_transactions,
        },
        "disagreements": [_disagreement(one) for one in found.disagreements],
        "counts": {kind.value: count for kind, count in found.counts.items()},
    }


def _route(one: RouteFigures) -> dict[str, Any]:
    return {
        "from": one.origin,
        "to": one.destination,
        "dispatched": one.dispatched,
        "delivered": one.delivered,
        "expired": one.expired,
        "undelivered": one.undelivered,
        "failed_attempts": one.failed_attempts,
        "attested_roots": one.attested_roots,
        "waiting": [
            {
                "id": "0x" + message.id.hex(),
                "nonce": message.nonce,
                "age_blocks": message.age_blocks,
                "failed_attempts": message.failed_attempts,
            }
            for message in one.waiting
        ],
    }


def _disagreement(one: Disagreement) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "from": one.origin,
        "to": one.destination,
        "message": None if one.message is None else "0x" + one.message.hex(),
        "reason": one.reason,
    }


def _show(found: Audit) -> None:
    console = Console(highlight=False, soft_wrap=True)
    blocks = ", ".join(f"{one.name} to block {one.latest}" for one in found.chains)
    table = Table(title=f"chains read: {blocks}", title_justify="left")
    for column in ("from", "to"):
        table.add_column(column)
    for column in ("dispatched", "delivered", "expired", "waiting", "oldest", "refusals", "roots"):
        table.add_column(column, justify="right")
    for one in found.routes:
        oldest = f"{one.waiting[0].age_blocks} blocks" if one.waiting else "-"
        figures = (one.dispatched, one.delivered, one.expired, one.undelivered)
        table.add_row(
            one.origin,
            one.destination,
            *map(str, figures),
            oldest,
            str(one.failed_attempts),
            str(one.attested_roots),
        )
    console.print(table)
    for one in found.routes:
        for message in one.waiting[:SHOWN_WAITING]:
            console.print(
                f"waiting: 0x{message.id.hex()} {one.origin}->{one.destination} "
                f"nonce {message.nonce}, for {message.age_blocks} blocks"
            )
        more = one.undelivered - SHOWN_WAITING
        if more > 0:
            console.print(f"waiting: {more} more {one.origin}->{one.destination}")
    if found.journal is not None:
        stages = ", ".join(f"{count} {stage}" for stage, count in found.journal.stages.items())
        console.print(
            f"journal: {stages or 'no messages'}; "
            f"{found.journal.open_transactions} transactions under way"
        )
    for wrong in found.disagreements:
        where = "->".join(name for name in (wrong.origin, wrong.destination) if name)
        which = "" if wrong.message is None else f" 0x{wrong.message.hex()}"
        console.print(f"{wrong.kind.value}: {where}{which}: {wrong.reason}", style="red")
    total = sum(found.counts.values())
    if total > len(found.disagreements):
        console.print(f"and {total - len(found.disagreements)} more", style="red")
    if found.agrees:
        against = "the chains" if found.journal is None else "the chains and the journal"
        console.print(f"{against} agree", style="green")
    else:
        console.print(f"{total} disagreements", style="bold red")
