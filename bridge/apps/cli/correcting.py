"""``astralink bench qec``."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from bridge.apps.cli.progress import progress_bar
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.cli.tables import table as titled
from bridge.apps.interrupts import stoppable


def qec(
    distance: Annotated[
        list[int] | None, typer.Option(help="Odd distances; several times; default: 3 to 13.")
    ] = None,
    noise: Annotated[float, typer.Option(help="Of each operation.")] = 0.001,
    scale: Annotated[
        float,
        typer.Option(help="Multiplies the numbers of shots; 1 bounds distance 13 below 1e-7."),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Another seed, other shots.", min=0)] = 1,
    json: JsonOption = False,
) -> None:
    """Correction: latency, logical errors however rare, Lambda, streaming; about 15 minutes."""
    from bridge.apps.bench.qec import DISTANCES, measure

    with stoppable(), progress_bar() as progress:
        task = progress.add_task("starting", total=1.0)
        figures = measure(
            lambda words, share: progress.update(task, description=words, completed=share),
            tuple(sorted(set(distance or DISTANCES))),
            noise,
            scale,
            seed,
        )
    if json:
        print_json(figures)
    else:
        _show(Console(highlight=False), figures)


def _show(console: Console, figures: dict[str, Any]) -> None:
    console.print(
        f"[bold]{figures['code']}[/bold], noise {figures['noise']:.2%}, {figures['decoder']}; "
        "simulated",
        soft_wrap=True,
    )
    table = titled(
        "one shot through Decoder.correct, and logical errors", "distance", "qubits", "median, us",
        "p99, us", "error a shot", "at most (95 %)", "error a round", "at most (95 %) ", "counted",
    )  # fmt: skip
    for distance, one in figures["logical_error"].items():
        latency = figures["latency"][distance]
        counted = one.get("counted")
        table.add_row(
            distance,
            str(one["qubits"]),
            f"{latency['median_us']:.1f}",
            f"{latency['p99_us']:.1f}",
            f"{one['per_shot']:.2e}",
            f"{one['upper_95']:.2e}",
            f"{one['per_round']:.2e}",
            f"{one['per_round_upper_95']:.2e}",
            f"{counted['per_shot']:.2e}" if counted else "",
        )
    console.print(table)
    fit = figures["lambda"]
    if fit["value"] is not None:
        console.print(
            f"Lambda {fit['value']:.2f} ± {fit['standard_error']:.2f} here; published "
            f"{fit['published']['lambda']} on hardware ({fit['published']['who']})",
            soft_wrap=True,
        )
    for pair, p in figures["threshold"]["crossings"].items():
        where = "do not cross between the noises tried" if p is None else f"cross at {p:.2%}"
        console.print(f"distances {pair.replace(',', ' and ')} {where}")
    stream = figures["streaming"]
    console.print(
        f"streaming, distance {stream['distance']}: {stream['us_per_round_per_patch']:.2f} us a "
        f"round and patch on one core; {stream['patches']} patches at a cycle of "
        f"{stream['cycle_us']} us take {stream['cores_for_all_patches']:.0f} cores",
        soft_wrap=True,
    )
