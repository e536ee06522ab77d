"""``astralink qec threshold``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.progress import picture_path, progress_bar, say_written
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.interrupts import stoppable

if TYPE_CHECKING:
    from bridge.apps.qec.threshold_study import Threshold


def threshold(
    distance: Annotated[
        list[int] | None, typer.Option(help="Odd distances; several times; default: 3, 5, 7.")
    ] = None,
    noise: Annotated[
        list[float] | None,
        typer.Option(
            help="Probability of an error with each operation; several times; "
            "default: 0.001 to 0.014."
        ),
    ] = None,
    shots: Annotated[int | None, typer.Option(help="Shots of each point; default: 20,000.")] = None,
    decoder: Annotated[str, typer.Option(help="A decoder of the table.")] = "matching",
    picture: Annotated[
        Path | None,
        typer.Option(help="Pictures PICTURE.png and PICTURE.svg; default: qec-threshold here."),
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw; needs the extra `plots`.")] = True,
    seed: Annotated[int, typer.Option(help="Another seed, other shots.", min=0)] = 1,
    json: JsonOption = False,
) -> None:
    """Logical error over noise and distance: where the curves cross, and Lambda."""
    from bridge.apps.qec.pictures import draw_threshold
    from bridge.apps.qec.threshold_study import DISTANCES, NOISE, SHOTS, study_threshold

    base = picture_path(picture, "qec-threshold", pictures)
    distances, values = tuple(distance or DISTANCES), tuple(noise or NOISE)
    with stoppable(), progress_bar() as progress:
        task = progress.add_task("compiling", total=len(set(distances)) * len(set(values)))
        study = study_threshold(
            distances,
            values,
            SHOTS if shots is None else shots,
            decoder,
            seed,
            lambda words: progress.update(task, advance=1, description=words),
        )
    files = draw_threshold(study, base) if base else []
    if json:
        print_json(threshold_data(study) | {"pictures": [str(file) for file in files]})
    else:
        _show(Console(highlight=False), study)
    say_written(files)


def threshold_data(study: Threshold) -> dict[str, Any]:
    """The study as JSON has it."""
    from bridge.apps.qec.threshold_study import GOOGLE

    return {
        "simulated": True,
        "code": "surface",
        "decoder": study.decoder,
        "points": [
            {
                "noise": p,
                "per_round": {
                    str(d): {"value": r[at].value, "lower_95": r[at].lower, "upper_95": r[at].upper}
                    for d, r in study.rates.items()
                },
                "lambda": None if fit is None else fit.factor,
                "lambda_standard_error": None if fit is None else fit.standard_error,
            }
            for at, (p, fit) in enumerate(zip(study.noise, study.suppressions(), strict=True))
        ],
        "crossings": {f"{a},{b}": p for (a, b), p in study.crossings().items()},
        "published": GOOGLE,
    }


def _show(console: Console, study: Threshold) -> None:
    table = Table(
        title=f"error of a logical qubit a round, surface code, {study.decoder}",
        title_justify="left",
    )
    for column in ("noise", *(f"distance {d}" for d in study.rates), "Lambda"):
        table.add_column(column, justify="right")
    for at, (p, fit) in enumerate(zip(study.noise, study.suppressions(), strict=True)):
        values = [
            f"{rates[at].value:.2e}" if rates[at].value else f"< {rates[at].upper:.1e}"
            for rates in study.rates.values()
        ]
        factor = "" if fit is None else f"{fit.factor:.2f} ± {fit.standard_error:.2f}"
        table.add_row(f"{p:.2%}", *values, factor)
    console.print(table)
    for (small, large), found in study.crossings().items():
        where = "do not cross here" if found is None else f"cross at {found:.2%}"
        console.print(f"distances {small} and {large} {where}")
    console.print("published: Lambda 2.14, 0.143 % a cycle at distance 7 (Google 2024)")
