"""``astralink qec calibrate`` and ``astralink qec mitigate``."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bridge.apps.cli.progress import picture_path, progress_bar, say_written
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.cli.tables import table as titled
from bridge.apps.interrupts import stoppable
from bridge.domain.errors import InputError

if TYPE_CHECKING:
    from bridge.apps.qec.calibration_study import CalibrationStudy, MitigationStudy
    from bridge.quantum.circuits.expectation import Estimate
    from bridge.quantum.montecarlo.workers import Workers

ProfileOption = Annotated[
    str, typer.Option(help="minimum, willow, heron, or a file of the JSON format.")
]
WorkersOption = Annotated[int, typer.Option(help="Processes; the answer is the same.", min=1)]
SeedOption = Annotated[int, typer.Option(help="Another seed, other shots.", min=0)]
PicturesOption = Annotated[bool, typer.Option(help="Draw; needs the extra `plots`.")]


def calibrate(
    profile: ProfileOption = "minimum",
    coupling: Annotated[
        int, typer.Option(help="Number of the coupling; its qubits are measured too.", min=0)
    ] = 0,
    workers: WorkersOption = 1,
    picture: Annotated[
        Path | None,
        typer.Option(help="Pictures PICTURE.png and .svg; default: qec-calibrate here."),
    ] = None,
    pictures: PicturesOption = True,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> None:
    """Measure a simulated processor's T1, T2, gates and readout, beside what it was given."""
    from bridge.apps.qec.calibration_pictures import draw_calibration
    from bridge.apps.qec.calibration_study import STEPS, named_profile, study_calibration
    from bridge.quantum.circuits.minimum import shortfalls

    base = picture_path(picture, "qec-calibrate", pictures)
    hardware = named_profile(profile)
    if coupling >= len(hardware.couplings):
        raise InputError(f"coupling: expected 0 to {len(hardware.couplings) - 1}, got {coupling}")
    with stoppable(), progress_bar() as bar, _workers(workers) as pool:
        task = bar.add_task("two-qubit gate", total=STEPS)
        study = study_calibration(
            hardware,
            coupling,
            pool,
            seed,
            lambda words: bar.update(task, advance=1, description=words),
        )
    files = draw_calibration(study, base) if base else []
    short = shortfalls(hardware)
    if json:
        data = calibration_data(study) | {"below_minimum": short}
        print_json(data | {"pictures": [str(file) for file in files]})
    else:
        _show_calibration(Console(highlight=False), study, short)
    say_written(files)


def mitigate(
    profile: ProfileOption = "minimum",
    qubits: Annotated[int, typer.Option(help="Qubits of the circuit.", min=2, max=10)] = 3,
    depth: Annotated[int, typer.Option(help="Layers, and as many again.", min=1, max=50)] = 5,
    shots: Annotated[int, typer.Option(help="Of each circuit.", min=100)] = 20_000,
    workers: WorkersOption = 1,
    picture: Annotated[
        Path | None,
        typer.Option(help="Pictures PICTURE.png and .svg; default: qec-mitigate here."),
    ] = None,
    pictures: PicturesOption = True,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> None:
    """A circuit that does nothing, compiled and run with noise: its parity, and mitigated."""
    from bridge.apps.qec.calibration_pictures import draw_mitigation
    from bridge.apps.qec.calibration_study import (
        MITIGATION_STEPS,
        named_profile,
        study_mitigation,
    )

    base = picture_path(picture, "qec-mitigate", pictures)
    hardware = named_profile(profile)
    with stoppable(), progress_bar() as bar, _workers(workers) as pool:
        task = bar.add_task("compiling", total=MITIGATION_STEPS)
        study = study_mitigation(
            hardware,
            qubits,
            depth,
            shots,
            pool,
            seed,
            lambda words: bar.update(task, advance=1, description=words),
        )
    files = draw_mitigation(study, base) if base else []
    if json:
        print_json(mitigation_data(study) | {"pictures": [str(file) for file in files]})
    else:
        _show_mitigation(Console(highlight=False), study)
    say_written(files)


def _workers(count: int) -> AbstractContextManager[Workers]:
    from bridge.quantum.montecarlo.workers import here, processes

    return nullcontext(here()) if count == 1 else processes(count)


def calibration_data(study: CalibrationStudy) -> dict[str, Any]:
    """The study as JSON has it."""
    return {
        "simulated": True,
        "profile": study.profile.name,
        "pair": list(study.pair),
        "figures": [
            {
                "name": one.name,
                "unit": one.unit,
                "given": one.truth,
                "measured": one.measured.value,
                "standard_error": one.measured.standard_error,
                "sigmas": one.sigmas,
            }
            for one in study.found
        ],
        "noise": {
            name: {"profile": getattr(study.before, name), "measured": getattr(study.after, name)}
            for name in study.before.__slots__
        },
    }


def mitigation_data(study: MitigationStudy) -> dict[str, Any]:
    """The study as JSON has it."""
    before, after = study.reduction.before, study.reduction.after
    return {
        "simulated": True,
        "truth": 1.0,
        "plan": study.reduction.plan,
        "two_qubit_gates": {"before": before and before.two_qubit, "after": after.two_qubit},
        "depth": {"before": before and before.depth, "after": after.depth},
        "duration_ns": {"before": before and before.duration_ns, "after": after.duration_ns},
        "parity": {
            name: {"value": one.value, "standard_error": one.standard_error}
            for name, one in _ways(study)
        },
    }


def _ways(study: MitigationStudy) -> list[tuple[str, Estimate]]:
    return [
        ("as measured", study.raw),
        ("readout mitigated", study.readout),
        ("extrapolated", study.extrapolated.at_zero),
        ("both", study.both.at_zero),
    ]


def _show_calibration(console: Console, study: CalibrationStudy, short: list[str]) -> None:
    title = f"calibration of {study.profile.name} (simulated), coupling of {study.pair[0]} and "
    table = titled(f"{title}{study.pair[1]}", "figure", "given", "measured", "standard errors off")
    for one in study.found:
        unit = f" {one.unit}" if one.unit else ""
        table.add_row(
            one.name, f"{one.truth:.6g}{unit}", f"{one.measured}{unit}", f"{one.sigmas:.1f}"
        )
    console.print(table)
    table = titled(
        "noise of these two qubits, for codes and decoders",
        "operation",
        "by the profile",
        "as measured",
    )
    for name in study.before.__slots__:
        table.add_row(
            name.replace("_", " "),
            f"{getattr(study.before, name):.3%}",
            f"{getattr(study.after, name):.3%}",
        )
    console.print(table)
    for words in short:
        console.print(f"below the minimum: {words}", markup=False, soft_wrap=True)


def _show_mitigation(console: Console, study: MitigationStudy) -> None:
    before, after = study.reduction.before, study.reduction.after
    table = titled("the circuit", "", "translated", f"compiled, {study.reduction.plan}")
    for name in ("two_qubit", "depth", "duration_ns"):
        given = getattr(before, name) if before is not None else None
        table.add_row(
            name.replace("_", " "),
            "" if given is None else f"{given:,.0f}",
            f"{getattr(after, name):,.0f}",
        )
    console.print(table)
    table = titled("mean of the parity, in truth 1", "", "value", "off the truth")
    for name, one in _ways(study):
        table.add_row(name, str(one), f"{one.value - 1.0:+.4f}")
    console.print(table)
