"""``astralink state``: entangled states in memories, and the key that comes of some."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.progress import picture_path, progress_bar, say_written
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.interrupts import stoppable
from bridge.domain.errors import InputError
from bridge.domain.jsontext import parsed_json

app = typer.Typer(help="Entangled states in memories.", no_args_is_help=True)


@app.callback()
def _state() -> None:
    """Entangled states in simulated memories: what it prints is no key that anything uses."""


@app.command()
def demo(
    distance: Annotated[
        list[int] | None,
        typer.Option(help="Distances of the patches, odd; several times. The first is shown."),
    ] = None,
    held: Annotated[
        float, typer.Option(help="How long pairs are held, in us; a round of the code takes 1 us.")
    ] = 50.0,
    error: Annotated[
        float, typer.Option(help="Probability of an error of each operation of a patch.")
    ] = 0.001,
    shots: Annotated[
        int, typer.Option(help="Shots that measure each logical error rate.", min=100)
    ] = 100_000,
    rates: Annotated[
        Path | None,
        typer.Option(help="Logical error rates as `astralink bench qec --json` printed them."),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Pictures PICTURE-storage and -decoupling, PNG and SVG; default: state here."
        ),
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw; needs the extra `plots`.")] = True,
    seed: Annotated[
        int | None, typer.Option(help="Repeat what the states show; keys differ each time.", min=0)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Pairs in memories: generate, correct, admit, age, purify, swap, teleport, and a network.

    Bare memories and surface-code patches side by side. Needs the extra `codes`.
    """
    distances = tuple(distance or (5, 3))
    if not 1.0 <= held <= 1e4:
        raise InputError(f"held: expected 1 to 10,000 us, got {held}")
    base = picture_path(picture, "state", pictures)
    # The kernels and the code libraries, which no other command needs.
    from bridge.apps.state.storage import BARE_TIMES_S, ENCODED_TIMES_S, storage_study
    from bridge.apps.state.story import STEPS, StateStory
    from bridge.quantum.basis import Basis
    from bridge.quantum.codes.libraries import require
    from bridge.quantum.codes.noise import CircuitNoise
    from bridge.quantum.memory.lane import MemoryLane
    from bridge.quantum.memory.measured import MeasuredErrors, TabledErrors

    for library in ("stim", "pymatching", "networkx", "scipy"):
        require(library)
    noise = CircuitNoise.uniform(error)
    errors: MeasuredErrors | TabledErrors = MeasuredErrors(noise, shots)
    if rates is not None:
        errors = TabledErrors.of_figures(_figures(rates), noise)
        for one in distances:  # now, and not after minutes
            errors(one, 1, Basis.Z)
    rng = np.random.default_rng(seed)
    story = StateStory(distances[0], held * 1e-6, noise, rng)
    progress = progress_bar()
    total = len(STEPS)
    if base:
        total += len(BARE_TIMES_S) + len(distances) * len(ENCODED_TIMES_S)
    files: list[Path] = []
    study = None
    with stoppable(), progress:
        task = progress.add_task(STEPS[0], total=total)

        def tell(name: str) -> None:
            after = (*STEPS, "storage")[STEPS.index(name) + 1]
            progress.update(task, advance=1, description=after)

        data = story.run(tell)
        if base:
            study = storage_study(
                noise,
                errors,
                distances,
                MemoryLane.bare(0.0),
                advance=lambda: progress.advance(task),
                # Rates of rare events reach as far as an encoded memory does.
                longest_s=None if rates is None else 1.0,
            )
            files = _draw(study, base, rng)
    if study is not None:
        data["storage"] = _storage(study)
    data["pictures"] = [str(file) for file in files]
    if json:
        print_json(data)
    else:
        _show(Console(highlight=False), data)
    say_written(files)


def _figures(rates: Path) -> Any:
    try:
        return parsed_json(rates.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"rates: expected a file of JSON, got {rates}: {error}") from None


def _draw(study: Any, base: Path, rng: np.random.Generator) -> list[Path]:
    from bridge.apps.state.decoupling import decoupling_study
    from bridge.apps.state.pictures import draw_decoupling, draw_storage
    from bridge.quantum.memory.protection import SlowNoise

    slow = decoupling_study(SlowNoise(4e4, 100e-6), 200e-6, rng)
    return [*draw_storage(study, base), *draw_decoupling(slow, base)]


def _storage(study: Any) -> dict[str, Any]:
    return {
        "block_bits": study.block_bits,
        "cycle_s": study.cycle_s,
        "series": [
            {
                "name": series.name,
                "distance": series.distance,
                "qubits": series.qubits,
                "points": [
                    {
                        "held_s": point.held_s,
                        "qber": point.qber,
                        "secret_fraction": point.secret_fraction,
                        "why": point.why,
                    }
                    for point in series.points
                ],
                "theory": [
                    {"held_s": at, "secret_fraction": finite, "endless": endless}
                    for at, finite, endless in series.curve
                ],
            }
            for series in study.series
        ],
    }


def _show(console: Console, data: dict[str, Any]) -> None:
    made, key = data["generate"], data["correct"]
    table = _table("pairs held in simulated memories, and the key of them", "", "")
    table.add_row(
        "surface code",
        f"distance {made['distance']}, {made['rounds']} rounds, "
        f"p = {100 * made['error_probability']:g} %",
    )
    table.add_row("physical qubits a half", f"{made['qubits_a_half']}")
    table.add_row("held", f"{1e6 * made['held_s']:g} us")
    table.add_row("sifted bits", f"{made['sifted_bits']:,}")
    table.add_row("wrong as they were measured", f"{made['raw_error_rate']:.2%}")
    table.add_row("syndromes beside them", f"{made['record_bytes']:,} bytes")
    table.add_row("flipped by their decoders", " and ".join(f"{n:,}" for n in key["flipped"]))
    table.add_row("wrong after that", f"{key['qber']:.2%}")
    table.add_row("disclosed in reconciliation", f"{key['leak_bits']:,} bits")
    table.add_row("key", f"{key['key_bits']:,} bits")
    table.add_row("secret bits of a sifted bit", f"{key['secret_fraction']:.3f}")
    bare = made["bare"]
    table.add_row(
        "the same in bare memories",
        f"{bare['key_bits']:,} bits at QBER {bare['expected_qber']:.1%}",
    )
    if bare["why"]:
        table.add_row("", bare["why"])
    state = data["admit"]
    table.add_row("admitted", f"fidelity {state['fidelity']:.4f}, {state['provenance']['source']}")
    console.print(table)

    age = data["age"]
    table = _table("fidelity in bare memories of 100 us", "after", *age["fidelity"])
    for place, held in enumerate(age["held_s"]):
        kept = (values[place] for values in age["fidelity"].values())
        table.add_row(f"{1e6 * held:g} us", *(f"{value:.4f}" for value in kept))
    console.print(table)

    table = _table("joining pairs", "", "seen", "expected")
    one = data["purify"]
    table.add_row("pairs purified", f"{one['kept']} of {one['tries']}",
                  f"{one['expected_success']:.1%}")  # fmt: skip
    table.add_row(
        f"fidelity, from {one['fidelity_before']:g}",
        f"{one['fidelity_after']:.4f}",
        f"{one['expected_fidelity']:.4f}",
    )
    one = data["swap"]
    table.add_row(
        f"three pairs of {one['fidelity_each']:g} swapped",
        f"{one['fidelity_joined']:.4f}",
        f"{one['fidelity_ideal_chain']:.4f} at once, by ideal gates",
    )
    one = data["teleport"]
    table.add_row(
        f"teleported through {one['pair_fidelity']:g}",
        f"{one['fidelity']:.4f}",
        f"{one['expected_fidelity']:.4f}",
    )
    console.print(table)

    table = _table("paths from alice to bob", "path", "purified", "fidelity", "key, bit/s")
    for route in data["network"]["routes"]:
        table.add_row(
            " - ".join(route["path"]),
            ", ".join(str(n) for n in route["purification_rounds"]),
            f"{route['fidelity']:.4f}",
            f"{route['key_bits_per_s']:,.0f}",
        )
    console.print(table)
    if "storage" in data:
        table = _table("secret bits of a sifted bit, by storage time", "memory", "qubits")
        table.add_column("simulated", justify="left")
        for series in data["storage"]["series"]:
            table.add_row(
                series["name"],
                f"{series['qubits']}",
                ", ".join(
                    f"{1e6 * p['held_s']:g} us: {p['secret_fraction']:.3f}"
                    for p in series["points"]
                ),
            )
        console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    return table
