"""Studies of codes as pictures, PNG and SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge.apps.qec.threshold_study import GOOGLE, Threshold
from bridge.apps.qkd.pictures import FORMATS, GREY, ORANGE, RED, require_matplotlib
from bridge.quantum.codes.comparison import Compared

SHADES = ("#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b")


def draw_threshold(study: Threshold, base: Path) -> list[Path]:
    """Error a round over noise, one curve a distance, with the crossing; and Lambda over noise."""
    figure = require_matplotlib().Figure(figsize=(11.0, 4.6), layout="constrained")
    curves, factors = figure.subplots(1, 2)
    percent = [100.0 * p for p in study.noise]
    for shade, (distance, rates) in zip(
        _shades(len(study.rates)), sorted(study.rates.items()), strict=True
    ):
        shown = [(x, rate) for x, rate in zip(percent, rates, strict=True) if rate.value > 0.0]
        curves.errorbar(
            [x for x, _ in shown],
            [rate.value for _, rate in shown],
            yerr=[
                [rate.value - rate.lower for _, rate in shown],
                [rate.upper - rate.value for _, rate in shown],
            ],
            marker="o",
            markersize=4,
            capsize=2,
            color=shade,
            label=f"distance {distance}",
        )
    found = [p for p in study.crossings().values() if p is not None]
    if found:
        curves.axvspan(100.0 * min(found), 100.0 * max(found), color=ORANGE, alpha=0.25)
        curves.axvline(100.0 * found[-1], color=ORANGE, label=f"crossing, {found[-1]:.2%}")
    curves.set(xscale="log", yscale="log", ylabel="logical error a round")
    curves.set_title(f"rotated surface code, {study.decoder}", fontsize=11)

    known = [(x, s) for x, s in zip(percent, study.suppressions(), strict=True) if s is not None]
    factors.errorbar(
        [x for x, _ in known],
        [s.factor for _, s in known],
        yerr=[1.645 * s.standard_error for _, s in known],
        marker="o",
        markersize=4,
        capsize=2,
        color=SHADES[3],
        label="simulated, uniform noise",
    )
    factors.axhline(float(GOOGLE["lambda"]), color=RED, linestyle="--")  # type: ignore[arg-type]
    factors.text(
        percent[-1], 1.03 * float(GOOGLE["lambda"]), "Google 2024: 2.14",  # type: ignore[arg-type]
        color=RED, ha="right",
    )  # fmt: skip
    factors.axhline(1.0, color=GREY, linestyle=":")
    factors.text(percent[0], 1.03, "threshold", color=GREY)
    factors.set(xscale="log", yscale="log", ylabel="Lambda")
    factors.set_title("two more of distance divide the error by", fontsize=11)
    for axes in (curves, factors):
        axes.set_xlabel("error of each operation [%]")
        _percent_axis(axes, percent)
        _finish(axes)
    factors.set_yticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    factors.minorticks_off()
    return save(figure, base, "threshold")


def draw_comparison(rows: Sequence[Compared], title: str, base: Path) -> list[Path]:
    """Error a round against qubits for each logical qubit; arrows where no failure was seen."""
    figure = require_matplotlib().Figure(figsize=(7.6, 4.8), layout="constrained")
    axes = figure.subplots()
    kinds = {"colour": ORANGE, "bicycle": RED}
    marks = {"none": "x", "matching": "o", "correlated": "s", "belief-matching": "D",
             "bp-osd": "^", "mobius": "v"}  # fmt: skip
    for row in rows:
        rate, kind = row.per_round, row.experiment.code
        y = rate.value or rate.upper
        axes.errorbar(
            [row.qubits_each],
            [y],
            yerr=[[y - rate.lower if rate.value else 0.6 * y], [rate.upper - y]],
            uplims=rate.value == 0.0,
            marker=marks[row.contender.decoder],
            color=kinds.get(kind) or SHADES[min(row.experiment.distance // 3, len(SHADES) - 1)],
            linestyle="none",
            capsize=2,
            label=f"{row.contender.code}, {row.contender.decoder}",
        )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="qubits for each logical qubit",
        ylabel="error of a logical qubit in a round",
    )
    axes.set_xticks([20, 50, 100, 200, 400], ["20", "50", "100", "200", "400"])
    axes.minorticks_off()
    axes.set_title(title, fontsize=11)
    _finish(axes)
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return save(figure, base, "comparison")


def _shades(count: int) -> list[str]:
    step = (len(SHADES) - 1) / max(count - 1, 1)
    return [SHADES[round(at * step)] for at in range(count)]


def _percent_axis(axes: Any, percent: list[float]) -> None:
    ticks = [x for x in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0) if percent[0] <= x <= percent[-1] * 1.01]
    axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
    axes.tick_params(axis="x", which="minor", labelbottom=False)


def _finish(axes: Any) -> None:
    axes.grid(True, which="major", color="#e5e7eb")
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="best", fontsize=9)


def save(figure: Any, base: Path, salt: str) -> list[Path]:
    """Writes ``base``.png and ``base``.svg and returns their paths."""
    from matplotlib import rc_context

    paths = [base.with_name(f"{base.name}.{kind}") for kind in FORMATS]
    # Without a date and a random salt, the same study is the same file.
    with rc_context({"svg.hashsalt": salt}):
        for path, kind in zip(paths, FORMATS, strict=True):
            figure.savefig(path, dpi=160, metadata={"Date": None} if kind == "svg" else None)
    return paths
