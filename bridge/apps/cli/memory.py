"""``astralink qec memory``: one memory, or all codes and decoders side by side."""

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
from bridge.domain.errors import InputError

if TYPE_CHECKING:
    from bridge.quantum.codes.comparison import Compared
    from bridge.quantum.codes.experiment import MemoryExperiment
    from bridge.quantum.codes.noise import CircuitNoise

WIDTH = 128
CODES = ("surface", "colour", "bicycle-72", "bicycle-144")


def memory(
    code: Annotated[str, typer.Option(help=f"One of {', '.join(CODES)}.")] = "surface",
    distance: Annotated[int, typer.Option(help="Odd; of the surface and the colour code.")] = 5,
    rounds: Annotated[int | None, typer.Option(help="Default: the distance.")] = None,
    noise: Annotated[float, typer.Option(help="Of each operation.")] = 0.003,
    basis: Annotated[str, typer.Option(help="X or Z.")] = "Z",
    decoder: Annotated[
        str | None, typer.Option(help="A decoder of the table; default: the code's own.")
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(help="Surface code: commit to so many layers at a time, and buffer as many."),
    ] = None,
    shots: Annotated[int, typer.Option(help="Shots that are counted.")] = 10_000,
    compare: Annotated[
        bool, typer.Option(help="All codes and decoders instead, and what they cost.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="Of decoding, for each row of --compare.")] = 5.0,
    picture: Annotated[
        Path | None,
        typer.Option(help="With --compare: PICTURE.png and .svg; default: qec-memory here."),
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw; needs the extra `plots`.")] = True,
    seed: Annotated[int, typer.Option(help="Another seed, other shots.", min=0)] = 1,
    json: JsonOption = False,
) -> None:
    """Shots of a logical memory, decoded and counted."""
    from bridge.quantum.codes.noise import CircuitNoise

    uniform = CircuitNoise.uniform(noise)
    if compare:
        base = picture_path(picture, "qec-memory", pictures)
        _compare(uniform, noise, seconds, seed, base, json)
        return
    record = _one(code, distance, rounds, uniform, basis, decoder, window, shots, seed)
    record = {"simulated": True, "noise": noise, **record}
    if json:
        print_json(record)
        return
    table = Table(title=f"{code}, {record['decoder']}, noise {noise:.2%}", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in record.items():
        if name not in ("simulated", "code", "decoder", "noise"):
            text = f"{value:.3g}" if isinstance(value, float) else str(value)
            table.add_row(name.replace("_", " "), text)
    Console(highlight=False).print(table)


def _experiment(
    code: str, distance: int, rounds: int | None, noise: CircuitNoise, basis: str
) -> MemoryExperiment:
    from bridge.quantum.basis import Basis
    from bridge.quantum.codes.bicycle import bicycle, bicycle_memory
    from bridge.quantum.codes.colour import colour_memory
    from bridge.quantum.codes.surface import surface_memory

    if basis not in list(Basis):
        raise InputError(f"basis: expected X or Z, got {basis!r}")
    kept = Basis(basis)
    if code == "surface":
        return surface_memory(distance, distance if rounds is None else rounds, noise, kept)
    if code == "colour":
        return colour_memory(distance, distance if rounds is None else rounds, noise, kept)
    if code in CODES:
        chosen = bicycle(code.removeprefix("bicycle-"))
        return bicycle_memory(chosen, chosen.distance if rounds is None else rounds, noise, kept)
    raise InputError(f"code: expected one of {', '.join(CODES)}, got {code!r}")


def _one(
    code: str,
    distance: int,
    rounds: int | None,
    noise: CircuitNoise,
    basis: str,
    decoder: str | None,
    window: int | None,
    shots: int,
    seed: int,
) -> dict[str, Any]:
    from bridge.quantum.codes.counting import count_failures
    from bridge.quantum.codes.decoders import compile_decoder
    from bridge.quantum.codes.windows import WindowedMemory

    experiment = _experiment(code, distance, rounds, noise, basis)
    own = {"surface": "matching", "colour": "mobius"}.get(code, "bp-osd")
    name = decoder or own
    if window is None:
        compiled = compile_decoder(name, experiment.circuit)
    else:
        compiled = WindowedMemory(experiment, commit=window, buffer=window, decoder=name)
    batch = 1 << 12 if name in ("none", "matching", "correlated", "mobius") else 16
    with stoppable(), progress_bar() as progress:
        task = progress.add_task(f"{code}, {name}", total=shots)
        count = count_failures(
            experiment, compiled, shots, seed, lambda done: progress.advance(task, done), batch
        )
    rate = count.rate()
    a_round = rate.per_round(experiment.rounds, experiment.logical_qubits)
    return {
        "code": code,
        "decoder": name,
        "basis": basis,
        "distance": experiment.distance,
        "rounds": experiment.rounds,
        "window": window,
        "logical_qubits": experiment.logical_qubits,
        "data_qubits": experiment.data_qubits,
        "qubits": experiment.qubits,
        "shots": count.shots,
        "failures": count.failures,
        "per_shot": rate.value,
        "lower_95": rate.lower,
        "upper_95": rate.upper,
        "per_round": a_round.value,
        "per_round_lower_95": a_round.lower,
        "per_round_upper_95": a_round.upper,
        "decode_us": 1e6 * count.seconds / count.shots,
    }


def _compare(
    noise: CircuitNoise, p: float, seconds: float, seed: int, base: Path | None, json: bool
) -> None:
    from bridge.apps.qec.pictures import draw_comparison
    from bridge.quantum.codes.comparison import CONTENDERS, compare

    rows = []
    with stoppable(), progress_bar() as progress:
        task = progress.add_task("compiling", total=len(CONTENDERS))
        for contender in CONTENDERS:
            progress.update(task, description=f"{contender.code}, {contender.decoder}")
            rows.append(compare(contender, noise, seconds, seed))
            progress.advance(task)
    files = draw_comparison(rows, f"memories under noise of {p:.2%}", base) if base else []
    if json:
        data = {"simulated": True, "noise": p, "rows": [comparison_row(row) for row in rows]}
        print_json(data | {"pictures": [str(file) for file in files]})
    else:
        console = Console(highlight=False)
        # On a narrower screen lines are broken, and no figure is cut off.
        console.width = max(console.width, WIDTH)
        console.print(comparison_table(rows, p))
    say_written(files)


def comparison_row(row: Compared) -> dict[str, Any]:
    """A row as JSON has it."""
    return {
        "code": row.contender.code,
        "decoder": row.contender.decoder,
        "rounds": row.experiment.rounds,
        "logical_qubits": row.experiment.logical_qubits,
        "qubits": row.experiment.qubits,
        "qubits_each": row.qubits_each,
        "shots": row.count.shots,
        "failures": row.count.failures,
        "per_round": row.per_round.value,
        "lower_95": row.per_round.lower,
        "upper_95": row.per_round.upper,
        "decode_us": row.decode_us,
    }


def comparison_table(rows: Sequence[Compared], p: float) -> Table:
    """The rows as a table."""
    table = Table(
        title=f"error of one logical qubit in one round, noise {p:.2%}, 95 % bounds each side",
        title_justify="left",
    )
    for column in ("code", "decoder"):
        table.add_column(column, no_wrap=True)
    for column in ("qubits each", "failed", "error", "between", "us a shot"):
        table.add_column(column, justify="right")
    for row in rows:
        rate = row.per_round
        table.add_row(
            row.contender.code,
            row.contender.decoder,
            f"{row.qubits_each:.0f}",
            f"{row.count.failures:,} of {row.count.shots:,}",
            f"{rate.value:.1e}" if rate.value else "",
            f"{rate.lower:.1e} {rate.upper:.1e}",
            f"{row.decode_us:,.1f}",
        )
    return table
