"""``astralink qkd``: blocks of the simulated link, and studies of its key rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.table import Table

from bridge.apps.cli.distilling import qkd as bench_qkd
from bridge.apps.cli.progress import picture_path, progress_bar, say_written
from bridge.apps.cli.root import JsonOption, print_json
from bridge.apps.interrupts import stoppable
from bridge.apps.qkd.blocks import (
    ADVERSARIES,
    SINGLE_PHOTON,
    Simulation,
    adversary,
    at_distance,
    named_link,
    run_block,
    run_single_photons,
)
from bridge.apps.qkd.pictures import draw
from bridge.apps.qkd.study import Over, Study, grid, study
from bridge.domain.errors import BlockRejected, InputError
from bridge.quantum.entropy.assess import LEAST_BITS, STANDARD_BITS, assess
from bridge.quantum.entropy.source import checked_randomness
from bridge.quantum.link.presets import PRESETS, PROTOCOLS, preset
from bridge.quantum.link.randomness import Randomness
from bridge.quantum.rates.security import Security

app = typer.Typer(help="The simulated key link.", no_args_is_help=True)

ProtocolOption = Annotated[
    str | None,
    typer.Option(help=f"One of {', '.join(PROTOCOLS)}; default: decoy."),
]
PresetOption = Annotated[
    str | None, typer.Option(help=f"A published experiment: {', '.join(PRESETS)}.")
]
SeedOption = Annotated[
    int | None,
    typer.Option(help="Repeat a study; default: the system's randomness, health-tested."),
]


@app.callback()
def _qkd() -> None:
    """The simulated key link: what it prints is no key that anything uses."""


@app.command()
def run(
    protocol: Annotated[
        str | None,
        typer.Option(
            help=f"One of {', '.join((*PROTOCOLS, SINGLE_PHOTON))}; default: decoy.",
        ),
    ] = None,
    preset_name: Annotated[
        str | None,
        typer.Option("--preset", help=f"A published experiment: {', '.join(PRESETS)}."),
    ] = None,
    pulses: Annotated[
        int | None,
        typer.Option(help="Pulses of the block; default: 10^10, 2^18 single photons.", min=1),
    ] = None,
    distance: Annotated[
        float | None, typer.Option(help="Length of the fibre in km; default: the link's own.")
    ] = None,
    by: Annotated[
        Simulation,
        typer.Option(help="Simulate by counts, by events (clicks), or pulse by pulse."),
    ] = Simulation.COUNTS,
    someone: Annotated[
        str | None,
        typer.Option(
            "--adversary",
            help=f"NAME:STRENGTH, such as {next(iter(ADVERSARIES))}:0.1; "
            f"names: {', '.join(ADVERSARIES)}.",
        ),
    ] = None,
    seed: SeedOption = None,
    json: JsonOption = False,
) -> None:
    """One block from pulses to key length, every stage counted.

    Exit code 5 when the block is discarded; the reason is in the JSON and on stderr.
    """
    rng = _randomness(seed)
    attacker = adversary(someone)
    progress = Console(stderr=True, highlight=False)
    with stoppable(), progress.status("simulating"):
        if protocol == SINGLE_PHOTON:
            if preset_name is not None:
                raise InputError(
                    f"expected a protocol or a preset, got {protocol} and {preset_name}"
                )
            name = SINGLE_PHOTON
            record = run_single_photons(pulses or 1 << 18, distance, attacker, rng)
        else:
            link, name = named_link(protocol, preset_name)
            security = Security()
            if preset_name is not None:
                efficiency = preset(preset_name).correction_efficiency
                security = replace(security, correction_efficiency=efficiency)
            record = run_block(
                at_distance(link, distance), pulses or 10**10, by, attacker, security, rng
            )
    record = {"link": name, "simulated": True, "adversary": someone or "nobody", **record}
    if preset_name is not None and record["discarded"] is None:
        clock = preset(preset_name).clock_hz
        record["key_bits_per_s"] = record["key_bits"] / record["stages"]["pulses"] * clock
    if json:
        print_json(record)
    else:
        _show(Console(highlight=False), record)
    if record["discarded"] is not None:
        reason, words = record["discarded"]["reason"], record["discarded"]["words"]
        raise BlockRejected(f"block discarded: {reason}: {words}" if reason else words)


@app.command()
def sweep(
    over: Annotated[Over, typer.Option(help="What is varied.")] = Over.DISTANCE,
    protocol: ProtocolOption = None,
    preset_name: Annotated[
        str | None,
        typer.Option("--preset", help=f"A published experiment: {', '.join(PRESETS)}."),
    ] = None,
    start: Annotated[
        float | None, typer.Option("--from", help="Least km, share of errors, or bits.")
    ] = None,
    stop: Annotated[
        float | None, typer.Option("--to", help="Most km, share of errors, or bits.")
    ] = None,
    points: Annotated[int, typer.Option(help="Points of the sweep.", min=2, max=1000)] = 41,
    runs: Annotated[int, typer.Option(help="Blocks simulated at each.", min=1, max=100)] = 3,
    block: Annotated[
        int | None,
        typer.Option(help="Sifted key bits of a block; default: the preset's, else 10^8.", min=1),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Pictures PICTURE.png and PICTURE.svg; default: qkd-OVER here."),
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw; needs the extra `plots`.")] = True,
    seed: SeedOption = None,
    json: JsonOption = False,
) -> None:
    """Key rate against distance, QBER or block size: simulated blocks on the theory's curves."""
    base = picture_path(picture, f"qkd-{over.value}", pictures)
    link, title = named_link(protocol, preset_name)
    chosen = preset(preset_name) if preset_name is not None else None
    security = Security(correction_efficiency=chosen.correction_efficiency if chosen else 1.16)
    size = block or (chosen.block if chosen else 10**8)
    abscissas = grid(over, start, stop, points)
    progress = progress_bar()
    with stoppable(), progress:
        task = progress.add_task(f"{title} over {over.value}", total=len(abscissas))
        result = study(
            link,
            title,
            over,
            abscissas,
            size,
            runs,
            security,
            _randomness(seed),
            chosen,
            lambda: progress.advance(task),
        )
    files = draw(result, base) if base else []
    if json:
        print_json(_data(result, files))
    else:
        _show_study(Console(highlight=False), result)
    say_written(files)


app.command("bench")(bench_qkd)


@app.command()
def entropy(
    file: Annotated[
        Path | None,
        typer.Option(help="Bytes of a source, each read highest bit first; default: the system's."),
    ] = None,
    bits: Annotated[
        int, typer.Option(help="How many bits to look at.", min=LEAST_BITS)
    ] = STANDARD_BITS,
    json: JsonOption = False,
) -> None:
    """What a source of randomness is worth: the non-IID estimate of SP 800-90B, bit by bit."""
    with stoppable(), Console(stderr=True).status("estimating"):
        result = assess(_source_bits(file, bits))
    data = {
        "source": "system" if file is None else str(file),
        "bits": result.samples,
        "min_entropy": result.min_entropy,
        "estimates": dict(result.estimates),
    }
    if json:
        print_json(data)
        return
    table = Table(title=f"{result.samples:,} bits of {data['source']}", title_justify="left")
    table.add_column("estimate")
    table.add_column("bits of min-entropy a bit", justify="right")
    for name, value in result.estimates.items():
        table.add_row(name, f"{value:.4f}")
    table.add_section()
    table.add_row("least", f"{result.min_entropy:.4f}")
    Console(highlight=False).print(table)


def _source_bits(file: Path | None, count: int) -> npt.NDArray[np.uint8]:
    if file is None:
        return checked_randomness().bits(count)
    try:
        with file.open("rb") as source:
            read = source.read(-(-count // 8))
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    if 8 * len(read) < count:
        raise InputError(f"{file}: expected at least {count} bits, got {8 * len(read)}")
    return np.unpackbits(np.frombuffer(read, dtype=np.uint8), count=count)


def _randomness(seed: int | None) -> Randomness:
    return checked_randomness() if seed is None else Randomness.seeded(seed)


def _show(console: Console, record: dict[str, Any]) -> None:
    who = "" if record["adversary"] == "nobody" else f", adversary {record['adversary']}"
    table = Table(title=f"simulated link {record['link']}{who}", title_justify="left")
    table.add_column("stage")
    table.add_column("count", justify="right")
    table.add_column("share of pulses", justify="right")
    pulses = record["stages"]["pulses"]
    for name, count in record["stages"].items():
        table.add_row(name.replace("_", " "), f"{count:,}", f"{count / pulses:.3g}")
    for intensity in record.get("intensities", ()):
        table.add_row(f"gain at mean {intensity['mean']:g}", "", f"{intensity['gain']:.3g}")
    table.add_section()
    for name, value in record.get("estimates", {}).items():
        text = f"{value:.3%}" if "error" in name or "qber" in name else f"{value:,.0f}"
        table.add_row(name.replace("_", " "), text, "")
    for name in ("qber_z", "qber_x"):
        if name in record:
            table.add_row(name.replace("_", " "), f"{record[name]:.3%}", "")
    if "chsh" in record:
        s = record["chsh"]
        table.add_row("CHSH S", f"{s['value']:.4f} ± {s['standard_error']:.4f}", "")
        table.add_row(f"S with {s['confidence']:.0%} confidence", f"> {s['lower']:.4f}", "")
    table.add_section()
    if record["discarded"] is None:
        table.add_row(
            "secret bits", f"{record['key_bits']:,}", f"{record['key_bits'] / pulses:.3g}"
        )
        if "key_bits_per_s" in record:
            table.add_row("secret bits a second", f"{record['key_bits_per_s']:,.0f}", "")
    else:
        table.add_row("secret bits", "discarded", "")
    console.print(table)


def _show_study(console: Console, result: Study) -> None:
    table = Table(title=f"{result.title}: {result.unit}", title_justify="left")
    for column in (result.over.value, "simulated, mean", "finite key", "endless key"):
        table.add_column(column, justify="right")
    for point in result.points:
        runs = point.simulated
        table.add_row(
            f"{point.at:.4g}",
            f"{sum(runs) / len(runs):.4g}" if runs else "",
            f"{point.finite:.4g}",
            f"{point.endless:.4g}",
        )
    console.print(table)


def _data(result: Study, files: list[Path]) -> dict[str, Any]:
    return {
        "link": result.title,
        "simulated": True,
        "over": result.over.value,
        "unit": result.unit,
        "block": result.block,
        "points": [
            {
                "at": point.at,
                "seen": list(point.seen),
                "simulated": list(point.simulated),
                "finite": point.finite,
                "endless": point.endless,
            }
            for point in result.points
        ],
        "pictures": [str(file) for file in files],
    }
