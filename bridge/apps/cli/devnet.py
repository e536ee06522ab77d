"""``astralink devnet``: two chains, a key service, attestors and a relayer on this machine."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.root import JsonOption, StateOption, print_json
from bridge.apps.config import Config, state_folder
from bridge.apps.devnet.layout import CHAINS, DEFAULT_PORTS, Layout, Ports, attestor_ports
from bridge.apps.devnet.world import ChainKind, Step, World, chain_client, process_names
from bridge.domain.errors import BridgeError
from bridge.relayer.journal import Journal

app = typer.Typer(help="A development network on this machine.", no_args_is_help=True)


@app.callback()
def _devnet() -> None:
    """Two chains, a key service with a simulated link, attestors, a relayer: each a process."""


@app.command()
def up(
    state: StateOption = None,
    chain: Annotated[
        ChainKind | None,
        typer.Option(help="What runs the chains; default: Anvil where it is found."),
    ] = None,
    port_a: Annotated[int, typer.Option(min=0, max=65535)] = DEFAULT_PORTS.chains["A"],
    port_b: Annotated[int, typer.Option(min=0, max=65535)] = DEFAULT_PORTS.chains["B"],
    port_keys: Annotated[int, typer.Option(min=0, max=65535)] = DEFAULT_PORTS.key_service,
    port_attestors: Annotated[
        int, typer.Option(min=0, max=65533, help="The first attestor's; the others follow.")
    ] = DEFAULT_PORTS.attestors["signer-1"],
    port_relayer: Annotated[
        int, typer.Option(min=0, max=65535, help="Its metrics, health and readiness.")
    ] = DEFAULT_PORTS.relayer,
    bare: Annotated[
        bool, typer.Option(help="Only chains and key service: no contracts, no relayer.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Start what does not run. Port 0 takes any that is free; ports count the first time only."""
    console = Console(stderr=True, highlight=False)
    layout = Layout(state_folder(state))
    with console.status("starting") as status:

        def announce(name: str) -> None:
            status.update(f"starting: {name}")

        def watch(step: Step) -> None:
            console.print(f"[green]✓[/] {step.name} ({step.seconds:.1f} s)")

        world = World(layout, announce, watch)
        chains, attestors = {"A": port_a, "B": port_b}, attestor_ports(port_attestors)
        ports = Ports(chains, port_keys, attestors, port_relayer)
        asyncio.run(world.up(ports, chain, bare))
    data = asyncio.run(_status(world))
    if json:
        print_json(data)
    else:
        _show(data)


@app.command()
def down(
    state: StateOption = None,
    wipe: Annotated[bool, typer.Option(help="Delete the state folder too.")] = False,
    json: JsonOption = False,
) -> None:
    """Stop every process. Their state stays, and `up` goes on with it."""
    layout = Layout(state_folder(state))
    stopped = World(layout).down()
    if wipe and layout.config.exists():
        shutil.rmtree(layout.folder)
    if json:
        print_json({"stopped": stopped})
    else:
        typer.echo(f"stopped: {', '.join(stopped) or 'nothing was running'}")


@app.command()
def status(state: StateOption = None, json: JsonOption = False) -> None:
    """What runs, where the chains are, and how many messages stand at each stage.

    Exit code 0 when everything runs, 1 otherwise.
    """
    data = asyncio.run(_status(World(Layout(state_folder(state)))))
    if json:
        print_json(data)
    else:
        _show(data)
    if not all(process["running"] for process in data["processes"].values()):
        raise typer.Exit(1)


async def _status(world: World) -> dict[str, Any]:
    records = world.processes.records()
    config = world.config() if world.layout.config.exists() else None
    names = [f"chain-{name}" for name in CHAINS] + ["keyservice", "relayer"]
    processes = {}
    for name in names if config is None else process_names(config):
        record = records.get(name)
        processes[name] = {
            "running": world.processes.running(name) is not None,
            "pid": record.pid if record else None,
            "port": record.port if record else None,
            "log": str(world.processes.log_file(name)),
        }
    chains: dict[str, Any] = {}
    messages: dict[str, int] = {}
    if config is not None:
        chains = {name: await _chain(config, name) for name in config.chains}
        where = config.relayer.journal
        if not isinstance(where, Path) or where.exists():
            journal = Journal(where, read_only=True)
            for (_, _, stage), (count, _) in journal.queues().items():
                messages[stage.value] = messages.get(stage.value, 0) + count
            journal.close()
    return {
        "folder": str(world.layout.folder),
        "processes": processes,
        "chains": chains,
        "messages": messages,
    }


async def _chain(config: Config, name: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        **config.chains[name].model_dump(exclude_none=True),
        "latest": None,
        "finalized": None,
    }
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(chain_client(config, name))
            data["latest"] = (await client.block("latest")).number
            data["finalized"] = (await client.finalized()).number
        except BridgeError as error:
            data["error"] = str(error)
    return data


def _show(data: dict[str, Any]) -> None:
    console = Console(highlight=False)
    table = Table(title=f"development network in {data['folder']}")
    for column in ("process", "", "pid", "port", "log"):
        table.add_column(column)
    for name, process in data["processes"].items():
        running = "[green]running[/]" if process["running"] else "[red]not running[/]"
        pid, port = (str(process[key] or "") for key in ("pid", "port"))
        table.add_row(name, running, pid, port, process["log"])
    console.print(table)
    for name, chain in data["chains"].items():
        where = f"chain {name}: id {chain['chain_id']}, domain {chain['domain']}"
        if "error" in chain:
            reason = f"{where}: {chain['error']}"
            console.print(reason, style="red", soft_wrap=True, markup=False)
        else:
            console.print(f"{where}, block {chain['latest']}, finalized {chain['finalized']}")
    if data["messages"]:
        stages = ", ".join(f"{count} {stage}" for stage, count in data["messages"].items())
        console.print(f"messages: {stages}")
