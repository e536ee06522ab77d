"""The studies as pictures, PNG and SVG. matplotlib is optional: the extra ``plots`` brings it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.apps.qkd.pictures import FORMATS, GREY, ORANGE, require_matplotlib
from bridge.apps.state.decoupling import DecouplingStudy
from bridge.apps.state.storage import StorageSeries, StorageStudy

COLORS = ("#1f5fa8", "#0f8a5f", "#7a3fa0", "#b4232a", "#8a6d0b")


def draw_storage(study: StorageStudy, base: Path) -> list[Path]:
    """Secret fraction against storage time: writes ``base``.png and .svg; their paths."""
    figure, axes = _axes(9.6)
    for place, series in enumerate(study.series):
        color = ORANGE if series.distance == 0 else COLORS[(place - 1) % len(COLORS)]
        _storage(axes, series, color)
    axes.axvline(50.0, color=GREY, linestyle=":", linewidth=1.2)
    axes.text(51.5, 0.99, "50 µs", color=GREY, transform=axes.get_xaxis_transform(), va="top")
    axes.plot([], [], color=GREY, linewidth=1.0, linestyle="--", label="theory, endless string")
    _note(axes, "o", "a simulated block, its key")
    _note(axes, "x", "a simulated block without key")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("storage time [µs]")
    axes.set_ylabel("secret bits per sifted bit")
    axes.set_title(
        f"memory lane, p = {100.0 * study.noise.two_qubit:g} %, {1e6 * study.cycle_s:g} µs a "
        f"round, blocks of {study.block_bits:,} bits",
        fontsize=11,
    )
    return _save(figure, axes, base, "storage")


def _storage(axes: Any, series: StorageSeries, color: str) -> None:
    axes.plot(
        [1e6 * at for at, _, _ in series.curve],
        [fraction for _, fraction, _ in series.curve],
        color=color,
        linewidth=1.8,
        label=f"{series.name}: theory, such blocks",
    )
    axes.plot(
        [1e6 * at for at, _, _ in series.curve],
        [fraction for _, _, fraction in series.curve],
        color=color,
        linewidth=1.0,
        linestyle="--",
    )
    for with_key, marker in ((True, "o"), (False, "x")):
        points = [p for p in series.points if (p.secret_fraction > 0.0) is with_key]
        if not points:
            continue
        axes.plot(
            [1e6 * point.held_s for point in points],
            [point.secret_fraction for point in points],
            marker=marker,
            markersize=5,
            linestyle="none",
            color=color,
            clip_on=False,
            zorder=4,
        )


def draw_decoupling(study: DecouplingStudy, base: Path) -> list[Path]:
    """Coherence against time by pulses: writes ``base``.png and .svg; their paths."""
    figure, axes = _axes()
    for place, series in enumerate(study.series):
        color = COLORS[place % len(COLORS)] if series.pulses else ORANGE
        name = f"{series.pulses} pulses" if series.pulses != 1 else "1 pulse"
        axes.plot(
            [1e6 * at for at, _ in series.curve],
            [value for _, value in series.curve],
            color=color,
            linewidth=1.8,
            label=name,
        )
        axes.errorbar(
            [1e6 * at for at, _, _ in series.points],
            [value for _, value, _ in series.points],
            yerr=[2.0 * error for _, _, error in series.points],
            fmt="o",
            markersize=4,
            color=color,
            capsize=2,
        )
    _note(axes, "o", "sampled, with two deviations")
    axes.set_ylim(0.0, 1.03)
    axes.set_xlim(left=0.0)
    axes.set_xlabel("time [µs]")
    axes.set_ylabel("coherence left")
    axes.set_title(
        f"slow noise: {study.noise.sigma_rad_s / 1e3:g} · 10³ rad/s, correlated over "
        f"{1e6 * study.noise.tau_s:g} µs",
        fontsize=11,
    )
    return _save(figure, axes, base, "decoupling")


def _note(axes: Any, marker: str, label: str) -> None:
    axes.plot([], [], marker=marker, markersize=5, linestyle="none", color=GREY, label=label)


def _axes(width: float = 7.6) -> tuple[Any, Any]:
    figure = require_matplotlib().Figure(figsize=(width, 4.8), layout="constrained")
    return figure, figure.subplots()


def _save(figure: Any, axes: Any, base: Path, salt: str) -> list[Path]:
    axes.grid(True, which="major", color="#e5e7eb")
    axes.spines[["top", "right"]].set_visible(False)
    # Curves of stored key go everywhere: their names stand beside them.
    place = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if salt == "storage" else {}
    axes.legend(frameon=False, fontsize=8, **(place or {"loc": (0.5, 0.55)}))
    paths = [base.with_name(f"{base.name}-{salt}.{kind}") for kind in FORMATS]
    from matplotlib import rc_context

    # Without a date and a random salt, the same study is the same file.
    with rc_context({"svg.hashsalt": salt}):
        for path, kind in zip(paths, FORMATS, strict=True):
            metadata = {"Date": None} if kind == "svg" else None
            figure.savefig(path, dpi=160, metadata=metadata)
    return paths
