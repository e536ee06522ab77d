"""``astralink bench qkd`` and ``astralink qkd bench``, one command under two names."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.cli.tables import table as titled
from bridge.apps.interrupts import stoppable


def qkd(
    qber: Annotated[
        list[float] | None,
        typer.Option(help="Error rates of the link; several times.", min=0.0001, max=0.08),
    ] = None,
    links: Annotated[int, typer.Option(help="Links in the bundle.", min=1, max=64)] = 2,
    seconds: Annotated[
        float, typer.Option(help="How long each error rate is measured.", min=0.1, max=86_400)
    ] = 10.0,
    json: JsonOption = False,
) -> None:
    """Distilled keys a second over simulated links, from light to stored key, in two processes."""
    # The kernels and their compiler, which no other command needs.
    from bridge.apps.bench.qkd import RATES
    from bridge.apps.bench.qkd import measure as measure_qkd

    progress = Console(stderr=True, highlight=False)
    with stoppable(), progress.status("starting") as status:
        figures = measure_qkd(status.update, tuple(qber or RATES), links, seconds)
    if json:
        print_json(figures)
    else:
        _show(Console(highlight=False), figures)


def _show(console: Console, figures: dict[str, Any]) -> None:
    machine = figures["machine"]
    console.print(
        f"[bold]{figures['statement']}[/bold], {figures['processes']} processes on "
        f"{machine['cores']} cores, blocks of {figures['block_bits']:,} bits",
        soft_wrap=True,
    )
    table = titled(
        "256-bit keys a second, from light to stored key",
        "QBER",
        "keys a second",
        "aim",
        "a processor second",
        "Mbit/s",
        "secret fraction",
        "Cascade's efficiency",
        "p50, ms",
        "p99, ms",
        "memory, MiB",
    )
    for rate, one in figures["rates"].items():
        aim = figures["aims_keys_per_s"].get(rate)
        latency = one["block_latency_ms"]
        table.add_row(
            f"{100 * float(rate):g} %",
            f"{one['keys_per_s']:,}",
            f"{aim:,}" if aim else "",
            f"{one['keys_per_processor_s']:,}",
            f"{one['key_mbit_per_s']:,}",
            f"{one['secret_fraction']:.3f}",
            f"{figures['cascade'][rate]['efficiency']:.3f}",
            f"{latency['p50']:.1f}",
            f"{latency['p99']:.1f}",
            f"{one['memory_mib']:,}",
        )
    console.print(table)
    table = titled("where the processors' time goes", "part", *(f"{r} " for r in figures["rates"]))
    for name in sorted({name for one in figures["rates"].values() for name in one["stages"]}):
        shares = (one["stages"].get(name, 0.0) for one in figures["rates"].values())
        table.add_row(name, *(f"{100 * share:.1f} %" for share in shares))
    console.print(table)
    table = titled("published: real links, and post-processing on CPUs", "project", "part")
    table.add_column("Mbit/s", justify="right")
    for peer in (*figures["published"]["links"], *figures["published"]["post_processing"]):
        table.add_row(peer["who"], peer["what"], f"{peer['mbit_per_s']:g}")
    console.print(table)
