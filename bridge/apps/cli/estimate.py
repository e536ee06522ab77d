"""``astralink qec estimate``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.progress import progress_bar
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.interrupts import stoppable

if TYPE_CHECKING:
    from bridge.quantum.codes.confidence import Rate
    from bridge.quantum.codes.estimate import Estimate
    from bridge.quantum.codes.threshold import Suppression


def estimate(
    qubits: Annotated[int, typer.Option(help="Qubits of the machine.")] = 50,
    t1: Annotated[float, typer.Option(help="Relaxation time in us.")] = 100.0,
    t2: Annotated[float, typer.Option(help="Coherence time in us.")] = 100.0,
    gate_fidelity: Annotated[float, typer.Option(help="Average, of one and two qubits.")] = 0.999,
    readout_fidelity: Annotated[float, typer.Option(help="Average, of a measurement.")] = 0.99,
    cycle: Annotated[float, typer.Option(help="A round of the code in us.")] = 1.0,
    wait: Annotated[
        float, typer.Option(help="Of it, what data qubits wait for the others, in us.")
    ] = 0.5,
    target: Annotated[
        float, typer.Option(help="Error of a logical qubit in a round and one basis.")
    ] = 1e-7,
    patches: Annotated[int, typer.Option(help="Logical qubits that are kept.")] = 1,
    storage: Annotated[float, typer.Option(help="How long they are kept, in us.")] = 1000.0,
    states: Annotated[int, typer.Option(help="Magic states to be made.")] = 0,
    state_target: Annotated[float, typer.Option(help="Error of a magic state.")] = 1e-7,
    shots: Annotated[
        int, typer.Option(help="Shots at each of the distances 3, 5, 7 under this noise.", min=3000)
    ] = 100_000,
    seed: Annotated[int, typer.Option(help="Another seed, other shots.", min=0)] = 1,
    json: JsonOption = False,
) -> None:
    """What a target error takes: qubits, rounds, time, factories. Default: the least machine."""
    from bridge.quantum.codes import estimate as estimating
    from bridge.quantum.codes.hardware import HardwareFigures
    from bridge.quantum.codes.memory_rates import measured_rounds
    from bridge.quantum.codes.threshold import suppression

    hardware = HardwareFigures(qubits, t1, t2, gate_fidelity, readout_fidelity, cycle, wait)
    workload = estimating.Workload(target, patches, storage, states, state_target)
    distances = (3, 5, 7)
    with stoppable(), progress_bar() as progress:
        task = progress.add_task("measuring distances 3, 5, 7", total=len(distances) * shots)
        rates = measured_rounds(
            distances,
            hardware.noise(),
            lambda _: shots,
            seed,
            lambda done: progress.advance(task, done),
        )
    fit = suppression(rates)
    found = estimating.estimate(
        hardware,
        workload,
        lambda distance: rates[distance].value if distance in rates else fit.per_round(distance),
    )
    if json:
        print_json(_data(found, rates, fit))
    else:
        _show(Console(highlight=False), found, rates, fit)


def _data(found: Estimate, rates: dict[int, Rate], fit: Suppression) -> dict[str, Any]:
    return {
        "simulated": True,
        "hardware": asdict(found.hardware),
        "noise": asdict(found.hardware.noise()),
        "workload": asdict(found.workload),
        "measured": {
            str(d): {"per_round": r.value, "lower_95": r.lower, "upper_95": r.upper}
            for d, r in rates.items()
        },
        "lambda": {"value": fit.factor, "standard_error": fit.standard_error},
        "fits": {"distance": found.fits, "per_round": found.fits_error},
        "needed": {
            "distance": found.distance,
            "per_round": found.distance_error,
            "extrapolated": found.distance is not None and found.distance not in rates,
            "memory_qubits": found.memory_qubits,
            "qubits": found.qubits,
            "rounds": found.rounds,
            "time_us": found.time_us,
            "failure": found.failure,
            "factory": None if found.factory is None else asdict(found.factory),
        },
        "reached": found.reached,
        "words": found.words(),
    }


def _show(console: Console, found: Estimate, rates: dict[int, Rate], fit: Suppression) -> None:
    table = Table(title="under this machine's noise, simulated", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for distance, rate in rates.items():
        table.add_row(f"error a round, distance {distance}", f"{rate.value:.2e}")
    table.add_row("Lambda", f"{fit.factor:.2f} ± {fit.standard_error:.2f}")
    table.add_section()
    if found.distance is not None:
        how = "" if found.distance in rates else ", extrapolated"
        table.add_row("distance for the target", f"{found.distance}{how}")
        table.add_row("qubits of the patches", f"{found.memory_qubits:,}")
        table.add_row("rounds", f"{found.rounds:,}")
        table.add_row("time", f"{found.time_us:,.1f} us")
        table.add_row("failure of the whole storage", f"{found.failure:.2g}")
    if found.factory is not None:
        made = found.factory
        table.add_section()
        table.add_row("15-to-1 factory", f"{made.levels} level, distance {made.distance}")
        table.add_row("its qubits", f"{made.qubits:,}")
        table.add_row("rounds a state", f"{made.rounds:.0f}")
        table.add_row("error a state", f"{made.state_error:.2g}")
    elif found.workload.states:
        table.add_row("15-to-1 factory", "none is good enough")
    console.print(table)
    for line in found.words():
        console.print(line, soft_wrap=True)
