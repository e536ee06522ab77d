"""A study as a picture, PNG and SVG. matplotlib is optional: the extra ``plots`` brings it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.apps.qkd.study import Over, Study
from bridge.domain.errors import InputError

BLUE, ORANGE, GREY, RED = "#1f5fa8", "#d9730d", "#6b7280", "#b4232a"
FORMATS = ("png", "svg")

LABELS = {
    Over.DISTANCE: "fibre length [km]",
    Over.QBER: "QBER in the basis of the key [%]",
    Over.BLOCK: "sifted bits in a block",
}
UNITS = {
    "bit/s": "secret key rate [bit/s]",
    "bits a pulse": "secret key rate [bits per pulse]",
    "secret bits a sifted bit": "secret bits per sifted bit",
}


def require_matplotlib() -> Any:
    """``matplotlib.figure``, or an error that says how to get it."""
    try:
        from matplotlib import figure
    except ImportError:
        raise InputError(
            "pictures: expected matplotlib, it is not installed: "
            "pip install 'astralink-bridge[plots]', or leave the pictures out with --no-pictures"
        ) from None
    return figure


def draw(study: Study, base: Path) -> list[Path]:
    """Writes ``base``.png and ``base``.svg and returns their paths."""
    figure = require_matplotlib().Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    scale = 100.0 if study.over is Over.QBER else 1.0
    _curves(axes, study, scale)
    _runs(axes, study, scale)
    if study.published is not None:
        x, y = study.published
        axes.plot(
            [x],
            [y],
            marker="*",
            markersize=15,
            linestyle="none",
            color=RED,
            zorder=5,
            label=f"published, {x:g} km",
        )
    axes.set_xlabel(LABELS[study.over])
    axes.set_ylabel(UNITS[study.unit])
    if study.over is Over.BLOCK:
        axes.set_xscale("log")
        axes.set_ylim(bottom=0.0)
    elif study.over is Over.DISTANCE:
        axes.set_yscale("log")
        axes.set_xlim(left=min(p.at for p in study.points))
    else:
        axes.set_ylim(bottom=0.0)
        axes.set_xlim(left=0.0)
    what = "" if study.over is Over.BLOCK else f", blocks of {_power(study.block)} sifted bits"
    axes.set_title(f"{study.title}{what}", fontsize=11)
    axes.grid(True, which="major", color="#e5e7eb")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best")
    paths = [base.with_name(f"{base.name}.{kind}") for kind in FORMATS]
    from matplotlib import rc_context

    # Without a date and a random salt, the same study is the same file.
    with rc_context({"svg.hashsalt": study.over.value}):
        for path, kind in zip(paths, FORMATS, strict=True):
            metadata = {"Date": None} if kind == "svg" else None
            figure.savefig(path, dpi=160, metadata=metadata)
    return paths


def _curves(axes: Any, study: Study, scale: float) -> None:
    at = [point.at * scale for point in study.curve]
    for name, values, color, style in (
        ("theory, endless key", [p.endless for p in study.curve], GREY, "--"),
        ("theory, finite key", [p.finite for p in study.curve], BLUE, "-"),
    ):
        # On a logarithmic axis a rate of 0 is no point.
        shown = [v if v > 0.0 or study.over is not Over.DISTANCE else float("nan") for v in values]
        axes.plot(at, shown, color=color, linestyle=style, linewidth=1.8, label=name)


def _runs(axes: Any, study: Study, scale: float) -> None:
    with_key: list[tuple[float, float]] = []
    without: list[float] = []
    for point in study.points:
        for x, y in zip(point.seen, point.simulated, strict=True):
            if y > 0.0:
                with_key.append((x * scale, y))
            else:
                without.append(x * scale)
    if with_key:
        axes.plot(
            *zip(*with_key, strict=True),
            marker="o",
            markersize=4,
            linestyle="none",
            color=ORANGE,
            alpha=0.8,
            label="simulated blocks",
            zorder=4,
        )
    if without:
        axes.plot(
            without,
            [0.015] * len(without),
            transform=axes.get_xaxis_transform(),
            marker="x",
            markersize=5,
            linestyle="none",
            color=ORANGE,
            label="simulated, no key",
            clip_on=False,
        )


def _power(value: int) -> str:
    exponent = len(str(value)) - 1
    mantissa = value / 10**exponent
    lead = "" if mantissa == 1 else f"{mantissa:.3g} · "
    return f"{lead}$10^{{{exponent}}}$"
