"""``astralink qec magic``."""

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
    from bridge.apps.qec.magic_study import Study
    from bridge.quantum.codes.magic_cost import Cost

TARGETS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12)


def magic(
    noise: Annotated[
        float, typer.Option(help="Probability of an error of each operation of a circuit.")
    ] = 0.001,
    target: Annotated[
        list[float] | None,
        typer.Option(help="Errors of a magic state to reckon the cost of; several times."),
    ] = None,
    memory_distance: Annotated[
        list[int] | None,
        typer.Option(help="Distances at which memories are measured; default: 3, 5 and 7."),
    ] = None,
    start: Annotated[int, typer.Option(help="Distance of the patch injected into.")] = 3,
    distance: Annotated[int, typer.Option(help="Distance that it grows to.")] = 5,
    postselected: Annotated[
        int, typer.Option(help="Rounds in which no check may see an error.")
    ] = 2,
    site: Annotated[str, typer.Option(help="Where it is injected: corner or middle.")] = "corner",
    shots: Annotated[int, typer.Option(help="Shots of each injection and proxy.")] = 200_000,
    memory_shots: Annotated[int, typer.Option(help="Shots of each memory, at most.")] = 1_000_000,
    most_distance: Annotated[int, typer.Option(help="The largest distance of a factory.")] = 41,
    picture: Annotated[
        Path | None, typer.Option(help="Pictures PICTURE.png and PICTURE.svg; default: qec-magic.")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw; needs the extra `plots`.")] = True,
    seed: Annotated[int | None, typer.Option(help="Repeat a study.")] = None,
    json: JsonOption = False,
) -> None:
    """Magic states: injection measured, 15-to-1 reckoned exactly, and the cost of a state."""
    from bridge.apps.qec.magic_pictures import draw_magic
    from bridge.apps.qec.magic_study import Plan, run
    from bridge.quantum.codes.magic_injection import checked_site

    base = picture_path(picture, "qec-magic", pictures)
    plan = Plan(
        noise=noise,
        targets=target or TARGETS,
        distances=memory_distance or (3, 5, 7),
        start=start,
        distance=distance,
        postselected=postselected,
        site=checked_site(site),
        shots=shots,
        memory_shots=memory_shots,
        most_distance=most_distance,
        seed=seed,
    )
    progress = progress_bar()
    with stoppable(), progress:
        task = progress.add_task("starting", total=None)

        def report(words: str, total: int) -> None:
            progress.reset(task, description=words, total=total or None)

        study = run(plan, report, lambda batch: progress.advance(task, batch))
    files = draw_magic(study, base) if base is not None else []
    if json:
        print_json(_data(study, files))
    else:
        _show(Console(highlight=False), study)
    say_written(files)


def _data(study: Study, files: Sequence[Path]) -> dict[str, Any]:
    return {
        "simulated": True,
        "noise": study.plan.noise,
        "injection": [
            {
                "start": one.injection.start,
                "distance": one.injection.distance,
                "postselected_rounds": one.injection.postselected,
                "site": str(one.injection.site),
                "acceptance": one.acceptance,
                "error": one.error,
                "lower_95": one.interval()[0],
                "upper_95": one.interval()[1],
                "proxies": {
                    name: {"shots": count.shots, "kept": count.kept, "errors": count.errors}
                    for name, count in one.counts.items()
                },
            }
            for one in study.injected
        ],
        "injection_leading_order": study.leading_order,
        "distillation": [
            {"error_in": p, "error_out": one.error, "acceptance": one.acceptance}
            for p, one in study.distilled
        ],
        "memory": {
            "measured": {
                str(d): {"shots": c.shots, "errors": c.errors, "logical_error": c.rate}
                for d, c in study.memories.items()
            },
            "fit_scale": study.logical_rate.scale,
            "fit_suppression": study.logical_rate.suppression,
            "beyond": "extrapolated",
        },
        "cost": [
            {"target": target, "unreachable": cost}
            if isinstance(cost, str)
            else {"target": target, **_cost(cost)}
            for target, cost in study.costs
        ],
        "pictures": [str(file) for file in files],
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "error": cost.error,
        "levels": cost.levels,
        "distances": list(cost.distances),
        "qubits": cost.qubits,
        "rounds": cost.rounds,
        "volume_qubit_rounds": cost.volume,
        "attempts": cost.attempts,
        "factories": cost.factories,
    }


def _show(console: Console, study: Study) -> None:
    table = Table(title=f"injection, noise {study.plan.noise:g}", title_justify="left")
    for column in ("watched rounds", "distance", "kept", "error of the state, 95 % bounds"):
        table.add_column(column, justify="right")
    for one in study.injected:
        lower, upper = one.interval()
        table.add_row(
            str(one.injection.postselected),
            f"{one.injection.start} to {one.injection.distance}",
            f"{one.acceptance:.1%}",
            f"{one.error:.2e} ({lower:.2e} to {upper:.2e})",
        )
    console.print(table)
    console.print(
        f"errors that post-selection cannot see, leading order: {study.leading_order:.3e}"
    )
    table = Table(title="15-to-1, exact", title_justify="left")
    for column in ("error before", "error after", "after / (35 p^3)", "kept"):
        table.add_column(column, justify="right")
    for p, result in study.distilled[::2]:
        table.add_row(
            f"{p:.2e}",
            f"{result.error:.3e}",
            f"{result.error / (35 * p**3):.3f}",
            f"{result.acceptance:.1%}",
        )
    console.print(table)
    table = Table(title="a magic state's cost", title_justify="left")
    for column in ("target", "error", "distances", "feeders", "qubits", "rounds", "tries"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("volume", justify="right", no_wrap=True)
    for target, cost in study.costs:
        if isinstance(cost, str):
            continue
        table.add_row(
            f"{target:g}",
            f"{cost.error:.2e}",
            ", ".join(map(str, cost.distances)) or "none",
            str(cost.factories),
            f"{cost.qubits:,}",
            f"{cost.rounds:,.0f}",
            f"{cost.attempts:.2f}",
            f"{cost.volume:.2e}",
        )
    console.print(table)
    console.print("feeders: factories of the first level; volume: qubits x rounds", style="dim")
    for _, cost in study.costs:
        if isinstance(cost, str):
            console.print(cost, markup=False)
    rate = study.logical_rate
    measured = ", ".join(str(d) for d in sorted(rate.per_round))
    console.print(
        f"logical rates: measured at distances {measured}; beyond those extrapolated, "
        f"{rate.suppression:.2f} times less for each step of 2"
    )
