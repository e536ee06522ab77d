"""Rates of lattice surgery as a picture, PNG and SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge.apps.qec.surgery_study import Row, worst
from bridge.apps.qkd.pictures import BLUE, FORMATS, GREY, ORANGE, RED, require_matplotlib

COLORS = (BLUE, ORANGE, RED, GREY)


def draw_surgery(rows: Sequence[Row], base: Path) -> list[Path]:
    """Writes ``base``.png and ``base``.svg and returns their paths: a panel for each operation."""
    names = list(dict.fromkeys(row.operation for row in rows))
    distances = sorted({row.distance for row in rows})
    noises = sorted({row.noise for row in rows})
    columns = min(3, len(names))
    lines = math.ceil(len(names) / columns)
    figure = require_matplotlib().Figure(
        figsize=(1.2 + 3.4 * columns, 0.8 + 2.9 * lines), layout="constrained"
    )
    from matplotlib import ticker

    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for panel, name in zip(panels, names, strict=False):
        for number, distance in enumerate(distances):
            _curve(panel, rows, name, distance, COLORS[number % len(COLORS)])
        panel.set_title(name, fontsize=11)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xticks(noises, [f"{p:g}" for p in noises])
        panel.xaxis.set_minor_locator(ticker.NullLocator())
        panel.grid(True, which="major", color="#e5e7eb")
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    panels[0].legend(frameon=False, fontsize=9)
    figure.supxlabel("probability of an error, each operation of the circuit", fontsize=10)
    figure.supylabel("logical error a shot, worst basis", fontsize=10)
    return save(figure, base, "surgery")


def _curve(panel: Any, rows: Sequence[Row], name: str, distance: int, color: str) -> None:
    # On a logarithmic axis no errors are no point.
    points = [(p, count) for p, count in worst(rows, name, distance) if count.errors]
    bounds = [count.interval() for _, count in points]
    rates = [count.rate for _, count in points]
    panel.errorbar(
        [p for p, _ in points],
        rates,
        yerr=[
            [rate - lower for rate, (lower, _) in zip(rates, bounds, strict=True)],
            [upper - rate for rate, (_, upper) in zip(rates, bounds, strict=True)],
        ],
        marker="o",
        markersize=4,
        capsize=2,
        linewidth=1.6,
        color=color,
        label=f"distance {distance}",
    )


def save(figure: Any, base: Path, salt: str) -> list[Path]:
    """A figure as ``base``.png and ``base``.svg; the same figure gives the same files."""
    from matplotlib import rc_context

    paths = [base.with_name(f"{base.name}.{kind}") for kind in FORMATS]
    with rc_context({"svg.hashsalt": salt}):
        for path, kind in zip(paths, FORMATS, strict=True):
            figure.savefig(path, dpi=160, metadata={"Date": None} if kind == "svg" else None)
    return paths
