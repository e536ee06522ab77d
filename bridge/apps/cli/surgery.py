"""``astralink qec surgery``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.progress import picture_path, progress_bar, say_written
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.interrupts import stoppable

if TYPE_CHECKING:
    from bridge.apps.qec.surgery_study import Row
    from bridge.quantum.codes.surgery_rates import ErrorCount


def surgery(
    operation: Annotated[
        list[str] | None,
        typer.Option(help="memory, zz, xx, bell, cnot or teleport; several times; default: all."),
    ] = None,
    distance: Annotated[
        list[int] | None, typer.Option(help="Odd distances; several times; default: 3 and 5.")
    ] = None,
    noise: Annotated[
        list[float] | None,
        typer.Option(
            help="Probability of an error of each operation; several times; "
            "default: 0.001, 0.002 and 0.004."
        ),
    ] = None,
    shots: Annotated[int, typer.Option(help="Shots of each experiment, at most.")] = 20_000,
    errors: Annotated[
        int, typer.Option(help="Logical errors after which an experiment ends.")
    ] = 400,
    verify: Annotated[
        bool, typer.Option(help="Find the shortest error that flips each observable unseen.")
    ] = True,
    picture: Annotated[
        Path | None,
        typer.Option(help="Pictures PICTURE.png and PICTURE.svg; default: qec-surgery."),
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw; needs the extra `plots`.")] = True,
    seed: Annotated[int | None, typer.Option(help="Repeat a study.")] = None,
    json: JsonOption = False,
) -> None:
    """Lattice surgery on rotated surface codes: distances, and logical error rates by matching."""
    from bridge.apps.qec.surgery_pictures import draw_surgery
    from bridge.apps.qec.surgery_study import Plan, measure
    from bridge.quantum.codes.surgery_programs import OPERATIONS

    base = picture_path(picture, "qec-surgery", pictures)
    plan = Plan(
        operation or OPERATIONS, distance or (3, 5), noise or (0.001, 0.002, 0.004),
        shots, errors, seed, verify,
    )  # fmt: skip
    progress = progress_bar()
    with stoppable(), progress:
        task = progress.add_task("compiling", total=plan.check())
        rows = measure(
            plan,
            lambda words: progress.update(task, description=words),
            lambda: progress.advance(task),
        )
    files = draw_surgery(rows, base) if base is not None else []
    if json:
        print_json(_data(rows, files))
    else:
        _show(Console(highlight=False), rows)
    say_written(files)


def _data(rows: Sequence[Row], files: Sequence[Path]) -> dict[str, Any]:
    return {
        "simulated": True,
        "rows": [
            {
                "operation": row.operation,
                "experiment": row.experiment,
                "distance": row.distance,
                "noise": row.noise,
                "qubits": row.qubits,
                "rounds": row.rounds,
                "detectors": row.detectors,
                "shots": row.count.shots,
                "errors": row.count.errors,
                "logical_error": row.count.rate,
                "lower_95": row.count.interval()[0],
                "upper_95": row.count.interval()[1],
                "observables": [
                    {
                        "parity_of": words.split(),
                        "errors": row.count.observables[at],
                        "graphlike_distance": row.graphlike[at] if row.graphlike else None,
                    }
                    for at, words in enumerate(row.observables)
                ],
            }
            for row in rows
        ],
        "pictures": [str(file) for file in files],
    }


def _show(console: Console, rows: Sequence[Row]) -> None:
    noises = list(dict.fromkeys(row.noise for row in rows))
    table = Table(title="logical errors a shot", title_justify="left")
    table.add_column("operation")
    table.add_column("bases")
    for column in ("distance", "qubits", "rounds", "least"):
        table.add_column(column, justify="right")
    for p in noises:
        table.add_column(f"noise {p:g}", justify="right", no_wrap=True)
    before = None
    for row in rows:
        key = (row.operation, row.experiment, row.distance)
        if row.noise != noises[0]:
            continue
        if before is not None and before != row.operation:
            table.add_section()
        before = row.operation
        counts = [one.count for one in rows if (one.operation, one.experiment, one.distance) == key]
        table.add_row(
            row.operation,
            row.experiment,
            str(row.distance),
            str(row.qubits),
            str(row.rounds),
            str(min(row.graphlike)) if row.graphlike else "",
            *(_rate(count) for count in counts),
        )
    console.print(table)
    console.print("least: errors that flip an observable and are not seen", style="dim")


def _rate(count: ErrorCount) -> str:
    return f"{count.rate:.2e}" if count.errors else f"< {count.interval()[1]:.1e}"
