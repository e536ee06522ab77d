"""``astralink routes``: which routes are open, and stopping them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import permutations
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.cli.signers import KeyFileOption, open_bridge
from bridge.apps.operators import WHOLE, guardian_account, pause_route, pause_whole
from bridge.domain.errors import InputError, UnknownDomain
from bridge.relayer.route import Side

app = typer.Typer(help="The routes between chains.", no_args_is_help=True)

FromOption = Annotated[str | None, typer.Option("--from", help="The origin, as A.")]
ToOption = Annotated[str | None, typer.Option("--to", help="The destination, as B.")]
AllOption = Annotated[bool, typer.Option("--all", help="Outbox and Inbox of every chain, whole.")]


@app.callback()
def _routes() -> None:
    """Which routes are open, and stopping them."""


@app.command("list")
def list_routes(state: StateOption = None, json: JsonOption = False) -> None:
    """Each route, and where it is paused."""

    async def run() -> list[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            sides = (await open_bridge(stack, state, None)).sides
            return [await _route(a, b) for a, b in permutations(sides.values(), 2)]

    data = asyncio.run(run())
    if json:
        print_json(data)
        return
    table = Table(title="routes", title_justify="left")
    for column in ("from", "to", "paused at"):
        table.add_column(column)
    for route in data:
        table.add_row(route["from"], route["to"], ", ".join(route["paused"]) or "-")
    Console().print(table)


async def _route(origin: Side, destination: Side) -> dict[str, Any]:
    ends = (
        (origin.outbox, destination.domain, f"Outbox of {origin.name}"),
        (destination.inbox, origin.domain, f"Inbox of {destination.name}"),
    )
    paused = []
    for contract, domain, name in ends:
        if await contract.call("paused", WHOLE):
            paused.append(f"{name}, whole")
        elif await contract.call("paused", domain):
            paused.append(name)
    return {"from": origin.name, "to": destination.name, "paused": paused}


@app.command()
def pause(
    origin: FromOption = None,
    destination: ToOption = None,
    whole: AllOption = False,
    account_key_file: KeyFileOption = None,
    state: StateOption = None,
) -> None:
    """Stop a route at both its ends at once, or everything; as the owner or the guardian."""
    asyncio.run(_set(state, origin, destination, whole, account_key_file, True))


@app.command()
def unpause(
    origin: FromOption = None,
    destination: ToOption = None,
    whole: AllOption = False,
    account_key_file: KeyFileOption = None,
    state: StateOption = None,
) -> None:
    """Open what was stopped; as the guardian."""
    asyncio.run(_set(state, origin, destination, whole, account_key_file, False))


async def _set(
    state: Path | None,
    origin: str | None,
    destination: str | None,
    whole: bool,
    key_file: Path | None,
    pausing: bool,
) -> None:
    if whole == (origin is not None or destination is not None):
        raise InputError("route: expected --from and --to, or --all")
    account = guardian_account(key_file)
    done = "paused" if pausing else "open"
    console = Console(highlight=False)
    async with AsyncExitStack() as stack:
        sides = (await open_bridge(stack, state, None)).sides
        if whole:
            for side in sides.values():
                await pause_whole(side, account, pausing)
                console.print(f"{side.name}: {done}")
            return
        if origin is None or destination is None or origin == destination:
            raise InputError(f"route: expected two chains, got {origin} and {destination}")
        for name in (origin, destination):
            if name not in sides:
                raise UnknownDomain(name, sorted(sides))
        await pause_route(sides[origin], sides[destination], account, pausing)
        console.print(f"{origin}->{destination}: {done}")
